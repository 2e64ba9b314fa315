"""`/api/link-test` from the first message to the result, its bad input, and the administrator's list."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest
from pydantic import BaseModel

from school.link_tests import Figures, LinkTestRecord, PlaceTests, Verdict
from school.tables import InvitationRole
from signaling import link_test_messages as lt
from signaling import link_test_session
from signaling.link_keys import LinkKeys
from signaling.link_test import CONNECT_S, DOWN_GOAL_BPS, DOWN_S, UP_S
from signaling.link_test_places import OPEN_TESTS
from signaling.messages import Answer, OfferPublish, OfferSubscribe, Role, SetLive
from signaling.services import Services
from signaling.socket_connection import CloseCode
from streaming import control
from streaming.control import PeerState, Slot, Source
from tests.signaling.fake_media import FakeMedia
from tests.signaling.test_api import sign_in
from tests.signaling.test_link_test import published, received
from tests.signaling.waiting import until
from tests.signaling.web import SECRET, Client, School, join, make_lesson, web_process

WAIT_S = 5.0
OFFER_PUBLISH = OfferPublish(sdp="v=0", sources={"0": Source.MICROPHONE, "1": Source.CAMERA})
OFFER_SUBSCRIBE = OfferSubscribe(sdp="v=0", slots={"0": Slot.TEACHER_AUDIO, "1": Slot.TEACHER_VIDEO})
SEEN = lt.LinkObserved(rtt_ms=70, jitter_ms=4, loss_down=0, loss_up=0)
BEGIN = lt.BeginLinkTest(version=lt.LINK_TEST_VERSION, place="Хандыга СОШ")


class LinkPage:
    """A page that tests its link."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: BaseModel) -> None:
        await self.socket.send_str(message.model_dump_json())

    async def receive(self) -> lt.LinkTestFromServer:
        async with asyncio.timeout(WAIT_S):
            return lt.link_test_from_server.validate_json(await self.socket.receive_str())

    async def phase(self) -> lt.LinkTestPhase:
        message = await self.receive()
        assert isinstance(message, lt.LinkTestPhaseChanged), message
        return message.phase

    async def refusal(self) -> lt.LinkTestTrouble:
        message = await self.receive()
        while not isinstance(message, lt.LinkTestRefused):
            message = await self.receive()
        async with asyncio.timeout(WAIT_S):
            await self.socket.receive()
        assert self.socket.close_code == CloseCode.REFUSED
        return message.code


async def open_page(client: Client) -> LinkPage:
    return LinkPage(await client.ws_connect("/api/link-test"))


async def begin(client: Client, message: BaseModel = BEGIN) -> LinkPage:
    page = await open_page(client)
    await page.send(message)
    return page


async def connect(page: LinkPage, media: FakeMedia) -> str:
    """Until the page sends all it can; the room's id."""
    assert await page.phase() is lt.LinkTestPhase.CONNECTING
    await page.send(SEEN)
    for offer in (OFFER_PUBLISH, OFFER_SUBSCRIBE):
        await page.send(offer)
        assert isinstance(await page.receive(), Answer)
    room = media.of(control.Publish)[-1].lesson_id
    for kind in ("publish", "subscribe"):
        media.emit(
            control.PeerChanged(lesson_id=room, peer_id=f"{room}.{kind}", state=PeerState.CONNECTED, transport="udp")
        )
    media.emit(control.SourceChanged(lesson_id=room, peer_id=f"{room}.publish", source=Source.CAMERA, flowing=True))
    assert await page.phase() is lt.LinkTestPhase.UP
    return room


async def told(services: Services, media: FakeMedia, room: str, report: control.LinkReport) -> None:
    """The media process reports, and the server has heard it: answers come behind what was told before."""
    named = {"lesson_id": room, "peer_id": report.peer_id.replace("t.", f"{room}.", 1)}
    media.emit(report.model_copy(update=named))
    await services.media.ask(control.OpenRoom(request_id=0, lesson_id=room))


async def kept(services: Services) -> list[PlaceTests]:
    return await services.link_tests.by_place(services.wall())


