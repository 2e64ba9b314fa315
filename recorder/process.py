"""The recorder: from the taps of all media processes to the store, recording by recording.

Whatever is stopped or killed goes on by itself: the taps keep what was not acknowledged, the spool what was not stored,
and each recording's checkpoint says where to go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from archive.errors import ArchiveError
from archive.recordings import RecordingLog
from archive.store import ObjectStore
from recorder.assembling import Assembling, Workshop
from recorder.intake import Intake, OnDisk
from recorder.progress import Assembler
from recorder.spool import Spool
from recorder.tally import Tally
from recorder.tap_client import TapClient
from streaming.tap_chunks import Positions

PUTS_AT_ONCE: Final = 4
LOOK_S: Final = 5.0
QUIET_S: Final = 10.0
"""A recording whose lesson is over, and of which nothing has come for so long, is complete."""
LAST_COMMIT_S: Final = 3.0

log = structlog.get_logger("recorder")


@dataclass(frozen=True, slots=True)
class RecorderConfig:
    """`taps`: one socket for each media process. `free_bytes`: what the spool leaves free on its disk."""

    spool_dir: Path
    taps: tuple[Path, ...]
    free_bytes: int = 0


class Recorder:
    """`make` builds an assembler from its state; `is_over` tells of a recording whether nothing more can come of it.
    Both may raise `ArchiveError`. `clock` gives monotonic seconds."""

    def __init__(
        self,
        config: RecorderConfig,
        store: ObjectStore,
        recordings: RecordingLog,
        make: Callable[[bytes | None], Assembler],
        is_over: Callable[[str], Awaitable[bool]],
        clock: Callable[[], float],
    ) -> None:
        self.config = config
        self.tally = Tally()
        self.working: dict[str, Assembling] = {}
        self._store = store
        self._recordings = recordings
        self._make = make
        self._is_over = is_over
        self._clock = clock
        self._on_disk = OnDisk(Positions(positions={}), {})
        self._heard_s: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_spool = ThreadPoolExecutor(1, "spool")
        self._in_work = ThreadPoolExecutor(1, "assemble")
        self._shop: Workshop
        self.clients: list[TapClient] = []

    async def run(self, stop: Awaitable[object]) -> None:
        """Until `stop` is done. Raises OSError where the spool's directory cannot be used."""
        spool = await asyncio.get_running_loop().run_in_executor(
            self._in_spool, Spool, self.config.spool_dir, self.config.free_bytes
        )
        self._shop = Workshop(
            spool=spool,
            log=self._recordings,
            store=self._store,
            make=self._make,
            in_spool=self._in_spool,
            in_work=self._in_work,
            puts=asyncio.Semaphore(PUTS_AT_ONCE),
            tally=self.tally,
        )
        self._on_disk = OnDisk(spool.positions(), spool.ends())
        self._note_grown(self._on_disk)
        intake = Intake(spool, self._in_spool, self.tally, self._committed, self._clock)
        self.clients = [
            TapClient(path, lambda: self._on_disk.positions, intake.take, self.tally.counts)
            for path in self.config.taps
        ]
        reading = [self._keep(client.run()) for client in self.clients]
        committing = self._keep(intake.run())
        self._keep(self._look_for_orphans())
        try:
            await stop
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
            intake.stop()
            await self._close(spool, committing)

    async def _close(self, spool: Spool, committing: asyncio.Task[None]) -> None:
        """What has come is written; what is being assembled goes on at the next start."""
        _, pending = await asyncio.wait([committing], timeout=LAST_COMMIT_S)
        if pending:
            log.error("the last records could not be written; running media processes still hold them")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._in_work.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(self._in_spool.shutdown, wait=True, cancel_futures=True)
        spool.close()

    def _keep(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _committed(self, on_disk: OnDisk) -> None:
        self._on_disk = on_disk
        for client in self.clients:
            client.acknowledge(on_disk.positions)
        self._note_grown(on_disk)

    def _note_grown(self, on_disk: OnDisk) -> None:
        for recording_id, end in on_disk.ends.items():
            assembling = self.working.get(recording_id)
            if assembling is None:
                self._begin(recording_id, end)
            elif end != assembling.committed:
                self._heard_s[recording_id] = self._clock()
                assembling.grown(end)

    def _begin(self, recording_id: str, end: int) -> None:
        self.working[recording_id] = Assembling(recording_id, self._shop, end)
        self._heard_s[recording_id] = self._clock()
        self._keep(self._assemble(recording_id))

    async def _assemble(self, recording_id: str) -> None:
        try:
            await self.working[recording_id].run()
        except Exception:
            # It is tried again after a restart, from its checkpoint; the others go on.
            self.tally.count("recording_failed")
            log.exception("a recording stopped", recording_id=recording_id)
            return
        del self.working[recording_id]
        del self._heard_s[recording_id]

    async def _look_for_orphans(self) -> None:
        """Recordings that no record will end: a media process or the whole server died with them."""
        while True:
            try:
                for recording_id in await self._recordings.unfinished():
                    if recording_id not in self.working:
                        self._begin(recording_id, self._on_disk.ends.get(recording_id, 0))
                await self._close_those_over()
            except (ArchiveError, OSError) as error:
                self.tally.count("orphans_not_seen")
                log.warning("recordings that are over could not be looked for", error=str(error))
            await asyncio.sleep(LOOK_S)

    async def _close_those_over(self) -> None:
        """Raises `ArchiveError`."""
        if not all(client.connected for client in self.clients):
            return
        now = self._clock()
        for recording_id, assembling in list(self.working.items()):
            quiet = now - self._heard_s.get(recording_id, now) >= QUIET_S
            if quiet and await self._is_over(recording_id):
                assembling.close()
