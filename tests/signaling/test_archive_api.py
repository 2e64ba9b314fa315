"""Replay over HTTP: rights, ranges, caching, and a store that is not there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import aiohttp
import pytest

from archive.media import Init, RenditionKey, Segment
from archive.recordings_log import SqlRecordingLog
from archive.tables import Access
from signaling.messages import Role
from signaling.services import Services
from tests.archive.material import keep
from tests.signaling.test_api import Caller, sign_in
from tests.signaling.web import Client, LessonLinks, School, make_lesson

BODY = bytes(range(256)) * 4000
"""More than one chunk of the store."""
PATH = "/api/recordings/r1"
SEGMENT = f"{PATH}/teacher_audio/0/0.m4s"


@dataclass
class Recorded:
    client: Client
    lesson: LessonLinks
    log: SqlRecordingLog

    def as_class(self, **headers: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.lesson.tokens[Role.CLASS]}", **headers}

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
        async with self.client.get(path, headers=self.as_class(**headers)) as response:
            return response, await response.read()


@pytest.fixture
async def recorded(client: Client, services: Services, school: School) -> Recorded:
    lesson = await make_lesson(services)
    log, key = SqlRecordingLog(school.sessions), RenditionKey("teacher_audio", 0)
    await log.begin("r1", lesson.lesson_id, services.wall())
    made: list[Init | Segment] = [
        Init(key, 0, "opus", 0, 0, b"init"),
        Segment(key, 0, 0, 0.0, 6.0, 1_700_000_000.0, 1, BODY),
        Segment(key, 0, 1, 6.0, 6.0, 1_700_000_006.0, 1, b"second"),
    ]
    await keep(services.store, log, "r1", made)
    return Recorded(client, lesson, log)


async def test_a_recording_and_all_that_its_playlists_name(recorded: Recorded) -> None:
    response, _ = await recorded.get(PATH)
    about = await response.json()
    assert (about["title"], about["state"], about["duration_s"]) == ("Физика. Волны", "recording", 12.0)
    assert [(track["slot"], track["spans"]) for track in about["tracks"]] == [("teacher_audio", [[0.0, 12.0]])]
    asked, seen = [about["playlist"], *(track["playlist"] for track in about["tracks"])], {}
    while asked:
        path = asked.pop()
        response, body = await recorded.get(path)
        assert response.status == 200, path
        seen[path] = body
        if path.endswith(".m3u8"):
            assert response.headers["Cache-Control"] == "private, no-cache"
            named = re.findall(r'^([^#\n].*)$|URI="([^"]+)"', body.decode(), re.MULTILINE)
            folder = path.rpartition("/")[0]
            asked += [each for a, b in named if (each := f"{folder}/{a or b}") not in seen]
    assert seen[SEGMENT] == BODY
    assert seen[f"{PATH}/teacher_audio/0/1.m4s"] == b"second"
    assert seen[f"{PATH}/teacher_audio/0/init-0.mp4"] == b"init"


async def test_finishing_and_ready(recorded: Recorded, services: Services, school: School) -> None:
    assert b"EVENT" in (await recorded.get(f"{PATH}/teacher_audio/0.m3u8"))[1]
    await services.lessons.end(recorded.lesson.lesson_id, services.wall())
    school.clock.ahead_s += 1.01
    assert (await (await recorded.get(PATH))[0].json())["state"] == "finishing"
    await recorded.log.finish("r1", services.wall(), 12.0)
    school.clock.ahead_s += 1.01
    assert (await (await recorded.get(PATH))[0].json())["state"] == "ready"
    assert b"EXT-X-ENDLIST" in (await recorded.get(f"{PATH}/teacher_audio/0.m3u8"))[1]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=1023000-", 1_023_000, 1_024_000),
        ("bytes=-5", 1_023_995, 1_024_000),
        ("bytes=-9999999", 0, 1_024_000),
        ("bytes=5-99999999", 5, 1_024_000),
    ],
)
async def test_ranges(recorded: Recorded, asked: str, start: int, end: int) -> None:
    response, body = await recorded.get(SEGMENT, Range=asked)
    assert (response.status, body) == (206, BODY[start:end])
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(BODY)}"


@pytest.mark.parametrize("asked", ["bytes=1024000-", "bytes=99999999-999999999", "bytes=-0"])
async def test_ranges_beyond_the_end(recorded: Recorded, asked: str) -> None:
    response, body = await recorded.get(SEGMENT, Range=asked)
    assert (response.status, response.headers["Content-Range"]) == (416, f"bytes */{len(BODY)}")
    assert b"bad_range" in body


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,5-6", "bytes=a-b", "bytes=1-" + "9" * 400]
)
async def test_what_is_no_range_is_ignored(recorded: Recorded, asked: str) -> None:
    response, body = await recorded.get(SEGMENT, Range=asked)
    assert (response.status, body) == (200, BODY)


async def test_kept_by_the_browser(recorded: Recorded) -> None:
    response, _ = await recorded.get(SEGMENT)
    etag = response.headers["ETag"]
    assert "private" in response.headers["Cache-Control"]
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Vary"] == "Authorization, Cookie"
    for path in (SEGMENT, f"{PATH}/teacher_audio/0.m3u8"):
        etag = (await recorded.get(path))[0].headers["ETag"]
        assert (await recorded.get(path, **{"If-None-Match": f'"other", {etag}'}))[0].status == 304
    assert (await recorded.get(SEGMENT, Range="bytes=0-9", **{"If-Range": '"old"'}))[0].status == 200


@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}/teacher_audio/0/2.m4s",
        f"{PATH}/teacher_audio/1/0.m4s",
        f"{PATH}/teacher_video/0/0.m4s",
        f"{PATH}/teacher_audio/0/init-1.mp4",
        f"{PATH}/teacher_audio/7.m3u8",
        f"{PATH}/nothing/packed.m3u8",
        f"{PATH}/teacher_audio/0/-1.m4s",
        f"{PATH}/teacher_audio/0/9999999999999999999999.m4s",
        f"{PATH}/teacher_audio/0/٣.m4s",
        f"{PATH}/teacher_audio/%2e%2e/0.m4s",
        f"{PATH}/..%2f..%2fserver.key/0/0.m4s",
        f"{PATH}/teacher_audio/0/..%2f0.m4s",
        "/api/recordings/r2",
        "/api/recordings/" + "r" * 500,
    ],
)
async def test_what_is_not_there_is_not_found(recorded: Recorded, path: str) -> None:
    async with recorded.client.get(path, headers=recorded.as_class()) as response:
        assert response.status == 404
        assert "recordings/r1" not in await response.text()


async def test_open_to_everybody_and_closed_again(recorded: Recorded, services: Services, school: School) -> None:
    everybody = Caller(recorded.client, {})
    await everybody("GET", PATH, status=401)
    assert (await everybody("GET", "/api/recordings"))["recordings"] == []
    await services.catalog.change("r1", title=None, access=Access.OPEN)
    assert (await everybody("GET", PATH))["access"] == "open"
    assert len((await everybody("GET", "/api/recordings"))["recordings"]) == 1
    async with recorded.client.get(SEGMENT) as response:
        assert await response.read() == BODY
    foreign = await make_lesson(services)
    stranger = Caller(recorded.client, {"Authorization": f"Bearer {foreign.tokens[Role.CLASS]}"})
    assert (await stranger("GET", PATH))["access"] == "open"
    await services.catalog.change("r1", title=None, access=Access.NAMED)
    school.clock.ahead_s += 1.01
    await stranger("GET", PATH, status=404)
    found = await stranger("GET", f"/api/recordings?lesson={recorded.lesson.lesson_id}")
    assert (found["recordings"], found["total"]) == ([], 0)


async def test_a_revoked_invitation_opens_nothing_after_a_second(
    recorded: Recorded, services: Services, school: School
) -> None:
    assert (await recorded.get(SEGMENT))[0].status == 200
    await services.invitations.revoke(recorded.lesson.invitation_ids[Role.CLASS], services.wall())
    school.clock.ahead_s += 1.01
    response, body = await recorded.get(SEGMENT)
    assert (response.status, b"revoked" in body) == (401, True)


async def test_an_administrator_sees_and_changes_all(recorded: Recorded, services: Services) -> None:
    admin = await sign_in(recorded.client, services)
    found = await admin("GET", "/api/recordings?words=ВОЛНЫ&limit=1")
    assert ([each["recording_id"] for each in found["recordings"]], found["more"]) == (["r1"], False)
    changed = await admin("PATCH", PATH, {"title": "Физика. Звук", "access": "open"})
    assert (changed["title"], changed["access"]) == ("Физика. Звук", "open")
    await admin("PATCH", PATH, {"access": "everyone"}, 400)
    await admin("PATCH", PATH, {"title": "a\u202eb"}, 422)
    await admin("PATCH", "/api/recordings/none", {"access": "open"}, 404)
    await admin("GET", "/api/recordings?limit=-1", status=400)


async def test_a_store_that_is_not_there(recorded: Recorded, services: Services) -> None:
    found = await services.catalog.segment_object("r1", "teacher_audio", 0, 0)
    await services.store.delete(found.key)
    response, body = await recorded.get(SEGMENT)
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert found.key.encode() not in body


async def test_an_object_that_is_shorter_than_its_row_breaks_off(recorded: Recorded, services: Services) -> None:
    """Nobody takes a part for the whole."""
    found = await services.catalog.segment_object("r1", "teacher_audio", 0, 0)
    await services.store.delete(found.key)
    await services.store.put(found.key, BODY[:300_000])
    with pytest.raises(aiohttp.ClientError):
        await recorded.get(SEGMENT)
