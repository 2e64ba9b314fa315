"""A classroom held in memory, and short ways to fill it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from signaling import messages as m
from signaling.classroom import Classroom
from signaling.commands import perform
from signaling.door import Entry, SeatClaim, enter
from signaling.effects import Effect, EndSeat, FeedSlot, Send
from signaling.limits import Moment
from signaling.media_rules import begin_publish, published, source_changed
from signaling.messages import ErrorCode, LessonInfo, LessonState, Role
from signaling.recording import RecordingChoice
from signaling.seats import Seat
from streaming.control import Slot, Source, SourceChanged

WALL = 1_700_000_000.0
MICROPHONE, CAMERA, SCREEN = Source.MICROPHONE, Source.CAMERA, Source.SCREEN
_M = TypeVar("_M")


@dataclass
class Held:
    """The room, its clock, and everything it wanted so far."""

    room: Classroom
    now: float = 100.0
    seen: list[Effect] = field(default_factory=list)
    count: int = 0

    @property
    def at(self) -> Moment:
        return Moment(self.now, WALL + self.now)

    def drain(self) -> list[Effect]:
        new = self.room.effects()
        self.seen += new
        return new

    def enter(self, role: Role, name: str = "", *, claim: SeatClaim | None = None, invitation: str = "") -> Seat:
        self.count += 1
        entry = Entry(role, invitation or f"inv-{role}", 1e12, name or f"{role}{self.count}", f"p{self.count}", claim)
        seat, _ = enter(self.room, entry, self.at)
        self.drain()
        return seat

    def say(self, seat: Seat, message: m.ClientMessage) -> list[Effect]:
        perform(self.room, seat.participant_id, message, self.at)
        return self.drain()

    def publish(self, seat: Seat, *sources: Source) -> None:
        begin_publish(self.room, seat, "page", set(sources), fresh=True, at=self.at)
        published(self.room, seat, self.at)
        for source in sources:
            self.flow(seat, source)
        self.drain()

    def flow(self, seat: Seat, source: Source, flowing: bool = True) -> None:
        event = SourceChanged(lesson_id="L", peer_id=seat.publish_peer, source=source, flowing=flowing)
        source_changed(self.room, event, self.at)

    def pass_time(self, seconds: float) -> list[Effect]:
        self.now += seconds
        self.room.tick(self.at)
        return self.drain()

    def slot(self, slot: Slot) -> tuple[str | None, bool]:
        state = next(s for s in self.room.slots() if s.slot is slot)
        return state.participant_id, state.flowing


def held(
    *,
    kind: str = "full",
    state: LessonState = LessonState.WAITING,
    max_participants: int = 1000,
    reinstate_s: float = 0.0,
    minutes: dict[str, float] | None = None,
    feeding: tuple[str, ...] = (),
    recording: RecordingChoice | None = None,
) -> Held:
    live_since = WALL + 100.0 if state is LessonState.LIVE else None
    lesson = LessonInfo.model_validate(
        {"lesson_id": "L", "title": "Волны", "kind": kind, "state": state, "locked": False, "live_since": live_since}
    )
    at = Moment(100.0, WALL + 100.0)
    room = Classroom(
        lesson,
        at,
        max_participants=max_participants,
        reinstate_until=100.0 + reinstate_s,
        minutes=minutes,
        feeding=feeding,
        recording=recording,
    )
    return Held(room)


def sent(effects: list[Effect], kind: type[_M], to: Seat | None = None) -> list[_M]:
    """Messages of one kind, those to one participant where one is named."""
    return [
        e.message
        for e in effects
        if isinstance(e, Send) and isinstance(e.message, kind) and (to is None or to.participant_id in e.to)
    ]


def ended(effects: list[Effect]) -> dict[str, ErrorCode]:
    return {e.participant_id: e.code for e in effects if isinstance(e, EndSeat)}


def feeds(effects: list[Effect]) -> dict[Slot, str | None]:
    return {e.slot: e.peer_id for e in effects if isinstance(e, FeedSlot)}
