"""The same search on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.indexing import index_recording, school_year
from archive.search import COUNT_MAX, Facet, Query, Sight, document, find
from archive.search_tables import SearchDocument
from archive.tables import Access, Recording
from tests.archive.shelf import AUTUMN_2026, add_lesson, add_recording

Sessions = async_sessionmaker[AsyncSession]
ALL = Sight(everything=True)
YEAR_BEFORE = AUTUMN_2026 - 31_000_000


@pytest.fixture
async def shelf(sessions: Sessions) -> Sessions:
    async with sessions.begin() as session:
        await add_lesson(session, "l1")
        await add_recording(session, "equations", "Решение квадратных уравнений", author="Иванова А. П.")
        await add_recording(
            session, "physics", "Закон Ома", author="Слепцов Н. Н.", started_at=AUTUMN_2026 - 31_000_000
        )
        await add_recording(session, "yakut", "Саха тылын уруога: үөрэх", access=Access.NAMED, lesson_id="l1")
        await add_recording(session, "secret", "Контрольная: уравнения с модулем", access=Access.NAMED)
        await add_recording(session, "teacher", "Введение", author="Уравнение Мария")
    return sessions


async def ids(sessions: Sessions, text: str = "", sight: Sight = ALL, **more: object) -> list[str]:
    async with sessions() as session:
        found = await find(session, Query(text, **more), sight)  # type: ignore[arg-type]
    assert found.total == len(found.recording_ids) or more
    return found.recording_ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("уравнение", ["secret", "equations", "teacher"]),
        ("КВАДРАТНОЕ УРАВНЕНИЕ", ["equations"]),
        ("ом", ["physics"]),
        ("ома", ["physics"]),
        ("Н. Слепцов, законы", ["physics"]),
        ("үөрэх", ["yakut"]),
        ("үөр", ["yakut"]),
        ("квад", ["equations"]),
        ("закон уравнений", []),
        ("!!!", ["teacher", "secret", "yakut", "physics", "equations"]),
    ],
)
async def test_words_are_found_in_any_form_titles_first(shelf: Sessions, text: str, expected: list[str]) -> None:
    assert await ids(shelf, text) == expected


async def test_nobody_finds_what_they_may_not_see(shelf: Sessions) -> None:
    assert await ids(shelf, "уравнение", Sight()) == ["equations", "teacher"]
    assert await ids(shelf, "", Sight()) == ["teacher", "physics", "equations"]
    assert await ids(shelf, "", Sight(lesson_ids=("l1",))) == ["teacher", "yakut", "physics", "equations"]
    assert await ids(shelf, "=everything", Sight()) == []
    assert await ids(shelf, "access=named", Sight()) == []


async def test_facets_narrow(shelf: Sessions) -> None:
    assert await ids(shelf, narrowed=((Facet.AUTHOR, ("Слепцов Н. Н.", "нет такого")),)) == ["physics"]
    assert await ids(shelf, narrowed=((Facet.YEAR, ("2025",)),)) == ["physics"]
    both = ((Facet.YEAR, ("2026",)), (Facet.ACCESS, ("named",)))
    assert await ids(shelf, "уравнения", narrowed=both) == ["secret"]


async def test_pages_follow_each_other_without_a_gap(shelf: Sessions) -> None:
    whole = await ids(shelf, "уравнение")
    for size in (1, 2):
        pages = [await ids(shelf, "уравнение", offset=offset, limit=size) for offset in range(0, 4, size)]
        assert [recording_id for page in pages for recording_id in page] == whole
    assert await ids(shelf, "уравнение", offset=10) == []
    assert await ids(shelf, "уравнение", offset=-5, limit=-1) == []


async def test_what_is_renamed_or_deleted_is_found_no_longer(shelf: Sessions) -> None:
    async with shelf.begin() as session:
        recording = await session.get_one(Recording, "equations")
        recording.title = "Векторы"
        await index_recording(session, "equations")
        await session.delete(await session.get_one(Recording, "secret"))
    assert await ids(shelf, "уравнение") == ["teacher"]
    assert await ids(shelf, "вектор") == ["equations"]


async def test_beyond_a_thousand_it_is_only_said_that_there_are_more(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await add_recording(session, "r", "Урок")
        first = await session.get_one(Recording, "r")
        columns = {
            column.name: getattr(first, column.name)
            for column in Recording.__table__.columns
            if column.name != "checkpoint"
        }
        numbers = range(COUNT_MAX + 1)
        await session.execute(insert(Recording), [columns | {"id": f"r{number}"} for number in numbers])
        documents = [{"recording_id": f"r{number}", "words": document("Урок", "", ())} for number in numbers]
        await session.execute(insert(SearchDocument), documents)
    async with sessions() as session:
        found = await find(session, Query("урок", limit=5), ALL)
    assert (found.total, found.more, len(found.recording_ids)) == (COUNT_MAX, True, 5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), value=st.text(max_size=20))
async def test_any_text_is_a_search(shelf: Sessions, text: str, value: str) -> None:
    async with shelf() as session:
        found = await find(session, Query(text, ((Facet.SUBJECT, (value,)),)), Sight())
    assert found.recording_ids == []


def test_a_school_year_begins_in_september() -> None:
    assert [school_year(at) for at in (1_788_200_000, 1_788_310_000)] == [2025, 2026]
