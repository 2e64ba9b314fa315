"""One direction of a link, as a core without I/O: packets go in with times, deliveries come out with times.

The bottleneck is a drop-tail queue that is served bit by bit at `rate_bps`; what leaves it may be lost, and what is not
lost arrives after the propagation delay. So a lost packet has used the link, as on a bad radio hop. Order is kept. The
random part is seeded: the same pushes at the same times give the same deliveries, however often the link is asked.

Sizes are those of whole IP packets: whoever counts UDP payload adds UDP_IP_HEADER_BYTES. Times are seconds of any clock
that does not go back.
"""

import math
import random
from collections import deque
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

UDP_IP_HEADER_BYTES = 28
LEAST_BUFFER_BYTES = 3_000  # a buffer given in seconds still takes two packets when the rate is tiny

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class BurstLoss:
    """Gilbert-Elliott: a hidden state turns with these probabilities at each packet; while bad, `loss` of them go.

    The mean share lost is `loss * turns_bad / (turns_bad + turns_good)`; a bad time lasts 1 / `turns_good` packets.
    """

    turns_bad: float
    turns_good: float
    loss: float = 1.0


@dataclass(frozen=True, slots=True)
class LinkConditions:
    """What a link is like. `rate_bps` 0 stops it with the queue kept; an outage that loses everything is `loss` 1.

    The buffer ends where the first of its limits is reached; seconds are counted at the present rate.
    """

    rate_bps: float = math.inf
    delay_s: float = 0.0
    jitter_s: float = 0.0  # each packet is late by up to this much more, evenly spread; order is kept
    loss: float = 0.0
    burst_loss: BurstLoss | None = None
    buffer_s: float = 1.0
    buffer_bytes: float = math.inf
    buffer_packets: float = math.inf


@dataclass(slots=True)
class LinkCounters:
    """What has happened so far. pushed = delivered + dropped_tail + dropped_loss + what is queued or on its way."""

    pushed: int = 0
    pushed_bytes: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    dropped_tail: int = 0
    dropped_loss: int = 0
    max_queue_s: float = 0.0  # the longest that a packet has waited for its turn and its sending
    max_queue_bytes: int = 0


class Delivery(NamedTuple, Generic[Item]):
    """A packet at the far end: when it arrives and how long it stood in the queue and was being sent."""

    at: float
    item: Item
    queued_s: float


class _Queued(NamedTuple, Generic[Item]):
    item: Item
    size: int
    since: float


class LinkModel(Generic[Item]):
    """One direction. Items are opaque: a size, a datagram, a simulated packet, shared by all flows that are pushed."""

    def __init__(self, conditions: LinkConditions, seed: int) -> None:
        self.conditions = conditions
        self.counters = LinkCounters()
        self.queue_bytes = 0
        self._random = random.Random(seed)
        self._bad = False  # the state of burst loss
        self._queue: deque[_Queued[Item]] = deque()
        self._served_from = 0.0  # the head has `_head_bits` left from this time on
        self._head_bits = 0.0
        self._flying: deque[tuple[Delivery[Item], int]] = deque()  # with sizes, by arrival
        self._last_arrival = -math.inf
        self._buffer_rate_bps = conditions.rate_bps

    def set(self, conditions: LinkConditions, now: float) -> None:
        """Change the link from `now` on. What is queued is served at the new rate; what has left it stays as it is."""
        self._serve(now)
        if self._queue:
            self._head_bits = max(0.0, self._head_bits - self.conditions.rate_bps * (now - self._served_from))
            self._served_from = now
        self.conditions = conditions
        if conditions.rate_bps > 0:
            self._buffer_rate_bps = conditions.rate_bps

    def push(self, item: Item, size: int, now: float) -> bool:
        """Send `size` bytes. False: the buffer was full, the packet is gone; True says nothing about later loss."""
        self._serve(now)
        counters = self.counters
        counters.pushed += 1
        counters.pushed_bytes += size
        if not self._has_room(size):
            counters.dropped_tail += 1
            return False
        if not self._queue:
            self._served_from, self._head_bits = now, size * 8.0
        self._queue.append(_Queued(item, size, now))
        self.queue_bytes += size
        counters.max_queue_bytes = max(counters.max_queue_bytes, self.queue_bytes)
        return True

    def pop_due(self, now: float) -> list[Delivery[Item]]:
        """What has arrived by `now`, in order, each with the time of its own arrival."""
        self._serve(now)
        due: list[Delivery[Item]] = []
        while self._flying and self._flying[0][0].at <= now:
            delivery, size = self._flying.popleft()
            self.counters.delivered += 1
            self.counters.delivered_bytes += size
            due.append(delivery)
        return due

    def next_time(self) -> float | None:
        """When `pop_due` is worth calling again; None when nothing is under way or the link stands still."""
        arrival = self._flying[0][0].at if self._flying else math.inf
        earliest = min(arrival, self._departure())
        return earliest if earliest < math.inf else None

    def queue_s(self, now: float) -> float:
        """How long an empty packet pushed at `now` would wait; at a rate of 0, counted at the last rate above it."""
        self._serve(now)
        if not self._queue:
            return 0.0
        served = self.conditions.rate_bps * (now - self._served_from)
        bits = self._head_bits - served + 8.0 * (self.queue_bytes - self._queue[0].size)
        return bits / self._buffer_rate_bps if self._buffer_rate_bps else math.inf

    @property
    def flying(self) -> int:
        """Packets that are through the bottleneck and have not been handed out yet."""
        return len(self._flying)

    def _has_room(self, size: int) -> bool:
        conditions = self.conditions
        limit = max(conditions.buffer_s * self._buffer_rate_bps / 8, LEAST_BUFFER_BYTES)
        fits = self.queue_bytes + size <= min(limit, conditions.buffer_bytes)
        return fits and len(self._queue) < conditions.buffer_packets

    def _departure(self) -> float:
        rate_bps = self.conditions.rate_bps
        if not self._queue or rate_bps <= 0:
            return math.inf
        return self._served_from + self._head_bits / rate_bps

    def _serve(self, now: float) -> None:
        """Let everything leave the queue whose last bit is sent by `now`."""
        while (departure := self._departure()) <= now:
            head = self._queue.popleft()
            self.queue_bytes -= head.size
            self._depart(head, departure)
            if self._queue:
                self._served_from, self._head_bits = departure, self._queue[0].size * 8.0

    def _depart(self, head: _Queued[Item], departure: float) -> None:
        queued_s = departure - head.since
        self.counters.max_queue_s = max(self.counters.max_queue_s, queued_s)
        if self._is_lost():
            self.counters.dropped_loss += 1
            return
        conditions = self.conditions
        arrival = departure + conditions.delay_s
        if conditions.jitter_s:
            arrival += self._random.random() * conditions.jitter_s
        self._last_arrival = max(self._last_arrival, arrival)
        self._flying.append((Delivery(self._last_arrival, head.item, queued_s), head.size))

    def _is_lost(self) -> bool:
        conditions = self.conditions
        burst = conditions.burst_loss
        if burst is not None:
            turn = burst.turns_good if self._bad else burst.turns_bad
            if self._random.random() < turn:
                self._bad = not self._bad
            if self._bad and self._random.random() < burst.loss:
                return True
        return conditions.loss > 0 and self._random.random() < conditions.loss
