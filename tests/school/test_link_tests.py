"""What link tests found: by place, the worst first, not for ever."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school import link_tests
from school.errors import BadText
from school.link_tests import HISTORY_MAX, KEPT_S, Figures, LinkTestRecord, LinkTests, Verdict

NOW = 1_700_000_000.0


@pytest.fixture
def tests(sessions: async_sessionmaker[AsyncSession]) -> LinkTests:
    return LinkTests(sessions)


def record(verdict: Verdict = Verdict.GOOD, at: float = NOW, down_bps: int = 1_000_000) -> LinkTestRecord:
    return LinkTestRecord(verdict, Verdict.GOOD, Figures("udp", down_bps, 800_000, 0.02, 0.01, 80.0, 40.0, 5.0), at)


async def test_a_test_is_kept_as_it_was(tests: LinkTests) -> None:
    await tests.keep("key", "  Хандыга СОШ ", record())
    (place,) = await tests.by_place(NOW)
    assert (place.place, place.link, place.tests) == ("Хандыга СОШ", "", (record(),))


async def test_who_needs_help_comes_first(tests: LinkTests) -> None:
    await tests.keep("a", "Хорошая", record(Verdict.SOUND_ONLY, NOW - 60))
    await tests.keep("a", "Хорошая", record(Verdict.GOOD, NOW))
    await tests.keep("b", "Плохая", record(Verdict.GOOD, NOW - 60))
    await tests.keep("b", "Плохая", record(Verdict.NO_MEDIA, NOW))
    await tests.keep("c", "Слабая", record(Verdict.SOUND_ONLY, NOW, 90_000))
    await tests.keep("d", "Слабее", record(Verdict.SOUND_ONLY, NOW, 60_000))
    assert [place.place for place in await tests.by_place(NOW)] == ["Плохая", "Слабее", "Слабая", "Хорошая"]


async def test_a_place_is_known_by_its_name_else_by_its_link(tests: LinkTests) -> None:
    await tests.keep("a", "Тикси", record(at=NOW - 3))
    await tests.keep("b", "ТИКСИ", record(at=NOW - 2))
    await tests.keep("b", "", record(at=NOW - 1))
    await tests.keep("a", "", record(at=NOW))
    found = {(place.place, place.link): len(place.tests) for place in await tests.by_place(NOW)}
    assert found == {("ТИКСИ", ""): 2, ("", "a"): 1, ("", "b"): 1}


async def test_the_latest_are_shown_the_newest_first(tests: LinkTests) -> None:
    for minute in range(HISTORY_MAX + 3):
        await tests.keep("a", "Тикси", record(at=NOW + minute * 60))
    (place,) = await tests.by_place(NOW + 3600)
    times = [test.at for test in place.tests]
    assert len(times) == HISTORY_MAX
    assert times == sorted(times, reverse=True)
    assert times[0] == NOW + (HISTORY_MAX + 2) * 60


async def test_what_is_old_is_forgotten(tests: LinkTests) -> None:
    await tests.keep("a", "Старая", record())
    assert await tests.by_place(NOW + KEPT_S) == []
    await tests.keep("b", "Новая", record(at=NOW + KEPT_S))
    assert [place.place for place in await tests.by_place(NOW)] == ["Новая"]


async def test_only_so_many_are_kept(tests: LinkTests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_tests, "TESTS_MAX", 2)
    for second, place in enumerate(("a", "b", "c")):
        await tests.keep("", place, record(at=NOW + second))
    assert {place.place for place in await tests.by_place(NOW + 10)} == {"b", "c"}


@pytest.mark.parametrize("place", ["x" * 101, "a\nb", "\u202eevil"])
async def test_a_name_that_is_none(tests: LinkTests, place: str) -> None:
    with pytest.raises(BadText):
        await tests.keep("a", place, record())
