"""Which frames are kept when packets are missing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from recorder import opus
from recorder.depacketize import PictureBuilder
from recorder.frames import Packet, Part
from recorder.reorder import PATIENCE_S, WAITING_MAX, Reorder
from tests.streaming.packets import Picture, vp9

PATTERN = (0, 2, 1, 2)


def packet(payload: bytes, rtp_time: int, marker: bool = True) -> Packet:
    return Packet(Part(0, payload=payload), rtp_time, marker, rtp_time / 90_000)


def flexible(place: int, *, keyframe: bool = False) -> bytes:
    """L1T3 as browsers send it: every picture names its reference."""
    back = (4, 1, 2, 1)[place % 4]
    flags = 0xB0 | (0 if keyframe else 0x40) | 0x0C
    head = bytes((flags,)) + (0x8000 | place).to_bytes(2, "big") + bytes((PATTERN[place % 4] << 5,))
    return head + (b"" if keyframe else bytes((back << 1,))) + b"\x86\x00"


def layered(place: int, *, keyframe: bool = False) -> bytes:
    return vp9(Picture(place, place // 4, PATTERN[place % 4], keyframe))


def kept(payloads: Sequence[bytes], lost: set[int], codec: str = "vp9") -> list[int]:
    """Places of the frames that are kept when packets `lost` never come."""
    builder = PictureBuilder(codec)
    found, missing = [], False
    for place, payload in enumerate(payloads):
        if place in lost:
            missing = True
            continue
        found += [rtp_time // 3000 for rtp_time, _ in builder.take(packet(payload, place * 3000), missing)]
        missing = False
    return found


@pytest.mark.parametrize(
    ("lost", "gone"),
    [(set(), set()), ({5}, {5}), ({6}, {6, 7}), ({8}, {*range(8, 16)}), ({5, 6}, {5, 6, 7}), ({15}, {15})],
)
def test_references_tell_exactly_what_depends_on_a_loss(lost: set[int], gone: set[int]) -> None:
    payloads = [flexible(place, keyframe=place in (0, 16)) for place in range(20)]
    assert kept(payloads, lost) == [place for place in range(20) if place not in gone]


@pytest.mark.parametrize(
    ("lost", "gone"), [({5}, {5, 6, 7}), ({6}, {6, 7}), ({8}, {*range(8, 16)}), ({7, 8}, {*range(7, 16)})]
)
def test_layers_tell_it_nearly(lost: set[int], gone: set[int]) -> None:
    payloads = [layered(place, keyframe=place in (0, 16)) for place in range(20)]
    assert kept(payloads, lost) == [place for place in range(20) if place not in gone]


def test_without_either_all_is_gone_up_to_the_next_keyframe() -> None:
    key, delta = b"\x67\x42\xc0\x1f\x80", b"\x41\x9a\x00"
    payloads = [key if place in (0, 10) else delta for place in range(14)]
    assert kept(payloads, {4}, "h264") == [0, 1, 2, 3, 10, 11, 12, 13]


def test_a_frame_that_misses_a_packet_is_not_kept() -> None:
    builder = PictureBuilder("vp9")
    builder.take(packet(flexible(0, keyframe=True), 0), False)
    assert builder.take(packet(flexible(1)[:1] + flexible(1)[1:], 3000, marker=False), False) == []
    last = bytearray(flexible(1))
    last[0] &= ~0x08
    assert builder.take(packet(bytes(last), 3000), True) == []
    ((_, frame),) = builder.take(packet(flexible(2), 6000), False)
    assert frame.after_loss


def order(numbers: Sequence[int]) -> tuple[list[int], Reorder]:
    reorder, found = Reorder(), []
    for place, number in enumerate(numbers):
        arrived = Packet(Part(number), 0, False, place * 0.001)
        found += [each.part.position for each, _ in reorder.take(number & 0xFFFF_FFFF, arrived)]
    return found, reorder


@pytest.mark.parametrize("start", [0, 2**16 - 3, 2**32 - 4])
def test_late_packets_are_put_in_their_place(start: int) -> None:
    numbers = [start + place for place in (0, 2, 1, 5, 4, 4, 3, 6)]
    assert order(numbers)[0] == [start + place for place in range(7)]


def test_waiting_has_an_end() -> None:
    reorder = Reorder()
    reorder.take(0, packet(b"a", 0))
    assert reorder.take(2, packet(b"c", 0)) == []
    assert reorder.expire(PATIENCE_S) == []
    ((late, missing),) = reorder.expire(PATIENCE_S + 0.001)
    assert (late.part.payload, missing) == (b"c", True)
    assert len(order([0, *range(2, WAITING_MAX + 10)])[1].waiting) == 0


@pytest.mark.parametrize(
    ("packet", "ticks"),
    [
        (opus.SILENCE, 960),
        (b"\x78", 960),
        (b"\x1b\x03", 0),
        (b"\x0b\x03", 2880),
        (b"\x01", 960),
        (b"", 0),
        (b"\xfb", 0),
    ],
)
def test_how_long_a_packet_lasts(packet: bytes, ticks: int) -> None:
    assert opus.duration(packet) == ticks
