"""A publisher's uplink: its page's word reaches the media process, a short one is told; schools that are declared."""

from __future__ import annotations

from school.tables import InvitationRole
from signaling import messages as m
from signaling.effects import TellUplink
from signaling.links import grade
from signaling.media_rules import link_report
from signaling.messages import LessonState, Link, Role
from signaling.seats import Seat
from signaling.services import Services
from streaming import control
from streaming.control import LinkReport, Slot, Source
from tests.signaling.fake_media import FakeMedia
from tests.signaling.rooms import CAMERA, MICROPHONE, Held, held, sent
from tests.signaling.web import Client, join, make_lesson


def in_lesson() -> tuple[Held, Seat, Seat]:
    h = held(state=LessonState.LIVE)
    teacher, viewer = h.enter(Role.TEACHER), h.enter(Role.VIEWER)
    h.publish(teacher, MICROPHONE, CAMERA)
    return h, teacher, viewer


def report(seat: Seat, *, short: bool, estimate_bps: int = 420_000) -> LinkReport:
    return LinkReport(
        lesson_id="L",
        peer_id=seat.publish_peer,
        role="publisher",
        estimate_bps=estimate_bps,
        bitrate_bps=400_000,
        loss=0.0,
        rtt_ms=0.0,
        short=short,
    )


def words(h: Held) -> list[TellUplink]:
    return [effect for effect in h.seen if isinstance(effect, TellUplink)]


def test_the_pages_word_is_handed_on_and_not_too_often() -> None:
    h, teacher, _ = in_lesson()
    for _ in range(3):
        h.say(teacher, m.ReportSending(available_bps=420_000, short=True))
    h.pass_time(5.0)
    h.say(teacher, m.ReportSending(available_bps=900_000, short=False))
    assert words(h) == [
        TellUplink(teacher.publish_peer, 420_000, True),
        TellUplink(teacher.publish_peer, 900_000, False),
    ]


def test_who_does_not_publish_is_not_heard() -> None:
    h, _, _ = in_lesson()
    klass = h.enter(Role.CLASS)
    h.say(klass, m.ReportSending(available_bps=1, short=True))
    assert words(h) == []


def test_a_short_uplink_is_told_to_its_owner_and_to_who_watches() -> None:
    h, teacher, viewer = in_lesson()
    link_report(h.room, report(teacher, short=True), h.at)
    told = h.drain()
    assert [each.short for each in sent(told, m.OwnLink, teacher)] == [True]
    changed = {each.state.slot: each.state.short for each in sent(told, m.SlotChanged, viewer)}
    assert changed == {Slot.TEACHER_VIDEO: True, Slot.STAGE_VIDEO: True}
    link_report(h.room, report(teacher, short=True), h.at)
    assert sent(h.drain(), m.SlotChanged) == []
    link_report(h.room, report(teacher, short=False, estimate_bps=0), h.at)
    assert {each.state.short for each in sent(h.drain(), m.SlotChanged, viewer)} == {False}


def test_a_new_connection_begins_without_that_word() -> None:
    h, teacher, _ = in_lesson()
    link_report(h.room, report(teacher, short=True), h.at)
    h.publish(teacher, MICROPHONE, CAMERA)
    assert not any(slot.short for slot in h.room.slots())


def test_a_short_uplink_is_no_good_link() -> None:
    _, teacher, _ = in_lesson()
    assert grade(report(teacher, short=True, estimate_bps=250_000)) is Link.POOR
    assert grade(report(teacher, short=True)) is Link.FAIR
    assert grade(report(teacher, short=False)) is Link.GOOD


async def test_the_word_reaches_the_media_process(client: Client, services: Services, media: FakeMedia) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    await teacher.do(m.OfferPublish(sdp="v=0", sources={"0": Source.MICROPHONE}))
    await teacher.do(m.ReportSending(available_bps=420_000, short=True))
    told = await media.wait_for(control.TellUplink)
    assert (told.peer_id, told.believed_bps, told.short) == (f"{teacher.id}.publish", 420_000, True)


async def test_classes_of_declared_schools_share_a_link_with_their_own_only(
    client: Client, services: Services, media: FakeMedia
) -> None:
    """All of them come from one address, as behind a carrier's NAT."""
    lesson = await make_lesson(services)
    links = []
    for place in ("Хандыга СОШ", "хандыга  сош", "Тикси №1", ""):
        invitation = await services.invitations.create(
            lesson.lesson_id,
            InvitationRole.CLASS,
            valid_hours=1,
            created_by="test",
            now=services.wall(),
            place=place,
        )
        page = await join(client, services.invitations.token(invitation))
        await page.do(m.OfferSubscribe(sdp="v=0", slots={"0": Slot.TEACHER_VIDEO}))
        links.append(media.of(control.Subscribe)[-1].link)
    first, same, other, undeclared = links
    assert first == same != ""
    assert other not in ("", first)
    assert undeclared == ""  # this very computer
