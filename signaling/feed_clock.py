"""Minutes of live feed by class, counted while the lesson runs; the lasting record is in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class FeedClock:
    """`minutes` is what the record says already. Time is monotonic seconds; minutes never go down."""

    def __init__(self, minutes: Mapping[str, float]) -> None:
        self._minutes = dict(minutes)
        self._open: dict[str, float] = {}

    def set_open(self, names: Iterable[str], now: float) -> tuple[list[str], list[str]]:
        """Exactly these classes have the feed now; returns those that began and those that finished."""
        wanted = set(names)
        began = sorted(wanted - self._open.keys())
        finished = sorted(self._open.keys() - wanted)
        for name in finished:
            self._minutes[name] = self.minutes(name, now)
            del self._open[name]
        for name in began:
            self._open[name] = now
        return began, finished

    def minutes(self, name: str, now: float) -> float:
        started = self._open.get(name)
        running = 0.0 if started is None else max(0.0, now - started) / 60
        return self._minutes.get(name, 0.0) + running
