from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.errors import NotEmpty, NotFound
from archive.search import Facet, Query, Sight, find
from archive.shelves import CourseData, ProfileShelf, Shelves
from archive.tables import Access
from school.errors import BadText
from tests.archive.shelf import add_recording

Sessions = async_sessionmaker[AsyncSession]
PHYSICS = CourseData("Физика, углублённый курс", "физика", 10, 11, author="Слепцов Н. Н.", organisation="Лицей № 1")


@pytest.fixture
def shelves(sessions: Sessions) -> Shelves:
    return Shelves(sessions)


def titles(tree: list[ProfileShelf]) -> dict[str, dict[str, list[tuple[str, int]]]]:
    return {
        profile.profile.title: {
            course.course.title: [(shelf.topic.title, shelf.recordings) for shelf in course.topics]
            for course in profile.courses
        }
        for profile in tree
    }


async def found(sessions: Sessions, text: str = "", **facets: str) -> list[str]:
    narrowed = tuple((Facet(name), (value,)) for name, value in facets.items())
    async with sessions() as session:
        return (await find(session, Query(text, narrowed), Sight(everything=True))).recording_ids


async def test_a_recording_stands_in_a_topic_of_a_course_of_a_profile(sessions: Sessions, shelves: Shelves) -> None:
    profile = await shelves.add_profile("Физико-математический")
    course = await shelves.add_course(profile.id, PHYSICS)
    optics = await shelves.add_topic(course.id, "Оптика")
    await shelves.add_topic(course.id, "Механика")
    async with sessions.begin() as session:
        await add_recording(session, "r1", "Линзы", access=Access.OPEN)
    placed = await shelves.place("r1", optics.id)
    assert placed.access == Access.NAMED
    assert titles(await shelves.all()) == {
        "Физико-математический": {"Физика, углублённый курс": [("Оптика", 1), ("Механика", 0)]}
    }
    place = await shelves.place_of("r1")
    assert place is not None
    assert [each.title for each in place] == ["Физико-математический", "Физика, углублённый курс", "Оптика"]
    assert await found(sessions, "оптики линза") == ["r1"]
    assert await found(sessions, subject="Физика", grade="11", profile=profile.id, topic=optics.id) == ["r1"]
    assert await found(sessions, grade="9") == []
    await shelves.order_topics(course.id, [])
    await shelves.order_topics(course.id, ["nothing", (await shelves.all())[0].courses[0].topics[1].topic.id])
    assert [shelf.topic.title for shelf in (await shelves.all())[0].courses[0].topics] == ["Механика", "Оптика"]


async def test_what_a_shelf_is_called_finds_what_stands_on_it(sessions: Sessions, shelves: Shelves) -> None:
    profile = await shelves.add_profile("Профиль")
    course = await shelves.add_course(profile.id, PHYSICS)
    topic = await shelves.add_topic(course.id, "Тема")
    async with sessions.begin() as session:
        await add_recording(session, "r1", "Урок")
    await shelves.place("r1", topic.id)
    await shelves.rename_topic(topic.id, "Интерференция")
    await shelves.rename_profile(profile.id, "Естественные науки")
    assert await found(sessions, "интерференции") == ["r1"]
    assert await found(sessions, "естественная") == ["r1"]
    assert await found(sessions, "тема") == []


async def test_access_follows_the_course_unless_it_was_set_apart(sessions: Sessions, shelves: Shelves) -> None:
    profile = await shelves.add_profile("Профиль")
    course = await shelves.add_course(profile.id, PHYSICS)
    topic = await shelves.add_topic(course.id, "Тема")
    async with sessions.begin() as session:
        for name, access in (("follows", Access.NAMED), ("apart", Access.PROFILE)):
            await add_recording(session, name, "Урок", access=access, topic_id=topic.id)
    opened = replace(PHYSICS, access=Access.OPEN)
    await shelves.change_course(course.id, opened)
    assert await found(sessions, access="open") == ["follows"]
    assert await found(sessions, access="profile") == ["apart"]
    assert titles(await shelves.all(sees=[Access.OPEN])) == {"Профиль": {PHYSICS.title: [("Тема", 1)]}}
    await shelves.change_course(course.id, PHYSICS)
    assert titles(await shelves.all(sees=[Access.OPEN])) == {"Профиль": {}}


async def test_nothing_that_holds_something_is_removed(sessions: Sessions, shelves: Shelves) -> None:
    profile = await shelves.add_profile("Профиль")
    course = await shelves.add_course(profile.id, PHYSICS)
    topic = await shelves.add_topic(course.id, "Тема")
    async with sessions.begin() as session:
        await add_recording(session, "r1", "Урок", topic_id=topic.id)
    for removing in (
        shelves.remove_topic(topic.id),
        shelves.remove_course(course.id),
        shelves.remove_profile(profile.id),
    ):
        with pytest.raises(NotEmpty):
            await removing
    await shelves.place("r1", None)
    assert await shelves.place_of("r1") is None
    await shelves.remove_topic(topic.id)
    await shelves.remove_course(course.id)
    await shelves.remove_profile(profile.id)
    assert await shelves.all() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"title": ""}, "title is empty"),
        ({"title": "x" * 201}, "title is longer"),
        ({"subject": "физика\u202e"}, "direction"),
        ({"grade_from": 11, "grade_to": 10}, "grades"),
        ({"grade_to": 12}, "grades"),
        ({"grade_from": -1}, "grades"),
        ({"description": "a\x00"}, "control"),
        ({"description": "x" * 4001}, "longer"),
    ],
)
async def test_what_a_course_cannot_be_called(shelves: Shelves, change: dict[str, object], says: str) -> None:
    profile = await shelves.add_profile("Профиль")
    with pytest.raises(BadText, match=says):
        await shelves.add_course(profile.id, replace(PHYSICS, **change))  # type: ignore[arg-type]
    assert titles(await shelves.all()) == {"Профиль": {}}


async def test_what_is_not_there_is_not_found(shelves: Shelves) -> None:
    for asking in (
        shelves.rename_profile("x", "y"),
        shelves.add_course("x" * 500, PHYSICS),
        shelves.add_topic("x", "y"),
        shelves.place("x", None),
        shelves.remove_topic("x"),
    ):
        with pytest.raises(NotFound):
            await asking
