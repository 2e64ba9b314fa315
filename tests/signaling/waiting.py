"""Waiting for what the world shows only when it is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

WAIT_S = 5.0


async def until(condition: Callable[[], object | Awaitable[object]]) -> None:
    """Look every few milliseconds until the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return
            await asyncio.sleep(0.005)
