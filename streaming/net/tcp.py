"""ICE-TCP, passive (RFC 6544) with the two-byte length framing of RFC 4571, for networks that block UDP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

FRAME_MAX_BYTES: Final = 1500
WRITE_BUFFER_MAX_BYTES: Final = 256 * 1024
CONNECTIONS_MAX: Final = 2000
SILENT_S: Final = 10.0
"""A connection that has not been claimed by a STUN check within this time is closed."""


class Owner(Protocol):
    """Takes what arrives. Called from the event loop; must not block or raise."""

    def frame_received(self, path: TcpPath, frame: bytes) -> None: ...

    def path_lost(self, path: TcpPath) -> None: ...


class TcpPath(asyncio.Protocol):
    """One accepted connection: an address like any other to ICE, hashable by identity."""

    def __init__(self, owner: Owner, paths: set[TcpPath]) -> None:
        self._owner = owner
        self._paths = paths
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._claim_timer: asyncio.TimerHandle | None = None
        self.claimed = False
        self.dropped = 0
        self.remote: tuple[str, int] = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        if len(self._paths) >= CONNECTIONS_MAX:
            self._transport.abort()
            return
        self._paths.add(self)
        peer = transport.get_extra_info("peername")
        self.remote = (peer[0], peer[1])
        self._claim_timer = asyncio.get_running_loop().call_later(SILENT_S, self._close_unclaimed)

    def _close_unclaimed(self) -> None:
        if not self.claimed:
            self.close()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        position = 0
        while len(buffer) - position >= 2:
            length = int.from_bytes(buffer[position : position + 2], "big")
            if length > FRAME_MAX_BYTES:
                self.close()
                return
            if len(buffer) - position < 2 + length:
                break
            if length:
                self._owner.frame_received(self, bytes(buffer[position + 2 : position + 2 + length]))
            position += 2 + length
        del buffer[:position]

    def connection_lost(self, exc: Exception | None) -> None:
        self._paths.discard(self)
        if self._claim_timer is not None:
            self._claim_timer.cancel()
        self._transport = None
        self._owner.path_lost(self)

    def send(self, frame: bytes | memoryview) -> bool:
        """Queue one frame; False (and counted) when the connection is gone or its buffer is full."""
        transport = self._transport
        if transport is None or transport.get_write_buffer_size() > WRITE_BUFFER_MAX_BYTES:
            self.dropped += 1
            return False
        transport.write(len(frame).to_bytes(2, "big") + bytes(frame))
        return True

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class TcpListener:
    """Listens on the media port and holds the accepted paths."""

    def __init__(self, server: asyncio.Server, paths: set[TcpPath]) -> None:
        self._server = server
        self.paths = paths

    @classmethod
    async def open(cls, host: str, port: int, owner: Owner) -> TcpListener:
        """Raises OSError where the port cannot be bound."""
        paths: set[TcpPath] = set()
        factory: Callable[[], TcpPath] = lambda: TcpPath(owner, paths)  # noqa: E731
        server = await asyncio.get_running_loop().create_server(factory, host or None, port, backlog=512)
        return cls(server, paths)

    async def close(self) -> None:
        self._server.close()
        for path in list(self.paths):
            path.close()
        await self._server.wait_closed()
