"""Who may test now: how many, how often, and beside whom."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from signaling import link_test_places
from signaling.link_test_messages import LinkTestTrouble
from signaling.link_test_places import (
    AT_ONCE,
    INVITED_TESTS,
    OPEN_AT_ONCE,
    OPEN_TESTS,
    PERIOD_S,
    WAITING_MAX,
    LinkTestPlaces,
    LinkTestRefusal,
    Visitor,
)
from tests.signaling.waiting import until


class Lessons:
    """None is live, unless a test says so."""

    def __init__(self) -> None:
        self.behind: set[str] = set()
        self.room = True

    def lesson_behind(self, link: str) -> bool:
        return link in self.behind

    def has_room_for_tests(self) -> bool:
        return self.room


class Hall:
    """Visitors that stay until they are told to go; `told` is what those who wait were told."""

    def __init__(self) -> None:
        self.lessons = Lessons()
        self.places = LinkTestPlaces(self.lessons)
        self.told: list[bool] = []
        self.now = 0.0
        self.count = 0

    def visitor(self, link: str = "", address: str = "", *, invited: bool = True) -> Visitor:
        self.count += 1
        return Visitor(link, address or f"192.0.2.{self.count}", invited)

    async def enter(self, stack: AsyncExitStack, visitor: Visitor) -> None:
        await stack.enter_async_context(self.places.place(visitor, self.now, self.told.append))

    async def visit(self, visitor: Visitor) -> None:
        async with self.places.place(visitor, self.now, self.told.append):
            pass


@pytest.fixture
def hall() -> Hall:
    return Hall()


async def test_one_behind_each_link(hall: Hall) -> None:
    async with AsyncExitStack() as first:
        await hall.enter(first, hall.visitor("school"))
        await hall.visit(hall.visitor("other school"))
        second = asyncio.create_task(hall.visit(hall.visitor("school")))
        await until(lambda: hall.told)
        assert hall.told == [True]
        assert not second.done()
    await second


async def test_the_servers_own_network_is_no_link(hall: Hall) -> None:
    async with AsyncExitStack() as first:
        await hall.enter(first, hall.visitor(""))
        await hall.visit(hall.visitor(""))
    assert hall.told == []


@pytest.mark.parametrize(("invited", "most"), [(True, AT_ONCE), (False, OPEN_AT_ONCE)])
async def test_few_at_once(hall: Hall, invited: bool, most: int) -> None:
    async with AsyncExitStack() as others, AsyncExitStack() as one:
        await hall.enter(one, hall.visitor(invited=invited))
        for _ in range(most - 1):
            await hall.enter(others, hall.visitor(invited=invited))
        waiting = asyncio.create_task(hall.visit(hall.visitor(invited=invited)))
        await until(lambda: hall.told)
        assert hall.told == [False]
        assert not waiting.done()
        await one.aclose()
        await waiting


async def test_open_tests_leave_places_to_those_with_an_invitation(hall: Hall) -> None:
    async with AsyncExitStack() as others:
        for _ in range(OPEN_AT_ONCE):
            await hall.enter(others, hall.visitor(invited=False))
        await hall.visit(hall.visitor())


async def test_a_lesson_behind_the_link_is_not_disturbed(hall: Hall) -> None:
    hall.lessons.behind.add("school")
    with pytest.raises(LinkTestRefusal) as refused:
        await hall.visit(hall.visitor("school"))
    assert refused.value.code is LinkTestTrouble.LESSON_ON_LINK
    await hall.visit(hall.visitor("other school"))


async def test_a_lesson_that_begins_while_somebody_waits(hall: Hall) -> None:
    async with AsyncExitStack() as first:
        await hall.enter(first, hall.visitor("school"))
        second = asyncio.create_task(hall.visit(hall.visitor("school")))
        await until(lambda: hall.told)
        hall.lessons.behind.add("school")
    with pytest.raises(LinkTestRefusal) as refused:
        await second
    assert refused.value.code is LinkTestTrouble.LESSON_ON_LINK


async def test_lessons_come_first(hall: Hall) -> None:
    hall.lessons.room = False
    with pytest.raises(LinkTestRefusal) as refused:
        await hall.visit(hall.visitor())
    assert refused.value.code is LinkTestTrouble.BUSY


@pytest.mark.parametrize(("invited", "most"), [(True, INVITED_TESTS), (False, OPEN_TESTS)])
async def test_nobody_tests_over_and_over_again(hall: Hall, invited: bool, most: int) -> None:
    visitor = hall.visitor(invited=invited)
    for _ in range(most):
        await hall.visit(visitor)
    with pytest.raises(LinkTestRefusal) as refused:
        await hall.visit(visitor)
    assert refused.value.code is LinkTestTrouble.TOO_FAST
    await hall.visit(hall.visitor(invited=invited))
    hall.now += PERIOD_S
    await hall.visit(visitor)


async def test_only_so_many_wait_and_not_for_ever(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_test_places, "WAIT_S", 0.2)
    async with AsyncExitStack() as first:
        await hall.enter(first, hall.visitor("school"))
        waiting = [asyncio.create_task(hall.visit(hall.visitor("school"))) for _ in range(WAITING_MAX)]
        await until(lambda: len(hall.told) == WAITING_MAX)
        with pytest.raises(LinkTestRefusal) as refused:
            await hall.visit(hall.visitor("school"))
        assert refused.value.code is LinkTestTrouble.BUSY
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {getattr(outcome, "code", None) for outcome in outcomes} == {LinkTestTrouble.BUSY}
    await hall.visit(hall.visitor("school"))


async def test_who_goes_away_while_waiting_leaves_nothing_behind(hall: Hall) -> None:
    async with AsyncExitStack() as first:
        await hall.enter(first, hall.visitor("school"))
        for _ in range(3):
            hall.told.clear()
            gone = asyncio.create_task(hall.visit(hall.visitor("school")))
            await until(lambda: hall.told)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
    await hall.visit(hall.visitor("school"))
