"""Puts the routes of this folder into the web server and starts and stops what is behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from signaling.http import adapt
from signaling.link_test_session import LINK_TESTS, LinkTestSessions
from signaling.registry import Registry
from signaling.routes import ROUTES
from signaling.services import Services
from signaling.session import SESSIONS, Sessions


def add_routes(app: web.Application, services: Services) -> Registry:
    """The media bus is started and stopped with the application. Returns the lessons, for whoever measures them."""
    registry = Registry(services)
    sessions = app[SESSIONS] = Sessions(services, registry)
    link_tests = app[LINK_TESTS] = LinkTestSessions(services, registry)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, adapt(route, services, registry))

    async def run(_: web.Application) -> AsyncIterator[None]:
        await registry.start()
        yield
        await registry.close()

    async def let_go(_: web.Application) -> None:
        await asyncio.gather(sessions.close(), link_tests.close())

    app.cleanup_ctx.append(run)
    app.on_shutdown.append(let_go)
    return registry
