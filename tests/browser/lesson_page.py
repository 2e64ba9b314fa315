"""The application's pages as a person uses them: a tab with somebody in front of it."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.waiting import until

_PICTURES = (
    """slot => document.querySelector(`video[data-testid=${slot}]`)?.getVideoPlaybackQuality().totalVideoFrames ?? 0"""
)
_SOUND = """async () => {
  const connection = window.__webclass?.pcs.subscribe;
  const reports = connection ? [...(await connection.getStats()).values()] : [];
  const sounds = reports.filter((report) => report.type === "inbound-rtp" && report.kind === "audio");
  return Math.max(0, ...sounds.map((report) => report.totalAudioEnergy ?? 0));
}"""


class LessonPage:
    """One tab in the lesson, or on the way into it. `problems` are the page's uncaught errors."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def part(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    async def open(self, link: str) -> None:
        await self.page.goto(link)

    async def enter(self, link: str, name: str) -> None:
        """From the link through the entry page into the lesson."""
        await self.open(link)
        await self.part("name").fill(name)
        await self.part("enter").click()
        await expect(self.part("entry")).to_be_hidden()

    async def press(self, testid: str) -> None:
        await self.part(testid).click()

    async def state(self) -> dict[str, Any]:
        """The page's own read-only window for tests."""
        found: dict[str, Any] = await self.page.evaluate("() => ({ ...window.__webclass, pcs: null })")
        return found

    async def wait_seen(self, slot: str, *, frames: int = 10, within_s: float = 15) -> None:
        """`frames` more frames are shown in the slot's picture than until now."""
        start = await self.page.evaluate(_PICTURES, slot)

        async def seen() -> bool:
            now = await self.page.evaluate(_PICTURES, slot)
            # A page that was loaded or connected anew begins to count from nothing.
            return bool(now >= start + frames or frames <= now < start)

        await until(f"{frames} frames shown in {slot}", seen, within_s)

    async def wait_heard(self, *, energy: float = 0.005, within_s: float = 15) -> None:
        start = await self.page.evaluate(_SOUND)

        async def heard() -> bool:
            now = await self.page.evaluate(_SOUND)
            return bool(now >= start + energy or energy <= now < start)

        await until("sound", heard, within_s)
