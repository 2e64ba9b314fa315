"""What viewers need of a publisher reaches its page, also after it was away; a link's start reaches its viewers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signaling import messages as m
from signaling.link_keys import LinkKeys
from signaling.messages import ErrorCode, Role
from signaling.services import Services
from streaming import control
from streaming.control import Slot, Source
from tests.signaling.fake_media import FakeMedia
from tests.signaling.waiting import until
from tests.signaling.web import Client, LessonLinks, Page, School, join, make_lesson, web_process


class OneLink(LinkKeys):
    """Everybody comes through the same link."""

    def of(self, remote: str | None, place: str = "") -> str:
        return "school"


def told(media: FakeMedia, lesson: LessonLinks, page: Page, active: bool) -> None:
    wanted = [
        control.EncodingWanted(index=0, active=active, max_bitrate_bps=600_000, max_framerate=15),
        control.EncodingWanted(index=1, active=True),
    ]
    media.emit(
        control.EncodingsWanted(
            lesson_id=lesson.lesson_id, peer_id=f"{page.id}.publish", source=Source.CAMERA, encodings=wanted
        )
    )


async def publish(page: Page) -> None:
    sources = {"0": Source.MICROPHONE, "1": Source.MICROPHONE_LOW, "2": Source.CAMERA}
    await page.do(m.OfferPublish(sdp="v=0", sources=sources))


def wants(page: Page) -> list[bool]:
    return [message.encodings[0].active for message in page.received if isinstance(message, m.EncodingsWanted)]


async def test_only_the_publisher_is_told_and_again_after_a_resume(
    client: Client, services: Services, media: FakeMedia
) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    viewer = await join(client, lesson.tokens[Role.VIEWER])
    await publish(teacher)
    told(media, lesson, teacher, active=False)
    message = await teacher.wait(m.EncodingsWanted)
    assert message.source is Source.CAMERA
    assert message.encodings[0] == m.EncodingLimit(index=0, active=False, max_bitrate_bps=600_000, max_framerate=15)

    assert teacher.welcome is not None
    back = await join(client, lesson.tokens[Role.TEACHER], resume=teacher.welcome.resume)
    assert back.id == teacher.id
    assert not (await back.wait(m.EncodingsWanted)).encodings[0].active
    told(media, lesson, teacher, active=True)
    await back.wait(m.EncodingsWanted, lambda message: message.encodings[0].active)
    await viewer.do(m.Say(text="!"))
    assert wants(viewer) == []


async def test_a_fresh_connection_begins_without_limits(client: Client, services: Services, media: FakeMedia) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    await publish(teacher)
    told(media, lesson, teacher, active=False)
    await teacher.wait(m.EncodingsWanted)
    await publish(teacher)
    assert teacher.welcome is not None
    back = await join(client, lesson.tokens[Role.TEACHER], resume=teacher.welcome.resume)
    await back.do(m.SetLocked(locked=False))
    assert wants(back) == []


async def test_a_microphone_is_silenced_as_a_whole(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    klass = await join(client, lesson.tokens[Role.CLASS])
    low = m.SetMuted(participant_id=klass.id, source=Source.MICROPHONE_LOW, muted=True)
    answer = await teacher.ask(low)
    assert isinstance(answer, m.Reply)
    assert answer.code is ErrorCode.NOT_ALLOWED


async def test_viewers_of_one_link_begin_with_what_it_has_proven(school: School, media: FakeMedia) -> None:
    services = replace(school.services(), link_keys=OneLink(b""))
    async with web_process(services) as client:
        lesson = await make_lesson(services)
        first = await subscribed(client, lesson, media)
        assert (first.link, first.start_bps) == ("school", 0)
        media.emit(
            control.LinkReport(
                lesson_id=lesson.lesson_id,
                peer_id=first.peer_id,
                role="subscriber",
                estimate_bps=1_000_000,
                bitrate_bps=900_000,
                loss=0.0,
                rtt_ms=50.0,
            )
        )
        await until(lambda: services.link_memory.start_bps("school", first.peer_id, services.clock()) == 700_000)
        second = await subscribed(client, lesson, media)
        assert (second.link, second.start_bps) == ("school", 350_000)
    later = replace(school.services(), link_keys=OneLink(b""))
    async with web_process(later) as client:
        assert (await subscribed(client, lesson, media)).start_bps == pytest.approx(700_000)


async def subscribed(client: Client, lesson: LessonLinks, media: FakeMedia) -> control.Subscribe:
    page = await join(client, lesson.tokens[Role.VIEWER])
    await page.do(m.OfferSubscribe(sdp="v=0", slots={"0": Slot.TEACHER_VIDEO}))
    return await media.wait_for(control.Subscribe, lambda request: request.peer_id == f"{page.id}.subscribe")
