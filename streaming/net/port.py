"""The media port: one UDP socket and one TCP listener for every client of a process.

Datagrams are told apart by their first bytes (RFC 7983) and by where they come from: only STUN is looked at from an
address that no client has proved to own.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import structlog

from streaming.control import PeerState
from streaming.net.connection import Connection, Path
from streaming.net.datagrams import ReceiveBatch, address_tuple, bind_udp, send_datagram
from streaming.net.demultiplex import PacketKind, kind_of
from streaming.net.dtls import srtp, srtp_ffi
from streaming.net.ice import IceRegistry
from streaming.net.tcp import TcpListener, TcpPath
from streaming.wire.errors import WireError
from streaming.wire.slab import U8, packet_slab

log = structlog.get_logger("media")

Decrypt: TypeAlias = Callable[[Any, Any, Any], int]

BATCHES_MAX: Final = 8
"""Batches read in one turn, so that timers get theirs."""
FREE_PORT_TRIES: Final = 20
FRAME_MIN_BYTES: Final = 12

# For each packet: looking them up in an Enum or a C library each time costs more than the comparison or the call.
_RTP, _RTCP, _CLOSED = PacketKind.RTP, PacketKind.RTCP, PeerState.CLOSED
_unprotect, _unprotect_rtcp = srtp.srtp_unprotect, srtp.srtp_unprotect_rtcp


class _Row:
    """One datagram's place in memory: `view` for us, `pointer` and `length` (an int in and out) for libsrtp."""

    __slots__ = ("length", "pointer", "view")

    def __init__(self, packet: U8) -> None:
        self.view = packet.data.cast("B")
        self.pointer: Any = srtp_ffi.from_buffer(self.view)
        self.length: Any = srtp_ffi.new("int *")


