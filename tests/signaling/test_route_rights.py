"""The matrix: every route × everybody, for their own lesson and a foreign one. A route without a row fails."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from archive.media import Init, RenditionKey, Segment
from archive.recordings_log import SqlRecordingLog
from signaling.api_models import CreateInvitation, CreateLesson
from signaling.archive_models import Keeping
from signaling.http import Route
from signaling.messages import Role
from signaling.routes import ROUTES
from signaling.services import Services
from signaling.shelf_models import Place
from tests.archive.material import keep
from tests.signaling.fake_media import FakeMedia
from tests.signaling.test_api import Caller, origin, sign_in
from tests.signaling.web import Client, LessonLinks, School, make_lesson

ADMIN, TEACHER, CO, CLASS, VIEWER, NOBODY = "administrator", *(str(role) for role in Role), "nobody"
EVERYBODY = {ADMIN, TEACHER, CO, CLASS, VIEWER, NOBODY}
INVITED = {TEACHER, CO, CLASS, VIEWER}
LESSON = "/api/lessons/{lesson_id}"
RECORDING = "/api/recordings/{recording_id}"

MAY = {
    "GET /api/lessons": {ADMIN},
    "POST /api/lessons": {ADMIN},
    f"GET {LESSON}": {ADMIN, TEACHER},
    f"PATCH {LESSON}": {ADMIN},
    f"DELETE {LESSON}": {ADMIN},
    f"GET {LESSON}/feed": {ADMIN, TEACHER},
    f"POST {LESSON}/invitations": {ADMIN, TEACHER},
    f"GET {LESSON}/invitations": {ADMIN, TEACHER},
    f"DELETE {LESSON}/invitations/{{invitation_id}}": {ADMIN, TEACHER},
    "GET /api/join-info": INVITED,
    "GET /api/recordings": EVERYBODY,
    f"GET {RECORDING}": {ADMIN, *INVITED},
    f"PATCH {RECORDING}": {ADMIN},
    f"DELETE {RECORDING}": {ADMIN},
    f"GET {RECORDING}/keeping": {ADMIN},
    f"PUT {RECORDING}/keeping": {ADMIN},
    f"GET {RECORDING}/index.m3u8": {ADMIN, *INVITED},
    f"GET {RECORDING}/{{slot}}/packed.m3u8": {ADMIN, *INVITED},
    f"GET {RECORDING}/{{slot}}/packed-{{encoding}}.m3u8": {ADMIN, *INVITED},
    f"GET {RECORDING}/{{slot}}/{{encoding}}.m3u8": {ADMIN, *INVITED},
    f"GET {RECORDING}/{{slot}}/{{encoding}}/init-{{run}}.mp4": {ADMIN, *INVITED},
    f"GET {RECORDING}/{{slot}}/{{encoding}}/{{index}}.m4s": {ADMIN, *INVITED},
    f"PUT {RECORDING}/place": {ADMIN},
    "GET /api/shelves": EVERYBODY,
    "POST /api/profiles": {ADMIN},
    "PATCH /api/profiles/{profile_id}": {ADMIN},
    "DELETE /api/profiles/{profile_id}": {ADMIN},
    "POST /api/profiles/{profile_id}/courses": {ADMIN},
    "PUT /api/courses/{course_id}": {ADMIN},
    "DELETE /api/courses/{course_id}": {ADMIN},
    "POST /api/courses/{course_id}/topics": {ADMIN},
    "PUT /api/courses/{course_id}/order": {ADMIN},
    "PATCH /api/topics/{topic_id}": {ADMIN},
    "DELETE /api/topics/{topic_id}": {ADMIN},
    "POST /api/sign-in": EVERYBODY,
    "POST /api/sign-out": EVERYBODY,
    "GET /api/me": {ADMIN},
    "POST /api/password": {ADMIN},
    "GET /api/classroom": EVERYBODY,
    "GET /api/link-test": EVERYBODY,
    "GET /api/link-tests": {ADMIN},
    "POST /whip/{lesson_id}": {TEACHER},
    "OPTIONS /whip/{lesson_id}": EVERYBODY,
    "PATCH /whip/{lesson_id}/{resource_id}": INVITED,
    "DELETE /whip/{lesson_id}/{resource_id}": INVITED,
    "OPTIONS /whip/{lesson_id}/{resource_id}": EVERYBODY,
    "POST /whep/{lesson_id}": INVITED,
    "OPTIONS /whep/{lesson_id}": EVERYBODY,
    "PATCH /whep/{lesson_id}/{resource_id}": INVITED,
    "DELETE /whep/{lesson_id}/{resource_id}": INVITED,
    "OPTIONS /whep/{lesson_id}/{resource_id}": EVERYBODY,
}
"""Who gets past the door of each route in their own lesson. A WHIP or WHEP session is then found only by the invitation
that made it (404), and whoever has no right to the route learns nothing about what there is."""
OPEN_TO_FOREIGNERS = {
    "GET /api/recordings",
    "GET /api/shelves",
    "POST /api/sign-in",
    "POST /api/sign-out",
    "GET /api/join-info",
    "GET /api/classroom",
    "GET /api/link-test",
}


def key(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_every_route_has_a_row() -> None:
    assert {key(route) for route in ROUTES} == set(MAY)


@dataclass
class World:
    client: Client
    services: Services
    own: LessonLinks
    foreign: LessonLinks

    async def caller(self, who: str) -> Caller:
        self.client.session.cookie_jar.clear()
        if who == ADMIN:
            return await sign_in(self.client, self.services)
        if who == NOBODY:
            return Caller(self.client, origin(self.client))
        return Caller(self.client, {"Authorization": f"Bearer {self.own.tokens[Role(who)]}"})

    async def status(self, who: str, route: Route, lesson: LessonLinks) -> tuple[int, str]:
        caller = await self.caller(who)
        path = route.path.format(
            lesson_id=lesson.lesson_id,
            invitation_id=lesson.invitation_ids[Role.VIEWER],
            resource_id="x.y",
            recording_id=recording_of(lesson),
            slot="teacher_audio",
            encoding=0,
            index=0,
            run=0,
            profile_id="p",
            course_id="c",
            topic_id="t",
        )
        headers = dict(caller.headers)
        data: bytes | None = None
        if route.request_model is CreateLesson:
            data = b'{"title":"x"}'
        elif route.request_model is CreateInvitation:
            data = b'{"role":"viewer"}'
        elif route.request_model is Place:
            data = b'{"topic_id":null}'
        elif route.request_model is Keeping:
            data = b'{"legal_hold":false,"retention_until":null}'
        elif route.request_model is not None:
            data = b"{}"
        if data is not None:
            headers["Content-Type"] = "application/json"
        elif route.method == "POST" and route.standard:
            headers["Content-Type"], data = "application/sdp", b"v=0\r\n"
        async with self.client.request(route.method, path, headers=headers, data=data) as response:
            return response.status, await response.text(errors="replace")


def recording_of(lesson: LessonLinks) -> str:
    return f"of-{lesson.lesson_id}"


async def recorded_lesson(services: Services, school: School) -> LessonLinks:
    """With one segment of sound, which only those invited may hear."""
    lesson = await make_lesson(services)
    log, key = SqlRecordingLog(school.sessions), RenditionKey("teacher_audio", 0)
    await log.begin(recording_of(lesson), lesson.lesson_id, services.wall())
    made: list[Init | Segment] = [
        Init(key, 0, "opus", 0, 0, b"i"),
        Segment(key, 0, 0, 0.0, 6.0, services.wall(), 1, "Физика".encode()),
    ]
    await keep(services.store, log, recording_of(lesson), made)
    return lesson


@pytest.fixture
async def world(client: Client, services: Services, school: School, media: FakeMedia) -> World:
    return World(client, services, await recorded_lesson(services, school), await recorded_lesson(services, school))


@pytest.mark.parametrize("route", ROUTES, ids=key)
async def test_who_gets_in(world: World, route: Route) -> None:
    for who in sorted(EVERYBODY):
        status, text = await world.status(who, route, world.own)
        if who in MAY[key(route)]:
            assert status not in (401, 403) or "sign_in_failed" in text, (who, status, text)
            assert status in (200, 204, 409) or "recording_id" not in route.path, (who, status, text)
        else:
            assert status in (401, 403), (who, status, text)


@pytest.mark.parametrize("route", ROUTES, ids=key)
async def test_no_invitation_reaches_into_a_foreign_lesson(world: World, route: Route) -> None:
    if key(route) in OPEN_TO_FOREIGNERS or route.method == "OPTIONS":
        return
    for who in sorted(INVITED):
        status, text = await world.status(who, route, world.foreign)
        # Whether there is such a recording is not told either.
        assert status in (401, 403) or (status == 404 and "recording_id" in route.path), (who, status, text)
        assert world.foreign.lesson_id not in text
        assert "Физика" not in text
