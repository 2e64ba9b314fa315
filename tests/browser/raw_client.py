"""`raw_client.js` from Python: a participant without pages, for tests of the media plane."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from streaming.control import Slot
from tests.browser.waiting import until

SCRIPT = Path(__file__).with_name("raw_client.js")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was shown: `at_ms` of the page, RTP timestamp, height in pixels."""

    at_ms: float
    rtp: int
    height: int


class RawClient:
    """One participant in a page of its own."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, browser: Browser, origin: str) -> RawClient:
        page = await browser.new_page(ignore_https_errors=True)
        client = cls(page)
        await client.load(origin)
        return client

    async def load(self, origin: str) -> None:
        """Open (or reload) the blank page and put the script into it."""
        await self.page.goto(f"{origin}/healthz")
        await self.page.evaluate(SCRIPT.read_text(encoding="utf-8"))
        await self.page.evaluate("() => { window.client = new RawClient(); }")

    async def join(self, token: str, name: str, resume: str | None = None) -> dict[str, Any]:
        """The server's first message: `welcome` or `refused`."""
        message: dict[str, Any] = await self.page.evaluate(
            "([token, name, resume]) => client.join(token, name, resume)", [token, name, resume]
        )
        return message

    async def ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a message and wait for its reply."""
        reply: dict[str, Any] = await self.page.evaluate("message => client.ask(message)", {"type": type_, **fields})
        return reply

    async def do(self, type_: str, **fields: Any) -> None:
        """Like `ask`, but the server must agree."""
        reply = await self.ask(type_, **fields)
        assert reply.get("ok"), f"{type_} was refused: {reply}"

    async def publish(self, **options: Any) -> None:
        await self.page.evaluate("options => client.publish(options)", options)

    async def subscribe(self, **views: int) -> None:
        """Receive; `views` are slots with the height their picture has on the page (0: unlimited)."""
        await self.page.evaluate("views => client.subscribe({ views })", views)

    async def view(self, slot: Slot, height: int) -> None:
        await self.do("set_view", slot=slot, paused=False, height=height)

    async def messages(self, type_: str) -> list[dict[str, Any]]:
        """All messages of that type so far, oldest first, answers excepted."""
        found: list[dict[str, Any]] = await self.page.evaluate(
            "type => client.messages.filter((message) => message.type === type)", type_
        )
        return found

    async def inbound(self, slot: Slot) -> dict[str, Any]:
        """`inbound-rtp` statistics of the slot with `codec` added; empty before the first packet."""
        everything = await self.page.evaluate("() => client.statistics()")
        found: dict[str, Any] = (everything["subscribe"] or {"inbound": {}})["inbound"].get(slot, {})
        return found

    async def outbound(self) -> dict[str, dict[str, Any]]:
        """`outbound-rtp` statistics by rid; sound under `audio`."""
        everything = await self.page.evaluate("() => client.statistics()")
        reports = everything["publish"]["outbound"]
        return {report.get("rid", report["kind"]): report for report in reports}

    async def protocol(self, side: str = "subscribe") -> str:
        """What the connection runs over: `udp` or `tcp`."""
        everything = await self.page.evaluate("() => client.statistics()")
        return str(everything[side]["protocol"])

    async def frames(self, slot: Slot) -> list[Frame]:
        shown = await self.page.evaluate("slot => client.frames[slot] ?? []", slot)
        return [Frame(frame["at"], frame["rtp"], frame["height"]) for frame in shown]

    async def colour(self, slot: Slot) -> tuple[int, int, int]:
        """Mean red, green and blue (0–255) of what the slot shows now."""
        red, green, blue = await self.page.evaluate("slot => client.colour(slot)", slot)
        return red, green, blue

    async def loudest(self, slot: Slot) -> float:
        """The strongest frequency in the slot's sound over the last moments, Hz; steps of some 6 Hz."""
        return float(await self.page.evaluate("slot => client.loudest(slot)", slot))

    async def now_ms(self) -> float:
        """The page's clock, the one that `Frame.at_ms` is read from."""
        return float(await self.page.evaluate("() => performance.now()"))

    async def wait_seen(self, slot: Slot, *, frames: int = 15, height: int | None = None, within_s: float = 10) -> None:
        """`frames` more frames are decoded than now; the last one `height` pixels high where that is given."""
        start = (await self.inbound(slot)).get("framesDecoded", 0)

        async def seen() -> bool:
            now = await self.inbound(slot)
            return now.get("framesDecoded", 0) >= start + frames and height in {None, now.get("frameHeight")}

        await until(f"{frames} frames in {slot}, {height or 'any'} high", seen, within_s)

    async def wait_heard(self, slot: Slot, *, energy: float = 0.005, within_s: float = 10) -> None:
        """More sound than silence arrives: audio energy grows by `energy` (RFC: mean square times seconds)."""
        start = (await self.inbound(slot)).get("totalAudioEnergy", 0.0)

        async def heard() -> bool:
            return bool((await self.inbound(slot)).get("totalAudioEnergy", 0.0) >= start + energy)

        await until(f"sound in {slot}", heard, within_s)

    async def close(self) -> None:
        await self.page.close()
