"""The tap's socket, with a real media process's worker behind it and a reader that plays the recorder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streaming import control
from streaming.tap import WAITING_MAX_S
from streaming.tap_buffer import TapBuffer
from streaming.tap_chunks import LINE_MAX_BYTES, Positions, chunk_at, encode_positions
from streaming.tap_records import PacketRecord, Record, RecordingState, StateRecord, encode
from streaming.worker import MediaConfig, Worker
from tests.streaming.net.client import LESSON, until
from tests.streaming.taps import of, records_of


class Reader:
    """Reads chunks; acknowledges when told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.records: list[tuple[int, Record]] = []
        self.epoch = ""
        self._data = b""

    async def read(self, records: int) -> None:
        """Until there are so many."""
        async with asyncio.timeout(10):
            while len(self.records) < records:
                received = await self.reader.read(1 << 16)
                assert received, "the media process has closed the connection"
                self._data += received
                start = 0
                while (found := chunk_at(self._data, start)) is not None:
                    chunk, start = found
                    self.epoch = chunk.epoch
                    self.records += records_of(chunk)
                self._data = self._data[start:]

    def acknowledge(self, position: int) -> None:
        self.writer.write(encode_positions(Positions(positions={self.epoch: position})))


async def connect(path: Path, **positions: int) -> Reader:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(encode_positions(Positions(positions=positions)))
    return Reader(reader, writer)


@asynccontextmanager
async def tapped(path: Path) -> AsyncIterator[Worker]:
    worker = Worker(MediaConfig(0, "127.0.0.1", 0, ("127.0.0.1",), path.with_name("bus.sock"), path))
    await worker.open()
    worker.handle(control.OpenRoom(request_id=1, lesson_id=LESSON))
    try:
        yield worker
    finally:
        await worker.close()


def record(worker: Worker, recording_id: str | None = "r", *, paused: bool = False) -> control.Answer:
    return worker.handle(
        control.SetRecording(
            request_id=1, lesson_id=LESSON, recording_id=recording_id, paused=paused, peers=["teacher"]
        )
    )


def put(buffer: TapBuffer, first: int, last: int) -> None:
    stream = buffer.open("r")
    for number in range(first, last):
        stream.put(encode(PacketRecord(0, 0, 0, number, 0, 0.0, bytes(500))), time.monotonic())


async def test_a_recorder_reads_along_and_after_coming_back_goes_on_where_it_was(tmp_path: Path) -> None:
    async with tapped(tmp_path / "tap.sock") as worker:
        buffer = worker.tap_socket.buffer
        assert isinstance(record(worker), control.Done)
        put(buffer, 1, 100)
        first = await connect(tmp_path / "tap.sock")
        await first.read(100)
        assert isinstance(first.records[0][1], StateRecord)
        first.acknowledge(60)
        put(buffer, 100, 1000)
        await first.read(1000)
        first.writer.close()
        await until(lambda: worker.tap_socket.current is None)
        put(buffer, 1000, 1500)
        second = await connect(tmp_path / "tap.sock", **{first.epoch: 1000})
        await second.read(500)
        numbers = [packet.number for _, packet in second.records if isinstance(packet, PacketRecord)]
        assert numbers == list(range(1000, 1500))
        second.epoch = first.epoch
        second.acknowledge(1500)
        await until(lambda: buffer.bytes == 0)
        second.writer.close()


async def test_a_recorder_that_does_not_read_costs_bounded_memory_and_time(tmp_path: Path) -> None:
    async with tapped(tmp_path / "tap.sock") as worker:
        buffer = worker.tap_socket.buffer
        buffer.max_bytes = 4_000_000
        record(worker)
        idle = await connect(tmp_path / "tap.sock")
        await until(lambda: worker.tap_socket.current is not None)
        for start in range(1, 40_001, 2000):
            put(buffer, start, start + 2000)
            before = time.perf_counter()
            assert worker.tap_socket.current is not None
            worker.tap_socket.current.flush()
            assert time.perf_counter() - before < 0.1
            assert buffer.bytes <= buffer.max_bytes
        assert buffer.counts["tap_dropped"] > 0
        assert worker.totals()["tap_dropped"] == buffer.counts["tap_dropped"]
        idle.writer.close()


async def test_a_second_recorder_takes_the_place_of_the_first(tmp_path: Path) -> None:
    async with tapped(tmp_path / "tap.sock") as worker:
        record(worker)
        first = await connect(tmp_path / "tap.sock")
        await first.read(1)
        second = await connect(tmp_path / "tap.sock")
        await second.read(1)
        assert await first.reader.read() == b""
        second.writer.close()


@pytest.mark.parametrize("line", [b"no json\n", b"{}\n", b"x" * (LINE_MAX_BYTES + 2)])
async def test_a_recorder_that_talks_nonsense_is_cut_off(tmp_path: Path, line: bytes) -> None:
    async with tapped(tmp_path / "tap.sock") as worker:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "tap.sock"))
        writer.write(line)
        assert await reader.read() == b""
        assert worker.tap_socket.counts["positions_bad"] == 1
        writer.close()


async def test_the_socket_is_for_the_servers_user_alone(tmp_path: Path) -> None:
    async with tapped(tmp_path / "tap.sock"):
        assert (tmp_path / "tap.sock").stat().st_mode & 0o777 == 0o600


# ---------------------------------------------------------------- the request


async def test_to_ask_again_changes_nothing_and_the_snapshot_tells(tmp_path: Path) -> None:
    async with tapped(tmp_path / "tap.sock") as worker:
        record(worker)
        record(worker)
        snapshot = worker.handle(control.GetSnapshot(request_id=1))
        assert isinstance(snapshot, control.Snapshot)
        assert snapshot.recordings == [control.RecordingSummary(lesson_id=LESSON, recording_id="r", paused=False)]
        record(worker, "r-2")
        record(worker, None)
        record(worker, None)
        assert worker.rooms[LESSON].tap is None
        recorder = await connect(tmp_path / "tap.sock")
        await recorder.read(4)
        states = [(state.recording_id, state.state) for state in of(recorder.records, StateRecord)]
        assert sorted(states) == [("r", "ended"), ("r", "running"), ("r-2", "ended"), ("r-2", "running")]
        recorder.writer.close()


async def test_a_room_that_is_closed_leaves_its_recording_paused(tmp_path: Path) -> None:
    async with tapped(tmp_path / "tap.sock") as worker:
        record(worker)
        worker.handle(control.CloseRoom(request_id=1, lesson_id=LESSON))
        recorder = await connect(tmp_path / "tap.sock")
        await recorder.read(2)
        assert [state.state for state in of(recorder.records, StateRecord)] == [
            RecordingState.RUNNING,
            RecordingState.PAUSED,
        ]
        recorder.writer.close()


async def test_who_listens_on_the_bus_learns_that_nothing_reaches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tapped(tmp_path / "tap.sock") as worker:
        told: list[control.Event] = []
        monkeypatch.setattr(worker, "emit", told.append)
        record(worker)
        worker.serve(worker.now() + WAITING_MAX_S + 1)
        assert told == [control.RecordingChanged(lesson_id=LESSON, recording_id="r", kept=False)]


async def test_a_recording_needs_a_room_and_a_name(tmp_path: Path) -> None:
    async with tapped(tmp_path / "tap.sock") as worker:
        worker.handle(control.CloseRoom(request_id=1, lesson_id=LESSON))
        assert isinstance(record(worker), control.Refused)
    with pytest.raises(ValueError, match="recording_id"):
        control.SetRecording(request_id=1, lesson_id=LESSON, recording_id="../r")
