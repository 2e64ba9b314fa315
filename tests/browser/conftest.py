"""A server, browsers and a network of their own for the tests in this folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, nullcontext

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests import footage
from tests.browser.chromium import chromium
from tests.browser.network import own_network
from tests.browser.raw_client import RawClient
from tests.serving import Server, serving

expect.set_options(timeout=15_000)  # two busy cores

Enter = Callable[[str, str], Awaitable[RawClient]]
"""`(token, name)` → a participant in a page of its own who has joined."""


@pytest.fixture(scope="package", autouse=True)
def network() -> Iterator[None]:
    """Root gets a network of its own; who is not tests on the machine's, where only blocking UDP is not possible."""
    footage.clip()  # fetched while there still is a way out
    with own_network() if os.geteuid() == 0 else nullcontext():
        yield


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def server(network: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser(network: None) -> AsyncIterator[Browser]:
    """For the media plane's tests: pages without anybody who could click."""
    devices = footage.camera(960, 540), footage.microphone()
    async with chromium(*devices, sound_without_gesture=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def enter(browser: Browser, server: Server) -> AsyncIterator[Enter]:
    async with AsyncExitStack() as pages:

        async def join(token: str, name: str) -> RawClient:
            client = await RawClient.open(browser, server.origin)
            pages.push_async_callback(client.close)
            first = await client.join(token, name)
            assert first["type"] == "welcome", first
            return client

        yield join