async def test_a_whole_test(client: Client, services: Services, media: FakeMedia, school: School) -> None:
    page = await begin(client)
    room = await connect(page, media)
    fed = {request.slot: request.source for request in media.of(control.Feed)}
    assert fed == {Slot.TEACHER_AUDIO: Source.MICROPHONE, Slot.TEACHER_VIDEO: Source.CAMERA}
    assert [request.slot for request in media.of(control.View)] == [Slot.TEACHER_AUDIO]
    assert [request.max_subscribers for request in media.of(control.OpenRoom)] == [1]
    await told(services, media, room, published(400_000))
    school.clock.ahead_s += UP_S
    assert await page.phase() is lt.LinkTestPhase.DOWN
    load = await media.wait_for(control.Load)
    assert (load.peer_id, load.bps) == (f"{room}.subscribe", DOWN_GOAL_BPS)
    assert [request.slot for request in media.of(control.View)][1:] == [Slot.TEACHER_VIDEO]
    school.clock.ahead_s += 3.0
    await told(services, media, room, received(900_000))
    school.clock.ahead_s += DOWN_S
    assert await page.phase() is lt.LinkTestPhase.DONE
    result = await page.receive()
    assert isinstance(result, lt.LinkTestResult)
    assert (result.receiving, result.sending) == (Verdict.SMALLER_PICTURE, Verdict.SMALL_PICTURE)
    assert (result.down_bps, result.up_bps, result.rtt_ms, result.transport) == (900_000, 400_000, 70.0, "udp")
    await media.wait_for(control.CloseRoom, lambda request: request.lesson_id == room)
    await until(lambda: kept(services))
    (place,) = await kept(services)
    assert place.place == "Хандыга СОШ"
    assert place.tests[0].figures.down_bps == 900_000


async def test_nothing_gets_through(client: Client, services: Services, media: FakeMedia, school: School) -> None:
    page = await begin(client)
    assert await page.phase() is lt.LinkTestPhase.CONNECTING
    school.clock.ahead_s += CONNECT_S
    assert await page.phase() is lt.LinkTestPhase.DONE
    result = await page.receive()
    assert isinstance(result, lt.LinkTestResult)
    assert (result.receiving, result.transport) == (Verdict.NO_MEDIA, "")
    await until(lambda: kept(services))


async def test_the_page_is_closed_in_the_middle(client: Client, services: Services, media: FakeMedia) -> None:
    page = await begin(client)
    room = await connect(page, media)
    await page.socket.close()
    await media.wait_for(control.CloseRoom, lambda request: request.lesson_id == room)
    assert await kept(services) == []


async def test_the_media_process_is_lost(client: Client, services: Services, media: FakeMedia) -> None:
    page = await begin(client)
    await connect(page, media)
    await media.cut()
    assert await page.phase() is lt.LinkTestPhase.DONE
    result = await page.receive()
    assert isinstance(result, lt.LinkTestResult)
    assert result.receiving is Verdict.NO_MEDIA


async def test_it_does_not_last_for_ever(client: Client, media: FakeMedia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_test_session, "LIFETIME_S", 0.3)
    page = await begin(client)
    room = await connect(page, media)
    assert await page.refusal() == lt.LinkTestTrouble.MEDIA_UNAVAILABLE
    await media.wait_for(control.CloseRoom, lambda request: request.lesson_id == room)


async def test_a_room_of_before_a_restart_is_closed(client: Client, media: FakeMedia) -> None:
    page = await begin(client)
    room = await connect(page, media)
    await page.socket.close()
    await media.wait_for(control.CloseRoom, lambda request: request.lesson_id == room)
    media.rooms["link-test-left-over"] = {}
    await media.cut()
    await media.wait_for(control.CloseRoom, lambda request: request.lesson_id == "link-test-left-over")


# ---------------------------------------------------------------- who


