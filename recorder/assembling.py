"""Assembling: one recording on its way from the spool to the store, in small steps, each of which can be repeated.

A step reads some records and hands them to the assembler, in a thread. What comes out is stored: objects first, then
their rows with the checkpoint in one transaction; only then are spool files deleted. So whatever is cut off in the
middle is simply done again, with the same result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from archive.errors import ArchiveError, ObjectDiffers
from archive.media import Gap, Init, Made, Segment
from archive.recordings import Checkpoint, RecordingLog, Stored
from archive.store import ObjectStore
from recorder.progress import Assembler, Progress
from recorder.spool import Spool
from recorder.spool_reader import SpoolReader
from recorder.tally import Alarm, Tally
from streaming.tap_records import LostRecord, StateRecord

STEP_RECORDS: Final = 500
"""About two seconds of a lesson, a few hundredths of a second of work."""
RETRY_FIRST_S, RETRY_MOST_S = 0.25, 10.0
PUT_TIMEOUT_S: Final = 60.0

log = structlog.get_logger("recorder")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all recordings share. `make` builds an assembler from its state, `in_spool` and `in_work` are one thread
    each, `puts` bounds how many objects are stored at once."""

    spool: Spool
    log: RecordingLog
    store: ObjectStore
    make: Callable[[bytes | None], Assembler]
    in_spool: Executor
    in_work: Executor
    puts: asyncio.Semaphore
    tally: Tally


@dataclass(slots=True)
class _Step:
    made: list[Made]
    begun: StateRecord | None
    more: bool


