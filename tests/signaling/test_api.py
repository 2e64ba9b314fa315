"""The HTTP API: lessons and invitations, signing in, and every kind of bad input."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from signaling import messages as m
from signaling.messages import ErrorCode, Role
from signaling.services import Services
from signaling.socket_connection import CloseCode
from tests.signaling.web import Client, LessonLinks, School, join, make_lesson, refusal


@dataclass
class Caller:
    """Somebody who calls the API: with a cookie (an administrator), a token, or neither."""

    client: Client
    headers: dict[str, str]

    async def __call__(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        async with self.client.request(method, path, json=body, headers=self.headers) as response:
            text = await response.text()
            assert response.status == status, (response.status, text)
            return json.loads(text) if text else None


def origin(client: Client) -> dict[str, str]:
    return {"Origin": str(client.make_url("/")).rstrip("/")}


async def sign_in(client: Client, services: Services) -> Caller:
    administrator = await services.accounts.ensure_first(services.wall())
    token = await services.accounts.create_link(administrator.id, services.wall())
    await Caller(client, {})("POST", "/api/sign-in", {"link_token": token})
    return Caller(client, origin(client))


@pytest.fixture
async def admin(client: Client, services: Services) -> Caller:
    return await sign_in(client, services)


@pytest.fixture
async def lesson(services: Services) -> LessonLinks:
    return await make_lesson(services)


def teacher_of(client: Client, lesson: LessonLinks) -> Caller:
    client.session.cookie_jar.clear()
    return Caller(client, {"Authorization": f"Bearer {lesson.tokens[Role.TEACHER]}"})


async def test_a_lesson_is_created_changed_listed_and_ended(admin: Caller) -> None:
    created = await admin("POST", "/api/lessons", {"title": " Физика ", "kind": "partial"}, 201)
    assert (created["title"], created["kind"], created["state"], created["participants"]) == (
        "Физика",
        "partial",
        "waiting",
        0,
    )
    assert created["recording"] == "on"
    path = f"/api/lessons/{created['lesson_id']}"
    assert (await admin("PATCH", path, {"title": "Химия"}))["title"] == "Химия"
    assert (await admin("GET", path))["kind"] == "partial"
    assert [found["lesson_id"] for found in (await admin("GET", "/api/lessons"))["lessons"]] == [created["lesson_id"]]
    assert (await admin("DELETE", path))["state"] == "ended"
    assert (await admin("DELETE", path))["state"] == "ended"
    await admin("PATCH", path, {"title": "Поздно"}, 409)
    await admin("GET", "/api/lessons/unknown", status=404)


async def test_ending_by_the_api_empties_the_classroom(admin: Caller, services: Services) -> None:
    lesson = await make_lesson(services)
    page = await join(admin.client, lesson.tokens[Role.CLASS])
    assert (await admin("GET", f"/api/lessons/{lesson.lesson_id}"))["participants"] == 1
    await admin("DELETE", f"/api/lessons/{lesson.lesson_id}")
    assert await refusal(page) == (ErrorCode.ENDED, CloseCode.REFUSED)


async def test_a_lesson_may_be_made_that_is_not_recorded(admin: Caller) -> None:
    created = await admin("POST", "/api/lessons", {"title": "Физика", "record": False}, 201)
    assert created["recording"] == "off"


async def test_a_new_title_reaches_the_pages(admin: Caller, services: Services) -> None:
    lesson = await make_lesson(services)
    page = await join(admin.client, lesson.tokens[Role.CLASS])
    await admin("PATCH", f"/api/lessons/{lesson.lesson_id}", {"title": "Оптика"})
    assert (await page.wait(m.LessonChanged)).lesson.title == "Оптика"


@pytest.mark.parametrize(
    ("host", "begins"),
    [
        ("localhost:8080", "https://192.0.2.2:8443/"),
        ("[::1]:8080", "https://192.0.2.2:8443/"),
        ("school.lan", "http://school.lan/"),
    ],
)
async def test_a_link_for_other_computers_never_names_this_one(
    admin: Caller, services: Services, host: str, begins: str
) -> None:
    lesson = await make_lesson(services)
    caller = Caller(admin.client, {**admin.headers, "Host": host})
    shown = (await caller("GET", f"/api/lessons/{lesson.lesson_id}/invitations"))["invitations"]
    assert shown
    assert all(each["link"].startswith(f"http://{host}/join#") for each in shown)
    assert all(each["network_link"] == f"{begins}join#{each['token']}" for each in shown)


async def test_an_invitation_opens_the_door_until_it_is_revoked(admin: Caller, lesson: LessonLinks) -> None:
    path = f"/api/lessons/{lesson.lesson_id}/invitations"
    made = await admin("POST", path, {"role": "class", "label": "Тикси", "valid_hours": 2}, 201)
    assert made["link"].endswith(f"/join#{made['token']}")
    bearer = Caller(admin.client, {"Authorization": f"Bearer {made['token']}"})
    info = await bearer("GET", "/api/join-info")
    assert (info["lesson_id"], info["role"], info["label"]) == (lesson.lesson_id, "class", "Тикси")
    revoked = await admin("DELETE", f"{path}/{made['invitation_id']}")
    assert (revoked["token"], revoked["link"], revoked["network_link"]) == ("", "", "")
    assert (await bearer("GET", "/api/join-info", status=401))["code"] == "revoked"
    shown = (await admin("GET", path))["invitations"]
    assert len(shown) == 1 + len(Role)
    await admin("DELETE", f"/api/lessons/other/invitations/{lesson.invitation_ids[Role.CLASS]}", status=404)


async def test_a_teacher_manages_the_invitations_of_classes_and_viewers(client: Client, lesson: LessonLinks) -> None:
    teacher = teacher_of(client, lesson)
    path = f"/api/lessons/{lesson.lesson_id}/invitations"
    assert {i["role"] for i in (await teacher("GET", path))["invitations"]} == {"class", "viewer"}
    made = await teacher("POST", path, {"role": "viewer", "valid_hours": 5000}, 201)
    own = await Caller(client, teacher.headers)("GET", "/api/join-info")
    assert made["expires_at"] <= own["expires_at"]
    for role in ("teacher", "co_teacher"):
        await teacher("POST", path, {"role": role}, 403)
    for role in (Role.TEACHER, Role.CO_TEACHER):
        await teacher("DELETE", f"{path}/{lesson.invitation_ids[role]}", status=403)
    await teacher("DELETE", f"{path}/{lesson.invitation_ids[Role.CLASS]}")
    assert await teacher("GET", f"/api/lessons/{lesson.lesson_id}/feed") == {"classes": []}


async def test_minutes_of_the_feed_are_told(client: Client, services: Services, school: School) -> None:
    lesson = await make_lesson(services, kind="partial")
    await services.feed.begin(lesson.lesson_id, "Орлик", services.wall() - 90)
    minutes = await teacher_of(client, lesson)("GET", f"/api/lessons/{lesson.lesson_id}/feed")
    assert minutes["classes"][0]["name"] == "Орлик"
    assert minutes["classes"][0]["minutes"] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"title":"x","surprise":1}', "application/json", 400),
        (b'{"title":"x","kind":"other"}', "application/json", 400),
        (b'{"title":""}', "application/json", 400),
        ('{"title":"a\u202eb"}'.encode(), "application/json", 422),
        (b'{"title":"   "}', "application/json", 422),
        (b'{"title":"\xff"}', "application/json", 400),
        (b'{"title":"x"}', "text/plain", 415),
        (b'{"title":"' + b"x" * 70_000 + b'"}', "application/json", 413),
    ],
)
async def test_bad_bodies_are_refused_in_words(admin: Caller, body: bytes, content_type: str, status: int) -> None:
    headers = {"Content-Type": content_type, **admin.headers}
    async with admin.client.post("/api/lessons", data=body, headers=headers) as response:
        assert response.status == status
        told = await response.json()
        assert set(told) == {"code", "message"}
        assert len(told["message"]) > 5


async def test_a_body_without_length_is_bounded_too(admin: Caller) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 8192

    headers = {"Content-Type": "application/json", **admin.headers}
    async with admin.client.post("/api/lessons", data=endless(), headers=headers) as response:
        assert response.status == 413


async def test_signing_in_by_link_once_then_by_password(client: Client, services: Services) -> None:
    administrator = await services.accounts.ensure_first(services.wall())
    token = await services.accounts.create_link(administrator.id, services.wall())
    anyone = Caller(client, origin(client))
    await anyone("GET", "/api/me", status=401)
    assert await anyone("POST", "/api/sign-in", {"link_token": token}) == {"name": "admin", "has_password": False}
    cookie = next(iter(client.session.cookie_jar))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert (await anyone("POST", "/api/sign-in", {"link_token": token}, 401))["code"] == "sign_in_failed"
    await anyone("POST", "/api/password", {"password": "correct horse battery", "name": "anna"})
    assert await anyone("GET", "/api/me") == {"name": "anna", "has_password": True}
    await anyone("POST", "/api/sign-out", status=204)
    await anyone("GET", "/api/me", status=401)
    await anyone("POST", "/api/sign-in", {"name": "anna", "password": "wrong password"}, 401)
    await anyone("POST", "/api/sign-in", {"name": "anna"}, 400)
    await anyone("POST", "/api/sign-in", {"name": "anna", "password": "correct horse battery"})
    await anyone("POST", "/api/password", {"password": "short"}, 422)


async def test_guessing_is_slowed_down(client: Client) -> None:
    statuses = []
    for _ in range(12):
        async with client.post("/api/sign-in", json={"name": "anna", "password": "guess guess"}) as response:
            statuses.append(response.status)
            if response.status == 429:
                assert int(response.headers["Retry-After"]) > 0
    assert statuses[0] == 401
    assert statuses[-1] == 429


async def test_a_cookie_is_worth_nothing_to_other_sites(admin: Caller) -> None:
    foreign = Caller(admin.client, {"Origin": "https://evil.example"})
    for method, path in (("POST", "/api/lessons"), ("POST", "/api/sign-out"), ("POST", "/api/sign-in")):
        assert (await foreign(method, path, {"title": "x"}, 403))["code"] == "not_allowed"
    await admin("GET", "/api/me")
