from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.errors import BadText, NotFound, WrongState
from school.feed import FeedSpans
from school.lessons import Lessons
from school.tables import LessonKind, LessonState

Sessions = async_sessionmaker[AsyncSession]
NOW = 1_800_000_000.0


@pytest.fixture
def lessons(sessions: Sessions) -> Lessons:
    return Lessons(sessions)


async def test_a_lesson_is_kept_with_its_title_cleaned(lessons: Lessons) -> None:
    made = await lessons.create("  Физика, 10 класс. Волны ", LessonKind.FULL, NOW)
    found = await lessons.get(made.id)
    assert (found.title, found.kind, found.state) == ("Физика, 10 класс. Волны", "full", "waiting")
    assert (found.created_at, found.live_since, found.ended_at) == (NOW, None, None)


async def test_the_newest_lesson_is_listed_first(lessons: Lessons) -> None:
    for number in range(3):
        await lessons.create(f"lesson {number}", LessonKind.FULL, NOW + number)
    assert [lesson.title for lesson in await lessons.list()] == ["lesson 2", "lesson 1", "lesson 0"]
    assert len(await lessons.list(limit=1)) == 1


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("", "empty"),
        (" \t ", "empty"),
        ("x" * 201, "longer"),
        ("a\x00b", r"U\+0000"),
        ("two\nlines", r"U\+000A"),
        ("физика\u202e", r"U\+202E"),
        ("\u2066physics", r"U\+2066"),
        ("\ud800", r"U\+D800"),
    ],
)
async def test_a_bad_title_is_refused_with_the_reason(lessons: Lessons, title: str, reason: str) -> None:
    with pytest.raises(BadText, match=reason):
        await lessons.create(title, LessonKind.FULL, NOW)


@pytest.mark.parametrize("title", ["ҕ ҥ ө һ ү", "x" * 200, "<script>alert(1)</script>", "Ёж'); DROP TABLE lesson;--"])
async def test_any_letters_are_welcome(lessons: Lessons, title: str) -> None:
    assert (await lessons.get((await lessons.create(title, LessonKind.FULL, NOW)).id)).title == title


async def test_a_lesson_goes_live_and_ends_once(lessons: Lessons) -> None:
    lesson = await lessons.create("Волны", LessonKind.FULL, NOW)
    await lessons.set_state(lesson.id, LessonState.LIVE, NOW + 10)
    await lessons.set_state(lesson.id, LessonState.LIVE, NOW + 20)
    await lessons.end(lesson.id, NOW + 30)
    ended = await lessons.end(lesson.id, NOW + 40)
    assert (ended.state, ended.live_since, ended.ended_at) == ("ended", NOW + 10, NOW + 30)
    with pytest.raises(WrongState):
        await lessons.set_state(lesson.id, LessonState.LIVE, NOW + 50)


async def test_what_may_change_depends_on_the_state(lessons: Lessons) -> None:
    lesson = await lessons.create("Волны", LessonKind.FULL, NOW)
    changed = await lessons.change(lesson.id, title="Звук", kind=LessonKind.PARTIAL)
    assert (changed.title, changed.kind) == ("Звук", "partial")
    await lessons.set_state(lesson.id, LessonState.LIVE, NOW)
    assert (await lessons.change(lesson.id, title="Свет")).title == "Свет"
    with pytest.raises(WrongState):
        await lessons.change(lesson.id, kind=LessonKind.FULL)
    await lessons.end(lesson.id, NOW)
    with pytest.raises(WrongState):
        await lessons.change(lesson.id, title="Тень")


async def test_an_unknown_lesson_is_not_found(lessons: Lessons) -> None:
    with pytest.raises(NotFound):
        await lessons.get("nothing")
    with pytest.raises(NotFound):
        await lessons.end("nothing", NOW)


async def test_feed_minutes_are_summed_by_class(lessons: Lessons, sessions: Sessions) -> None:
    feed = FeedSpans(sessions)
    lesson = await lessons.create("Волны", LessonKind.PARTIAL, NOW)
    await feed.begin(lesson.id, "Тикси №1", NOW)
    await feed.begin(lesson.id, "Тикси №1", NOW + 60)  # open already: still counted from the first
    await feed.finish(lesson.id, "Тикси №1", NOW + 120)
    await feed.finish(lesson.id, "Тикси №1", NOW + 500)  # nothing open
    await feed.begin(lesson.id, "Тикси №1", NOW + 300)
    await feed.begin(lesson.id, "Орлик", NOW + 300)
    assert await feed.minutes(lesson.id, NOW + 360) == {"Орлик": 1.0, "Тикси №1": 3.0}


async def test_the_end_of_a_lesson_closes_its_feed_spans(lessons: Lessons, sessions: Sessions) -> None:
    feed = FeedSpans(sessions)
    lesson = await lessons.create("Волны", LessonKind.PARTIAL, NOW)
    await feed.begin(lesson.id, "Хандыга СОШ", NOW)
    await lessons.end(lesson.id, NOW + 90)
    assert await feed.minutes(lesson.id, NOW + 9000) == {"Хандыга СОШ": 1.5}
