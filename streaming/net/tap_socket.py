"""The tap's local socket: the recorder connects, says what it has, and is sent chunks as long as it takes them.

Nothing here waits: what the socket does not take at once stays in the buffer, and a moment's work is bounded, so that
packets to viewers are not delayed. One recorder at a time; a new connection takes the place of the former one.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from pathlib import Path
from typing import Final, cast

from streaming.tap_buffer import TapBuffer
from streaming.tap_chunks import LINE_MAX_BYTES, decode_positions, encode_chunk
from streaming.wire.errors import WireError

FLUSH_S: Final = 0.05
AT_ONCE_BYTES: Final = 1 << 20
"""At most so much in one go: about a millisecond."""
WRITE_BUFFER_BYTES: Final = 256 * 1024


class TapSocket:
    """`counts`: what went wrong, by kind."""

    def __init__(self, buffer: TapBuffer) -> None:
        self.buffer = buffer
        self.counts: Counter[str] = Counter()
        self.current: _Connection | None = None
        self._server: asyncio.Server | None = None

    async def open(self, path: Path) -> None:
        """Listen; the socket is for the server's own user. Raises OSError."""
        listening = _listen(path)
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(self), sock=listening)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self.current is not None:
            self.current.flush()
            self.current.close()


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(0o600)
    return listening


class _Connection(asyncio.Protocol):
    def __init__(self, owner: TapSocket) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._received = bytearray()
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        if self._owner.current is not None:
            self._owner.current.close()
        self._owner.current = self

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._owner.current is self:
            self._owner.current = None

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received = rest
        try:
            if len(rest) > LINE_MAX_BYTES:
                raise WireError("positions_bad")
            for line in lines:
                self._take(line)
        except WireError as error:
            self._owner.counts[error.kind] += 1
            self.close()

    def _take(self, line: bytearray) -> None:
        """Raises WireError."""
        positions = decode_positions(line)
        if self._greeted:
            self._owner.buffer.acknowledge(positions)
            return
        self._greeted = True
        self._owner.buffer.resume(positions)
        self._flush_again()

    def _flush_again(self) -> None:
        self.flush()
        self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_again)

    def flush(self) -> None:
        """Send what waits, as far as the recorder reads."""
        transport = self._transport
        if transport is None or not self._greeted or transport.get_write_buffer_size() > WRITE_BUFFER_BYTES:
            return
        sent = 0
        for chunk in self._owner.buffer.chunks():
            data = encode_chunk(chunk)
            transport.write(data)
            sent += len(data)
            if sent >= AT_ONCE_BYTES or transport.get_write_buffer_size() > WRITE_BUFFER_BYTES:
                break
