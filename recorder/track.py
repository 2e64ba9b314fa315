"""A publisher's track on its way into a slot: reordering and depacketizing of each encoding, and its clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from recorder.depacketize import PARSERS, PictureBuilder, SoundBuilder
from recorder.frames import Frame, Packet, Part
from recorder.reorder import Reorder
from recorder.timeline import LeastDifference, TrackClock
from streaming.tap_records import MARKER, ClockRecord, PacketRecord, TrackRecord

PICTURE_CLOCK: Final = 90_000
SOUND_CLOCK: Final = 48_000
SOUND_CODECS: Final = frozenset(("opus", "red"))
SAVING_RID: Final = "low"
ENCODINGS_MAX: Final = 8
FLOWING_S: Final = 1.5


@dataclass(slots=True)
class Encoding:
    """One simulcast stream."""

    reorder: Reorder = field(default_factory=Reorder)
    picture: PictureBuilder | None = None
    sound: SoundBuilder | None = None
    last_t: float = -1e9
    """When its latest packet came."""
    newest: int = -1
    """Unwrapped RTP time of its newest frame."""
    shift: int = 0

    @property
    def builder(self) -> PictureBuilder | SoundBuilder:
        builder = self.picture or self.sound
        assert builder is not None
        return builder


@dataclass(slots=True)
class Track:
    """`source` counts the tracks of a recording, so that each differs from those that had its number before."""

    number: int
    source: int
    peer_id: str
    codec: str
    profile: str
    rids: list[str]
    clock: TrackClock
    encodings: dict[int, Encoding] = field(default_factory=dict)

    @property
    def sounds(self) -> bool:
        return self.codec in SOUND_CODECS

    def continues(self, other: Track | None) -> bool:
        """Whether the same is told once more."""
        return other is not None and (self.number, self.peer_id, self.codec, self.profile, self.rids) == (
            other.number,
            other.peer_id,
            other.codec,
            other.profile,
            other.rids,
        )

    def take(self, record: PacketRecord, position: int) -> list[tuple[int, Frame]]:
        """(encoding, frame) of everything that this packet completes."""
        index = record.encoding
        if index >= min(len(self.rids) or 1, ENCODINGS_MAX) or (self.sounds and self.rids[index:][:1] == [SAVING_RID]):
            return []
        encoding = self.encodings.get(index)
        if encoding is None:
            encoding = self.encodings[index] = self._encoding()
        encoding.last_t = max(encoding.last_t, record.t)
        part = Part(position, payload=bytes(record.payload))
        packet = Packet(part, record.rtp_time, bool(record.flags & MARKER), record.t)
        return self._build(index, encoding, encoding.reorder.take(record.number, packet))

    def expire(self, now: float) -> list[tuple[int, Frame]]:
        """Frames that waited long enough for missing packets before them."""
        frames: list[tuple[int, Frame]] = []
        for index, encoding in self.encodings.items():
            if encoding.reorder.waiting:
                frames += self._build(index, encoding, encoding.reorder.expire(now))
        return frames

    def flush(self) -> list[tuple[int, Frame]]:
        """Frames of all packets that are here; nothing more comes."""
        frames: list[tuple[int, Frame]] = []
        for index, encoding in self.encodings.items():
            frames += self._build(index, encoding, encoding.reorder.flush())
        return frames

    def flowing(self, now: float) -> list[int]:
        """Encodings of which packets come."""
        return [index for index, encoding in self.encodings.items() if now - encoding.last_t < FLOWING_S]

    def restart(self) -> None:
        """What comes next does not continue what came before, and that is no loss."""
        self.encodings.clear()

    def parts(self) -> list[Part]:
        """Parts of frames that are not whole yet."""
        found = []
        for encoding in self.encodings.values():
            found += [packet.part for packet in encoding.reorder.waiting.values()]
            if encoding.picture is not None and encoding.picture.draft is not None:
                found += encoding.picture.draft.parts
        return found

    def report(self, record: ClockRecord, publisher: LeastDifference) -> None:
        first = self.encodings[min(self.encodings)] if self.encodings else None
        if first is not None:
            self.clock.report(record.ntp, record.rtp_time, record.t, first.shift, publisher)

    def _encoding(self) -> Encoding:
        if self.sounds:
            return Encoding(sound=SoundBuilder(self.codec))
        return Encoding(picture=PictureBuilder(self.codec))

    def _build(self, index: int, encoding: Encoding, packets: list[tuple[Packet, bool]]) -> list[tuple[int, Frame]]:
        frames: list[tuple[int, Frame]] = []
        for packet, missing in packets:
            for rtp_time, frame in encoding.builder.take(packet, missing):
                frame.ticks, encoding.shift = self.clock.ticks(rtp_time, frame.t, encoding.newest, encoding.shift)
                encoding.newest = max(encoding.newest, frame.ticks)
                frames.append((index, frame))
        return frames


def begin(record: TrackRecord, source: int) -> Track | None:
    """None for a codec or slot that is not recorded."""
    sound = record.codec in SOUND_CODECS
    if sound != record.slot.is_audio or not (sound or record.codec in PARSERS):
        return None
    clock = TrackClock(SOUND_CLOCK if sound else PICTURE_CLOCK)
    rids = list(record.rids[:ENCODINGS_MAX])
    return Track(record.track, source, record.peer_id, record.codec, record.profile, rids, clock)
