"""A lesson in virtual time: the real room between a teacher's browser and classes behind links."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from bench.abr.clock import Clock, Path
from bench.abr.encoder import CAMERA, SimulcastEncoder
from bench.abr.publisher import LOCAL, PublisherClient, sections
from bench.abr.viewer import ViewerClient, subscribed
from bench.link.model import LinkConditions
from streaming.control import EncodingsWanted, Event, Slot, Source
from streaming.fanout.chunks import CHUNK_ROWS, RUN_PACKETS
from streaming.peer import Peer
from streaming.rate.pacer import TICK_S
from streaming.room import Room
from streaming.wire.slab import packet_slab

START: Final = 1000.0
RETURN_DELAY_S: Final = 0.005
"""Server to publisher."""
FEEDS: Final = {
    Slot.TEACHER_AUDIO: Source.MICROPHONE,
    Slot.TEACHER_VIDEO: Source.CAMERA,
    Slot.SCREEN_VIDEO: Source.SCREEN,
}


class Session(Protocol):
    """What a viewer's packets are sent under."""

    def send(self, data: bytes) -> None: ...


class LinkSink:
    """Implements `streaming.fanout.sink.PacketSink`: finished packets go to the links, unencrypted."""

    def __init__(self) -> None:
        self.slots = CHUNK_ROWS * RUN_PACKETS
        self.packets = packet_slab(self.slots)
        self.view = self.packets.data.cast("B")
        self.lengths: npt.NDArray[np.int32] = np.zeros(self.slots, np.int32)

    def deliver(
        self, sessions: list[Any], addresses: npt.NDArray[np.uint64], rows: int, per_row: int, equal: int
    ) -> None:
        session: Session
        for slot, session in enumerate(sessions):
            session.send(self.packets[slot, : self.lengths[slot]].tobytes())

    def deliver_streams(self, sessions: list[Any], streams: list[Any]) -> None:
        raise NotImplementedError("simulated viewers are on UDP")


class SimulatedLesson:
    """One room, one teacher; viewers join by `join`. Everything random follows from `seed`."""

    def __init__(
        self, seed: int, encoders: dict[Source, SimulcastEncoder] | None = None, uplink: LinkConditions = LOCAL
    ) -> None:
        self.seed = seed
        self.clock = Clock(START)
        self.sink = LinkSink()
        self.events: Counter[str] = Counter()
        self.room = Room("lesson", 1000, self._send_rtcp, self._emitted)
        self.viewers: dict[str, ViewerClient] = {}
        self._rows: dict[str, int] = {}
        self._paths = 0
        self.encoders = encoders or {Source.CAMERA: SimulcastEncoder(CAMERA, seed)}
        self.teacher = PublisherClient(self.clock, self.encoders, uplink, seed + 1)
        side = self.room.add_publisher("teacher", sections(self.encoders))
        self.teacher.connect(self._peer("teacher", side))
        for slot, source in FEEDS.items():
            if source is Source.MICROPHONE or source in self.encoders:
                self.room.feed(slot, "teacher", source)
        self.clock.every(TICK_S, lambda: self.room.tick(self.clock.now, self.sink))

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self.clock.now - START

    def _peer(self, peer_id: str, side: Any) -> Peer:
        return Peer(peer_id, self.room, side, self.sink, self._ready, lambda event: None, lambda peer: None)

    def _ready(self, room: Room) -> None:
        room.forward(self.clock.now, self.sink)

    def _send_rtcp(self, peer_id: str, data: bytes) -> None:
        if peer_id == "teacher":
            self.clock.at(self.clock.now + RETURN_DELAY_S, lambda: self.teacher.receive_rtcp(data))
        elif peer_id in self.viewers:
            self.viewers[peer_id].send(data)

    def _emitted(self, event: Event) -> None:
        self.events[type(event).__name__] += 1
        if isinstance(event, EncodingsWanted):
            self.teacher.told(event)

    def begin(self, *sources: Source) -> None:
        """The teacher starts to speak and to show these."""
        self.teacher.speak()
        for source in sources:
            self.teacher.show(source)

    def path(self, conditions: LinkConditions) -> Path:
        """A link down to a school."""
        self._paths += 1
        return Path(self.clock, conditions, self.seed * 7919 + self._paths, self._paths)

    def join(self, name: str, down: Path, up: Path, height: int = 0) -> ViewerClient:
        """A viewer whose connection is made now; its page shows everything that is fed."""
        slots = [slot for slot, source in FEEDS.items() if source is Source.MICROPHONE or source in self.encoders]
        viewer = ViewerClient(self.clock, slots, down, up)
        side = self.room.add_subscriber(name, subscribed(slots), True, None, f"school-{down.number}")
        self.viewers[name], self._rows[name] = viewer, side.row
        self.room.connect(side, viewer, self._address(down.number, side.row), None)
        for slot in slots:
            self.room.view(name, slot, False, height)
        viewer.connect(self._peer(name, side))
        return viewer

    def leave(self, name: str) -> None:
        """A viewer's connection ends."""
        self.viewers.pop(name).leave()
        del self._rows[name]
        self.room.remove_subscriber(name)

    @staticmethod
    def _address(school: int, row: int) -> bytes:
        """A struct sockaddr_in6: one public address a school."""
        mapped = bytes(10) + b"\xff\xff" + bytes((10, 0, school >> 8, school & 0xFF))
        return struct.pack("=HHI", socket.AF_INET6, socket.htons(20_000 + row), 0) + mapped + bytes(4)

    def estimate_bps(self, name: str) -> float:
        return float(self.room.estimator.estimate_bps[self._rows[name]])

    def run(self, until: float) -> None:
        """To `until` seconds since the start."""
        self.clock.run(START + until)
