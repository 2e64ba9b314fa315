"""The microphone once more at 14 kbit/s: sent while somebody needs it, and heard by who has no room for more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.async_api import Browser

from bench.link.model import LinkConditions
from bench.live.recording import Sound
from bench.live.stage import stage
from bench.live.viewer import ViewerPage, viewing
from tests.browser.lesson_page import LessonPage
from tests.browser.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

NARROW = LinkConditions(rate_bps=60e3, delay_s=0.05, buffer_s=1.0)

_MICROPHONES = """async () => {
  const pc = window.__webclass.pcs.publish;
  const senders = pc.getTransceivers().filter((one) => one.sender.track?.kind === "audio").map((one) => one.mid);
  const reports = [...(await pc.getStats()).values()].filter((one) => one.type === "outbound-rtp");
  return senders.map((mid) => {
    const report = reports.find((one) => one.mid === mid);
    return { packets: report?.packetsSent ?? 0, bytes: (report?.bytesSent ?? 0) + (report?.headerBytesSent ?? 0) };
  });
}"""


async def microphones(teacher: LessonPage) -> list[dict[str, int]]:
    """What the teacher's page has sent of its microphone: in full, and the saving way."""
    found: list[dict[str, int]] = await teacher.page.evaluate(_MICROPHONES)
    return found


async def test_it_is_sent_to_who_needs_it(browser: Browser, tmp_path: Path) -> None:
    async with stage(tmp_path, browser, seed=1) as on:

        async def full_flows() -> bool:
            sent = await microphones(on.teacher)
            return len(sent) == 2 and sent[0]["packets"] > 50

        await until("the microphone is sent", full_flows, 20)
        assert (await microphones(on.teacher))[1]["packets"] == 0, "nobody needs the saving sound"

        on.relay.down.set(NARROW)
        async with viewing(browser, on.lesson.links["viewer"], on.relay.address) as viewer:
            await viewer.wait_connected()

            async def saving_flows() -> bool:
                return (await microphones(on.teacher))[1]["packets"] > 20

            await until("the saving sound is sent", saving_flows, 30)
            before, since = (await microphones(on.teacher))[1], time.monotonic()
            heard_before = await heard(viewer)

            async def long_enough() -> bool:
                return (await microphones(on.teacher))[1]["packets"] - before["packets"] > 100

            await until("six seconds of it", long_enough, 20)
            after, took = (await microphones(on.teacher))[1], time.monotonic() - since
            packets_a_second = (after["packets"] - before["packets"]) / took
            assert packets_a_second < 1000 / 60 * 1.1
            assert (after["bytes"] - before["bytes"]) * 8 / took < 25_000
            heard_now = await heard(viewer)
            packets = heard_now.useful_packets - heard_before.useful_packets
            assert 10 < packets / took < 25, "the viewer gets the saving sound, not the full one"
            concealed = heard_now.concealed - heard_before.concealed
            assert concealed < 0.1 * (heard_now.samples - heard_before.samples)


async def heard(viewer: ViewerPage) -> Sound:
    look = await viewer.look()
    assert look is not None
    assert look.sound is not None
    return look.sound
