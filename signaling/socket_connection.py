"""One page's WebSocket on its way out: a bounded queue, and the ways in which the connection ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import IntEnum

from aiohttp import web

from signaling.messages import ErrorCode, Refused
from signaling.tally import Tally

QUEUE_MAX = 256
_CLOSE_TIMEOUT_S = 2.0


class CloseCode(IntEnum):
    """RFC 6455 section 7.4, and ours from 4000 on."""

    DONE = 1000
    GOING_AWAY = 1001
    POLICY = 1008
    TOO_BIG = 1009
    OVERLOADED = 1013
    """The page does not read fast enough; it comes back with its resume secret."""
    REFUSED = 4000
    """A `Refused` message said why."""
    TAKEN_OVER = 4001
    JOIN_TIMEOUT = 4002


@dataclass(frozen=True, slots=True)
class _Close:
    code: CloseCode
    reason: str


class SocketConnection:
    """`send` and the endings never block. What does not fit into the queue ends the connection, since a page that
    missed one message would show a wrong lesson from then on."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, tally: Tally) -> None:
        self._socket = socket
        self._transport = transport
        self._tally = tally
        self._queue: asyncio.Queue[str | _Close] = asyncio.Queue(QUEUE_MAX)
        self._ending = False
        self._writing = asyncio.create_task(self._write())

    def send(self, text: str) -> None:
        if not self._ending:
            self._put(text)

    def refuse(self, code: ErrorCode, message: str) -> None:
        self.send(Refused(code=code, message=message).model_dump_json())
        self.end(CloseCode.REFUSED, code)

    def taken_over(self) -> None:
        self.end(CloseCode.TAKEN_OVER, "another connection holds this seat")

    def end(self, code: CloseCode, reason: str) -> None:
        """Close after what was sent before; only the first ending counts."""
        if not self._ending:
            self._put(_Close(code, reason))
            self._ending = True

    def _put(self, item: str | _Close) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self._tally.count("socket_overflow")
            self._ending = True
            self._writing.cancel()
            self._writing = asyncio.create_task(self._close(_Close(CloseCode.OVERLOADED, "reading too slowly")))

    async def _write(self) -> None:
        while True:
            item = await self._queue.get()
            if isinstance(item, _Close):
                await self._close(item)
                return
            try:
                await self._socket.send_str(item)
            except ConnectionError:
                self._ending = True
                return

    async def _close(self, close: _Close) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._socket.close(code=close.code, message=close.reason.encode()[:120])
        except (TimeoutError, ConnectionError):
            self._tally.count("socket_aborted")
        if self._transport is not None:
            self._transport.abort()

    async def finished(self) -> None:
        """Wait until everything is out; nothing more can be sent."""
        self.end(CloseCode.DONE, "")
        await asyncio.gather(self._writing, return_exceptions=True)
