from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire import rtcp
from streaming.wire.feedback import build_fcis, parse_reports
from tests.streaming.reports import packet

STEADY = settings(derandomize=True, deadline=None)
STARTS = (0, 127, 32767, 65534, 65535)

Arrivals = list[tuple[int, int]]


class Feedback(NamedTuple):
    """What one report says."""

    base_sequence: int
    status_count: int
    received: list[int]
    arrival_us: list[int]


def parse(*packets: bytes) -> list[Feedback]:
    """The reports of packets that are all readable."""
    reports = parse_reports(packets)
    assert not reports.refused
    assert reports.places.tolist() == list(range(len(packets)))
    ends = np.cumsum(reports.received)
    return [
        Feedback(base, count, reports.numbers[start:end].tolist(), reports.arrival_us[start:end].tolist())
        for base, count, start, end in zip(
            reports.base_sequence.tolist(), reports.status_count.tolist(), ends - reports.received, ends, strict=True
        )
    ]


def plain_parse(fci: bytes) -> Feedback:
    """The draft read bit by bit, with nothing precomputed: the oracle of the fast parser."""
    base, count = int.from_bytes(fci[0:2], "big"), int.from_bytes(fci[2:4], "big")
    symbols: list[int] = []
    position = 8
    while len(symbols) < count:
        bits = f"{int.from_bytes(fci[position : position + 2], 'big'):016b}"
        position += 2
        if bits[0] == "0":
            symbols += [int(bits[1:3], 2)] * int(bits[3:], 2)
        elif bits[1] == "0":
            symbols += [int(bit) for bit in bits[2:]]
        else:
            symbols += [int(bits[place : place + 2], 2) for place in range(2, 16, 2)]
    received, arrival_us = [], []
    ticks = int.from_bytes(fci[4:7], "big") * 256
    for place, symbol in enumerate(symbols[:count]):
        if symbol:
            ticks += int.from_bytes(fci[position : position + symbol], "big", signed=symbol == 2)
            position += symbol
            received.append((base + place) % 65536)
            arrival_us.append(ticks * 250)
    return Feedback(base, count, received, arrival_us)


@st.composite
def arrival_lists(draw: st.DrawFn) -> tuple[int, Arrivals]:
    """A base sequence and what arrived from it on: mostly steady, with gaps, bursts, pauses and reordering."""
    base = draw(st.sampled_from(STARTS))
    sequence, tick = base, draw(st.integers(0, 2**31))
    arrivals = []
    for _ in range(draw(st.integers(1, 12))):
        sequence += draw(st.sampled_from([0, 0, 0, 1, 5, 13, 14, 20, 9000]))
        pace = draw(st.sampled_from([0, 1, 20, 255, 256, 3000]))
        for _ in range(draw(st.sampled_from([1, 2, 6, 7, 8, 13, 14, 15, 40]))):
            arrivals.append((sequence & 0xFFFF, tick))
            sequence += 1
            tick += pace
        tick = max(0, tick + draw(st.integers(-5000, 5000)))
    return base, arrivals


