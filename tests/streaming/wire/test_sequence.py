from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire.sequence import Unwrapper16, Unwrapper32, diff16, diff32, newer16

STARTS = (0, 127, 32767, 65534, 65535)
STEADY = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize("start", STARTS)
def test_neighbours_across_the_wrap(start: int) -> None:
    following = (start + 1) & 0xFFFF
    assert newer16(following, start)
    assert not newer16(start, following)
    assert not newer16(start, start)
    assert diff16(following, start) == 1
    assert diff16(start, following) == -1
    assert diff16(start, start) == 0


def test_half_the_circle_is_nobodys_order() -> None:
    assert not newer16(0x8000, 0)
    assert not newer16(0, 0x8000)
    assert diff16(0x8000, 0) == diff16(0, 0x8000) == -0x8000
    assert diff32(0x80000000, 0) == diff32(0, 0x80000000) == -0x80000000


@given(st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1))
@STEADY
def test_diff32_finds_the_step(value: int, step: int) -> None:
    assert diff32((value + step) & 0xFFFFFFFF, value) == step


@pytest.mark.parametrize("start", STARTS)
def test_unwrapping_goes_on_for_several_circles(start: int) -> None:
    unwrapper = Unwrapper16()
    for step in range(0, 300_000, 1000):
        assert unwrapper.unwrap((start + step) & 0xFFFF) == start + 65536 + step


@pytest.mark.parametrize("start", STARTS)
def test_a_packet_before_the_first_is_not_negative(start: int) -> None:
    unwrapper = Unwrapper16()
    first = unwrapper.unwrap(start)
    assert unwrapper.unwrap((start - 30_000) & 0xFFFF) == first - 30_000 > 0


@given(st.integers(0, 65535), st.integers(0, 65535))
@STEADY
def test_a_wild_packet_does_not_change_the_cycle(start: int, wild: int) -> None:
    unwrapper = Unwrapper16()
    first = unwrapper.unwrap(start)
    if unwrapper.unwrap(wild) <= first:
        assert unwrapper.unwrap((start + 1) & 0xFFFF) == first + 1


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(-(2**20), 2**24), max_size=50))
@STEADY
def test_unwrapper32_follows_reordered_timestamps(start: int, steps: list[int]) -> None:
    unwrapper = Unwrapper32()
    value = unwrapper.unwrap(start)
    assert value == start + 2**32
    for step in steps:
        value += step
        if value > unwrapper.highest - 2**31:
            assert unwrapper.unwrap(value & 0xFFFFFFFF) == value
