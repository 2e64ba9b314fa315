"""A lesson as the tap tells it: a publisher's numbered pictures and beeps, its clocks, its network, as records."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from streaming.control import Slot, Source
from streaming.tap_records import (
    KEYFRAME,
    MARKER,
    ClockRecord,
    EndedRecord,
    PacketRecord,
    Record,
    RecordingState,
    StateRecord,
    TrackRecord,
)
from tests.recorder import encoded
from tests.recorder.payloads import packetize

WALL: Final = 1_700_000_000.0
NTP: Final = 3_900_000_000.0
"""Seconds of NTP time at second 0 of the media process."""
FPS: Final = 15


@dataclass(frozen=True)
class Network:
    """`drop(number)` of an encoding's packets; jitter is uniform; a late packet comes `late_s` later."""

    delay_s: float = 0.02
    jitter_s: float = 0.005
    drop: Callable[[int], bool] = lambda number: False
    late: Callable[[int], bool] = lambda number: False
    late_s: float = 0.3


@dataclass
class Publisher:
    """`ppm`: how much faster its clock runs than the media process's; `ntp_offset`: how far it is set wrong."""

    peer_id: str = "teacher"
    ppm: float = 0.0
    ntp_offset: float = 0.0
    seed: int = 1
    reports: bool = True

    def ntp(self, t: float) -> int:
        return round((NTP + self.ntp_offset + t * (1 + self.ppm * 1e-6)) * 2**32)


