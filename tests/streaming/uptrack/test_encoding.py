"""Numbering against a naive model that remembers everything."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.uptrack.cache import OVERHEAD_BYTES
from streaming.uptrack.encoding import ABSENT, CLASSES, JUMP, KEYFRAMES, SKIPPED, TEMPORAL_LAYERS, WINDOW, Encoding
from streaming.uptrack.keyframes import STILL_INTERVAL_S

STARTS = (0, 127, 32767, 65534, 65535)
STEADY = settings(derandomize=True, deadline=None, max_examples=150)


class Sent(NamedTuple):
    """One packet of the publisher: its class (TEMPORAL_LAYERS: padding) and how its delivery is disturbed."""

    temporal: int
    lost: bool
    delay: int
    twice: bool


def arrivals(packets: list[Sent]) -> list[int]:
    """Indices in order of arrival; the first packet comes first."""
    order = [(index + packet.delay, 0, index) for index, packet in enumerate(packets) if index and not packet.lost]
    order += [(index + packet.delay + 3, 1, index) for index, packet in enumerate(packets) if packet.twice]
    return [0, *(index for _, _, index in sorted(order) if not packets[index].lost)]


PACKETS = st.lists(
    st.builds(
        Sent,
        temporal=st.integers(KEYFRAMES, TEMPORAL_LAYERS),
        lost=st.sampled_from([False, False, False, False, True]),
        delay=st.sampled_from([0, 0, 0, 0, 1, 2, 7, 20]),
        twice=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=80,
).map(lambda packets: [packets[0]._replace(lost=False, delay=0), *packets[1:]])


@pytest.mark.parametrize("start", STARTS)
@given(packets=PACKETS)
@STEADY
def test_numbers_of_each_class_are_gapless_whatever_arrives(start: int, packets: list[Sent]) -> None:
    encoding = Encoding(0, "", 1)
    seen: set[int] = set()
    closed: dict[int, set[int]] = {layer: set() for layer in CLASSES}
    late: set[int] = set()
    for index in arrivals(packets):
        number = encoding.unwrap((start + index) & 0xFFFF)
        assert number == index
        assert encoding.sequence(number) == (start + index) & 0xFFFF
        assert encoding.known(number) == (index in seen)
        if index in seen:
            continue
        temporal = packets[index].temporal
        in_order = index > max(seen, default=-1)
        padding = temporal == TEMPORAL_LAYERS
        assert encoding.insert(number, temporal, SKIPPED if padding else 1000 + index) is not in_order
        seen.add(index)
        if in_order:
            for layer in range(KEYFRAMES, min(temporal, TEMPORAL_LAYERS)):
                closed[layer].add(index)
        else:
            late.add(index)
    assert encoding.highest == max(seen)
    for layer in CLASSES:
        compacted = []
        for index in range(max(seen) + 1):
            above = sum(other < index for other in closed[layer])
            assert encoding.above(index, layer) == above
            if index in closed[layer]:
                continue
            compacted.append(index - above)
            wanted = 1000 + index if packets[index].temporal <= layer else SKIPPED
            assert encoding.cell(index - above, layer) == (wanted if index in seen else ABSENT)
        assert compacted == list(range(len(compacted)))
        assert encoding.above(max(seen) + 1, layer) == len(closed[layer])


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("step", [JUMP + 1, 20_000, -JUMP - 1, -20_000, 32_768])
def test_a_jump_begins_a_new_numbering_without_a_gap(start: int, step: int) -> None:
    encoding = Encoding(0, "", 1)
    for index in range(5):
        encoding.insert(encoding.unwrap((start + index) & 0xFFFF), 0, index)
    encoding.keyframe_at = 2
    jumped = (start + 4 + step) & 0xFFFF
    assert encoding.unwrap(jumped) == 5
    encoding.insert(5, 0, 5)
    assert encoding.restarts == 1
    assert encoding.keyframe_at == -1
    assert encoding.unwrap((jumped + 1) & 0xFFFF) == 6
    assert encoding.sequence(6) == (jumped + 1) & 0xFFFF
    assert encoding.restarts == 1


@pytest.mark.parametrize("step", [JUMP, -JUMP + 1])
def test_a_smaller_step_is_loss_or_lateness(step: int) -> None:
    encoding = Encoding(0, "", 1)
    encoding.insert(encoding.unwrap(30_000), 0, 0)
    for number in range(1, JUMP):
        encoding.insert(encoding.unwrap(30_000 + number), 0, number)
    assert encoding.unwrap(30_000 + JUMP - 1 + step) == JUMP - 1 + step
    assert encoding.restarts == 0


@pytest.mark.parametrize("start", STARTS)
def test_another_ssrc_goes_on_with_the_next_number(start: int) -> None:
    encoding = Encoding(0, "", 1)
    encoding.insert(encoding.unwrap(40_000), 0, 0)
    encoding.restart(2)
    assert encoding.unwrap(start) == 1
    assert (encoding.ssrc, encoding.restarts) == (2, 1)


def test_retransmissions_begin_no_numbering() -> None:
    encoding = Encoding(0, "", 1)
    assert not encoding.repairable(5)
    encoding.insert(encoding.unwrap(65_530), 0, 0)
    assert encoding.repairable(65_400)
    assert encoding.repairable(4)
    assert not encoding.repairable(30_000)
    encoding.restart(1)
    assert not encoding.repairable(65_530)


def test_what_is_older_than_the_window_is_known() -> None:
    encoding = Encoding(0, "", 1)
    for number in range(WINDOW + 10):
        encoding.insert(encoding.unwrap(number & 0xFFFF), 0, number)
    assert encoding.known(9)
    assert encoding.known(encoding.highest - WINDOW)
    assert not encoding.known(encoding.highest + 1)


def keyframe(encoding: Encoding, at: float, size: int) -> None:
    """A keyframe of two packets that cost `size` together."""
    number = encoding.highest + 1
    for step in range(2):
        if step == 0:
            encoding.begin_group(number, int(at * 90_000), at)
        encoding.insert(number + step, KEYFRAMES, 0)
        encoding.count(at, KEYFRAMES, size // 2 - OVERHEAD_BYTES)


def test_still_pictures_cost_their_keyframes() -> None:
    encoding = Encoding(0, "", 1)
    assert encoding.still_bps(0.0) == 0
    keyframe(encoding, 100.0, 5000)
    assert encoding.still_bps(100.0) == pytest.approx(5000 * 8 / STILL_INTERVAL_S)
    for step in range(1, 10):
        keyframe(encoding, 100.0 + step * 2 * STILL_INTERVAL_S, 10_000)
    assert encoding.still_bps(190.0) == pytest.approx(10_000 * 8 / STILL_INTERVAL_S, rel=0.02)


def test_still_pictures_cost_more_while_others_ask_for_keyframes_and_less_again_when_they_cease() -> None:
    encoding = Encoding(0, "", 1)
    for step in range(10):
        keyframe(encoding, 100.0 + step, 5000)
    assert encoding.still_bps(109.0) == pytest.approx(5000 * 8, rel=0.05)
    assert encoding.still_bps(109.0 + STILL_INTERVAL_S) == pytest.approx(5000 * 8 / STILL_INTERVAL_S)


def test_rates_are_measured_per_layer_and_not_over_a_silence() -> None:
    encoding = Encoding(0, "", 1)
    for step in range(251):
        encoding.count(100.0 + step * 0.01, step % 2, 125 - OVERHEAD_BYTES)
    assert encoding.bitrate_bps == pytest.approx([50_000, 50_000, 0], rel=0.03)
    encoding.count(110.0, 0, 125)
    assert encoding.bitrate_bps == pytest.approx([50_000, 50_000, 0], rel=0.03)
    assert encoding.flowing(110.9)
    assert not encoding.flowing(111.1)
