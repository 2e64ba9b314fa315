"""What a classroom wants done after each event: the whole seam between its rules and the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signaling.messages import (
    EncodingsWanted,
    ErrorCode,
    FloorEnded,
    FloorOffered,
    LessonChanged,
    LessonState,
    MediaLost,
    MutedByTeacher,
    OwnLink,
    ParticipantChanged,
    ParticipantLeft,
    PeerLost,
    Said,
    SlotChanged,
)
from streaming.control import Slot, Source

Notice = (
    ParticipantChanged
    | ParticipantLeft
    | LessonChanged
    | SlotChanged
    | FloorOffered
    | FloorEnded
    | MutedByTeacher
    | EncodingsWanted
    | Said
    | OwnLink
    | MediaLost
    | PeerLost
)


@dataclass(frozen=True, slots=True)
class Send:
    """The same message to each of these participants."""

    to: tuple[str, ...]
    message: Notice


@dataclass(frozen=True, slots=True)
class EndSeat:
    """The seat is gone: tell its connection why (`Refused`), then close it."""

    participant_id: str
    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class FeedSlot:
    slot: Slot
    peer_id: str | None
    source: Source | None


@dataclass(frozen=True, slots=True)
class MuteSource:
    peer_id: str
    source: Source
    muted: bool


@dataclass(frozen=True, slots=True)
class ViewSlot:
    peer_id: str
    slot: Slot
    paused: bool
    height: int


@dataclass(frozen=True, slots=True)
class TellUplink:
    """What a publisher's page says of its uplink."""

    peer_id: str
    believed_bps: int
    short: bool


@dataclass(frozen=True, slots=True)
class DropPeer:
    peer_id: str


@dataclass(frozen=True, slots=True)
class RecordState:
    """The lesson's state is to be kept."""

    state: LessonState


@dataclass(frozen=True, slots=True)
class RecordSpan:
    """A class's live feed began or ceased; kept under the class's name."""

    name: str
    change: Literal["begin", "finish"]


@dataclass(frozen=True, slots=True)
class RecordChoice:
    """What the teacher has chosen about recording is to be kept."""

    wish: Literal["on", "paused", "off"]
    number: int


@dataclass(frozen=True, slots=True)
class RecordMedia:
    """The media process records these peers from now on; `recording_id` None: nobody, the recording is complete."""

    recording_id: str | None
    paused: bool = False
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CloseRoom:
    """The lesson has ended: its media room is to be closed."""


Effect = (
    Send
    | EndSeat
    | FeedSlot
    | MuteSource
    | ViewSlot
    | TellUplink
    | DropPeer
    | RecordState
    | RecordSpan
    | RecordChoice
    | RecordMedia
    | CloseRoom
)