@given(arrival_lists())
@STEADY
def test_round_trip_and_oracle(given_arrivals: tuple[int, Arrivals]) -> None:
    base, arrivals = given_arrivals
    packets = rtcp.transport_feedback(1, 2, base, 250, arrivals)
    told: Arrivals = []
    for number, made in enumerate(packets):
        assert len(made) <= rtcp.MAX_FEEDBACK_BYTES
        (feedback,) = parse(made)
        assert feedback == plain_parse(made[12:])
        assert made[19] == (250 + number) & 0xFF
        # each arrival is compared within the 24 bits of its packet's reference time
        first_tick = arrivals[len(told)][1]
        shift = (first_tick // 256 - int.from_bytes(made[16:19], "big")) * 256
        told += [(s, us // 250 + shift) for s, us in zip(feedback.received, feedback.arrival_us, strict=True)]
    assert told == arrivals
    assert parse(*packets) == [plain_parse(made[12:]) for made in packets]


def test_the_packet_written_out() -> None:
    # 1 to 7 arrive 1 ms apart from tick 256 on, 8 and 9 are missing, 10 comes 100 ms later and 11 before it
    arrivals = [(1 + index, 256 + 4 * index) for index in range(7)] + [(10, 680), (11, 679)]
    (made,) = rtcp.transport_feedback(1, 2, 1, 9, arrivals)
    assert made.hex(" ", 4) == (
        "afcd0008 00000001 00000002 "  # padded, transport feedback 15
        "0001000b 00000109 "  # base 1, eleven packets, reference 1 (64 ms), count 9
        "2007c280 "  # seven small deltas; missing, missing, large, large
        "00040404 04040401 90ffff01"  # 0, 1 ms six times, 100 ms, -250 µs, one byte of padding
    )


def test_one_bit_vector_written_out() -> None:
    (feedback,) = parse(packet(bytes.fromhex("fffe0005 ffffff00 a800 01020304")))  # received, missing, received …
    assert feedback == Feedback(65534, 5, [65534, 0], [0xFFFFFF * 64000 + 250, 0xFFFFFF * 64000 + 750])


@pytest.mark.parametrize(
    ("chunk", "deltas"), [("bfff", "0102"), ("d7ff", "0102"), ("3fff", "0102"), ("5fff", "00010002")]
)
def test_symbols_behind_the_last_packet_mean_nothing(chunk: str, deltas: str) -> None:
    (feedback,) = parse(packet(bytes.fromhex("00050002 00000000" + chunk + deltas)))
    assert feedback.arrival_us == [250, 750]


def test_reference_time_is_24_bits_and_the_count_eight() -> None:
    (fci,) = build_fcis(3, 256 + 7, [(3, (2**24 + 5) * 256 + 1)], 1000)
    assert fci[4:8].hex() == "00000507"
    assert parse(packet(fci))[0].arrival_us == [5 * 64000 + 250]


def test_a_long_pause_and_a_long_gap_begin_new_packets() -> None:
    paused = build_fcis(0, 0, [(0, 0), (1, 0x7FFF), (2, 0x7FFF + 0x8000)], 1000)
    assert [each.received for each in parse(*map(packet, paused))] == [[0, 1], [2]]
    gap = build_fcis(0, 0, [(0, 0), (0x7FFF, 1), (0x8000, 2), (0xFFFF, 3)], 1000)
    assert [each.received for each in parse(*map(packet, gap))] == [[0, 0x7FFF], [0x8000, 0xFFFF]]


def test_losses_before_the_first_arrival_are_told() -> None:
    (fci,) = build_fcis(65530, 0, [(2, 100)], 1000)
    (feedback,) = parse(packet(fci))
    assert feedback[:3] == (65530, 9, [2])


def test_no_arrivals_no_packet() -> None:
    assert rtcp.transport_feedback(1, 2, 3, 4, []) == []


@pytest.mark.parametrize("arrivals", [[(9, 0)], [(10, 0), (10, 1)], [(12, 0), (11, 1)]])
def test_numbers_must_ascend(arrivals: Arrivals) -> None:
    with pytest.raises(ValueError, match="ascend"):
        build_fcis(10, 0, arrivals, 1000)


@pytest.mark.parametrize(
    ("fci", "kind"),
    [
        ("", "twcc_short"),
        ("00000001 000000", "twcc_short"),
        ("00000000 00000000 2001", "twcc_empty"),
        ("00000001 00000000", "twcc_truncated"),  # no chunk
        ("00000008 00000000 c000 c0", "twcc_truncated"),  # half a chunk
        ("00000001 00000000 2001", "twcc_truncated"),  # no delta
        ("00000002 00000000 4002 000100", "twcc_truncated"),
        ("0000ffff 00000000 3fff 3fff", "twcc_truncated"),  # thousands of packets in four bytes
        ("00000003 00000000 e000 01", "twcc_truncated"),
        ("00000001 00000000 6001 00", "twcc_symbol"),
        ("00000001 00000000 f000 0000", "twcc_symbol"),
        ("00000001 00000000 2000 2000", "twcc_truncated"),  # runs of nothing
    ],
)
def test_lies(fci: str, kind: str) -> None:
    lie, true = packet(bytes.fromhex(fci)), packet(bytes.fromhex("00050002 00000000 2002 0102"))
    for packets in ([lie], [lie, lie], [true, lie, true], [lie, lie, true]):
        reports = parse_reports(packets)
        assert reports.refused == {kind: packets.count(lie)}
        assert reports.places.tolist() == [place for place, each in enumerate(packets) if each is true]
        assert reports.numbers.tolist() == [5, 6] * packets.count(true)
        assert reports.arrival_us.tolist() == [250, 750] * packets.count(true)


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=8))
@STEADY
def test_any_input_is_read_or_refused(bodies: list[bytes]) -> None:
    packets = [packet(body) for body in bodies]
    reports = parse_reports(packets)
    assert len(reports.places) + reports.refused.total() == len(packets)
    for place, each in enumerate(packets):
        if place not in reports.places:
            assert parse_reports([each]).refused.total() == 1
    readable = [packets[place] for place in reports.places.tolist()]
    assert parse(*readable) == [plain_parse(each[12:]) for each in readable]
