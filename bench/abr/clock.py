"""Virtual time: what happens next happens now. And a link that delivers by it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import NamedTuple, Protocol

from bench.link.model import UDP_IP_HEADER_BYTES, Delivery, LinkConditions, LinkModel


class Clock:
    """Calls back in order of time; of one time, in the order of asking."""

    def __init__(self, start: float) -> None:
        self.now = start
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[[], object]]] = []

    def at(self, time: float, call: Callable[[], object]) -> None:
        heapq.heappush(self._events, (max(time, self.now), next(self._order), call))

    def every(self, interval_s: float, call: Callable[[], object], first: float | None = None) -> Timer:
        """From `first` (now, if None) on, until the timer is stopped."""
        return Timer(self, interval_s, call, self.now if first is None else first)

    def run(self, until: float) -> None:
        events = self._events
        while events and events[0][0] <= until:
            self.now, _, call = heapq.heappop(events)
            call()
        self.now = until


class Timer:
    """A repeated call."""

    def __init__(self, clock: Clock, interval_s: float, call: Callable[[], object], first: float) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._call = call
        self._due_s = first
        self._stopped = False
        clock.at(first, self._again)

    def stop(self) -> None:
        self._stopped = True

    def _again(self) -> None:
        if not self._stopped:
            self._call()
            self._due_s += self._interval_s
            self._clock.at(self._due_s, self._again)


class Receiver(Protocol):
    """Whatever stands at the far end of a path."""

    def receive(self, data: bytes, at: float) -> None:
        """A packet arrives at `at`, the clock's present."""


class Flight(NamedTuple):
    receiver: Receiver
    data: bytes


class Path:
    """One direction of a link between clients and server; any number of flows may share it."""

    def __init__(self, clock: Clock, conditions: LinkConditions, seed: int, number: int = 0) -> None:
        self.clock = clock
        self.number = number
        """Tells the paths of a lesson apart."""
        self.model: LinkModel[Flight] = LinkModel(conditions, seed)
        self._wake_s = float("inf")

    def send(self, receiver: Receiver, data: bytes, size: int) -> bool:
        """`size`: bytes of the UDP payload as sent (with the SRTP tag). False: the buffer was full."""
        kept = self.model.push(Flight(receiver, data), size + UDP_IP_HEADER_BYTES, self.clock.now)
        self._wake()
        return kept

    def set(self, conditions: LinkConditions) -> None:
        self.model.set(conditions, self.clock.now)
        self._wake_s = float("inf")
        self._wake()

    def queue_s(self) -> float:
        return self.model.queue_s(self.clock.now)

    def _wake(self) -> None:
        due = self.model.next_time()
        if due is not None and due < self._wake_s:
            self._wake_s = due
            self.clock.at(due, self._deliver)

    def _deliver(self) -> None:
        if self.clock.now < self._wake_s:
            return  # an earlier wish, superseded
        self._wake_s = float("inf")
        delivery: Delivery[Flight]
        for delivery in self.model.pop_due(self.clock.now):
            delivery.item.receiver.receive(delivery.item.data, delivery.at)
        self._wake()
