"""A model viewer of one video slot: it holds what it gets against the numbers and pictures it has had before."""

from __future__ import annotations

from typing import Final

from streaming.fanout.chunks import RUN_PACKETS
from streaming.fanout.downtracks import QUEUE
from streaming.fanout.queue import LATE_S
from streaming.rate import pacer
from tests.streaming.fanout.recorder import Received
from tests.streaming.fanout.stage import RTX_SSRC, SSRC, Camera, Stage, stamp_of

PATTERN: Final = (0, 2, 1, 2)
Frame = tuple[int, int]
"""(encoding, frame)"""


class Source:
    """What the publisher sent: packets of each frame and what a decoder needs for it."""

    def __init__(self) -> None:
        self.packets: dict[Frame, int] = {}
        self.needs: dict[Frame, set[Frame]] = {}
        self._latest: dict[tuple[int, int], Frame] = {}
        self._since_base = 0

    def temporal(self, keyframe: bool) -> int:
        """Of the next frame."""
        self._since_base = 0 if keyframe else (self._since_base + 1) % len(PATTERN)
        return PATTERN[self._since_base]

    def add(self, encoding: int, frame: int, temporal: int, packets: int, *, keyframe: bool, sync: bool) -> None:
        """A frame refers to the latest frames of its layer and below; with `sync` to the base layer only."""
        key = encoding, frame
        self.packets[key] = packets
        layers = () if keyframe else (0,) if sync else range(temporal + 1)
        found = {self._latest.get((encoding, layer)) for layer in layers}
        self.needs[key] = {each for each in found if each is not None}
        self._latest[encoding, temporal] = key
        if keyframe:
            self._latest = {at: each for at, each in self._latest.items() if at[0] != encoding or at[1] == 0}


class Eye:
    """`complete`: frames that have come whole. Retransmissions are told apart by their SSRC."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._got: dict[Frame, set[int]] = {}
        self.complete: set[Frame] = set()
        self.sent: dict[int, tuple[bytes, int]] = {}
        self.again: dict[int, tuple[bytes, int]] = {}
        self._last: int | None = None
        self._checked = 0
        self.repaired = 0

    def look(self, packets: list[Received]) -> None:
        """Check what has come since the last time."""
        for packet in packets[self._checked :]:
            if packet.header.ssrc == SSRC:
                self._media(packet)
            elif packet.header.ssrc == RTX_SSRC and packet.payload:
                self._repair(packet)
        self._checked = len(packets)

    def _media(self, packet: Received) -> None:
        sequence, content = packet.header.sequence, (packet.payload, packet.header.timestamp)
        assert self._last is None or sequence == (self._last + 1) & 0xFFFF, "a gap, or a number twice"
        self._last, self.sent[sequence] = sequence, content
        encoding, frame, index, _ = stamp_of(packet.payload)
        key = encoding, frame
        assert self._source.needs[key] <= self.complete, "cannot be decoded"
        got = self._got.setdefault(key, set())
        got.add(index)
        if len(got) == self._source.packets[key]:
            self.complete.add(key)

    def _repair(self, packet: Received) -> None:
        original = int.from_bytes(packet.payload[:2], "big")
        content = packet.payload[2:], packet.header.timestamp
        assert self.sent.get(original, content) == content, "not what went out under that number"
        self.again[original] = content
        self.repaired += 1


class Watching:
    """A camera, one viewer behind a pacer, and the model of that viewer."""

    def __init__(self, start: int = 0, encodings: int = 2) -> None:
        self.stage = Stage(Camera(encodings, start))
        self.row = self.stage.join(start=start)
        self.source = Source()
        self.eye = Eye(self.source)
        self.stage.fanout.aim(self.row, 0, 2)
        self.show(keyframe=True)

    def show(self, *, keyframe: bool = False, sync: bool = False, count: int = 1) -> None:
        """The next frame, in all encodings, a thirtieth of a second after the last."""
        stage, camera = self.stage, self.stage.camera
        temporal = self.source.temporal(keyframe)
        if self.waiting() > QUEUE - RUN_PACKETS:
            self.grant(1e6)  # what overflows is lost, which is another matter
        for encoding in range(len(camera.encodings)):
            self.source.add(encoding, camera.frame, temporal, count, keyframe=keyframe, sync=sync)
        stage.show(keyframe=keyframe, temporal=temporal, sync=sync, count=count)
        self.look()

    def waiting(self) -> int:
        tracks = self.stage.fanout.downtracks
        return int(tracks.queue_tail[self.row] - tracks.queue_head[self.row])

    def starve(self) -> None:
        self.stage.viewers.credit[self.row] = -1
        pacer.decide_slow(self.stage.viewers, self.stage.fanout.queued())

    def grant(self, credit: float) -> None:
        """What waits may go, as far as `credit` bytes reach; what has waited too long is thinned out before."""
        stage = self.stage
        stage.viewers.credit[self.row] = credit
        stage.fanout.drain(stage.now, stage.sink)
        pacer.decide_slow(stage.viewers, stage.fanout.queued())
        self.look()

    def wait(self, seconds: float = LATE_S + 0.01) -> None:
        """Time passes without credit."""
        stage = self.stage
        stage.now += seconds
        self.starve()
        stage.fanout.drain(stage.now, stage.sink)
        pacer.decide_slow(stage.viewers, stage.fanout.queued())
        self.look()

    def nack(self, back: int, count: int = 4) -> None:
        """Ask for `count` numbers from the `back`-th before the latest on; what is that old may never have been."""
        last = next(reversed(self.eye.sent), 0)
        self.stage.now += 0.06
        numbers = [(last - back + step) & 0xFFFF for step in range(count)]
        self.stage.viewers.repair_credit[self.row] = 1e9
        self.stage.fanout.retransmit(self.row, numbers, self.stage.now, self.stage.sink)
        self.look()

    def pad(self) -> None:
        """A probe's packet: one of the latest once more, or nothing but padding."""
        self.stage.fanout.pad(self.row, 1200, self.stage.now, self.stage.sink)
        self.look()

    def look(self) -> None:
        self.eye.look(self.stage.screen(self.row).packets)
