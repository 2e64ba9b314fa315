"""The small lists of an UpTrack: packet cache, losses, keyframe requests, arrivals."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.uptrack.cache import HEADER_BYTES, PAYLOAD_MAX_BYTES, PacketCache
from streaming.uptrack.feedback import INTERVAL_S, JUMP, PENDING_MAX, ArrivalLog
from streaming.uptrack.keyframes import MIN_INTERVAL_S, TRIES, KeyframeRequests
from streaming.uptrack.loss import FIRST_WAIT_S, GIVE_UP_S, MISSING_MAX, TRIES_MAX, LossList
from streaming.wire import rtcp
from streaming.wire.slab import PACKET_BYTES

# ---------------------------------------------------------------- cache


def payload_of(cache: PacketCache, cell: int) -> bytes:
    start = cell * PACKET_BYTES + HEADER_BYTES
    return bytes(cache.view[start : start + cache.length[cell]])


def test_cells_are_reused_oldest_first() -> None:
    cache = PacketCache(4)
    cells = [cache.store(memoryview(bytes([n]) * (n + 1)), 0, n, n * 10, n == 2, 1) for n in range(6)]
    assert cells == [0, 1, 2, 3, 0, 1]
    assert [cache.sequence[cell] for cell in range(4)] == [4, 5, 2, 3]
    assert [payload_of(cache, cell) for cell in range(4)] == [bytes([n]) * (n + 1) for n in (4, 5, 2, 3)]
    assert cache.marker == [False, False, True, False]


def test_the_largest_payload_stays_in_its_cell() -> None:
    cache = PacketCache(2)
    cache.store(memoryview(b"a" * PAYLOAD_MAX_BYTES), 0, 0, 0, False, 0)
    cache.store(memoryview(b"b" * PAYLOAD_MAX_BYTES), 0, 1, 0, False, 0)
    assert payload_of(cache, 0) == b"a" * PAYLOAD_MAX_BYTES
    assert payload_of(cache, 1) == b"b" * PAYLOAD_MAX_BYTES


# ---------------------------------------------------------------- losses


def test_reordering_is_not_asked_for() -> None:
    losses = LossList()
    losses.gap(5, 7, 1.0)
    assert losses.due(1.0 + FIRST_WAIT_S / 2, 0.1) == []
    losses.arrived(5)
    assert losses.due(1.0 + FIRST_WAIT_S, 0.1) == [6]
    assert losses.recovered == 1


def test_each_number_is_asked_again_after_a_round_trip_until_it_is_too_old() -> None:
    losses = LossList()
    losses.gap(5, 6, 1.0)
    asked = [step for step in range(400) if losses.due(1.0 + step * 0.005, 0.1)]
    assert asked[0] * 0.005 == pytest.approx(FIRST_WAIT_S)
    assert all((b - a) * 0.005 >= 0.12 for a, b in itertools.pairwise(asked))
    assert asked[-1] * 0.005 <= GIVE_UP_S
    assert len(asked) <= TRIES_MAX
    assert losses.lost == 1


def test_a_gap_beyond_repair_is_given_up_at_once() -> None:
    losses = LossList()
    losses.gap(0, 10, 1.0)
    losses.gap(20, 20 + MISSING_MAX, 1.0)
    assert losses.lost == 10 + MISSING_MAX
    assert losses.due(2.0, 0.1) == []


def test_unknown_arrivals_change_nothing() -> None:
    losses = LossList()
    losses.arrived(3)
    assert (losses.recovered, losses.lost) == (0, 0)


# ---------------------------------------------------------------- keyframes


def test_many_wishes_are_one_request() -> None:
    requests = KeyframeRequests()
    for _ in range(100):
        requests.ask(1)
    requests.ask(0)
    assert requests.merged == 99
    assert requests.due(10.0) == [0, 1]
    assert requests.due(10.0 + MIN_INTERVAL_S * 0.9) == []


def test_an_unanswered_request_is_repeated_but_not_for_ever() -> None:
    requests = KeyframeRequests()
    requests.ask(2)
    times = [step for step in range(100) if requests.due(10.0 + step * 0.1)]
    assert len(times) == TRIES
    assert times[:3] == [0, 4, 8]


def test_a_keyframe_ends_the_wish_of_its_encoding_only() -> None:
    requests = KeyframeRequests()
    requests.ask(0)
    requests.ask(1)
    requests.arrived(1)
    requests.arrived(2)
    assert requests.due(10.0) == [0]


# ---------------------------------------------------------------- arrivals


@given(
    start=st.sampled_from([0, 127, 32767, 65534, 65535]),
    steps=st.lists(st.tuples(st.integers(-30, 60), st.floats(0, 0.03)), max_size=200),
)
@settings(derandomize=True, deadline=None, max_examples=100)
def test_reports_tell_every_number_once_in_order(start: int, steps: list[tuple[int, float]]) -> None:
    log = ArrivalLog()
    now, number = 50.0, start + 65536
    told: list[int] = []
    expected: set[int] = set()
    pending: set[int] = set()
    for step, pause in steps:
        number += step
        now += pause
        log.arrived(number & 0xFFFF, now)
        pending.add(number & 0xFFFF)
        report = log.due(now)
        if report:
            assert {sequence for sequence, _ in report} == pending
            expected |= pending
            pending = set()
            told += [sequence for sequence, _ in report]
            assert rtcp.transport_feedback(1, 2, report[0][0], 0, report)  # ascending, or it raises
    assert set(told) == expected


def test_reports_keep_their_interval() -> None:
    log = ArrivalLog()
    log.arrived(1, 10.0)
    assert log.due(10.0) == [(1, 40_000)]
    log.arrived(2, 10.01)
    assert log.due(10.0 + INTERVAL_S * 0.9) == []
    assert log.due(10.0 + INTERVAL_S) == [(2, 40_040)]
    assert log.due(11.0) == []


@given(st.lists(st.tuples(st.integers(0, 65535), st.booleans()), max_size=100))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_any_numbers_can_be_reported(numbers: list[tuple[int, bool]]) -> None:
    """A publisher that writes wild numbers must not be able to stop the reports of others."""
    log = ArrivalLog()
    now = 10.0
    for number, report_now in [(0, True), (35536, False), (32767, True), *numbers]:
        log.arrived(number, now)
        now += INTERVAL_S if report_now else 0.0
        report = log.due(now)
        if report:
            rtcp.transport_feedback(1, 2, report[0][0], 0, report)


def test_a_jump_begins_anew() -> None:
    log = ArrivalLog()
    log.arrived(10, 1.0)
    log.arrived(10 + JUMP + 1, 1.0)
    assert log.due(1.0) == [(10 + JUMP + 1, 4000)]
    assert log.dropped == 1


def test_pending_arrivals_are_bounded() -> None:
    log = ArrivalLog()
    for number in range(PENDING_MAX + 5):
        log.arrived(number, 1.0)
    assert len(log.due(1.0)) == PENDING_MAX
    assert log.dropped == 5
