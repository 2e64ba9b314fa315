"""A recorder that runs, in this process or in one of its own, and media processes' taps in little for it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from recorder.process import Recorder, RecorderConfig
from streaming.net.tap_socket import TapSocket
from streaming.tap_buffer import TapBuffer
from streaming.tap_records import PacketRecord, RecordingState, StateRecord, encode, frame
from tests.recorder.ledger import CountingAssembler, FolderLog, FolderStore

PACE_S = 0.01
WAIT_S = 30.0


@dataclass
class Places:
    """Where things lie in a test."""

    root: Path

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.root / "store")

    @property
    def log(self) -> FolderLog:
        return FolderLog(self.root / "log")

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    def tap(self, index: int = 0) -> Path:
        return self.root / f"tap-{index}.sock"


async def never_over(_: str) -> bool:
    return False


def make_recorder(
    places: Places,
    store: FolderStore | None = None,
    *,
    taps: int = 1,
    free_bytes: int = 0,
    is_over: Callable[[str], Awaitable[bool]] = never_over,
) -> Recorder:
    places.log.root.mkdir(parents=True, exist_ok=True)
    return Recorder(
        RecorderConfig(places.spool, tuple(places.tap(index) for index in range(taps)), free_bytes),
        store or places.store,
        places.log,
        CountingAssembler,
        is_over,
        time.monotonic,
    )


@asynccontextmanager
async def running(recorder: Recorder) -> AsyncIterator[Recorder]:
    stop = asyncio.Event()
    task = asyncio.create_task(recorder.run(stop.wait()))
    try:
        yield recorder
    finally:
        stop.set()
        await task


class Media:
    """A media process's tap: `pump` puts numbered packets into recordings, as they come."""

    def __init__(self, path: Path, buffer: TapBuffer | None = None) -> None:
        self.path = path
        self.socket = TapSocket(buffer or TapBuffer())
        self.count = 0

    @property
    def buffer(self) -> TapBuffer:
        return self.socket.buffer

    async def open(self) -> None:
        await self.socket.open(self.path)

    def say(self, state: RecordingState, recording: str = "r") -> None:
        stream = self.buffer.open(recording)
        now, wall = time.monotonic(), time.time()
        record = StateRecord(
            recording_id=recording, lesson_id="lesson", epoch=stream.epoch, state=state, t=now, wall=wall
        )
        stream.put(encode(record), now)
        stream.headers = (frame(encode(record)),)
        stream.closed = state is RecordingState.ENDED

    def put(self, packets: int, recording: str = "r", payload: bytes = b"x" * 100) -> None:
        now = time.monotonic()
        stream = self.buffer.open(recording)
        for _ in range(packets):
            stream.put(encode(PacketRecord(0, 0, 0, self.count, 0, now, payload)), now)
            self.count += 1

    @asynccontextmanager
    async def pumping(self, each: int = 5) -> AsyncIterator[None]:
        """500 packets a second while inside."""

        async def pump() -> None:
            while True:
                self.put(each)
                await asyncio.sleep(PACE_S)

        task = asyncio.create_task(pump())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(condition: Callable[[], object], within_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.02)


async def spawn(places: Places) -> asyncio.subprocess.Process:
    """A recorder in a process of its own."""
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.recorder.running", str(places.root))


def main() -> None:
    places = Places(Path(sys.argv[1]))
    asyncio.run(make_recorder(places).run(asyncio.Event().wait()))


if __name__ == "__main__":
    main()
