"""Peer: one connected client of a room, publisher or subscriber, between its connection and its room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from streaming.control import PeerChanged, PeerState
from streaming.fanout.sink import PacketSink
from streaming.publisher import Publisher, read_rtcp
from streaming.room import Room
from streaming.subscriber import Subscriber
from streaming.wire import rtcp


class Keys(Protocol):
    """SRTP sessions of a connection; `tx` is opaque here."""

    tx: object


class Peer:
    """Takes what its connection decrypts. `ready(room)` tells that the room has packets to forward."""

    def __init__(
        self,
        peer_id: str,
        room: Room,
        side: Publisher | Subscriber,
        sink: PacketSink,
        ready: Callable[[Room], None],
        emit: Callable[[PeerChanged], None],
        ended: Callable[[Peer], None],
    ) -> None:
        self.peer_id = peer_id
        self.room = room
        self.side = side
        self.state = PeerState.CONNECTING
        self._sink = sink
        self._ready = ready
        self._emit = emit
        self._ended = ended

    @property
    def role(self) -> Literal["publisher", "subscriber"]:
        return "publisher" if isinstance(self.side, Publisher) else "subscriber"

    def expected(self) -> None:
        """The handshake begins."""
        if isinstance(self.side, Subscriber):
            self.room.expect(self.side)

    def connected(self, srtp: Keys, path: object) -> None:
        """Media may flow to `path`: a UDP address as bytes, or a stream."""
        if isinstance(self.side, Subscriber):
            udp = isinstance(path, bytes)
            self.room.connect(self.side, srtp.tx, path if isinstance(path, bytes) else None, None if udp else path)

    def state_changed(self, state: PeerState, transport: str) -> None:
        self.state = state
        kind: Literal["udp", "tcp", ""] = "udp" if transport == "udp" else "tcp" if transport == "tcp" else ""
        self._emit(PeerChanged(lesson_id=self.room.lesson_id, peer_id=self.peer_id, state=state, transport=kind))
        if state is PeerState.CLOSED:
            self._ended(self)

    def keeps_dtls(self) -> bool:
        """Publishers are few and their end should be seen at once; viewers are many."""
        return isinstance(self.side, Publisher)

    def receive_rtp(self, packet: memoryview, length: int, now: float) -> None:
        """Raises WireError."""
        if isinstance(self.side, Publisher) and self.room.receive_rtp(self.side, packet, length, now):
            self._ready(self.room)

    def receive_rtcp(self, packet: bytes, now: float) -> None:
        """Raises WireError."""
        if isinstance(self.side, Subscriber) and rtcp.is_sole_feedback(packet):
            self.room.rates.feedback.add(self.side.row, packet)
            return
        packets = read_rtcp(packet, self.side.errors)
        if isinstance(self.side, Publisher):
            self.side.receive_rtcp(packets, now)
        else:
            self.room.receive_feedback(self.side, packets, now, self._sink)
