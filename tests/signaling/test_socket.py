"""The WebSocket as a page meets it: joining, talking, and every way of being refused."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from aiohttp import WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from signaling import messages as m
from signaling import session
from signaling.messages import ErrorCode, LessonState, Role
from signaling.services import Services
from signaling.socket_connection import QUEUE_MAX, CloseCode, SocketConnection
from signaling.tally import Tally
from streaming.control import ClosePeer, Feed, Publish, Slot, Source, Subscribe, View
from tests.signaling.fake_media import FakeMedia
from tests.signaling.waiting import until
from tests.signaling.web import Client, Page, School, join, knock, make_lesson, refusal, web_process

SDP = "v=0\r\n"
SOURCES = {"0": Source.MICROPHONE, "1": Source.CAMERA}
SLOTS = {"0": Slot.TEACHER_AUDIO, "1": Slot.TEACHER_VIDEO}


async def test_a_lesson_from_the_first_join_to_the_end(client: Client, services: Services, media: FakeMedia) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER], "Анна Петровна")
    klass = await join(client, lesson.tokens[Role.CLASS], "Орлик, 10 А")
    assert teacher.welcome is not None
    assert teacher.welcome.lesson.state is LessonState.WAITING
    came = await teacher.wait(m.ParticipantChanged, lambda c: c.participant.role is Role.CLASS)
    assert came.participant.name == "Орлик, 10 А"

    published = await teacher.ask(m.OfferPublish(sdp=SDP, sources=SOURCES))
    assert isinstance(published, m.Answer)
    assert (published.kind, published.epoch) == ("publish", teacher.welcome.media_epoch)
    offer = await media.wait_for(Publish)
    assert offer.peer_id == f"{teacher.id}.publish"
    assert offer.sources == SOURCES
    received = await klass.ask(m.OfferSubscribe(sdp=SDP, slots=SLOTS))
    assert isinstance(received, m.Answer)
    assert (await media.wait_for(Subscribe)).not_from == f"{klass.id}.publish"
    await klass.do(m.SetView(slot=Slot.TEACHER_VIDEO, height=720))
    assert (await media.wait_for(View)).height == 720
    assert not media.of(Feed)

    await teacher.do(m.SetLive(state="live"))
    fed = await media.wait_for(Feed, lambda f: f.slot is Slot.TEACHER_VIDEO)
    assert fed.peer_id == f"{teacher.id}.publish"
    live = await klass.wait(m.LessonChanged)
    assert live.lesson.state is LessonState.LIVE

    await klass.do(m.SetHand(up=True))
    await teacher.do(m.OfferFloor(participant_id=klass.id))
    await klass.wait(m.FloorOffered)
    await klass.do(m.AnswerFloor(accept=True))
    await klass.do(m.OfferPublish(sdp=SDP, sources=SOURCES))
    await media.wait_for(Feed, lambda f: f.slot is Slot.FLOOR_VIDEO and f.peer_id == f"{klass.id}.publish")
    await teacher.do(m.TakeFloor())
    await klass.wait(m.FloorEnded)
    await media.wait_for(ClosePeer, lambda c: c.peer_id == f"{klass.id}.publish")

    await klass.do(m.Say(text="Спасибо!"))
    assert (await teacher.wait(m.Said)).line.text == "Спасибо!"
    await teacher.do(m.SetLive(state="ended"))
    assert await refusal(klass) == (ErrorCode.ENDED, CloseCode.REFUSED)
    assert await refusal(await knock(client, lesson.tokens[Role.CLASS])) == (ErrorCode.ENDED, CloseCode.REFUSED)

    async def recorded() -> bool:
        return (await services.lessons.get(lesson.lesson_id)).state == LessonState.ENDED

    await until(recorded)


async def test_an_offer_need_not_wait_for_the_welcome(client: Client, services: Services, media: FakeMedia) -> None:
    lesson = await make_lesson(services)
    page = await knock(client, lesson.tokens[Role.VIEWER])
    await page.send(m.OfferSubscribe(id=1, sdp=SDP, slots=SLOTS))
    await page.send(m.SetView(slot=Slot.TEACHER_VIDEO, height=720))
    answer = await page.wait(m.Answer)
    assert isinstance(page.received[0], m.Welcome)
    assert answer.id == 1
    shown = await media.wait_for(View)
    assert (shown.peer_id, shown.height) == (f"{page.received[0].participant_id}.subscribe", 720)


async def test_an_offer_behind_a_refused_join_reaches_no_media_process(
    client: Client, services: Services, media: FakeMedia
) -> None:
    lesson = await make_lesson(services)
    await services.invitations.revoke(lesson.invitation_ids[Role.VIEWER], services.wall())
    page = await knock(client, lesson.tokens[Role.VIEWER])
    await page.send(m.OfferSubscribe(id=1, sdp=SDP, slots=SLOTS))
    assert await refusal(page) == (ErrorCode.REVOKED, CloseCode.REFUSED)
    assert not media.of(Subscribe)


async def test_a_token_that_opens_nothing_says_why(client: Client, services: Services, school: School) -> None:
    lesson = await make_lesson(services)
    good = lesson.tokens[Role.CLASS]
    assert await refusal(await knock(client, "x.y.z")) == (ErrorCode.BAD_TOKEN, CloseCode.REFUSED)
    assert await refusal(await knock(client, good[:-2] + "AA")) == (ErrorCode.BAD_TOKEN, CloseCode.REFUSED)
    await services.invitations.revoke(lesson.invitation_ids[Role.CLASS], services.wall())
    assert await refusal(await knock(client, good)) == (ErrorCode.REVOKED, CloseCode.REFUSED)
    school.clock.ahead_s = 2 * 3600
    assert await refusal(await knock(client, lesson.tokens[Role.VIEWER])) == (ErrorCode.EXPIRED, CloseCode.REFUSED)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type":"join","version":99,"token":"x"}', ErrorCode.WRONG_VERSION),
        ('{"type":"ping"}', ErrorCode.BAD_MESSAGE),
        ("not json", ErrorCode.BAD_MESSAGE),
        ('{"type":"join","version":1,"token":"x","extra":1}', ErrorCode.BAD_MESSAGE),
        ("[" * 50_000, ErrorCode.BAD_MESSAGE),
    ],
)
async def test_a_first_message_that_is_no_join(client: Client, first: str, code: ErrorCode) -> None:
    page = Page(await client.ws_connect("/api/classroom"))
    await page.socket.send_str(first)
    assert await refusal(page) == (code, CloseCode.REFUSED)


async def test_a_name_with_control_characters_is_refused(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    page = await knock(client, lesson.tokens[Role.CLASS], "a\u202eb")
    assert await refusal(page) == (ErrorCode.BAD_MESSAGE, CloseCode.REFUSED)


async def test_silence_before_the_join_ends_the_connection(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "JOIN_TIMEOUT_S", 0.05)
    page = Page(await client.ws_connect("/api/classroom"))
    assert await page.close_code() == CloseCode.JOIN_TIMEOUT


async def test_too_many_at_the_door_are_asked_to_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "WAITING_TO_JOIN_MAX", 0)
    with pytest.raises(WSServerHandshakeError) as error:
        await client.ws_connect("/api/classroom")
    assert error.value.status == 503


async def test_another_origin_gets_no_socket(client: Client) -> None:
    with pytest.raises(WSServerHandshakeError) as error:
        await client.ws_connect("/api/classroom", headers={"Origin": "https://evil.example"})
    assert error.value.status == 403
    own = str(client.make_url("/")).rstrip("/")
    socket = await client.ws_connect("/api/classroom", headers={"Origin": own})
    await socket.close()
    async with client.get("/api/classroom") as plain:
        assert plain.status == 426


async def test_malformed_messages_are_answered_and_at_last_end_the_connection(
    client: Client, services: Services
) -> None:
    lesson = await make_lesson(services)
    page = await join(client, lesson.tokens[Role.VIEWER])
    for number in range(session.BAD_IN_A_ROW_MAX - 1):
        await page.socket.send_str(json.dumps({"type": "say", "id": number}))
        reply = await page.wait(m.Reply, lambda r, n=number: r.id == n)
        assert (reply.ok, reply.code) == (False, ErrorCode.BAD_MESSAGE)
    await page.send(m.Ping(sent=1))
    await page.wait(m.Pong)
    for bad in ["{", "[]", "[" * 20_000, '{"id":true}', '{"id":-1,"type":"x"}'] * 4:
        await page.socket.send_str(bad)
    assert await page.close_code() == CloseCode.POLICY
    assert services.tally.counts["socket_bad_message"] == 2 * session.BAD_IN_A_ROW_MAX - 1


async def test_binary_and_oversized_frames(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    page = await join(client, lesson.tokens[Role.VIEWER])
    await page.socket.send_bytes(b"\x00")
    assert (await page.wait(m.Reply)).code is ErrorCode.BAD_MESSAGE
    await page.socket.send_str('{"type":"say","text":"' + "x" * m.MESSAGE_MAX_BYTES + '"}')
    assert await page.close_code() == CloseCode.TOO_BIG


async def test_a_flood_of_messages_is_dropped_and_then_ended(
    client: Client, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MESSAGES_BURST", 20.0)
    monkeypatch.setattr(session, "MESSAGES_PER_S", 0.1)
    lesson = await make_lesson(services)
    page = await join(client, lesson.tokens[Role.VIEWER])
    for _ in range(20 + session.TOO_FAST_IN_A_ROW_MAX):
        await page.send(m.Ping())
    assert await page.close_code() == CloseCode.POLICY
    assert [r.code for r in page.received if isinstance(r, m.Reply)] == [ErrorCode.TOO_FAST]
    assert sum(isinstance(r, m.Pong) for r in page.received) == 20


async def test_a_page_that_does_not_read_is_let_go() -> None:
    tally = Tally()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = SocketConnection(socket, request.transport, tally)
        for number in range(QUEUE_MAX + 10):  # all before the writer's turn
            connection.send(str(number))
        await connection.finished()
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestClient(TestServer(app)) as client, client.ws_connect("/") as socket:
        frame = await socket.receive(timeout=5)
    assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, CloseCode.OVERLOADED)
    assert tally.counts["socket_overflow"] == 1


async def test_a_message_without_right_changes_nothing(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    viewer = await join(client, lesson.tokens[Role.VIEWER])
    for message in (
        m.SetLive(state="live"),
        m.OfferPublish(sdp=SDP, sources=SOURCES),
        m.Join(version=1, token="x"),
    ):
        reply = await viewer.ask(message)
        assert isinstance(reply, m.Reply)
        assert (reply.ok, reply.code) == (False, ErrorCode.NOT_ALLOWED)
    assert (await services.lessons.get(lesson.lesson_id)).state == LessonState.WAITING


async def test_a_bad_offer_is_named_and_leaves_no_publisher(
    client: Client, services: Services, media: FakeMedia
) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    reply = await teacher.ask(m.OfferPublish(sdp="nonsense", sources=SOURCES))
    assert isinstance(reply, m.Reply)
    assert reply.code is ErrorCode.BAD_SDP
    await teacher.do(m.SetLive(state="live"))
    assert not [f for f in media.of(Feed) if f.peer_id is not None]


async def test_leaving_gives_the_seat_up_at_once(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    klass = await join(client, lesson.tokens[Role.CLASS])
    await klass.do(m.Leave())
    assert await klass.close_code() == CloseCode.DONE
    assert (await teacher.wait(m.ParticipantLeft)).participant_id == klass.id


@pytest.mark.parametrize("by_api", [True, False])
async def test_a_revoked_invitation_empties_its_seats_within_a_second(
    client: Client, services: Services, media: FakeMedia, by_api: bool
) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    klass = await join(client, lesson.tokens[Role.CLASS])
    await klass.do(m.OfferSubscribe(sdp=SDP, slots=SLOTS))
    invitation = lesson.invitation_ids[Role.CLASS]
    loop = asyncio.get_running_loop()
    started = loop.time()
    if by_api:
        headers = {"Authorization": f"Bearer {lesson.tokens[Role.TEACHER]}"}
        async with client.delete(f"/api/lessons/{lesson.lesson_id}/invitations/{invitation}", headers=headers) as done:
            assert done.status == 200
    else:
        await services.invitations.revoke(invitation, services.wall())
    assert await refusal(klass) == (ErrorCode.REVOKED, CloseCode.REFUSED)
    await media.wait_for(ClosePeer, lambda c: c.peer_id == f"{klass.id}.subscribe")
    assert loop.time() - started < 1.0
    await teacher.wait(m.ParticipantLeft, lambda left: left.participant_id == klass.id)


async def test_the_server_says_goodbye_when_it_stops(services: Services, media: FakeMedia) -> None:
    async with web_process(services) as client:
        lesson = await make_lesson(services)
        page = await join(client, lesson.tokens[Role.VIEWER])
        closing = asyncio.create_task(page.close_code())
        await client.server.close()
        assert await closing == CloseCode.GOING_AWAY


async def test_two_lessons_never_hear_of_each_other(client: Client, services: Services) -> None:
    one, two = await make_lesson(services), await make_lesson(services)
    teacher = await join(client, one.tokens[Role.TEACHER])
    foreign = await join(client, two.tokens[Role.CLASS])
    await foreign.do(m.Say(text="secret"))
    for message in (
        m.Remove(participant_id=foreign.id),
        m.OfferFloor(participant_id=foreign.id),
        m.SetMuted(participant_id=foreign.id, source=Source.CAMERA, muted=True),
    ):
        reply = await teacher.ask(message)
        assert isinstance(reply, m.Reply)
        assert reply.code in (ErrorCode.NO_SUCH_PARTICIPANT, ErrorCode.NOT_ALLOWED)
    assert foreign.id not in str(teacher.received)


def test_close_codes_are_those_of_the_websocket_protocol() -> None:
    for ours, standard in (
        (CloseCode.POLICY, aiohttp.WSCloseCode.POLICY_VIOLATION),
        (CloseCode.TOO_BIG, aiohttp.WSCloseCode.MESSAGE_TOO_BIG),
        (CloseCode.OVERLOADED, aiohttp.WSCloseCode.TRY_AGAIN_LATER),
    ):
        assert ours.value == standard.value
