"""The archive's shelves over HTTP."""

from __future__ import annotations

from signaling.services import Services
from tests.signaling.test_api import sign_in
from tests.signaling.web import Client

COURSE = {"title": "Физика", "subject": "физика", "grade_from": 10, "grade_to": 11, "access": "open"}


async def test_shelves_are_made_seen_changed_and_removed(client: Client, services: Services) -> None:
    admin = await sign_in(client, services)
    profile = await admin("POST", "/api/profiles", {"title": "Физмат"}, 201)
    course = await admin("POST", f"/api/profiles/{profile['profile_id']}/courses", COURSE, 201)
    course_path = f"/api/courses/{course['course_id']}"
    topics = [await admin("POST", f"{course_path}/topics", {"title": name}, 201) for name in ("Оптика", "Атом")]
    order = {"topic_ids": [topic["topic_id"] for topic in reversed(topics)]}
    await admin("PUT", f"{course_path}/order", order, 204)
    tree = await admin("GET", "/api/shelves", None, 200)
    seen = tree["profiles"][0]["courses"][0]
    assert [topic["title"] for topic in seen["topics"]] == ["Атом", "Оптика"]
    assert await admin("DELETE", course_path, None, 409) == {
        "code": "not_empty",
        "message": "the course still has topics",
    }
    await admin("PUT", course_path, {**COURSE, "access": "named"}, 200)
    client.session.cookie_jar.clear()
    async with client.get("/api/shelves") as response:
        assert await response.json() == {"profiles": []}


async def test_what_cannot_be_a_course_is_told_at_its_field(client: Client, services: Services) -> None:
    admin = await sign_in(client, services)
    profile = await admin("POST", "/api/profiles", {"title": "Физмат"}, 201)
    path = f"/api/profiles/{profile['profile_id']}/courses"
    assert "grade_to" in (await admin("POST", path, {**COURSE, "grade_to": 12}, 400))["message"]
    assert "grades" in (await admin("POST", path, {**COURSE, "grade_to": 9}, 422))["message"]
    assert "title" in (await admin("POST", path, {**COURSE, "title": " \u202e "}, 422))["message"]
    assert (await admin("POST", "/api/profiles/none/courses", COURSE, 404))["code"] == "not_found"