@pytest.mark.parametrize(("role", "named"), [(Role.CLASS, "Тикси №1"), (Role.VIEWER, "Хандыга СОШ")])
async def test_the_name_of_the_place(
    client: Client, services: Services, media: FakeMedia, school: School, role: Role, named: str
) -> None:
    """A class's invitation knows its name best; other labels may be people's, and are not kept."""
    lesson = await make_lesson(services)
    invitation = await services.invitations.create(
        lesson.lesson_id,
        InvitationRole(role),
        valid_hours=1,
        created_by="test",
        now=services.wall(),
        label="Тикси №1" if role is Role.CLASS else "Петя",
    )
    token = services.invitations.token(invitation)
    page = await begin(client, BEGIN.model_copy(update={"token": token}))
    assert await page.phase() is lt.LinkTestPhase.CONNECTING
    school.clock.ahead_s += CONNECT_S
    assert await page.phase() is lt.LinkTestPhase.DONE
    await until(lambda: kept(services))
    assert [place.place for place in await kept(services)] == [named]


async def test_a_token_that_opens_nothing(client: Client, services: Services, school: School) -> None:
    lesson = await make_lesson(services)
    bad = await begin(client, BEGIN.model_copy(update={"token": "nonsense"}))
    assert await bad.refusal() == lt.LinkTestTrouble.BAD_TOKEN
    await services.invitations.revoke(lesson.invitation_ids[Role.VIEWER], services.wall())
    revoked = await begin(client, BEGIN.model_copy(update={"token": lesson.tokens[Role.VIEWER]}))
    assert await revoked.refusal() == lt.LinkTestTrouble.REVOKED
    school.clock.ahead_s += 7200
    expired = await begin(client, BEGIN.model_copy(update={"token": lesson.tokens[Role.CLASS]}))
    assert await expired.refusal() == lt.LinkTestTrouble.EXPIRED


async def test_open_tests_are_counted_by_address(client: Client, media: FakeMedia) -> None:
    for _ in range(OPEN_TESTS):
        page = await begin(client)
        assert await page.phase() is lt.LinkTestPhase.CONNECTING
        await page.socket.close()
    assert await (await begin(client)).refusal() == lt.LinkTestTrouble.TOO_FAST


async def test_lessons_come_first(media: FakeMedia, school: School) -> None:
    """Half of a lesson's places are taken: nobody tests until it is over."""
    services = school.services(max_participants=2)
    async with web_process(services) as client:
        lesson = await make_lesson(services)
        teacher = await join(client, lesson.tokens[Role.TEACHER])
        await teacher.do(OFFER_SUBSCRIBE)
        waiting = await begin(client)
        assert await waiting.phase() is lt.LinkTestPhase.CONNECTING
        await teacher.do(SetLive(state="live"))
        assert await (await begin(client)).refusal() == lt.LinkTestTrouble.BUSY
        await teacher.do(SetLive(state="ended"))
        assert await (await begin(client)).phase() is lt.LinkTestPhase.CONNECTING


class OneSchool(LinkKeys):
    """Everybody comes through one link."""

    def of(self, remote: str | None, place: str = "") -> str:
        return "school"


async def test_a_lesson_behind_the_link_is_not_disturbed(media: FakeMedia, school: School) -> None:
    """Waiting for a lesson does not count."""
    services = replace(school.services(), link_keys=OneSchool(SECRET))
    async with web_process(services) as client:
        lesson = await make_lesson(services)
        teacher = await join(client, lesson.tokens[Role.TEACHER])
        await teacher.do(OFFER_SUBSCRIBE)
        page = await begin(client)
        assert await page.phase() is lt.LinkTestPhase.CONNECTING
        await page.socket.close()
        await media.wait_for(control.CloseRoom)
        await teacher.do(SetLive(state="live"))
        assert await (await begin(client)).refusal() == lt.LinkTestTrouble.LESSON_ON_LINK


async def test_two_of_one_school_take_turns(media: FakeMedia, school: School) -> None:
    services = replace(school.services(), link_keys=OneSchool(SECRET))
    async with web_process(services) as client:
        first = await begin(client)
        assert await first.phase() is lt.LinkTestPhase.CONNECTING
        second = await begin(client)
        assert await second.receive() == lt.LinkTestWaiting(same_link=True)
        await first.socket.close()
        assert await second.phase() is lt.LinkTestPhase.CONNECTING


