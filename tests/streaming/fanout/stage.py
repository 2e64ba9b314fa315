"""A publisher's Track and the fan-out that it feeds, as a room wires them."""

from __future__ import annotations

import struct
from typing import Final

from streaming.fanout.fanout import FanOut
from streaming.fanout.profiles import WireProfile
from streaming.fanout.viewers import Viewers
from streaming.uptrack.cache import HEADER_BYTES
from streaming.uptrack.uptrack import VIDEO_CLOCK, Arrival, UpTrack
from streaming.wire.slab import PACKET_BYTES
from tests.streaming import packets
from tests.streaming.fanout.recorder import NUMBER_ID, SEND_TIME_ID, Recorder, Screen
from tests.streaming.packets import Picture, give, rtp

SSRC: Final = 0x5C100
RTX_SSRC: Final = 0x5C101
FRAME: Final = VIDEO_CLOCK // 30
STAMP: Final = struct.Struct("!BIBB")
PLAIN: Final = WireProfile((("vp8", "", 96, 97), ("h264", "", 102, -1), ("opus", "", 111, -1)), NUMBER_ID, SEND_TIME_ID)
BARE: Final = WireProfile((("vp8", "", 120, -1), ("opus", "", 109, -1)))
OTHER_CODEC: Final = WireProfile((("h264", "", 102, 103),), NUMBER_ID)
PROFILES: Final = (PLAIN, BARE, OTHER_CODEC)


class Camera:
    """Sends frames of VP8 in `encodings` encodings, each packet stamped (encoding, frame, index, temporal)."""

    def __init__(self, encodings: int = 3, start: int = 0, name: str = "camera") -> None:
        self.track = UpTrack(name, "vp8")
        self.encodings = [e for e in (self.track.encoding_for(f"r{i}", 10 + i) for i in range(encodings)) if e]
        self.sequence = [(start + 1000 * index) & 0xFFFF for index in range(encodings)]
        self.frame = 0

    def stamp(self, encoding: int, index: int, temporal: int) -> bytes:
        return STAMP.pack(encoding, self.frame, index, temporal)

    def packet(
        self,
        encoding: int,
        index: int,
        count: int,
        *,
        keyframe: bool,
        temporal: int = 0,
        sync: bool = False,
        size: int = 0,
    ) -> bytearray:
        """The next packet of an encoding: the `index`-th of `count` of its frame."""
        picture = Picture(self.frame, self.frame, temporal, keyframe and index == 0, index == 0, sync)
        payload = packets.vp8(picture, bytes(size) + self.stamp(encoding, index, temporal))
        sequence = self.sequence[encoding]
        self.sequence[encoding] = (sequence + 1) & 0xFFFF
        return rtp(payload, sequence, self.frame * FRAME, ssrc=10 + encoding, marker=index == count - 1)

    def give(self, encoding: int, packet: bytearray, now: float) -> None:
        give(self.track, self.encodings[encoding], packet, now)

    def send_frame(
        self,
        now: float,
        *,
        keyframe: bool = False,
        temporal: int = 0,
        sync: bool = False,
        count: int = 1,
        size: int = 0,
    ) -> None:
        """A whole frame in every encoding."""
        for encoding in range(len(self.encodings)):
            for index in range(count):
                made = self.packet(encoding, index, count, keyframe=keyframe, temporal=temporal, sync=sync, size=size)
                self.give(encoding, made, now)
        self.frame += 1


class Stage:
    """One video slot with its viewers."""

    def __init__(self, camera: Camera | None = None) -> None:
        self.camera = camera or Camera()
        self.viewers = Viewers()
        self.fanout = FanOut("stage_video", False, SSRC, RTX_SSRC, self.viewers)
        self.fanout.set_source(self.camera.track)
        self.sink = Recorder()
        self.now = 100.0

    def join(
        self, profile: WireProfile = PLAIN, *, start: int = 0, stream: bool = False, connected: bool = True
    ) -> int:
        row = self.viewers.add()
        self.fanout.add(row, profile, start)
        self.fanout.set_resumed(row, True)
        if connected:
            self.connect(row, stream)
        return row

    def connect(self, row: int, stream: bool = False) -> Screen:
        screen = Screen(bytes([row & 0xFF]) * 28)
        self.viewers.credit[row] = self.viewers.repair_credit[row] = 1e9
        self.viewers.connect(row, screen, None if stream else screen.address, screen if stream else None)
        return screen

    def screen(self, row: int) -> Screen:
        screen = self.viewers.session[row]
        assert isinstance(screen, Screen)
        return screen

    def forward(self) -> list[Arrival]:
        """Send what has arrived; returns it."""
        arrivals = list(self.camera.track.fresh)
        self.fanout.forward(self.camera.track.fresh, self.now, self.sink)
        self.camera.track.fresh.clear()
        self.now += 0.001
        return arrivals

    def show(
        self, *, keyframe: bool = False, temporal: int = 0, sync: bool = False, count: int = 1, size: int = 0
    ) -> None:
        self.camera.send_frame(self.now, keyframe=keyframe, temporal=temporal, sync=sync, count=count, size=size)
        self.forward()
        self.now += 1 / 30

    def content(self, arrival: Arrival) -> bytes:
        start = arrival.cell * PACKET_BYTES + HEADER_BYTES
        return bytes(self.camera.track.cache.view[start : start + self.camera.track.cache.length[arrival.cell]])


def stamp_of(payload: bytes) -> tuple[int, int, int, int]:
    """(encoding, frame, index, temporal)"""
    found: tuple[int, int, int, int] = STAMP.unpack(payload[-STAMP.size :])
    return found


def watched(encoding: int = 0, temporal: int = 2, start: int = 0) -> tuple[Stage, int]:
    """A viewer that sees an encoding: its keyframe has gone out."""
    stage = Stage()
    row = stage.join(start=start)
    stage.show(keyframe=True)
    stage.fanout.aim(row, encoding, temporal)
    stage.show(keyframe=True)
    return stage, row


def stamps(stage: Stage, row: int) -> list[tuple[int, int, int, int]]:
    return [stamp_of(packet.payload) for packet in stage.screen(row).packets if packet.payload]
