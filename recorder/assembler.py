"""Records of one recording -> initialisation segments, segments and gaps. Sans-IO; time comes with the records.

Contract: the same records give the same pieces, byte for byte, whether one Assembler took them all or another went on
from `state()` at any point, fed again from `replay_from`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter

from archive.media import Gap, Made
from recorder import track as tracks
from recorder.frames import Frame, Part
from recorder.pictures import PictureLane
from recorder.rendition import Rendition
from recorder.sounds import SoundLane
from recorder.timeline import LeastDifference, RecordedClock
from recorder.track import PICTURE_CLOCK, SOUND_CLOCK
from streaming.control import Slot
from streaming.tap_records import (
    ClockRecord,
    EndedRecord,
    LostRecord,
    PacketRecord,
    Record,
    RecordingState,
    StateRecord,
    TrackRecord,
)

CADENCE_S: Final = 6.0
CHECK_S: Final = 0.25
BACK_MAX_S: Final = 60.0
AHEAD_MAX_S: Final = 12 * 3600.0
TIME_MAX_S: Final = 1e11
"""Records whose times are further off are damaged, and are left out."""
RESTART: Final = "restart"

Lane = PictureLane | SoundLane


@dataclass(slots=True)
class Progress:
    """Everything an Assembler knows, but for the payloads of packets, which it knows by their positions."""

    next: int = 0
    """Position of the first record that has not been taken."""
    now: float = 0.0
    next_check: float = 0.0
    ended: bool = False
    sources: int = 0
    clock: RecordedClock = field(default_factory=RecordedClock)
    pictures: dict[str, PictureLane] = field(default_factory=dict)
    sounds: dict[str, SoundLane] = field(default_factory=dict)
    publishers: dict[str, LeastDifference] = field(default_factory=dict)


_PROGRESS: Final = TypeAdapter(Progress)


class Assembler:
    """`position` numbers the records of a recording, rising over all epochs; `state` as another one's `state()` gave
    it. Raises `pydantic.ValidationError` for a state that is none."""

    def __init__(self, cadence_s: float = CADENCE_S, state: bytes | None = None) -> None:
        self.cadence_s = cadence_s
        self.ignored: Counter[str] = Counter()
        """Records that could not be used."""
        self._is = Progress() if state is None else _PROGRESS.validate_json(state)
        self._wanted: dict[int, list[Part]] = {}
        for part in self._parts():
            self._wanted.setdefault(part.position, []).append(part)

    @property
    def replay_from(self) -> int:
        """Position of the oldest record that a new Assembler with the present state has to be fed."""
        return min((part.position for part in self._parts()), default=self._is.next)

    @property
    def recorded_s(self) -> float:
        """Length of the recording so far."""
        return self._is.clock.at(self._is.now)

    def state(self) -> bytes:
        """JSON."""
        return _PROGRESS.dump_json(self._is, exclude_defaults=True)

    def take(self, record: Record, position: int) -> list[Made]:
        """Pieces that are complete now. Records in the order of their positions; those taken before are ignored."""
        known = self._is
        if position < known.next:
            self._fill(record, position)
            return []
        known.next = position + 1
        if known.ended or not self._timely(record):
            return []
        made: list[Made] = []
        if not isinstance(record, StateRecord):
            known.now = max(known.now, record.t)
        match record:
            case PacketRecord():
                made += self._packet(record, position)
            case ClockRecord():
                self._report(record)
            case StateRecord():
                made += self._state(record)
            case TrackRecord():
                made += self._track(record)
            case EndedRecord():
                made += self._ended(record.track)
            case LostRecord():
                self.ignored["lost"] += record.records
        if known.now >= known.next_check and known.clock.running:
            made += self._check()
        return made

    def finish(self) -> list[Made]:
        """The recording ends with the records so far. Idempotent."""
        if self._is.ended:
            return []
        made = self._close() if self._is.clock.running else []
        self._is.ended = True
        return made

    # ------------------------------------------------------------ records

    def _timely(self, record: Record) -> bool:
        known = self._is
        if isinstance(record, StateRecord):
            timely = 0 <= record.t < TIME_MAX_S and 0 <= record.wall < TIME_MAX_S
            if record.epoch != known.clock.epoch:
                return timely
        else:
            timely = bool(known.clock.epoch)
        timely = timely and known.now - BACK_MAX_S <= record.t <= known.now + AHEAD_MAX_S
        if not timely:
            self.ignored["time"] += 1
        return timely

    def _packet(self, record: PacketRecord, position: int) -> list[Made]:
        lane = self._lane_of(record.track)
        if lane is None or lane.track is None or not self._is.clock.running:
            self.ignored["packet"] += 1
            return []
        return self._frames(lane, lane.track.take(record, position))

    def _frames(self, lane: Lane, frames: list[tuple[int, Frame]]) -> list[Made]:
        if isinstance(lane, SoundLane):
            for _, frame in frames:
                lane.take(frame)
            return []
        made: list[Made] = []
        for encoding, frame in frames:
            lane.take(encoding, frame, self.cadence_s)
            if lane.interval is not None and lane.interval.keyframes:
                made += self._cut(lane, lane.cut(self._is.now, self._is.clock, self._publisher(lane)))
        return made

    def _cut(self, lane: PictureLane, made: list[Made]) -> list[Made]:
        """Sound is cut where its picture was."""
        sound = self._is.sounds.get(_partner(lane.slot))
        if made and sound is not None:
            sound.cut_at(round(lane.end * SOUND_CLOCK / PICTURE_CLOCK))
        return made

    def _report(self, record: ClockRecord) -> None:
        lane = self._lane_of(record.track)
        if lane is not None and lane.track is not None:
            lane.track.report(record, self._publisher(lane))

    def _track(self, record: TrackRecord) -> list[Made]:
        self._is.sources += 1
        track = tracks.begin(record, self._is.sources)
        former = self._lane_of(record.track)
        if track is not None and former is not None and former.slot == record.slot and track.continues(former.track):
            return []
        made = self._ended(record.track)
        if track is None:
            self.ignored["codec"] += 1
            return made
        lane = self._lane(record.slot)
        made += self._end_track(lane)
        lane.track = track
        return made

    def _ended(self, number: int) -> list[Made]:
        lane = self._lane_of(number)
        return [] if lane is None else self._end_track(lane)

    def _end_track(self, lane: Lane) -> list[Made]:
        known = self._is
        if lane.track is None:
            return []
        made = self._frames(lane, lane.track.flush())
        if isinstance(lane, SoundLane):
            made += lane.settle(known.clock, self._publisher(lane), self.cadence_s)
        else:
            made += self._close_picture(lane)
        peer_id, lane.track = lane.track.peer_id, None
        if all(other.track is None or other.track.peer_id != peer_id for other in self._lanes()):
            known.publishers.pop(peer_id, None)
        return made

    def _close_picture(self, lane: PictureLane) -> list[Made]:
        known = self._is
        made = self._cut(lane, lane.close(known.now, known.clock, self._publisher(lane)))
        return made + lane.lost_tail(known.clock.at(known.now), known.now)

    # ------------------------------------------------------------ states

    def _state(self, record: StateRecord) -> list[Made]:
        known = self._is
        made: list[Made] = []
        ends = record.state is RecordingState.ENDED
        if known.clock.epoch and record.epoch != known.clock.epoch:
            made += self._restart(record)
        else:
            known.now = max(known.now, record.t)
            running = record.state is RecordingState.RUNNING
            if known.clock.epoch and running == known.clock.running and not ends:
                return []
            if known.clock.running:
                made += self._close()
            known.clock.change(record, known.now)
        known.next_check = known.now
        if not known.sounds:
            self._lane(Slot.TEACHER_AUDIO)
        known.ended = ends
        return made

    def _close(self) -> list[Made]:
        """Recording pauses or ends: everything is written; tracks stay, and begin anew."""
        known = self._is
        made: list[Made] = []
        for lane in self._lanes():
            if lane.track is not None:
                made += self._frames(lane, lane.track.flush())
        for lane in self._lanes():
            if isinstance(lane, SoundLane):
                made += lane.close(known.now, known.clock, self._publisher(lane), self.cadence_s)
            else:
                made += self._close_picture(lane)
            if lane.track is not None:
                lane.track.restart()
        return made

    def _restart(self, record: StateRecord) -> list[Made]:
        """Another media process goes on: other tracks, another clock."""
        known = self._is
        made = self._close() if known.clock.running else []
        before = known.clock.at(known.now)
        known.clock.change(record, known.now)
        known.now = record.t
        outage = known.clock.recorded - before
        for lane in self._lanes():
            if lane.track is not None and outage > 0:
                made.append(Gap(lane.slot, before, outage, RESTART))
            lane.track = None
        known.publishers.clear()
        return made

    # ------------------------------------------------------------ lanes

    def _check(self) -> list[Made]:
        known = self._is
        known.next_check = known.now + CHECK_S
        made: list[Made] = []
        for lane in self._lanes():
            if lane.track is not None:
                made += self._frames(lane, lane.track.expire(known.now))
        for picture in known.pictures.values():
            checked = picture.check(known.now, known.clock, self._publisher(picture), self.cadence_s)
            made += self._cut(picture, checked)
        for sound in known.sounds.values():
            picture_lane = known.pictures.get(_partner(sound.slot))
            with_picture = picture_lane is not None and picture_lane.interval is not None
            publisher = self._publisher(sound)
            made += sound.advance(known.now, known.clock, publisher, self.cadence_s, with_picture)
        return made

    def _lanes(self) -> list[Lane]:
        return [*self._is.pictures.values(), *self._is.sounds.values()]

    def _lane(self, slot: Slot) -> Lane:
        known = self._is
        if slot.is_audio:
            if slot not in known.sounds:
                rendition = Rendition(slot.value, 0, SOUND_CLOCK)
                known.sounds[slot.value] = SoundLane(slot.value, slot is Slot.TEACHER_AUDIO, rendition)
            return known.sounds[slot.value]
        if slot not in known.pictures:
            known.pictures[slot.value] = PictureLane(slot.value)
        return known.pictures[slot.value]

    def _lane_of(self, number: int) -> Lane | None:
        for lane in self._lanes():
            if lane.track is not None and lane.track.number == number:
                return lane
        return None

    def _publisher(self, lane: Lane) -> LeastDifference:
        if lane.track is None:
            return LeastDifference()
        return self._is.publishers.setdefault(lane.track.peer_id, LeastDifference())

    # ------------------------------------------------------------ going on from a state

    def _parts(self) -> Iterator[Part]:
        for lane in self._lanes():
            yield from lane.parts()

    def _fill(self, record: Record, position: int) -> None:
        if isinstance(record, PacketRecord):
            payload = bytes(record.payload)
            for part in self._wanted.pop(position, ()):
                part.payload = payload


def _partner(slot: str) -> str:
    """The picture's slot of a sound's, and the other way round."""
    kind, _, medium = slot.rpartition("_")
    return f"{kind}_{'audio' if medium == 'video' else 'video'}"