class Assembling:
    """`run` returns when the recording is stored from beginning to end."""

    def __init__(self, recording_id: str, shop: Workshop, committed: int) -> None:
        self.recording_id = recording_id
        self.committed = committed
        """Records in the spool."""
        self.position = 0
        """Of the record that is read next."""
        self._shop = shop
        self._news = asyncio.Event()
        self._news.set()
        self._closing = False
        self._begun = False
        self._progress = Progress()
        self._assembler: Assembler
        self._reader: SpoolReader

    def grown(self, committed: int) -> None:
        """The spool holds so many records now."""
        if committed != self.committed:
            self.committed = committed
            self._news.set()

    def close(self) -> None:
        """Nothing more will come, although no record says so."""
        self._closing = True
        self._news.set()

    async def run(self) -> None:
        await self._recover()
        while not self._progress.finished:
            await self._news.wait()
            self._news.clear()
            while (await self._step()).more:
                pass
            if self._progress.ended or self._closing:
                await self._finish()
        await self._retry(self._complete)

    async def _recover(self) -> None:
        """Go on from the checkpoint, where there is one."""
        shop = self._shop
        checkpoint = await self._retry(lambda: shop.log.checkpoint(self.recording_id))
        if checkpoint is not None:
            self._progress = Progress.decode(checkpoint.state)
            self._begun = True
        self._assembler = shop.make(self._progress.assembler_state)
        self.position = self._progress.replay_from
        self._reader = SpoolReader(shop.spool.directory(self.recording_id), self.position)

    async def _step(self) -> _Step:
        step = await asyncio.get_running_loop().run_in_executor(self._shop.in_work, self._assemble, self.committed)
        if step.begun is not None and not self._begun:
            begun = step.begun
            await self._retry(lambda: self._shop.log.begin(self.recording_id, begun.lesson_id, begun.wall))
            self._begun = True
        if step.made:
            await self._keep(step.made)
        self.position = self._reader.position
        return step

    def _assemble(self, until: int) -> _Step:
        """In the working thread."""
        made: list[Made] = []
        begun: StateRecord | None = None
        count = 0
        for position, record in self._reader.read(until, STEP_RECORDS):
            count += 1
            self._progress.saw(record)
            if isinstance(record, StateRecord) and begun is None:
                begun = record
            elif isinstance(record, LostRecord):
                self._shop.tally.count("lost_records", record.records)
            made += self._assembler.take(record, position)
        return _Step(made, begun, more=count == STEP_RECORDS)

    async def _finish(self) -> None:
        made = await asyncio.get_running_loop().run_in_executor(self._shop.in_work, self._assembler.finish)
        self._progress.finished = True
        if self._begun:
            await self._keep(made)

    async def _keep(self, made: list[Made]) -> None:
        """Store what was made and how far we are; tries until it is done."""
        progress = self._progress
        ends = [piece.start_s + piece.duration_s for piece in made if isinstance(piece, Segment)]
        progress.duration_s = max([progress.duration_s, *ends])
        progress.replay_from = self._reader.position if progress.finished else self._assembler.replay_from
        progress.assembler_state = self._assembler.state()
        checkpoint = Checkpoint(self.recording_id, progress.encode())
        await self._retry(lambda: self._store(checkpoint, made))
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(
                self._shop.in_spool, self._shop.spool.forget, self.recording_id, progress.replay_from
            )
        except OSError as error:
            self._shop.tally.count("spool_not_deleted")
            log.warning("files of the spool could not be deleted", error=str(error))

    async def _store(self, checkpoint: Checkpoint, made: list[Made]) -> None:
        """Objects, then rows. Raises `ArchiveError` or TimeoutError."""
        pieces = [piece for piece in made if isinstance(piece, Init | Segment)]
        async with asyncio.TaskGroup() as group:
            puts = [group.create_task(self._put(piece)) for piece in pieces]
        gaps = [piece for piece in made if isinstance(piece, Gap)]
        await self._shop.log.add(checkpoint, [put.result() for put in puts], gaps)
        self._shop.tally.count("stored_pieces", len(pieces))
        self._shop.tally.count("stored_bytes", sum(len(piece.data) for piece in pieces))

    async def _put(self, piece: Init | Segment) -> Stored:
        async with self._shop.puts, asyncio.timeout(PUT_TIMEOUT_S):
            key = object_key(self.recording_id, piece)
            try:
                return Stored(piece, await self._shop.store.put(key, piece.data))
            except ObjectDiffers:
                # A former try was cut off before its row was written, and went on to another end.
                await self._shop.store.delete(key)
                return Stored(piece, await self._shop.store.put(key, piece.data))

    async def _complete(self) -> None:
        progress = self._progress
        if self._begun:
            await self._shop.log.finish(self.recording_id, progress.last_wall, progress.duration_s)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._shop.in_spool, self._shop.spool.remove, self.recording_id)
        log.info("a recording is complete", recording_id=self.recording_id, duration_s=round(progress.duration_s, 1))

    async def _retry(self, work: Callable[[], Awaitable[T]]) -> T:
        """Until it succeeds: the store and the database come back; meanwhile the spool grows."""
        delay_s = RETRY_FIRST_S
        while True:
            try:
                result = await work()
            except* (ArchiveError, OSError) as errors:
                reason = str(errors.exceptions[0])
            except* Exception as errors:
                # A mistake of ours about one recording must neither stop the others nor lose this one.
                reason = repr(errors.exceptions[0])
                log.exception("a recording cannot go on", recording_id=self.recording_id)
            else:
                self._shop.tally.clear_alarm(Alarm.STORE_AWAY)
                return result
            self._shop.tally.raise_alarm(Alarm.STORE_AWAY, reason)
            await asyncio.sleep(delay_s)
            delay_s = min(RETRY_MOST_S, 2 * delay_s)


def object_key(recording_id: str, piece: Init | Segment) -> str:
    """Where a piece lies in the store."""
    folder = f"recordings/{recording_id}/{piece.key.slot}/{piece.key.encoding}"
    if isinstance(piece, Init):
        return f"{folder}/init-{piece.run}.mp4"
    return f"{folder}/{piece.run}-{piece.index}.m4s"
