"""Records wait for the recorder, within bounds, and it always knows what is missing."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.control import Slot, Source
from streaming.tap_buffer import TapBuffer
from streaming.tap_chunks import Positions, chunk_at, decode_positions, encode_chunk, encode_positions
from streaming.tap_records import LostRecord, PacketRecord, Record, TrackRecord, encode, frame
from streaming.wire.errors import WireError
from tests.streaming.taps import drained, of, records_of

TRACK = TrackRecord(
    track=0, slot=Slot.TEACHER_AUDIO, peer_id="p", source=Source.MICROPHONE, codec="opus", profile="", rids=("",), t=1.0
)


def fill(buffer: TapBuffer, records: int, octets: int = 1000, recording: str = "r", start: int = 0) -> None:
    stream = buffer.open(recording)
    for number in range(start, start + records):
        stream.put(encode(PacketRecord(0, 0, 0, number, number, float(number), bytes(octets))), float(number))


def at(buffer: TapBuffer, position: int, recording: str = "r") -> Positions:
    return Positions(positions={buffer.streams[recording].epoch: position})


def test_records_come_once_in_order_and_are_kept_until_acknowledged() -> None:
    buffer = TapBuffer()
    fill(buffer, 200)
    assert [position for position, _ in drained(buffer)] == list(range(200))
    assert drained(buffer) == []
    held = buffer.bytes
    buffer.acknowledge(at(buffer, 150))
    assert 0 < buffer.bytes < held
    buffer.acknowledge(at(buffer, 200))
    assert buffer.bytes == 0


def test_a_recorder_that_comes_back_gets_what_it_has_not_acknowledged() -> None:
    buffer = TapBuffer()
    fill(buffer, 10)
    drained(buffer)
    fill(buffer, 10, start=10)
    drained(buffer)
    buffer.resume(at(buffer, 10))
    assert [position for position, _ in drained(buffer)] == list(range(10, 20))
    buffer.resume(Positions(positions={}))
    told = drained(buffer)
    assert of(told, LostRecord) == [LostRecord(10, 10.0)]
    assert told[0][0] == 9
    assert told[1][0] == 10


def test_an_overflow_drops_the_oldest_and_tells_what_holds_there() -> None:
    buffer = TapBuffer(max_bytes=300_000)
    fill(buffer, 100)
    buffer.streams["r"].headers = (frame(encode(TRACK)),)
    fill(buffer, 900, start=100)
    assert buffer.bytes <= 300_000
    buffer.resume(Positions(positions={}))
    told = drained(buffer)
    lost = of(told, LostRecord)
    packets = of(told, PacketRecord)
    assert len(lost) == 1
    assert lost[0].records + len(packets) == 1000
    assert lost[0].records == buffer.counts["tap_dropped"]
    assert of(told, TrackRecord) == [TRACK]
    assert [packet.number for packet in packets] == list(range(lost[0].records, 1000))
    assert [position for position, _ in told] == list(range(lost[0].records - 2, 1000))


def test_dropping_while_the_recorder_reads_slowly_leaves_no_hole_untold() -> None:
    buffer = TapBuffer(max_bytes=300_000)
    told: list[tuple[int, Record]] = []
    for start in range(0, 3000, 100):
        fill(buffer, 100, start=start)
        told += records_of(next(iter(buffer.chunks())))
    told += drained(buffer)
    packets = of(told, PacketRecord)
    assert len(of(told, LostRecord)) > 1
    assert len(packets) + sum(lost.records for lost in of(told, LostRecord)) == 3000
    assert [packet.number for packet in packets] == sorted({packet.number for packet in packets})
    assert [position for position, _ in told] == sorted({position for position, _ in told})


def test_the_largest_recording_pays() -> None:
    buffer = TapBuffer(max_bytes=300_000)
    fill(buffer, 10, recording="small")
    fill(buffer, 2000, recording="large")
    assert buffer.streams["small"].waiting_since() == 0.0
    told = drained(buffer)
    assert len(of(told, LostRecord)) == 1


def test_a_closed_stream_is_forgotten_when_all_is_acknowledged_and_begins_anew() -> None:
    buffer = TapBuffer()
    fill(buffer, 5)
    stream = buffer.open("r")
    epoch = stream.epoch
    stream.closed = True
    drained(buffer)
    buffer.acknowledge(at(buffer, 4))
    assert buffer.streams
    buffer.acknowledge(at(buffer, 5))
    assert not buffer.streams
    assert buffer.open("r").epoch != epoch


def test_another_epochs_positions_say_nothing() -> None:
    buffer = TapBuffer()
    fill(buffer, 5)
    drained(buffer)
    other = Positions(positions={"other": 5, "none": 1})
    buffer.acknowledge(other)
    assert buffer.bytes
    buffer.resume(other)
    assert [position for position, _ in drained(buffer)] == list(range(5))


def test_chunks_and_positions_survive_the_wire() -> None:
    buffer = TapBuffer()
    fill(buffer, 200)
    chunks = list(buffer.chunks())
    data = b"".join(encode_chunk(chunk) for chunk in chunks)
    start, read = 0, []
    while (found := chunk_at(data, start)) is not None:
        read.append(found[0])
        start = found[1]
    assert [chunk._replace(data=bytes(chunk.data)) for chunk in read] == [
        chunk._replace(data=bytes(chunk.data)) for chunk in chunks
    ]
    assert chunk_at(data[:-1], data.rindex(b"r" + chunks[-1].epoch.encode()) - 18) is None
    positions = at(buffer, 7)
    assert decode_positions(encode_positions(positions)) == positions


@given(st.binary(max_size=200))
def test_what_is_no_chunk_is_refused_or_too_short(data: bytes) -> None:
    with suppress(WireError):
        found = chunk_at(data, 0)
        assert found is None or found[1] <= len(data)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"positions": {"e": -1}}', b"[" * 5000])
def test_what_are_no_positions_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        decode_positions(line)
