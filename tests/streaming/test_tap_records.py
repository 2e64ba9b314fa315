"""Records survive the way to bytes and back; damage is found, never fatal."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming import tap_records as records
from streaming.control import Slot, Source
from streaming.wire.errors import WireError

RECORDS: list[records.Record] = [
    records.StateRecord(
        recording_id="r", lesson_id="l", epoch="e", state=records.RecordingState.RUNNING, t=1.5, wall=1.7e9
    ),
    records.TrackRecord(
        track=3,
        slot=Slot.TEACHER_VIDEO,
        peer_id="p",
        source=Source.CAMERA,
        codec="vp9",
        profile="0",
        rids=("q", "h", "f"),
        t=2.0,
    ),
    records.PacketRecord(3, 1, records.MARKER | records.KEYFRAME, 0xFFFF_FFFF, 0xFFFF_FFFF, 2.25, b"\x90media"),
    records.ClockRecord(3, 2**64 - 1, 7, 3.0),
    records.EndedRecord(3, 4.0),
    records.LostRecord(9, 5.0),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_goes_in_comes_out(record: records.Record) -> None:
    framed = records.frame(records.encode(record))
    found = records.body_at(framed + b"more", 0)
    assert found is not None
    body, end = found
    assert end == len(framed)
    assert records.decode(body) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_an_end_cut_off_is_no_record_yet(record: records.Record) -> None:
    framed = records.frame(records.encode(record))
    for length in range(len(framed)):
        assert records.body_at(framed[:length], 0) is None


@pytest.mark.parametrize("place", [0, 4, 8, 12])
def test_a_flipped_bit_is_found(place: int) -> None:
    framed = bytearray(records.frame(records.encode(RECORDS[2])))
    framed[place] ^= 0x80
    with pytest.raises(WireError):
        records.body_at(framed, 0)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_an_error(data: bytes) -> None:
    with contextlib.suppress(WireError):
        assert records.decode(data)
