"""The media plane with real browsers on both sides: what is sent is seen and heard."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from functools import partial
from itertools import pairwise

import pytest

from streaming.control import Slot
from tests.browser.conftest import Enter
from tests.browser.network import udp_blocked
from tests.browser.raw_client import Frame, RawClient
from tests.browser.waiting import until
from tests.serving import Lesson, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

HIGH, MIDDLE, LOW = 540, 270, 135
"""Heights of the three encodings of the 960x540 camera."""


async def begin(enter: Enter, lesson: Lesson, **options: object) -> RawClient:
    """A teacher who publishes in a live lesson."""
    teacher = await enter(lesson.tokens["teacher"], "Анна Петровна")
    await teacher.do("set_live", state="live")
    await teacher.publish(**options)
    return teacher


async def test_two_viewers_on_different_layers_see_and_hear(server: Server, enter: Enter) -> None:
    lesson = server.create_lesson()
    teacher = await begin(enter, lesson)
    big = await enter(lesson.tokens["class"], "Хандыга СОШ")
    small = await enter(lesson.tokens["viewer"], "Зритель")
    await asyncio.gather(
        big.subscribe(teacher_audio=0, teacher_video=0), small.subscribe(teacher_audio=0, teacher_video=LOW)
    )
    await asyncio.gather(
        big.wait_seen(Slot.TEACHER_VIDEO, frames=30, height=HIGH, within_s=20),
        small.wait_seen(Slot.TEACHER_VIDEO, frames=30, height=LOW, within_s=20),
        big.wait_heard(Slot.TEACHER_AUDIO),
        small.wait_heard(Slot.TEACHER_AUDIO),
    )
    sent = await teacher.outbound()
    assert {rid for rid, report in sent.items() if report.get("framesEncoded")} >= {"f", "h", "q"}
    assert (await big.inbound(Slot.TEACHER_VIDEO))["codec"] == "video/VP9"
    for viewer in (big, small):
        assert_forwards(await viewer.frames(Slot.TEACHER_VIDEO))


async def test_a_layer_switch_does_not_freeze(server: Server, enter: Enter) -> None:
    """Up, down and up again. A machine that is busy elsewhere also halts pictures: one calm round of three will do."""
    lesson = server.create_lesson()
    await begin(enter, lesson)
    viewer = await enter(lesson.tokens["viewer"], "Зритель")
    await viewer.subscribe(teacher_audio=0, teacher_video=LOW)
    await viewer.wait_seen(Slot.TEACHER_VIDEO, frames=30, height=LOW, within_s=20)
    longest_ms: list[float] = []
    while not longest_ms or (min(longest_ms) > 500 and len(longest_ms) < 3):
        start = await viewer.now_ms()
        for height in (HIGH, LOW, MIDDLE):
            await viewer.view(Slot.TEACHER_VIDEO, height)
            await viewer.wait_seen(Slot.TEACHER_VIDEO, frames=20, height=height)
        shown = [frame for frame in await viewer.frames(Slot.TEACHER_VIDEO) if frame.at_ms >= start]
        assert_forwards(shown)
        assert {frame.height for frame in shown} == {HIGH, MIDDLE, LOW}
        longest_ms.append(max(later.at_ms - earlier.at_ms for earlier, later in pairwise(shown)))
    assert min(longest_ms) <= 500


async def test_the_teacher_reloads_the_page(server: Server, enter: Enter) -> None:
    lesson = server.create_lesson()
    teacher = await enter(lesson.tokens["teacher"], "Анна Петровна")
    await teacher.do("set_live", state="live")
    await teacher.publish()
    viewer = await enter(lesson.tokens["viewer"], "Зритель")
    await viewer.subscribe(teacher_audio=0, teacher_video=0)
    await viewer.wait_seen(Slot.TEACHER_VIDEO, within_s=20)

    resume = await teacher.page.evaluate("() => client.welcome.resume")
    await teacher.load(server.origin)
    reloaded = time.monotonic()
    assert (await teacher.join(lesson.tokens["teacher"], "Анна Петровна", resume))["resumed"]
    await teacher.publish()
    await viewer.wait_seen(Slot.TEACHER_VIDEO, frames=3)
    assert time.monotonic() - reloaded <= 3.0
    await viewer.wait_heard(Slot.TEACHER_AUDIO)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may block UDP")
async def test_firewalls_without_udp(server: Server, enter: Enter) -> None:
    """Both the teacher and the class come over TCP, to the same port number."""
    lesson = server.create_lesson()
    with udp_blocked(server.media_port):
        teacher = await begin(enter, lesson)
        viewer = await enter(lesson.tokens["class"], "Тикси СОШ № 1")
        await viewer.subscribe(teacher_audio=0, teacher_video=LOW)
        await viewer.wait_seen(Slot.TEACHER_VIDEO, within_s=20)
        await viewer.wait_heard(Slot.TEACHER_AUDIO)
        assert (await teacher.protocol("publish"), await viewer.protocol()) == ("tcp", "tcp")


async def test_two_lessons_never_mix(server: Server, enter: Enter) -> None:
    """Two lessons on the same port of the same process: each viewer gets its own lesson's colour and tone only."""
    wanted = {"red": 440, "blue": 880}
    viewers: dict[str, RawClient] = {}
    for colour, tone in wanted.items():
        lesson = server.create_lesson(colour)
        await begin(enter, lesson, colour=colour, tone=tone, rids=[])
        viewers[colour] = await enter(lesson.tokens["viewer"], "Зритель")
        await viewers[colour].subscribe(teacher_audio=0, teacher_video=0)
    for colour, viewer in viewers.items():
        await viewer.wait_seen(Slot.TEACHER_VIDEO, frames=30, within_s=20)
        red, green, blue = await viewer.colour(Slot.TEACHER_VIDEO)
        assert (red > 150, green < 90, blue > 150) == (colour == "red", True, colour == "blue")
        assert await viewer.loudest(Slot.TEACHER_AUDIO) == pytest.approx(wanted[colour], abs=15)


