"""TapClient: the connection to one media process's tap, kept up. What it reads goes to the intake, which may make it
wait: then the records stay in the media process's buffer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from streaming.tap_chunks import CHUNK_MAX_BYTES, Chunk, Positions, chunk_at, encode_positions
from streaming.wire.errors import WireError

READ_BYTES: Final = 256 * 1024
RETRY_S: Final = 0.25

log = structlog.get_logger("recorder")


class TapClient:
    """`positions` tells what is on the disk, `take` keeps chunks. `counts`: what went wrong, by kind."""

    def __init__(
        self,
        path: Path,
        positions: Callable[[], Positions],
        take: Callable[[Sequence[Chunk]], Awaitable[None]],
        counts: Counter[str],
    ) -> None:
        self.path = path
        self.connected = False
        self._positions = positions
        self._take = take
        self._counts = counts
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Connect, read, and connect again, until cancelled."""
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(self.path, limit=CHUNK_MAX_BYTES)
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            self._writer.write(encode_positions(self._positions()))
            self.connected = True
            log.info("connected to a tap", path=str(self.path))
            try:
                await self._read(reader)
            except (OSError, WireError) as error:
                self._counts["tap_broken"] += 1
                log.warning("a tap's connection broke", path=str(self.path), error=str(error))
            finally:
                self.connected = False
                self._writer.close()
                self._writer = None
            await asyncio.sleep(RETRY_S)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Until the connection ends. Raises OSError or WireError."""
        data = b""
        while received := await reader.read(READ_BYTES):
            data += received
            chunks, start = [], 0
            while (found := chunk_at(data, start)) is not None:
                chunk, start = found
                chunks.append(chunk._replace(data=bytes(chunk.data)))
            data = data[start:]
            if chunks:
                await self._take(chunks)

    def acknowledge(self, positions: Positions) -> None:
        """Tell that so much is on the disk; nothing is lost where nobody hears it."""
        if self._writer is not None:
            self._writer.write(encode_positions(positions))
