"""Waiting for a condition, with words about what was waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

_LOOK_EVERY_S = 0.1

T = TypeVar("T")


async def until(what: str, look: Callable[[], Awaitable[T | None]], within_s: float) -> T:
    """The first true value of `look`; `AssertionError` with `what` and the last value when `within_s` is over."""
    deadline = time.monotonic() + within_s
    while True:
        value = await look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what}; last seen: {value!r}")
        await asyncio.sleep(_LOOK_EVERY_S)
