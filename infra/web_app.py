"""The web process's application: signaling's routes, the pages, and what the operator looks at."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import network_url
from infra.metrics import WebMetrics, add_metrics
from infra.openapi import openapi_document
from infra.pages import add_pages
from infra.reception_metrics import ReceptionMetrics
from infra.security_headers import add_headers, https_for_others
from infra.settings import Settings
from infra.trust_page import add_trust_page
from signaling.app import add_routes
from signaling.routes import ROUTES
from signaling.services import Services

BODY_MAX_BYTES = 128 * 1024
READY_TIMEOUT_S = 2.0


def build_app(settings: Settings, services: Services, engine: AsyncEngine, authority: Path | None) -> web.Application:
    """`authority`: the local authority's certificate, when there is one."""
    metrics = WebMetrics(lambda: services.tally.counts)
    app = web.Application(
        middlewares=[metrics.middleware(), https_for_others(settings)],
        client_max_size=BODY_MAX_BYTES,
    )
    app.on_response_prepare.append(add_headers)
    _add_health(app, services, engine)
    add_metrics(app, settings, metrics)
    registry = add_routes(app, services)
    metrics.registry.register(ReceptionMetrics(registry.figures, services.clock))
    document = openapi_document(ROUTES)

    async def describe(request: web.Request) -> web.Response:
        return web.json_response(document)

    app.router.add_get("/api/openapi.json", describe)
    add_trust_page(app, authority, network_url(settings))
    add_pages(app, settings.web_dir)
    return app


def _add_health(app: web.Application, services: Services, engine: AsyncEngine) -> None:
    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(request: web.Request) -> web.Response:
        checks = {"database": await _database_answers(engine), "media": services.media.available}
        ready = all(checks.values())
        return web.json_response({"ready": ready, **checks}, status=200 if ready else 503)

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


async def _database_answers(engine: AsyncEngine) -> bool:
    try:
        async with asyncio.timeout(READY_TIMEOUT_S), engine.connect() as connection:
            await connection.execute(text("SELECT 1 FROM lesson LIMIT 1"))
    except (SQLAlchemyError, OSError, TimeoutError):
        return False
    return True
