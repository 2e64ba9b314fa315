"""Who gets which seat: a new one, their own again, or none."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.classroom import Classroom
from signaling.errors import Refusal
from signaling.limits import Moment
from signaling.messages import ErrorCode, Role
from signaling.seats import STAFF, Seat


@dataclass(frozen=True, slots=True)
class SeatClaim:
    """A resume secret that was shown and is genuine."""

    participant_id: str
    generation: int
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody with a valid invitation at the door. `new_id` names their seat if it is a new one."""

    role: Role
    invitation_id: str
    expires_at: float
    name: str
    new_id: str
    claim: SeatClaim | None = None


def enter(room: Classroom, entry: Entry, at: Moment) -> tuple[Seat, bool]:
    """Seat a page; the flag says whether it is the same seat resumed. The former connection of a resumed seat, if there
    still is one, is the caller's to close.

    Raises `Refusal`: ENDED, REMOVED, SEAT_TAKEN, LOCKED, FULL.
    """
    room.refuse_if_ended()
    seat = _claimed(room, entry, at)
    resumed = seat is not None
    if seat is None:
        seat = _take_over_teacher(room, entry) or _new_seat(room, entry)
    seat.connected, seat.absent_since = True, None
    room.announce(seat, at)
    room.settle(at)
    return seat, resumed


def seat_standard_client(room: Classroom, entry: Entry) -> Seat:
    """A seat for a WHIP or WHEP client without a page; the door's rules are the same. Raises `Refusal`."""
    room.refuse_if_ended()
    return _new_seat(room, entry)


def _claimed(room: Classroom, entry: Entry, at: Moment) -> Seat | None:
    claim = entry.claim
    if claim is None:
        return None
    if claim.participant_id in room.removed:
        raise Refusal(ErrorCode.REMOVED, "you were put out of this lesson")
    seat = room.seats.get(claim.participant_id)
    if seat is not None:
        return seat if seat.generation == claim.generation and seat.role is entry.role else None
    if at.now > room.reinstate_until or (entry.role is Role.TEACHER and room.teacher is not None):
        return None
    return _add(room, entry, claim)


def _take_over_teacher(room: Classroom, entry: Entry) -> Seat | None:
    """There is one teacher's seat: another browser gets it once the first is away."""
    seat = room.teacher
    if entry.role is not Role.TEACHER or seat is None:
        return None
    if seat.connected:
        raise Refusal(ErrorCode.SEAT_TAKEN, "another browser is in this lesson as the teacher")
    seat.generation += 1
    seat.name, seat.invitation_id, seat.expires_at = entry.name, entry.invitation_id, entry.expires_at
    room.drop_peers(seat, pages_only=True)
    return seat


def _new_seat(room: Classroom, entry: Entry) -> Seat:
    if room.lesson.locked and entry.role not in STAFF:
        raise Refusal(ErrorCode.LOCKED, "the lesson is locked: nobody new may enter")
    if len(room.seats) >= room.max_participants and entry.role not in STAFF:
        raise Refusal(ErrorCode.FULL, "the lesson is full")
    return _add(room, entry, SeatClaim(entry.new_id, 0, entry.name))


def _add(room: Classroom, entry: Entry, claim: SeatClaim) -> Seat:
    partial = room.lesson.kind == "partial" and entry.role is Role.CLASS
    seat = Seat(
        claim.participant_id,
        entry.role,
        claim.name,
        entry.invitation_id,
        entry.expires_at,
        claim.generation,
        feed_on=not partial or claim.name in room.feeding_before,
    )
    seat.consent = entry.role is Role.CLASS and seat.publish_peer in room.recorded_before
    room.seats[seat.participant_id] = seat
    return seat
