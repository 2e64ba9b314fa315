"""Connections, the web process and media processes are lost; participants come back to what was theirs."""

from __future__ import annotations

import asyncio

import pytest

from signaling import live
from signaling import messages as m
from signaling.classroom import HOLD_S
from signaling.messages import ErrorCode, Role
from signaling.services import Services
from signaling.signatures import ResumeSecret, read_resume, sign_resume
from signaling.socket_connection import CloseCode
from streaming import control
from streaming.control import ClosePeer, Feed, OpenRoom, PeerState, Publish, Slot, Source
from tests.signaling.fake_media import FakeMedia
from tests.signaling.waiting import until
from tests.signaling.web import SECRET, Client, School, join, knock, make_lesson, refusal, web_process

SDP = "v=0\r\n"
SOURCES = {"0": Source.MICROPHONE, "1": Source.CAMERA}
SLOTS = {"0": Slot.TEACHER_AUDIO, "1": Slot.TEACHER_VIDEO}


async def test_the_same_seat_within_a_minute(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    klass = await join(client, lesson.tokens[Role.CLASS], "Тикси")
    assert klass.welcome is not None
    assert not klass.welcome.resumed
    await klass.do(m.SetHand(up=True))
    await klass.socket.close()
    await teacher.wait(m.ParticipantChanged, lambda c: not c.participant.present)
    again = await join(client, lesson.tokens[Role.CLASS], resume=klass.welcome.resume)
    assert again.welcome is not None
    assert (again.welcome.resumed, again.id) == (True, klass.id)
    assert [(p.name, p.hand) for p in again.welcome.participants if p.participant_id == klass.id] == [("Тикси", True)]


async def test_another_seat_after_a_minute(client: Client, services: Services, school: School) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    klass = await join(client, lesson.tokens[Role.CLASS])
    assert klass.welcome is not None
    await klass.socket.close()
    await teacher.wait(m.ParticipantChanged, lambda c: not c.participant.present)
    school.clock.ahead_s += HOLD_S + 1
    await teacher.wait(m.ParticipantLeft)
    again = await join(client, lesson.tokens[Role.CLASS], resume=klass.welcome.resume)
    assert again.welcome is not None
    assert not again.welcome.resumed
    assert again.id != klass.id


async def test_the_secret_takes_over_a_living_connection(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    first = await join(client, lesson.tokens[Role.TEACHER])
    assert first.welcome is not None
    assert await refusal(await knock(client, lesson.tokens[Role.TEACHER])) == (ErrorCode.SEAT_TAKEN, CloseCode.REFUSED)
    second = await join(client, lesson.tokens[Role.TEACHER], resume=first.welcome.resume)
    assert await first.close_code() == CloseCode.TAKEN_OVER
    await second.do(m.SetLive(state="live"))


async def test_a_secret_that_was_tampered_with_or_is_of_another_lesson_opens_nothing(
    client: Client, services: Services
) -> None:
    one, two = await make_lesson(services), await make_lesson(services)
    teacher = await join(client, one.tokens[Role.TEACHER])
    assert teacher.welcome is not None
    secret = teacher.welcome.resume
    known = read_resume(SECRET, secret)
    assert known is not None
    forged = sign_resume(b"x" * 32, known)
    for resume in (forged, secret[:-1] + ("A" if secret[-1] != "A" else "B"), "", ".", "é.é", "x" * 4096):
        page = await knock(client, one.tokens[Role.TEACHER], resume=resume)
        assert await refusal(page) == (ErrorCode.SEAT_TAKEN, CloseCode.REFUSED)
    elsewhere = await join(client, two.tokens[Role.TEACHER], resume=secret)
    assert elsewhere.id != teacher.id
    viewer = await join(client, one.tokens[Role.VIEWER], resume=secret)
    assert viewer.welcome is not None
    assert viewer.welcome.role is Role.VIEWER
    assert viewer.id != teacher.id


def test_resume_secrets_read_back_only_whole() -> None:
    secret = ResumeSecret(lesson_id="L", participant_id="p", invitation_id="i", name="Орлик", generation=3, epoch=7)
    text = sign_resume(SECRET, secret)
    assert read_resume(SECRET, text) == secret
    assert all(read_resume(SECRET, text[:i] + text[i + 1 :]) is None for i in range(len(text)))


async def test_an_expired_token_does_not_resume(client: Client, services: Services, school: School) -> None:
    lesson = await make_lesson(services)
    klass = await join(client, lesson.tokens[Role.CLASS])
    assert klass.welcome is not None
    school.clock.ahead_s += 3601
    assert await refusal(klass) == (ErrorCode.EXPIRED, CloseCode.REFUSED)
    back = await knock(client, lesson.tokens[Role.CLASS], resume=klass.welcome.resume)
    assert await refusal(back) == (ErrorCode.EXPIRED, CloseCode.REFUSED)


async def test_a_standing_offer_of_the_floor_is_repeated_to_who_comes_back(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    klass = await join(client, lesson.tokens[Role.CLASS])
    assert klass.welcome is not None
    await teacher.do(m.SetLive(state="live"))
    await teacher.do(m.OfferFloor(participant_id=klass.id))
    await klass.socket.close()
    await teacher.wait(m.ParticipantChanged, lambda c: not c.participant.present)
    again = await join(client, lesson.tokens[Role.CLASS], resume=klass.welcome.resume)
    assert (await again.wait(m.FloorOffered)).expires_s < 30


# ---------------------------------------------------------------- the web process restarts


async def test_after_a_restart_of_the_web_process_seats_and_media_are_as_before(
    school: School, media: FakeMedia
) -> None:
    async with web_process(school.services()) as client:
        lesson = await make_lesson(school.services())
        teacher = await join(client, lesson.tokens[Role.TEACHER], "Анна")
        viewer = await join(client, lesson.tokens[Role.VIEWER])
        await teacher.do(m.SetLive(state="live"))
        await teacher.do(m.OfferPublish(sdp=SDP, sources=SOURCES))
        await viewer.do(m.OfferSubscribe(sdp=SDP, slots=SLOTS))
    assert teacher.welcome is not None
    assert viewer.welcome is not None
    media.requests.clear()
    async with web_process(school.services()) as client:
        back = await join(client, lesson.tokens[Role.VIEWER], resume=viewer.welcome.resume)
        assert back.welcome is not None
        assert (back.welcome.resumed, back.id) == (True, viewer.id)
        assert back.welcome.media_epoch == viewer.welcome.media_epoch
        t = await join(client, lesson.tokens[Role.TEACHER], resume=teacher.welcome.resume)
        assert t.welcome is not None
        assert (t.welcome.resumed, t.id) == (True, teacher.id)
        seen = await back.wait(m.SlotChanged, lambda s: s.state.slot is Slot.TEACHER_VIDEO)
        assert (seen.state.participant_id, seen.state.flowing) == (teacher.id, True)
        assert not media.of(ClosePeer)
        assert not media.of(Publish)
        assert not [f for f in media.of(Feed) if f.peer_id is None]


async def test_media_of_those_who_do_not_come_back_ends_after_a_minute(school: School, media: FakeMedia) -> None:
    async with web_process(school.services()) as client:
        lesson = await make_lesson(school.services())
        viewer = await join(client, lesson.tokens[Role.VIEWER])
        await viewer.do(m.OfferSubscribe(sdp=SDP, slots=SLOTS))
    media.requests.clear()
    async with web_process(school.services()) as client:
        await join(client, lesson.tokens[Role.VIEWER])  # the lesson runs again
        school.clock.ahead_s += live.RECLAIM_S + 1
        closed = await media.wait_for(ClosePeer)
        assert closed.peer_id == f"{viewer.id}.subscribe"


async def test_rooms_of_lessons_that_have_ended_meanwhile_are_closed(school: School, media: FakeMedia) -> None:
    lesson = await make_lesson(school.services())
    await school.services().lessons.end(lesson.lesson_id, 1.0)
    media.rooms = {lesson.lesson_id: {}, "unknown": {}}
    async with web_process(school.services()):
        await until(lambda: {c.lesson_id for c in media.of(control.CloseRoom)} == {lesson.lesson_id, "unknown"})


async def test_a_partial_lessons_feed_stays_on_over_a_restart(school: School, media: FakeMedia) -> None:
    services = school.services()
    async with web_process(services) as client:
        lesson = await make_lesson(services, kind="partial")
        teacher = await join(client, lesson.tokens[Role.TEACHER])
        klass = await join(client, lesson.tokens[Role.CLASS], "Орлик")
        await teacher.do(m.SetLive(state="live"))
        await klass.do(m.SetFeed(on=True))
        await until(lambda: services.feed.minutes(lesson.lesson_id, services.wall()))
        await client.server.close()  # the server ends, not the page
    assert klass.welcome is not None
    school.clock.ahead_s += 120
    async with web_process(school.services()) as client:
        back = await join(client, lesson.tokens[Role.CLASS], "Орлик", resume=klass.welcome.resume)
        assert back.welcome is not None
        own = next(p for p in back.welcome.participants if p.participant_id == klass.id)
        assert own.feed_on
        assert own.feed_minutes >= 2.0


# ---------------------------------------------------------------- a media process is lost


async def test_a_lost_media_process_is_replaced_and_everybody_told(
    client: Client, services: Services, media: FakeMedia
) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    viewer = await join(client, lesson.tokens[Role.VIEWER])
    assert viewer.welcome is not None
    await teacher.do(m.SetLive(state="live"))
    await teacher.do(m.OfferPublish(sdp=SDP, sources=SOURCES))
    await media.kill()
    gone = await viewer.wait(m.SlotChanged, lambda s: s.state.slot is Slot.TEACHER_VIDEO and not s.state.participant_id)
    assert not gone.state.flowing
    reply = await teacher.ask(m.OfferPublish(sdp=SDP, sources=SOURCES))
    assert isinstance(reply, m.Reply)
    assert reply.code is ErrorCode.MEDIA_UNAVAILABLE
    media.requests.clear()
    await media.start()
    for page in (teacher, viewer):
        lost = await page.wait(m.MediaLost)
        assert lost.epoch > viewer.welcome.media_epoch
    assert await media.wait_for(OpenRoom)
    answer = await teacher.ask(m.OfferPublish(sdp=SDP, sources=SOURCES))
    assert isinstance(answer, m.Answer)
    assert answer.epoch == lost.epoch
    fed = await media.wait_for(Feed, lambda f: f.slot is Slot.TEACHER_VIDEO)
    assert fed.peer_id == f"{teacher.id}.publish"


async def test_a_lesson_nobody_connected_to_media_in_hears_nothing_of_it(
    client: Client, services: Services, media: FakeMedia
) -> None:
    lesson = await make_lesson(services)
    page = await join(client, lesson.tokens[Role.VIEWER])
    await media.kill()
    await media.start()
    await asyncio.wait_for(services.media.wait_available(), 5)
    await page.send(m.Ping())
    await page.wait(m.Pong)
    assert not [r for r in page.received if isinstance(r, m.MediaLost)]


async def test_a_closed_peer_is_told_to_its_page_but_not_its_predecessors_end(
    client: Client, services: Services, media: FakeMedia
) -> None:
    lesson = await make_lesson(services)
    viewer = await join(client, lesson.tokens[Role.VIEWER])
    peer = f"{viewer.id}.subscribe"
    closed = control.PeerChanged(lesson_id=lesson.lesson_id, peer_id=peer, state=PeerState.CLOSED)

    def close_loudly(request: control.Request) -> control.Answer | bytes:
        if isinstance(request, ClosePeer):
            return control.encode(closed) + control.encode(media.usual(request))
        return media.usual(request)

    media.answer = close_loudly
    for _ in range(2):
        await viewer.do(m.OfferSubscribe(sdp=SDP, slots=SLOTS))
    await viewer.send(m.Ping())
    await viewer.wait(m.Pong)
    assert not [r for r in viewer.received if isinstance(r, m.PeerLost)]
    media.emit(closed)
    assert (await viewer.wait(m.PeerLost)).kind == "subscribe"


@pytest.mark.parametrize("restarted", [False, True])
async def test_ice_restart_keeps_the_peer(
    client: Client, services: Services, media: FakeMedia, restarted: bool
) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    await teacher.do(m.OfferPublish(sdp=SDP, sources=SOURCES))
    before = len(media.of(ClosePeer))
    await teacher.do(m.OfferPublish(sdp=SDP, sources=SOURCES, fresh=not restarted))
    assert len(media.of(ClosePeer)) - before == (0 if restarted else 1)
