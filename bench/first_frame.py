"""From a link to the first picture: the real server, the real pages, two real browsers."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.async_api import Browser, ViewportSize

from tests import footage
from tests.browser.chromium import chromium
from tests.browser.lesson_page import LessonPage
from tests.browser.network import own_network
from tests.browser.waiting import until
from tests.serving import serving

SCRIPT: Final = Path(__file__).with_suffix(".js")
PHONE: Final[ViewportSize] = {"width": 412, "height": 915}
WITHIN_S: Final = 30.0
PUBLISHING_S: Final = 30.0
REST_S: Final = 1.5
"""So that neither the end of one opening nor the new window, which Chromium furnishes for a second, is charged to the
next: a person's window is open when they follow the link."""


async def measure(openings: int) -> dict[str, Any]:
    """A lesson is live; a viewer's link is opened so many times, one after the other, in fresh browser contexts.

    Runs in a network of its own where it may (as root), so that no browser asks anything of anybody else.
    """
    camera, microphone = footage.camera(640, 360), footage.microphone()
    with own_network() if os.geteuid() == 0 else nullcontext(), tempfile.TemporaryDirectory() as folder:
        async with (
            serving(Path(folder)) as server,
            chromium(camera, microphone) as school,
            chromium() as home,
        ):
            lesson = server.create_lesson()
            teacher = LessonPage(await school.new_page())
            await teacher.enter(lesson.links["teacher"], "Анна Петровна")
            await teacher.press("start-lesson")
            await until("the lesson is live", lambda: _publishing(teacher), PUBLISHING_S)
            link = lesson.links["viewer"]
            await _open(home, link)  # a warm browser: programs loaded, caches of the system filled
            found = [await _open(home, link) for _ in range(openings)]
    return _summary(found)


async def _publishing(page: LessonPage) -> bool:
    return (await page.state()).get("publishing") == "connected"


async def _open(browser: Browser, link: str) -> dict[str, float]:
    """The page's marks, ms after the navigation began."""
    context = await browser.new_context(locale="ru-RU", viewport=PHONE)
    try:
        page = await context.new_page()
        await page.add_init_script(path=SCRIPT)
        await asyncio.sleep(REST_S)
        await page.goto(link, wait_until="commit")
        async with asyncio.timeout(WITHIN_S):
            marks: dict[str, float] = await page.evaluate("firstFrame")
        return marks
    finally:
        await context.close()


def _summary(openings: list[dict[str, float]]) -> dict[str, Any]:
    first = sorted(marks["first_frame"] / 1000 for marks in openings)
    steps = {name for marks in openings for name in marks}
    medians = {name: statistics.median(marks[name] for marks in openings if name in marks) for name in steps}
    return {
        "first_frame_p95_s": round(float(np.percentile(first, 95)), 3),
        "first_frame_p50_s": round(statistics.median(first), 3),
        "first_frame_max_s": round(first[-1], 3),
        "first_frame_openings": len(first),
        "first_frame_steps_ms": {name: round(medians[name]) for name in sorted(steps, key=lambda name: medians[name])},
    }
