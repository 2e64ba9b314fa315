"""The matrix: every route × everybody, for their own lesson and a foreign one. A route without a row fails."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from signaling.api_models import CreateInvitation, CreateLesson
from signaling.http import Route
from signaling.messages import Role
from signaling.routes import ROUTES
from signaling.services import Services
from tests.signaling.fake_media import FakeMedia
from tests.signaling.test_api import Caller, origin, sign_in
from tests.signaling.web import Client, LessonLinks, make_lesson

ADMIN, TEACHER, CO, CLASS, VIEWER, NOBODY = "administrator", *(str(role) for role in Role), "nobody"
EVERYBODY = {ADMIN, TEACHER, CO, CLASS, VIEWER, NOBODY}
INVITED = {TEACHER, CO, CLASS, VIEWER}
LESSON = "/api/lessons/{lesson_id}"

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
            lesson_id=lesson.lesson_id, invitation_id=lesson.invitation_ids[Role.VIEWER], resource_id="x.y"
        )
        headers = dict(caller.headers)
        data: bytes | None = None
        if route.request_model is CreateLesson:
            data = b'{"title":"x"}'
        elif route.request_model is CreateInvitation:
            data = b'{"role":"viewer"}'
        elif route.request_model is not None:
            data = b"{}"
        if data is not None:
            headers["Content-Type"] = "application/json"
        elif route.method == "POST" and route.standard:
            headers["Content-Type"], data = "application/sdp", b"v=0\r\n"
        async with self.client.request(route.method, path, headers=headers, data=data) as response:
            return response.status, await response.text()


@pytest.fixture
async def world(client: Client, services: Services, media: FakeMedia) -> World:
    return World(client, services, await make_lesson(services), await make_lesson(services))


@pytest.mark.parametrize("route", ROUTES, ids=key)
async def test_who_gets_in(world: World, route: Route) -> None:
    for who in sorted(EVERYBODY):
        status, text = await world.status(who, route, world.own)
        if who in MAY[key(route)]:
            assert status not in (401, 403) or "sign_in_failed" in text, (who, status, text)
        else:
            assert status in (401, 403), (who, status, text)


@pytest.mark.parametrize("route", ROUTES, ids=key)
async def test_no_invitation_reaches_into_a_foreign_lesson(world: World, route: Route) -> None:
    if key(route) in OPEN_TO_FOREIGNERS or route.method == "OPTIONS":
        return
    for who in sorted(INVITED):
        status, text = await world.status(who, route, world.foreign)
        assert status in (401, 403), (who, status, text)
        assert world.foreign.lesson_id not in text
        assert "Физика" not in text
