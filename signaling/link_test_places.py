"""Who may test a link now: few at once, one behind each link, never beside a lesson, and nobody over and over again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from signaling.limits import SlidingWindow
from signaling.link_test_messages import LinkTestTrouble

AT_ONCE: Final = 4
OPEN_AT_ONCE: Final = 2
"""Of those, without an invitation."""
WAITING_MAX: Final = 16
WAIT_S: Final = 60.0
PERIOD_S: Final = 600.0
INVITED_TESTS: Final = 12
OPEN_TESTS: Final = 4
"""From one address within `PERIOD_S`."""
ADDRESSES_MAX: Final = 2_000


class LinkTestRefusal(Exception):
    """`code` for the page, the text for logs."""

    def __init__(self, code: LinkTestTrouble, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who wants to test. `link`: see `link_keys`, "" within the server's own network. `address`: the link or,
    without one, the computer; only compared."""

    link: str
    address: str
    invited: bool


class Lessons(Protocol):
    """What is known of the lessons that go on."""

    def lesson_behind(self, link: str) -> bool:
        """Whether somebody behind this link is in a lesson that is live."""

    def has_room_for_tests(self) -> bool:
        """Whether live lessons leave something of the server."""


class LinkTestPlaces:
    """Time passed in; whoever waits is told once and let in when somebody has gone."""

    def __init__(self, lessons: Lessons) -> None:
        self._lessons = lessons
        self._running: list[Visitor] = []
        self._waiting = 0
        self._changed = asyncio.Condition()
        self._recent: OrderedDict[tuple[str, bool], SlidingWindow] = OrderedDict()

    @asynccontextmanager
    async def place(self, visitor: Visitor, now: float, tell_waiting: Callable[[bool], None]) -> AsyncIterator[None]:
        """A place for one test. `tell_waiting(same_link)` is called if it is not free yet. Raises `LinkTestRefusal`."""
        self._count(visitor, now)
        async with self._changed:
            await self._wait(visitor, tell_waiting)
            self._running.append(visitor)
        try:
            yield
        finally:
            async with self._changed:
                self._running.remove(visitor)
                self._changed.notify_all()

    def _count(self, visitor: Visitor, now: float) -> None:
        key = (visitor.address, visitor.invited)
        window = self._recent.pop(key, None)
        if window is None:
            window = SlidingWindow(INVITED_TESTS if visitor.invited else OPEN_TESTS, PERIOD_S)
        self._recent[key] = window
        if len(self._recent) > ADDRESSES_MAX:
            self._recent.popitem(last=False)
        if not window.take(now):
            raise LinkTestRefusal(LinkTestTrouble.TOO_FAST, "too many tests from this address")

    async def _wait(self, visitor: Visitor, tell_waiting: Callable[[bool], None]) -> None:
        if self._free(visitor):
            return
        if self._waiting >= WAITING_MAX:
            raise LinkTestRefusal(LinkTestTrouble.BUSY, "too many are waiting to test")
        tell_waiting(self._link_taken(visitor))
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                await self._changed.wait_for(lambda: self._free(visitor))
        except TimeoutError as error:
            raise LinkTestRefusal(LinkTestTrouble.BUSY, "no place became free") from error
        finally:
            self._waiting -= 1

    def _free(self, visitor: Visitor) -> bool:
        """Raises `LinkTestRefusal` where waiting for other tests would not help."""
        if visitor.link and self._lessons.lesson_behind(visitor.link):
            raise LinkTestRefusal(LinkTestTrouble.LESSON_ON_LINK, "a lesson goes on behind this link")
        if not self._lessons.has_room_for_tests():
            raise LinkTestRefusal(LinkTestTrouble.BUSY, "the server is busy with lessons")
        others = [other for other in self._running if not other.invited]
        full = len(self._running) >= AT_ONCE or (not visitor.invited and len(others) >= OPEN_AT_ONCE)
        return not full and not self._link_taken(visitor)

    def _link_taken(self, visitor: Visitor) -> bool:
        return visitor.link != "" and any(other.link == visitor.link for other in self._running)
