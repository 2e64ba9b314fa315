"""A lesson for one scenario: the real server, a teacher's page beside it, a relay before it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser

from bench.link.model import LinkConditions
from bench.link.relay import Direction, LinkRelay
from bench.live.recording import Estimated, LinkLook, Phase, Recording, link_state, played
from bench.live.viewer import ViewerPage, viewing
from infra.settings import Settings
from signaling.seats import peer_id
from streaming.control import MESSAGE_MAX_BYTES, LinkReport, Slot, decode_reply
from streaming.net.addresses import local_addresses
from tests.browser.lesson_page import LessonPage
from tests.browser.waiting import until
from tests.serving import Lesson, Server, serving

LOOPBACK: Final = "127.0.0.1"
"""The relay's own side towards the server, so that the server sees the viewer at another address than the teacher."""
PUBLISHING_WITHIN_S: Final = 30.0
LINK_LOOK_S: Final = 0.05
RECEIVED_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """A lesson that is live, without viewers yet."""

    server: Server
    lesson: Lesson
    teacher: LessonPage
    relay: LinkRelay

    def troubles(self) -> list[str]:
        """What went wrong in the server itself, whatever the link was like."""
        lines = (line for line in self.server.log().splitlines() if line.startswith("{"))
        events = (json.loads(line) for line in lines)
        return [
            f"in the server: {event['event']} {event.get('kind', '')}".strip() for event in events if _is_trouble(event)
        ]


def _is_trouble(event: dict[str, Any]) -> bool:
    return event.get("level") in {"error", "critical"} or event.get("kind") == "media_process_lost"


@asynccontextmanager
async def stage(folder: Path, school: Browser, seed: int) -> AsyncIterator[Stage]:
    """A server of its own for each scenario, since it remembers what a school's link has carried."""
    async with serving(folder) as server:
        lesson = server.create_lesson()
        page = await school.new_page()
        relay = LinkRelay(
            (local_addresses()[0], 0),
            (LOOPBACK, server.media_port),
            Direction(LinkConditions(), seed),
            Direction(LinkConditions(), seed + 1),
        )
        try:
            teacher = LessonPage(page)
            await teacher.enter(lesson.links["teacher"], "Анна Петровна")
            await teacher.press("start-lesson")
            await until("the lesson is live", lambda: _publishing(teacher), PUBLISHING_WITHIN_S)
            yield Stage(server, lesson, teacher, relay)
        finally:
            relay.close()
            await page.close()


async def _publishing(page: LessonPage) -> bool:
    return (await page.state()).get("publishing") == "connected"


async def play(on: Stage, home: Browser, phases: Sequence[Phase]) -> Recording:
    """Bring a viewer in under the first phase's conditions, play all phases, tell what was seen."""
    recording = Recording()
    captured, began = (await _sent(on.teacher))["captured"], time.time()
    _set(on.relay, phases[0])
    on.relay.down.heed(lambda queued_s: recording.queued.append((time.time(), queued_s)))
    async with viewing(home, on.lesson.links["viewer"], on.relay.address) as viewer:
        await viewer.wait_connected()
        recording.connected = time.time()
        watchers = [
            asyncio.create_task(_watch_link(on.relay.down, recording)),
            asyncio.create_task(_watch_viewer(viewer, recording)),
            asyncio.create_task(_watch_estimates(on.server, await viewer.participant_id(), recording)),
        ]
        try:
            with _urgent():
                for phase in phases:
                    await _play_phase(on.relay, phase, recording, watchers)
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
        recording.frames += await viewer.frames()
    recording.source = await _sent(on.teacher)
    recording.captured_fps = (recording.source["captured"] - captured) / (time.time() - began)
    recording.late = on.relay.down.lateness
    return recording


@contextmanager
def _urgent() -> Iterator[None]:
    """The link keeps its times on a busy machine when this thread runs first; only root may ask for that."""
    if os.geteuid() != 0:
        yield
        return
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


async def _play_phase(relay: LinkRelay, phase: Phase, recording: Recording, watchers: list[asyncio.Task[None]]) -> None:
    """Raises what a watcher raised meanwhile."""
    _set(relay, phase)
    before, since = link_state(relay.down.link), time.time()
    done, _ = await asyncio.wait(watchers, timeout=phase.length_s, return_when=asyncio.FIRST_COMPLETED)
    for watcher in done:
        watcher.result()
    recording.played.append(played(phase, since, time.time(), before, link_state(relay.down.link)))


def _set(relay: LinkRelay, phase: Phase) -> None:
    relay.down.set(phase.down)
    relay.up.set(phase.up)


async def _watch_link(down: Direction, recording: Recording) -> None:
    while True:
        counters = down.link.counters
        look = LinkLook(time.time(), down.queue_s(), counters.pushed_bytes, counters.delivered_bytes)
        recording.link.append(look)
        await asyncio.sleep(LINK_LOOK_S)


async def _watch_viewer(viewer: ViewerPage, recording: Recording) -> None:
    while True:
        if (look := await viewer.look()) is not None:
            recording.received.append(look)
        recording.frames += await viewer.frames()
        await asyncio.sleep(RECEIVED_LOOK_S)


async def _watch_estimates(server: Server, participant_id: str, recording: Recording) -> None:
    """The media process tells everybody on its bus."""
    bus = Settings(data_dir=server.folder / "data").bus_path(0)
    reader, writer = await asyncio.open_unix_connection(bus, limit=MESSAGE_MAX_BYTES)
    try:
        while line := await reader.readline():
            with suppress(ValueError):
                report = decode_reply(line)
                if isinstance(report, LinkReport) and report.peer_id == peer_id(participant_id, "subscribe"):
                    recording.estimates.append(_estimated(report))
    finally:
        writer.close()


def _estimated(report: LinkReport) -> Estimated:
    picture = next((slot for slot in report.slots if slot.slot is Slot.TEACHER_VIDEO), None)
    encoding, temporal = (picture.encoding, picture.temporal) if picture is not None else (-1, -1)
    return Estimated(time.time(), report.estimate_bps, report.bitrate_bps, report.loss, encoding, temporal)


_SENT = """async () => {
  const reports = [...(await window.__webclass.pcs.publish.getStats()).values()];
  const camera = reports.find((report) => report.type === "media-source" && report.kind === "video");
  return {
    captured: camera?.frames ?? 0,
    encodings: reports.filter((report) => report.type === "outbound-rtp" && report.bytesSent > 0).map((report) => ({
      rid: report.rid ?? `${report.kind}-${report.mid}`,
      height: report.frameHeight ?? null,
      frames: report.framesEncoded ?? null,
      bytes: report.bytesSent,
      target_bps: report.targetBitrate ?? null,
      limited: report.qualityLimitationReason ?? null,
    })),
  };
}"""


async def _sent(teacher: LessonPage) -> dict[str, Any]:
    """What the teacher's browser has captured and sent so far: pictures, encodings by rid, sounds by section."""
    found: dict[str, Any] = await teacher.page.evaluate(_SENT)
    return {"captured": found["captured"], **{report.pop("rid"): report for report in found["encodings"]}}
