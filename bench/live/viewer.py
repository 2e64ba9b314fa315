"""A viewer's page in real Chromium whose media goes through the link, and what its browser says of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, ViewportSize

from bench.link.relay import Address
from bench.live.recording import Frame, Picture, Received, Sound
from tests.browser.lesson_page import LessonPage
from tests.browser.waiting import until

SCRIPT: Final = Path(__file__).with_suffix(".js")
PROJECTOR: Final[ViewportSize] = {"width": 1280, "height": 800}
"""Large enough to want the highest encoding."""
CONNECTED_WITHIN_S: Final = 30.0


def through_link(relay: Address) -> str:
    """The page's script, for the relay at this address."""
    host, port = relay
    return f"const LINK = {json.dumps({'host': host, 'port': port})};\n{SCRIPT.read_text(encoding='utf-8')}"


class ViewerPage:
    """One viewer; `look` and `frames` may be asked at any time."""

    def __init__(self, page: LessonPage) -> None:
        self._page = page

    async def look(self) -> Received | None:
        found = await self._page.page.evaluate("() => window.receiving()")
        return None if found is None else _received(found)

    async def frames(self) -> list[Frame]:
        """Pictures shown since the last call."""
        return [Frame(at, height) for at, height in await self._page.page.evaluate("() => window.takeFrames()")]

    async def participant_id(self) -> str:
        return str((await self._page.state())["participantId"])

    async def wait_connected(self) -> None:
        async def connected() -> bool:
            return (await self._page.state()).get("subscribing") == "connected"

        await until("the viewer's connection", connected, CONNECTED_WITHIN_S)


@asynccontextmanager
async def viewing(browser: Browser, link: str, relay: Address) -> AsyncIterator[ViewerPage]:
    """A fresh browser context that has opened the link and come into the lesson."""
    context = await browser.new_context(locale="ru-RU", viewport=PROJECTOR)
    try:
        page = LessonPage(await context.new_page())
        await page.page.add_init_script(script=through_link(relay))
        await page.enter(link, "5 «А»")
        yield ViewerPage(page)
    finally:
        await context.close()


def _received(found: dict[str, Any]) -> Received:
    return Received(found["at"], _sound(found["audio"]), _picture(found["video"]), found["rtt_s"], found["port"])


def _useful(report: dict[str, Any]) -> tuple[int, int]:
    """Bytes of payload and packets, without retransmissions."""
    size = report.get("bytesReceived", 0) - report.get("retransmittedBytesReceived", 0)
    return size, report.get("packetsReceived", 0) - report.get("retransmittedPacketsReceived", 0)


def _sound(report: dict[str, Any] | None) -> Sound | None:
    if report is None:
        return None
    return Sound(
        *_useful(report),
        report.get("totalSamplesReceived", 0),
        report.get("concealedSamples", 0),
        report.get("silentConcealedSamples", 0),
    )


def _picture(report: dict[str, Any] | None) -> Picture | None:
    if report is None:
        return None
    return Picture(
        *_useful(report),
        report.get("framesDecoded", 0),
        report.get("frameHeight", 0),
        report.get("freezeCount", 0),
        report.get("totalFreezesDuration", 0.0),
        report.get("jitterBufferDelay", 0.0),
        report.get("pliCount", 0),
        report.get("nackCount", 0),
    )