@dataclass
class Script:
    """Records as they happen; `records()` gives them in order."""

    epoch: str = "epoch-1"
    happened: list[tuple[float, Record]] = field(default_factory=list)

    def state(self, t: float, state: RecordingState, wall: float | None = None, epoch: str = "") -> None:
        self.epoch = epoch or self.epoch
        record = StateRecord(
            recording_id="recording",
            lesson_id="lesson",
            epoch=self.epoch,
            state=state,
            t=t,
            wall=WALL + t if wall is None else wall,
        )
        self.happened.append((t, record))

    def records(self) -> list[Record]:
        return [record for _, record in sorted(self.happened, key=lambda item: item[0])]

    def camera(
        self,
        track: int,
        publisher: Publisher,
        sizes: Sequence[tuple[int, int]],
        begin: float,
        seconds: float,
        *,
        codec: str = "vp9",
        slot: Slot = Slot.TEACHER_VIDEO,
        key_every_s: float = 6.0,
        network: Network = Network(),
        off: Callable[[int, float], bool] = lambda encoding, second: False,
        rtp_base: int = 0,
        first: int = 0,
        number_base: int = 0,
        encode_s: float = 0.02,
        fps: int = FPS,
        told: bool = True,
    ) -> None:
        """Frame `first + k` is captured `k / fps` s after `begin`. `off(encoding, second)`: that layer is paused."""
        rids = ("q", "h", "f")[: len(sizes)]
        count = round(seconds * fps)
        step = round(key_every_s * fps)
        keys = tuple(sorted({*range(0, count, step), *_returns(off, len(sizes), count, fps)}))
        if told:
            self._track(track, slot, publisher, codec, rids, begin)
        source = random.Random(publisher.seed * 1000 + track)
        for encoding, (width, height) in enumerate(sizes):
            frames = encoded.pictures(codec, width, height, fps, count, keys, first)
            number = number_base
            for place, frame in enumerate(frames):
                second = place / fps
                if off(encoding, second):
                    continue
                captured = begin + second
                rtp = (rtp_base + round(second * (1 + publisher.ppm * 1e-6) * 90_000)) & 0xFFFF_FFFF
                payloads = packetize(codec, frame, place)
                at = captured + encode_s + network.delay_s + source.uniform(0, network.jitter_s)
                for index, payload in enumerate(payloads):
                    flags = (MARKER if index == len(payloads) - 1 else 0) | (
                        KEYFRAME if frame.keyframe and not index else 0
                    )
                    self._packet(track, encoding, flags, number, rtp, at + 0.0002 * index, payload, network)
                    number += 1
        if publisher.reports:
            self._reports(track, publisher, begin, seconds, 90_000, rtp_base, 1.0, network, source)

    def microphone(
        self,
        track: int,
        publisher: Publisher,
        begin: float,
        seconds: int,
        *,
        slot: Slot = Slot.TEACHER_AUDIO,
        network: Network = Network(),
        rtp_base: int = 0,
        silent: Callable[[float], bool] = lambda second: False,
        encode_s: float = 0.02,
        wrap: Callable[[bytes, Sequence[bytes]], bytes] | None = None,
        told: bool = True,
    ) -> None:
        """`silent(second)`: nothing is sent (DTX); the beep of second k sounds k s after `begin`."""
        if told:
            self._track(track, slot, publisher, "opus" if wrap is None else "red", ("",), begin)
        source = random.Random(publisher.seed * 1000 + track)
        number = 0
        packets = encoded.sound(seconds)
        for place, packet in enumerate(packets):
            second = place * 0.02
            if silent(second):
                continue
            rtp = (rtp_base + round(place * 960)) & 0xFFFF_FFFF
            captured = begin + second / (1 + publisher.ppm * 1e-6)
            at = captured + encode_s + network.delay_s + source.uniform(0, network.jitter_s)
            payload = packet if wrap is None else wrap(packet, packets[max(0, place - 2) : place])
            self._packet(track, 0, MARKER if place == 0 else 0, number, rtp, at, payload, network)
            number += 1
        if publisher.reports:
            self._reports(track, publisher, begin, seconds, 48_000, rtp_base, 5.0, network, source)

    def end(self, track: int, t: float) -> None:
        self.happened.append((t, EndedRecord(track, t)))

    def _track(self, track: int, slot: Slot, publisher: Publisher, codec: str, rids: tuple[str, ...], t: float) -> None:
        source = Source.MICROPHONE if slot.is_audio else Source.CAMERA
        record = TrackRecord(
            track=track, slot=slot, peer_id=publisher.peer_id, source=source, codec=codec, profile="", rids=rids, t=t
        )
        self.happened.append((t, record))

    def _packet(
        self, track: int, encoding: int, flags: int, number: int, rtp: int, at: float, payload: bytes, network: Network
    ) -> None:
        if network.drop(number):
            return
        if network.late(number):
            at += network.late_s
        number &= 0xFFFF_FFFF
        self.happened.append((at, PacketRecord(track, encoding, flags, number, rtp, at, payload)))

    def _reports(
        self,
        track: int,
        publisher: Publisher,
        begin: float,
        seconds: float,
        rate: int,
        rtp_base: int,
        every_s: float,
        network: Network,
        source: random.Random,
    ) -> None:
        second = 0.3
        while second < seconds:
            rtp = (rtp_base + round(second * (1 + publisher.ppm * 1e-6) * rate)) & 0xFFFF_FFFF
            at = begin + second + network.delay_s + source.uniform(0, network.jitter_s)
            self.happened.append((at, ClockRecord(track, publisher.ntp(begin + second), rtp, at)))
            second += every_s


def _returns(off: Callable[[int, float], bool], encodings: int, count: int, fps: int) -> Iterable[int]:
    """Places where a paused encoding comes back: all are keyed there."""
    for encoding in range(encodings):
        for place in range(1, count):
            if off(encoding, (place - 1) / fps) and not off(encoding, place / fps):
                yield place


def plain(
    seconds: int,
    sizes: Sequence[tuple[int, int]] = ((160, 90),),
    *,
    codec: str = "vp9",
    network: Network = Network(),
    publisher: Publisher | None = None,
    **camera: object,
) -> list[Record]:
    """A teacher from second 0 to the end; the recording ends a second later."""
    script, teacher = Script(), publisher or Publisher()
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, teacher, sizes, 0.0, seconds, codec=codec, network=network, **camera)  # type: ignore[arg-type]
    script.microphone(2, teacher, 0.0, seconds, network=replace(network, drop=lambda n: False, late=lambda n: False))
    script.state(seconds + 1.0, RecordingState.ENDED)
    return script.records()
