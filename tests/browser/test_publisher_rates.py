"""What a teacher's real browser makes of the rates that it is asked for, and what its page says of a thin uplink."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from bench.link.model import LinkConditions
from bench.link.relay import Direction, LinkRelay
from bench.live.stage import LOOPBACK, stage
from bench.live.viewer import through_link, viewing
from streaming.net.addresses import local_addresses
from tests.browser.lesson_page import LessonPage
from tests.browser.waiting import until
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

NARROW = LinkConditions(rate_bps=420e3, delay_s=0.05, buffer_s=1.0)
USUAL = {"f": 1_100_000, "h": 350_000, "q": 120_000}

_CAMERA = """async () => {
  const pc = window.__webclass.pcs.publish;
  const camera = pc?.getTransceivers().find((one) => one.sender.track?.kind === "video");
  if (!camera) return {};
  const reports = [...(await pc.getStats()).values()].filter((one) => one.type === "outbound-rtp");
  return Object.fromEntries(camera.sender.getParameters().encodings.map(({ rid, active, maxBitrate }) => {
    const sent = reports.find((one) => one.mid === camera.mid && one.rid === rid);
    return [rid, { active, asked_bps: maxBitrate, bytes: sent?.bytesSent ?? 0, fps: sent?.framesPerSecond ?? 0 }];
  }));
}"""


async def camera(teacher: LessonPage) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = await teacher.page.evaluate(_CAMERA)
    return found


async def test_an_encoding_goes_to_the_rate_that_its_viewer_has_room_for(browser: Browser, tmp_path: Path) -> None:
    async with stage(tmp_path, browser, seed=1) as on:

        async def changed() -> tuple[str, int] | None:
            """A rate that the page would not have chosen."""
            for rid, one in (await camera(on.teacher)).items():
                if one["active"] and one["fps"] > 0 and one["asked_bps"] != USUAL[rid]:
                    return rid, one["asked_bps"]
            return None

        async def sent_bps(rid: str, seconds: float) -> float:
            before, began = await camera(on.teacher), time.monotonic()

            async def over() -> bool:
                return time.monotonic() - began > seconds

            await until(f"{seconds} s", over, seconds + 10)
            after, took = await camera(on.teacher), time.monotonic() - began
            return float(after[rid]["bytes"] - before[rid]["bytes"]) * 8 / took

        on.relay.down.set(NARROW)
        async with viewing(browser, on.lesson.links["viewer"], on.relay.address) as viewer:
            await viewer.wait_connected()
            rid, asked_bps = await until("another rate is asked for", changed, 60)
            assert asked_bps < NARROW.rate_bps

            async def keeps_to_it() -> bool:
                asked = (await camera(on.teacher))[rid]["asked_bps"]
                return bool(0.3 * asked < await sent_bps(rid, 4) < 1.25 * asked)

            await until("the encoder keeps to it", keeps_to_it, 60)

            on.relay.down.set(LinkConditions(rate_bps=4e6, delay_s=0.05))

            async def more() -> bool:
                active: list[int] = [one["asked_bps"] for one in (await camera(on.teacher)).values() if one["active"]]
                return max(active) > 1.3 * asked_bps

            await until("more is asked for on a better link", more, 60)


async def test_a_thin_uplink_is_told_to_the_teacher_and_to_viewers(browser: Browser, tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        lesson = server.create_lesson()
        relay = LinkRelay(
            (local_addresses()[0], 0),
            (LOOPBACK, server.media_port),
            Direction(LinkConditions(), 1),
            Direction(NARROW, 2),
        )
        page, home = await browser.new_page(), await browser.new_page()
        try:
            teacher, viewer = LessonPage(page), LessonPage(home)
            await page.add_init_script(script=through_link(relay.address))
            await teacher.enter(lesson.links["teacher"], "Анна Петровна")
            await teacher.press("start-lesson")
            await viewer.enter(lesson.links["viewer"], "Лена")
            await expect(teacher.part("sending-uplink")).to_be_visible(timeout=90_000)
            await viewer.press("open-reception")
            await expect(viewer.part("reception")).to_have_attribute("data-reception", "sender_short", timeout=60_000)
            assert teacher.problems == viewer.problems == []
        finally:
            relay.close()
            await page.close()
            await home.close()