async def test_a_class_gets_the_floor(server: Server, enter: Enter) -> None:
    lesson = server.create_lesson()
    teacher = await begin(enter, lesson)
    speaker = await enter(lesson.tokens["class"], "Орлик СОШ")
    viewer = await enter(lesson.tokens["viewer"], "Зритель")
    await viewer.subscribe(floor_audio=0, floor_video=LOW)
    await speaker.do("set_hand", up=True)
    me = await speaker.page.evaluate("() => client.welcome.participant_id")
    await teacher.do("offer_floor", participant_id=me)
    await until("the offer of the floor", lambda: speaker.messages("floor_offered"), within_s=5)
    await speaker.do("answer_floor", accept=True)
    await speaker.publish()
    await viewer.wait_seen(Slot.FLOOR_VIDEO, within_s=15)
    await viewer.wait_heard(Slot.FLOOR_AUDIO)

    await teacher.do("take_floor")
    await until("the end of the floor", lambda: speaker.messages("floor_ended"), within_s=5)
    await until("an empty slot", lambda: is_empty(viewer, Slot.FLOOR_VIDEO), within_s=10)


async def test_a_killed_media_process(server: Server, enter: Enter) -> None:
    lesson = server.create_lesson()
    teacher = await begin(enter, lesson)
    viewer = await enter(lesson.tokens["viewer"], "Зритель")
    await viewer.subscribe(teacher_audio=0, teacher_video=LOW)
    await viewer.wait_seen(Slot.TEACHER_VIDEO, within_s=20)

    killed = time.monotonic()
    for pid in server.media_pids():
        os.kill(pid, signal.SIGKILL)
    for client in (teacher, viewer):
        await until("word of the lost media process", partial(lost_media, client), within_s=10)
    await asyncio.gather(teacher.publish(), viewer.subscribe(teacher_audio=0, teacher_video=LOW))
    await viewer.wait_seen(Slot.TEACHER_VIDEO, frames=3)
    assert time.monotonic() - killed <= 10.0
    await viewer.wait_heard(Slot.TEACHER_AUDIO)


async def test_a_partial_lesson_counts_minutes(server: Server, enter: Enter) -> None:
    """Nothing reaches a class that has switched the feed off; what it has had is counted."""
    lesson = server.create_lesson(kind="partial")
    teacher = await begin(enter, lesson)
    klass = await enter(lesson.tokens["class"], "Хандыга СОШ")
    await klass.subscribe(teacher_audio=0, teacher_video=LOW)
    await klass.do("set_feed", on=True)
    await klass.wait_seen(Slot.TEACHER_VIDEO, within_s=20)
    await klass.do("set_feed", on=False)

    async def counted() -> bool:
        changes = [message["participant"] for message in await teacher.messages("participant_changed")]
        mine = [change for change in changes if change["role"] == "class"][-1:]
        return bool(mine) and not mine[0]["feed_on"] and 0 < mine[0]["feed_minutes"] < 1

    await until("the minutes that the class was live", counted, within_s=5)
    at_rest = partial(is_still, klass, Slot.TEACHER_VIDEO)
    await until("an end of pictures and sound", at_rest, within_s=5)


def assert_forwards(frames: list[Frame]) -> None:
    """The stream's time (RTP, 32 bits: it may wrap) never goes back. A frame may be painted twice."""
    assert len(frames) > 10
    for earlier, later in pairwise(frames):
        assert 0 <= (later.rtp - earlier.rtp) % 2**32 < 2**31


async def is_empty(client: RawClient, slot: Slot) -> bool:
    """The last that the client was told of the slot is that nothing flows there."""
    states = [message["state"] for message in await client.messages("slot_changed")]
    last = [state for state in states if state["slot"] == slot][-1:]
    return bool(last) and not last[0]["flowing"]


async def is_still(client: RawClient, slot: Slot) -> bool:
    """No packet has come in the slot for a second, by the time of the last one (of the clock of its report)."""
    report = await client.inbound(slot)
    return bool(report["timestamp"] - report["lastPacketReceivedTimestamp"] > 1000)


async def lost_media(client: RawClient) -> bool:
    return bool(await client.messages("media_lost"))
