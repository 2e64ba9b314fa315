"""WHIP and WHEP as standard clients use them: status codes, headers, resources."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from multidict import CIMultiDictProxy

from signaling import messages as m
from signaling.messages import LessonState, Role
from signaling.services import Services
from streaming import control
from streaming.control import ClosePeer, Feed, PeerState, Publish, RestartIce, Slot, Source, Subscribe
from tests.signaling.fake_media import FakeMedia
from tests.signaling.waiting import until
from tests.signaling.web import Client, LessonLinks, School, join, make_lesson, web_process

OFFER = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:" + "p" * 22 + "\r\nm=audio 9 X 0\r\nm=video 9 X 0\r\n"
SAME_ICE = "a=ice-ufrag:abcd\r\na=ice-pwd:" + "p" * 22 + "\r\na=candidate:1 1 udp 1 1.2.3.4 5 typ host\r\n"
NEW_ICE = "a=ice-ufrag:efgh\r\na=ice-pwd:" + "q" * 22 + "\r\n"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    text: str
    location: str
    etag: str


async def call(
    client: Client,
    method: str,
    path: str,
    token: str = "",
    headers: dict[str, str] | None = None,
    body: str | bytes = b"",
) -> Answer:
    given = {**(bearer(token) if token else {}), **(headers or {})}
    async with client.request(method, path, headers=given, data=body) as response:
        return Answer(
            response.status,
            response.headers,
            await response.text(),
            response.headers.get("Location", ""),
            response.headers.get("ETag", ""),
        )


@pytest.fixture
async def lesson(services: Services) -> LessonLinks:
    return await make_lesson(services)


async def publish(client: Client, lesson: LessonLinks, role: Role = Role.TEACHER) -> Answer:
    return await call(client, "POST", f"/whip/{lesson.lesson_id}", lesson.tokens[role], SDP, OFFER)


async def watch(client: Client, lesson: LessonLinks, role: Role = Role.VIEWER) -> Answer:
    return await call(client, "POST", f"/whep/{lesson.lesson_id}", lesson.tokens[role], SDP, OFFER)


async def test_an_encoder_publishes_as_the_teacher_and_ends(
    client: Client, services: Services, media: FakeMedia, lesson: LessonLinks
) -> None:
    viewer = await join(client, lesson.tokens[Role.VIEWER])
    created = await publish(client, lesson)
    assert created.status == 201
    assert created.location.startswith(f"/whip/{lesson.lesson_id}/")
    assert created.etag.startswith('"')
    assert created.text.startswith("v=0")
    offered = await media.wait_for(Publish)
    assert (offered.sdp, offered.sources) == (OFFER, {})
    assert not media.of(Feed)
    media.emit(control.PeerChanged(lesson_id=lesson.lesson_id, peer_id=offered.peer_id, state=PeerState.CONNECTED))
    assert (await viewer.wait(m.LessonChanged)).lesson.state is LessonState.LIVE
    assert (await media.wait_for(Feed, lambda f: f.slot is Slot.TEACHER_VIDEO)).peer_id == offered.peer_id
    for source in (Source.MICROPHONE, Source.CAMERA):
        media.emit(
            control.SourceChanged(lesson_id=lesson.lesson_id, peer_id=offered.peer_id, source=source, flowing=True)
        )
    await viewer.wait(m.SlotChanged, lambda s: s.state.slot is Slot.TEACHER_VIDEO and s.state.flowing)
    again = await publish(client, lesson)
    assert (again.status, "seat_taken" in again.text) == (409, True)
    assert (await call(client, "DELETE", created.location, lesson.tokens[Role.TEACHER])).status == 200
    await media.wait_for(ClosePeer, lambda c: c.peer_id == offered.peer_id)
    assert (await call(client, "DELETE", created.location, lesson.tokens[Role.TEACHER])).status == 404
    assert (await publish(client, lesson)).status == 201


async def test_a_player_watches_and_is_a_viewer_in_the_list(
    client: Client, media: FakeMedia, lesson: LessonLinks
) -> None:
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    created = await watch(client, lesson)
    assert created.status == 201
    offered = await media.wait_for(Subscribe)
    assert (offered.resumed, offered.slots) == (True, {})
    came = await teacher.wait(m.ParticipantChanged, lambda c: c.participant.role is Role.VIEWER)
    assert (came.participant.name, came.participant.present) == ("Зритель", True)
    assert (await call(client, "DELETE", created.location, lesson.tokens[Role.VIEWER])).status == 200
    await teacher.wait(m.ParticipantLeft)


async def test_trickled_candidates_are_taken_and_ice_restarts(
    client: Client, media: FakeMedia, lesson: LessonLinks
) -> None:
    created = await publish(client, lesson)
    token, path = lesson.tokens[Role.TEACHER], created.location

    async def patch(body: str, if_match: str | None) -> Answer:
        headers = FRAGMENT | ({"If-Match": if_match} if if_match is not None else {})
        return await call(client, "PATCH", path, token, headers, body)

    assert (await patch(SAME_ICE, None)).status == 428
    assert (await patch(SAME_ICE, '"other"')).status == 412
    assert (await patch(SAME_ICE, created.etag)).status == 204
    assert not media.of(RestartIce)
    restarted = await patch(NEW_ICE, "*")
    assert restarted.status == 200
    assert "a=ice-ufrag:ours" in restarted.text
    assert "a=candidate:1 1 udp" in restarted.text
    assert restarted.etag not in ("", created.etag)
    assert (await media.wait_for(RestartIce)).ufrag == "efgh"
    assert (await patch(SAME_ICE, created.etag)).status == 412
    assert (await patch(NEW_ICE, restarted.etag)).status == 204
    assert (await patch("a=nothing", "*")).status == 422
    assert (await call(client, "PATCH", path, token, {"If-Match": "*", **SDP}, NEW_ICE)).status == 415


async def test_refusals_each_have_their_status_and_a_problem_body(
    client: Client, services: Services, media: FakeMedia, lesson: LessonLinks
) -> None:
    other = await make_lesson(services)
    path, token = f"/whip/{lesson.lesson_id}", lesson.tokens[Role.TEACHER]
    cases = [
        (401, await call(client, "POST", path, "", SDP, OFFER)),
        (401, await call(client, "POST", path, "not.a.token", SDP, OFFER)),
        (403, await call(client, "POST", path, other.tokens[Role.TEACHER], SDP, OFFER)),
        (403, await call(client, "POST", path, lesson.tokens[Role.VIEWER], SDP, OFFER)),
        (403, await call(client, "POST", path, lesson.tokens[Role.CLASS], SDP, OFFER)),
        (404, await call(client, "DELETE", f"{path}/nothing", token)),
        (404, await call(client, "PATCH", f"{path}/nothing.x", token, FRAGMENT | {"If-Match": "*"}, NEW_ICE)),
        (406, await call(client, "POST", path, token, SDP | {"Accept": "text/html"}, OFFER)),
        (413, await call(client, "POST", path, token, SDP, "v=0" + "x" * 70_000)),
        (415, await call(client, "POST", path, token, {"Content-Type": "text/plain"}, OFFER)),
        (422, await call(client, "POST", path, token, SDP, "nonsense")),
        (422, await call(client, "POST", path, token, SDP, b"\xff\xfe")),
        (422, await call(client, "POST", path, token, SDP)),
    ]
    for expected, answer in cases:
        assert answer.status == expected, answer
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert f'"status": {expected}' in answer.text
    assert cases[0][1].headers["WWW-Authenticate"].startswith("Bearer")
    assert (await call(client, "GET", path, token)).status == 405
    assert (await call(client, "PUT", f"{path}/x", token)).status == 405


async def test_without_a_media_process_the_client_is_asked_to_come_again(
    client: Client, media: FakeMedia, lesson: LessonLinks
) -> None:
    await media.kill()
    for answer in (await publish(client, lesson), await watch(client, lesson)):
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0


async def test_full_locked_and_ended_lessons(school: School, media: FakeMedia) -> None:
    services = school.services(max_participants=1)
    async with web_process(services) as client:
        lesson = await make_lesson(services)
        first = await watch(client, lesson)
        assert (await watch(client, lesson)).status == 503
        await call(client, "DELETE", first.location, lesson.tokens[Role.VIEWER])
        teacher = await join(client, lesson.tokens[Role.TEACHER])
        await teacher.do(m.SetLocked(locked=True))
        assert (await watch(client, lesson)).status == 403
        await teacher.do(m.SetLive(state="ended"))
        for answer in (await watch(client, lesson), await publish(client, lesson)):
            assert (answer.status, "ended" in answer.text) == (403, True)


async def test_a_session_is_opened_by_its_own_invitation_only(
    client: Client, services: Services, lesson: LessonLinks
) -> None:
    created = await watch(client, lesson)
    other = await make_lesson(services)
    wrong = [lesson.tokens[role] for role in Role if role is not Role.VIEWER] + [other.tokens[Role.VIEWER], ""]
    for token in wrong:
        assert (await call(client, "DELETE", created.location, token)).status in (401, 403, 404)
        patched = await call(client, "PATCH", created.location, token, FRAGMENT | {"If-Match": "*"}, NEW_ICE)
        assert patched.status in (401, 403, 404)
    foreign = created.location.replace("/whep/", "/whip/")
    assert (await call(client, "DELETE", foreign, lesson.tokens[Role.VIEWER])).status == 404
    assert (await call(client, "DELETE", created.location, lesson.tokens[Role.VIEWER])).status == 200


async def test_pages_of_other_origins_may_use_both(client: Client, lesson: LessonLinks) -> None:
    origin = {"Origin": "https://player.example"}
    for path in (f"/whip/{lesson.lesson_id}", f"/whep/{lesson.lesson_id}/x"):
        asked = await call(client, "OPTIONS", path, headers=origin)
        assert asked.status == 204
        assert "Authorization" in str(asked.headers["Access-Control-Allow-Headers"])
    created = await call(client, "POST", f"/whep/{lesson.lesson_id}", lesson.tokens[Role.VIEWER], SDP | origin, OFFER)
    refused = await call(client, "POST", f"/whep/{lesson.lesson_id}", "", SDP | origin, OFFER)
    for answer in (created, refused):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Expose-Headers"] == "Location, ETag, Link"


async def test_a_class_encoder_publishes_into_its_floor(client: Client, media: FakeMedia, lesson: LessonLinks) -> None:
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    klass = await join(client, lesson.tokens[Role.CLASS])
    await teacher.do(m.SetLive(state="live"))
    await teacher.do(m.OfferFloor(participant_id=klass.id))
    await klass.do(m.AnswerFloor(accept=True))
    two_pictures = OFFER + "m=video 9 X 0\r\n"
    refused = await call(client, "POST", f"/whip/{lesson.lesson_id}", lesson.tokens[Role.CLASS], SDP, two_pictures)
    assert refused.status == 403
    created = await publish(client, lesson, Role.CLASS)
    assert created.status == 201
    assert (await media.wait_for(Feed, lambda f: f.slot is Slot.FLOOR_VIDEO)).peer_id == f"{klass.id}.publish"
    await teacher.do(m.TakeFloor())
    await media.wait_for(ClosePeer)
    assert (await call(client, "DELETE", created.location, lesson.tokens[Role.CLASS])).status == 404


async def test_a_revoked_invitation_ends_its_standard_clients(
    client: Client, services: Services, media: FakeMedia, lesson: LessonLinks
) -> None:
    await watch(client, lesson)
    await publish(client, lesson)
    for role in (Role.TEACHER, Role.VIEWER):
        await services.invitations.revoke(lesson.invitation_ids[role], services.wall())
    peers = {(await media.wait_for(Subscribe)).peer_id, (await media.wait_for(Publish)).peer_id}
    await until(lambda: {c.peer_id for c in media.of(ClosePeer)} >= peers)


async def test_standard_clients_live_on_over_a_restart_of_the_web_process(school: School, media: FakeMedia) -> None:
    async with web_process(school.services()) as client:
        lesson = await make_lesson(school.services())
        encoder, player = await publish(client, lesson), await watch(client, lesson)
        peer = (await media.wait_for(Publish)).peer_id
        media.emit(control.PeerChanged(lesson_id=lesson.lesson_id, peer_id=peer, state=PeerState.CONNECTED))
        viewer = await join(client, lesson.tokens[Role.VIEWER])
        if viewer.welcome is not None and viewer.welcome.lesson.state is LessonState.WAITING:
            await viewer.wait(m.LessonChanged)
    async with web_process(school.services()) as client:
        teacher = await join(client, lesson.tokens[Role.CO_TEACHER])
        assert teacher.welcome is not None
        if not any(s.flowing for s in teacher.welcome.slots):
            await teacher.wait(m.SlotChanged, lambda s: s.state.slot is Slot.TEACHER_VIDEO and s.state.flowing)
        assert (await publish(client, lesson)).status == 409
        patched = await call(
            client, "PATCH", encoder.location, lesson.tokens[Role.TEACHER], FRAGMENT | {"If-Match": "*"}, NEW_ICE
        )
        assert patched.status == 200
        for created, role in ((encoder, Role.TEACHER), (player, Role.VIEWER)):
            assert (await call(client, "DELETE", created.location, lesson.tokens[role])).status == 200
