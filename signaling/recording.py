"""What of a lesson is recorded: worked out anew from the lesson's state after every event, like the slots.

Pupils are minors: of a class nothing is recorded, wherever it is shown, until somebody of its staff has agreed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from signaling.effects import RecordMedia
from signaling.messages import LessonInfo, LessonState, Recording, Role
from signaling.seats import STAFF, Seat

Wish = Literal["on", "paused", "off"]


@dataclass(frozen=True, slots=True)
class RecordingChoice:
    """What the teacher wants. `number` tells the recordings of one lesson apart: one that was stopped is complete, and
    another one begins."""

    wish: Wish = "off"
    number: int = 0

    def become(self, wish: Wish) -> RecordingChoice:
        begins = self.wish == "off" and wish != "off"
        return RecordingChoice(wish, self.number + begins)

    def recording_id(self, lesson_id: str) -> str:
        return f"{lesson_id}-{self.number}"


def split_recording_id(recording_id: str) -> tuple[str, int] | None:
    """Lesson id and number; None for anything else."""
    lesson_id, dash, number = recording_id.rpartition("-")
    return (lesson_id, int(number)) if dash and number.isascii() and number.isdecimal() else None


def shown_recording(lesson: LessonInfo, choice: RecordingChoice, *, watched: bool) -> Recording:
    """`watched`: a class of a partial lesson has the feed on; only such minutes are recorded."""
    if choice.wish == "off" or lesson.state is LessonState.ENDED:
        return Recording.OFF
    if choice.wish == "paused":
        return Recording.PAUSED
    live = lesson.state is LessonState.LIVE
    return Recording.RUNNING if live and (watched or lesson.kind == "full") else Recording.READY


def wanted_recording(
    lesson: LessonInfo, choice: RecordingChoice, seats: Iterable[Seat], before: Collection[str]
) -> RecordMedia:
    """What the media process is to record. `before`: peers that were recorded before a restart of the web process;
    they stay so until their seats say otherwise."""
    if choice.wish == "off" or lesson.state is not LessonState.LIVE:
        return RecordMedia(None)
    peers = set(before)
    for seat in seats:
        agrees = seat.role in STAFF or (seat.role is Role.CLASS and seat.consent)
        (peers.add if agrees else peers.discard)(seat.publish_peer)
    paused = lesson.recording is not Recording.RUNNING
    return RecordMedia(choice.recording_id(lesson.lesson_id), paused, tuple(sorted(peers)))
