"""Scenario 13: how long a viewer behind a slow link waits for the first picture."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any, Final

import numpy as np
from playwright.async_api import Browser

from bench import first_frame
from bench.link.model import LinkConditions
from bench.link.relay import Address
from bench.live.stage import Stage
from bench.live.viewer import PROJECTOR, through_link

ID: Final = 13
TITLE: Final = "coming in on 300 kbit/s"
DOWN: Final = LinkConditions(rate_bps=300e3, delay_s=0.05)
UP: Final = LinkConditions(delay_s=0.05)
WANTED: Final = {"opened_p95_s": (0.0, 1.2)}
WITHIN_S: Final = 30.0


async def join(on: Stage, home: Browser, times: int) -> dict[str, Any]:
    """The viewer's link is opened so many times, one after the other; only media goes through the slow link.

    `opened…` counts from the navigation; `first_frame…` from the connection's being ready, as a simulation does.
    """
    on.relay.down.set(DOWN)
    on.relay.up.set(UP)
    link = on.lesson.links["viewer"]
    await _open(home, link, on.relay.address)  # warm, as after the first lesson
    found = [await _open(home, link, on.relay.address) for _ in range(times)]
    opened = [marks["first_frame"] / 1000 for marks in found]
    ready = [(marks["first_frame"] - marks["dtls_connected"]) / 1000 for marks in found]
    return {
        "opened_p95_s": round(float(np.percentile(opened, 95)), 3),
        "opened_p50_s": round(statistics.median(opened), 3),
        "first_frame_p95_s": round(float(np.percentile(ready, 95)), 3),
        "first_frame_p50_s": round(statistics.median(ready), 3),
        "joins": times,
    }


async def _open(home: Browser, link: str, relay: Address) -> dict[str, float]:
    """The page's marks, ms after the navigation began (bench/first_frame.js)."""
    context = await home.new_context(locale="ru-RU", viewport=PROJECTOR)
    try:
        page = await context.new_page()
        await page.add_init_script(path=first_frame.SCRIPT)
        await page.add_init_script(script=through_link(relay))
        await page.goto(link, wait_until="commit")
        async with asyncio.timeout(WITHIN_S):
            marks: dict[str, float] = await page.evaluate("firstFrame")
        return marks
    finally:
        await context.close()