class MediaPort:
    """`flush(now)` is called after each turn of reading, to forward what has come; `clock` gives monotonic seconds."""

    def __init__(self, sock: socket.socket, flush: Callable[[float], None], clock: Callable[[], float]) -> None:
        self.socket = sock
        self.registry: IceRegistry[Connection] = IceRegistry()
        self.drops: Counter[str] = Counter()
        self._flush = flush
        self._clock = clock
        self._batch = ReceiveBatch(sock)
        self._rows = [_Row(packet) for packet in self._batch.slab]
        self._frame_row = _Row(packet_slab(1)[0])
        self._listener: TcpListener | None = None
        self._flush_due = False

    @classmethod
    async def open(
        cls, host: str, port: int, flush: Callable[[float], None], clock: Callable[[], float] = time.monotonic
    ) -> MediaPort:
        """Bind UDP and TCP on the same port (0: any that is free for both). Raises OSError."""
        for tries_left in reversed(range(FREE_PORT_TRIES if port == 0 else 1)):
            sock = bind_udp(host, port)
            media = cls(sock, flush, clock)
            try:
                media._listener = await TcpListener.open(host, media.port, media)
                break
            except OSError:
                sock.close()
                if not tries_left:
                    raise
        asyncio.get_running_loop().add_reader(sock.fileno(), media.read)
        return media

    @property
    def port(self) -> int:
        port: int = self.socket.getsockname()[1]
        return port

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        if self._listener is not None:
            await self._listener.close()
        self.socket.close()

    def send(self, path: Path, data: bytes) -> None:
        """One datagram to a validated path; dropped and counted where the kernel or the stream has no room."""
        if isinstance(path, TcpPath):
            if not path.send(data):
                self.drops["tcp_full"] += 1
            return
        if not send_datagram(self.socket, data, path):
            self.drops["not_sent"] += 1

    # ------------------------------------------------------------ reading

    def read(self) -> None:
        """Take what has arrived at the socket; the event loop calls this."""
        now = self._clock()
        rows = self._rows
        for _ in range(BATCHES_MAX):
            received = self._batch.receive()
            self._take(zip(rows, received, strict=False), now)
            if len(received) < len(rows):
                break
        self._flush(now)

    def frame_received(self, path: TcpPath, frame: bytes) -> None:
        """A frame of an ICE-TCP path."""
        self._frame_row.view[: len(frame)] = frame
        self._take([(self._frame_row, (len(frame), path))], self._clock())
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush_frames)

    def _flush_frames(self) -> None:
        self._flush_due = False
        self._flush(self._clock())

    def path_lost(self, path: TcpPath) -> None:
        connection = self.registry.owners.get(path)
        self.registry.address_lost(path)
        if connection is not None:
            connection.path_changed()

    def _take(self, datagrams: Iterable[tuple[_Row, tuple[int, Path]]], now: float) -> None:
        """Datagrams with their lengths and senders. Bad input is counted and dropped, whatever it is."""
        owners = self.registry.owners
        rtp: list[tuple[_Row, Connection, Any]] = []
        rtcp: list[tuple[_Row, Connection, Any]] = []
        for row, (length, path) in datagrams:
            if length < FRAME_MIN_BYTES:
                self.drops["short"] += 1
                continue
            kind = kind_of(row.view)
            if kind is _RTP or kind is _RTCP:
                connection = owners.get(path)
                if connection is None or connection.srtp is None:
                    self.drops["media_unknown_address"] += 1
                else:
                    row.length[0] = length
                    (rtp if kind is _RTP else rtcp).append((row, connection, connection.srtp.rx))
            else:
                self._take_other(kind, bytes(row.view[:length]), path, now)
        if rtp:
            self._take_media(rtp, _unprotect, _hand_rtp, now)
        if rtcp:
            self._take_media(rtcp, _unprotect_rtcp, _hand_rtcp, now)

    def _take_other(self, kind: PacketKind, data: bytes, path: Path, now: float) -> None:
        if kind is PacketKind.STUN:
            self._stun(data, path, now)
        elif kind is PacketKind.DTLS:
            connection = self.registry.owners.get(path)
            if connection is None:
                self.drops["dtls_unknown_address"] += 1
            else:
                connection.receive_dtls(data)
        else:
            self.drops["unknown_kind"] += 1

    def _stun(self, data: bytes, path: Path, now: float) -> None:
        seen_as = path.remote if isinstance(path, TcpPath) else address_tuple(path)
        checked = self.registry.handle(data, path, seen_as, now)
        if checked is None:
            return
        if isinstance(path, TcpPath):
            path.claimed = True
        self.send(path, checked.answer)
        checked.owner.start()
        if checked.displaced is not None:
            checked.displaced.path_changed()
        if checked.moved:
            checked.owner.path_changed()

    def _take_media(
        self,
        packets: list[tuple[_Row, Connection, Any]],
        unprotect: Decrypt,
        hand: Callable[[Connection, memoryview, int, float], None],
        now: float,
    ) -> None:
        """Decrypt packets in place with their SRTP sessions, all of them first, and hand them to their connections."""
        sessions = [session for _, _, session in packets]
        pointers = [row.pointer for row, _, _ in packets]
        statuses = bytes(map(unprotect, sessions, pointers, [row.length for row, _, _ in packets]))
        for (row, connection, _), status in zip(packets, statuses, strict=True):
            if status:
                connection.errors["srtp_unprotect"] += 1
            elif connection.state is not _CLOSED:
                try:
                    hand(connection, row.view, row.length[0], now)
                except WireError as error:
                    connection.errors[error.kind] += 1
                except Exception:  # a mistake of ours costs this packet, not the rest of the batch
                    self.drops["internal_error"] += 1
                    if self.drops["internal_error"] == 1:
                        log.exception("mistake while taking a packet")


def _hand_rtp(connection: Connection, packet: memoryview, length: int, now: float) -> None:
    connection.handler.receive_rtp(packet, length, now)


def _hand_rtcp(connection: Connection, packet: memoryview, length: int, now: float) -> None:
    if not connection.proved:
        connection.handshake_proved()
    connection.handler.receive_rtcp(bytes(packet[:length]), now)
