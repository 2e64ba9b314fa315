"""Intake: chunks of all taps, put into the spool together about once a second, and acknowledged after that.

While the spool cannot be written, a few megabytes wait here and the rest in the media processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from recorder.errors import BadName, SpoolStuck
from recorder.spool import Spool
from recorder.tally import Alarm, Tally
from streaming.tap_chunks import Chunk, Positions
from streaming.wire.errors import WireError

SYNC_S: Final = 1.0
RETRY_S: Final = 0.5
WAITING_MAX_BYTES: Final = 8 * 1024 * 1024

log = structlog.get_logger("recorder")


@dataclass(frozen=True, slots=True)
class OnDisk:
    """What the spool holds: in the taps' counting, and how many records of each recording."""

    positions: Positions
    ends: dict[str, int]


class Intake:
    """`in_spool` is the spool's one thread. `committed` is called after each commit, from the event loop."""

    def __init__(
        self,
        spool: Spool,
        in_spool: Executor,
        tally: Tally,
        committed: Callable[[OnDisk], None],
        clock: Callable[[], float],
    ) -> None:
        self._spool = spool
        self._in_spool = in_spool
        self._tally = tally
        self._committed = committed
        self._clock = clock
        self._waiting: list[Chunk] = []
        self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._stopping = asyncio.Event()

    async def take(self, chunks: Sequence[Chunk]) -> None:
        """Keep chunks for the next commit; waits while too much is kept already."""
        await self._room.wait()
        self._waiting += chunks
        self._bytes += _octets(chunks)
        if self._bytes >= WAITING_MAX_BYTES:
            self._room.clear()

    async def run(self) -> None:
        """Until `stop`, and then once more."""
        stopping = False
        while not stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(SYNC_S):
                    await self._stopping.wait()
            stopping = self._stopping.is_set()
            await self._commit()

    def stop(self) -> None:
        """Write what has come; nothing more will."""
        self._stopping.set()

    async def _commit(self) -> None:
        """Write what waits, trying again while the disk is full."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        on_disk = await self._try(batch)
        while on_disk is None:
            await asyncio.sleep(RETRY_S)
            on_disk = await self._try(batch)
        self._bytes -= _octets(batch)
        self._room.set()
        self._committed(on_disk)

    async def _try(self, batch: list[Chunk]) -> OnDisk | None:
        loop = asyncio.get_running_loop()
        try:
            on_disk = await loop.run_in_executor(self._in_spool, self._write, batch, self._clock())
        except SpoolStuck as error:
            self._tally.raise_alarm(Alarm.SPOOL_STUCK, str(error))
            return None
        self._tally.clear_alarm(Alarm.SPOOL_STUCK)
        self._tally.count("spooled_bytes", _octets(batch))
        return on_disk

    def _write(self, batch: list[Chunk], now: float) -> OnDisk:
        """In the spool's thread."""
        try:
            self._spool.commit(batch, now)
        except (BadName, WireError) as error:
            # Our own media processes do not send such; it must not stop other records.
            self._tally.count("bad_chunk")
            log.error("chunks that cannot be kept were left out", error=str(error))
        return OnDisk(self._spool.positions(), self._spool.ends())


def _octets(chunks: Sequence[Chunk]) -> int:
    return sum(len(chunk.data) for chunk in chunks)