async def test_the_next_lesson_begins_with_what_was_proven(media: FakeMedia, school: School) -> None:
    services = replace(school.services(), link_keys=OneSchool(SECRET))
    async with web_process(services) as client:
        room = await connect(await begin(client), media)
        assert media.of(control.Subscribe)[-1].link == "school"
        await told(services, media, room, received(1_000_000))
        assert services.link_memory.take_changed() == {"school": 1_000_000}


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "first",
    [
        "nonsense",
        "[]",
        '{"type":"observed","rtt_ms":1,"jitter_ms":1,"loss_down":0,"loss_up":0}',
        '{"type":"begin"}',
        '{"type":"begin","version":1,"place":"\u202eevil"}',
        '{"type":"begin","version":1,"more":1}',
        json.dumps({"type": "begin", "version": 1, "place": "x" * 101}),
    ],
)
async def test_a_bad_beginning(client: Client, first: str) -> None:
    page = await open_page(client)
    await page.socket.send_str(first)
    assert await page.refusal() == lt.LinkTestTrouble.BAD_MESSAGE


async def test_no_beginning(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_test_session, "BEGIN_TIMEOUT_S", 0.1)
    assert await (await open_page(client)).refusal() == lt.LinkTestTrouble.BAD_MESSAGE


async def test_another_version(client: Client) -> None:
    page = await begin(client, BEGIN.model_copy(update={"version": 99}))
    assert await page.refusal() == lt.LinkTestTrouble.WRONG_VERSION


BAD = {
    "a second beginning": BEGIN.model_dump_json(),
    "a screen": OFFER_PUBLISH.model_copy(update={"sources": {"0": Source.SCREEN}}).model_dump_json(),
    "another slot": OFFER_SUBSCRIBE.model_copy(update={"slots": {"0": Slot.FLOOR_AUDIO}}).model_dump_json(),
    "the same offer": OFFER_PUBLISH.model_dump_json(),
    "absurd figures": '{"type":"observed","rtt_ms":1e300,"jitter_ms":1,"loss_down":0,"loss_up":0}',
    "nonsense": "{",
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_input_ends_the_test(client: Client, media: FakeMedia, what: str) -> None:
    page = await begin(client)
    assert await page.phase() is lt.LinkTestPhase.CONNECTING
    await page.send(OFFER_PUBLISH)
    assert isinstance(await page.receive(), Answer)
    await page.socket.send_str(BAD[what])
    assert await page.refusal() == lt.LinkTestTrouble.BAD_MESSAGE
    await media.wait_for(control.CloseRoom)


async def test_a_flood_ends_the_test(client: Client, media: FakeMedia) -> None:
    page = await begin(client)
    await connect(page, media)
    for _ in range(100):
        await page.send(SEEN)
    assert await page.refusal() == lt.LinkTestTrouble.BAD_MESSAGE


async def test_an_offer_that_cannot_be_answered(client: Client, media: FakeMedia) -> None:
    page = await begin(client)
    assert await page.phase() is lt.LinkTestPhase.CONNECTING
    await page.send(OFFER_PUBLISH.model_copy(update={"sdp": "nonsense"}))
    assert await page.refusal() == lt.LinkTestTrouble.BAD_SDP


# ---------------------------------------------------------------- what the administrator sees


async def test_the_administrators_list(client: Client, services: Services) -> None:
    admin = await sign_in(client, services)
    assert await admin("GET", "/api/link-tests") == {"places": []}
    figures = Figures("tcp", 500_000, 60_000, 0.04, 0.0, 90.0, 20.0, 5.0)
    tested = LinkTestRecord(Verdict.SMALLER_PICTURE, Verdict.SOUND_ONLY, figures, services.wall())
    await services.link_tests.keep("0123456789abcdef", "", tested)
    (place,) = (await admin("GET", "/api/link-tests"))["places"]
    assert (place["place"], place["link"]) == ("", "01234567")
    (test,) = place["tests"]
    assert (test["receiving"], test["notes"], test["down_bps"]) == ("smaller_picture", ["tcp", "lossy"], 500_000)
