"""What a link does over time: conditions that change at given seconds, written by hand or read from a trace."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from .model import LinkConditions, LinkModel


class BadScript(ValueError):
    """Changes that cannot be played; the message says why."""


class Change(NamedTuple):
    """From `at_s` seconds after the script's start the link is like this."""

    at_s: float
    conditions: LinkConditions


class Script:
    """Changes in order of time, played once; with `period_s` it begins again after that many seconds."""

    def __init__(self, changes: Iterable[Change], period_s: float | None = None) -> None:
        self.changes = tuple(changes)
        if any(later.at_s < earlier.at_s for earlier, later in pairwise(self.changes)):
            raise BadScript("changes are not in order of time")
        if self.changes and self.changes[0].at_s < 0:
            raise BadScript("a change before the start")
        if period_s is not None and (not self.changes or period_s <= self.changes[-1].at_s):
            raise BadScript("the period ends before the last change")
        self.period_s = period_s
        self._round_s = 0.0
        self._next = 0

    def next_s(self) -> float | None:
        """Seconds from the script's start to the next change that has not been made yet."""
        if self._next == len(self.changes):
            return None
        return self._round_s + self.changes[self._next].at_s

    def apply(self, link: LinkModel[Any], start: float, now: float) -> None:
        """Make the changes that fell due by `now`, each at its own time, for a script begun at `start`.

        Exact when called before anything else is asked of the link at `now`.
        """
        while (at_s := self.next_s()) is not None and start + at_s <= now:
            link.set(self.changes[self._next].conditions, start + at_s)
            self._next += 1
            if self._next == len(self.changes) and self.period_s is not None:
                self._next = 0
                self._round_s += self.period_s


def script_of_rates(
    base: LinkConditions, rates: Iterable[tuple[float, float]], period_s: float | None = None
) -> Script:
    """Only the rate changes: pairs of seconds and bits per second, the rest is as in `base`."""
    return Script((Change(at_s, replace(base, rate_bps=rate_bps)) for at_s, rate_bps in rates), period_s)
