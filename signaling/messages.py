"""The classroom's WebSocket protocol, version 1: every message that a page and the server exchange.

Text frames, one JSON object each, at most `MESSAGE_MAX_BYTES`. The first message is `Join`; the server answers
`Welcome` or `Refused` and closes. Every later client message may carry `id`; the server then answers exactly one
`Reply` with the same `id` (or `Answer` for an SDP offer). A malformed message is answered with `Reply(ok=False)` where
its `id` can be read and counted; twenty malformed messages in a row close the connection with code 1008.

The page must not put a token into a URL: links carry it in the fragment (`/join#<token>`), `Join` in its body.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from streaming.control import BPS_MAX, SDP_MAX_CHARS, Slot, Source

PROTOCOL_VERSION = 1
MESSAGE_MAX_BYTES = 128 * 1024
NAME_MAX_CHARS = 60
CHAT_MAX_CHARS = 1000


class Role(StrEnum):
    TEACHER = "teacher"
    CO_TEACHER = "co_teacher"
    CLASS = "class"
    VIEWER = "viewer"


class LessonState(StrEnum):
    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"


class Recording(StrEnum):
    """`READY`: will be recorded once the lesson is live, and in a partial one while some class has the feed on."""

    OFF = "off"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"


class ErrorCode(StrEnum):
    """Pages translate these; `message` beside them is one English sentence for logs and standard clients."""

    BAD_MESSAGE = "bad_message"
    WRONG_VERSION = "wrong_version"
    BAD_TOKEN = "bad_token"  # noqa: S105 - an error code
    EXPIRED = "expired"
    REVOKED = "revoked"
    ENDED = "ended"
    LOCKED = "locked"
    REMOVED = "removed"
    FULL = "full"
    NOT_ALLOWED = "not_allowed"
    NO_SUCH_PARTICIPANT = "no_such_participant"
    SEAT_TAKEN = "seat_taken"
    TOO_FAST = "too_fast"
    BAD_SDP = "bad_sdp"
    MEDIA_UNAVAILABLE = "media_unavailable"


class Link(StrEnum):
    """Quality of a participant's link, worst first; `STILL`: a picture now and then."""

    LOST = "lost"
    SOUND_ONLY = "sound_only"
    STILL = "still"
    POOR = "poor"
    FAIR = "fair"
    GOOD = "good"
    UNKNOWN = "unknown"


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ParticipantInfo(Frozen):
    participant_id: str
    name: str
    role: Role
    present: bool = True
    """False while the connection is lost but the seat is kept."""
    hand: bool = False
    hand_since: float | None = None
    """lesson_time in seconds when the hand went up, for the order of hands."""
    floor: bool = False
    publishing: list[Source] = Field(default_factory=list)
    """Sources that flow now."""
    muted: list[Source] = Field(default_factory=list)
    """Sources that a teacher has silenced."""
    feed_on: bool = True
    """Partial lessons: whether this class's own teacher has the live feed switched on."""
    feed_minutes: float = 0.0
    consent: bool = False
    """Of a class: it has agreed to be recorded."""
    link: Link = Link.UNKNOWN
    height: int = 0
    """Of the largest picture that this participant's page shows now, as it measured; 0: none, or not known."""


class LessonInfo(Frozen):
    lesson_id: str
    title: str
    kind: Literal["full", "partial"]
    state: LessonState
    locked: bool
    live_since: float | None = None
    """Unix time (UTC) when the lesson went live."""
    recording: Recording = Recording.OFF
    recording_kept: bool = True
    """False: what is recorded has waited in the server's memory for some seconds, since it cannot be stored."""


class ChatLine(Frozen):
    participant_id: str
    name: str
    role: Role
    text: str
    wall_time: float
    """Unix time (UTC)."""


class SlotState(Frozen):
    slot: Slot
    participant_id: str | None
    flowing: bool
    height: int = 0
    """Of the fullest picture that the participant sends; 0: not known."""
    short: bool = False
    """The participant's own link carries less than viewers want of it."""


# ---------------------------------------------------------------- client -> server


class EncodingLimit(Frozen):
    """What a publisher does with one encoding. `index` counts the rids of the offer; of the microphone 0 is
    `microphone_low`, 1 the full one, where both were offered. 0: what the page does by itself. `withheld`: off because
    the publisher's own link does not carry it."""

    index: int
    active: bool
    max_bitrate_bps: int = 0
    max_framerate: int = 0
    withheld: bool = False


class ClientMessage(Frozen):
    id: int | None = Field(default=None, ge=0)


class Join(ClientMessage):
    """First message. `resume` is the last `Welcome.resume`: the same seat within 60 s of losing the connection. A live
    connection that holds the seat already is closed with code 4001 (taken over) when its own `resume` is shown."""

    type: Literal["join"] = "join"
    version: int
    token: str = Field(max_length=4096)
    name: str = Field(default="", max_length=NAME_MAX_CHARS)
    resume: str | None = Field(default=None, max_length=4096)


class OfferPublish(ClientMessage):
    """SDP offer of the publishing connection; mids named in `sources`. Repeated with new ICE credentials: ICE restart.
    `fresh`: a new RTCPeerConnection; the former one is closed first."""

    type: Literal["offer_publish"] = "offer_publish"
    sdp: str = Field(max_length=SDP_MAX_CHARS)
    sources: dict[str, Source] = Field(max_length=5)
    fresh: bool = True


class OfferSubscribe(ClientMessage):
    """SDP offer of the receiving connection; mids named in `slots`. DownTracks start paused: `View` resumes each."""

    type: Literal["offer_subscribe"] = "offer_subscribe"
    sdp: str = Field(max_length=SDP_MAX_CHARS)
    slots: dict[str, Slot] = Field(max_length=7)
    fresh: bool = True


class StopPublish(ClientMessage):
    type: Literal["stop_publish"] = "stop_publish"


class SetView(ClientMessage):
    """What the page shows of a slot: visible height in device pixels (0 = no limit), or paused."""

    type: Literal["set_view"] = "set_view"
    slot: Slot
    paused: bool = False
    height: int = Field(default=0, ge=0, le=16384)


class SetSharing(ClientMessage):
    """Teacher or co-teacher: the screen is shared (true) or no longer (false)."""

    type: Literal["set_sharing"] = "set_sharing"
    on: bool


class SetLive(ClientMessage):
    """Teacher, co-teacher: begin the lesson (`live`) or end it for everybody (`ended`)."""

    type: Literal["set_live"] = "set_live"
    state: Literal["live", "ended"]


class SetHand(ClientMessage):
    """Class or viewer: raise or lower the own hand. A teacher lowers somebody's by `participant_id`."""

    type: Literal["set_hand"] = "set_hand"
    up: bool
    participant_id: str | None = Field(default=None, max_length=64)


class OfferFloor(ClientMessage):
    """Teacher, co-teacher: offer the floor to a class, which is asked first (`FloorOffered`)."""

    type: Literal["offer_floor"] = "offer_floor"
    participant_id: str = Field(max_length=64)


class AnswerFloor(ClientMessage):
    """The class that was offered the floor accepts or declines; a co-teacher takes it without an offer."""

    type: Literal["answer_floor"] = "answer_floor"
    accept: bool


class TakeFloor(ClientMessage):
    """Teacher, co-teacher: take the floor back. The class that has it gives it back by the same message."""

    type: Literal["take_floor"] = "take_floor"


class SetMuted(ClientMessage):
    """Teacher, co-teacher: silence a participant's source for everybody, or allow it again."""

    type: Literal["set_muted"] = "set_muted"
    participant_id: str = Field(max_length=64)
    source: Source
    muted: bool


class Remove(ClientMessage):
    """Teacher, co-teacher: put a class or viewer out of the lesson; their seat is not given back."""

    type: Literal["remove"] = "remove"
    participant_id: str = Field(max_length=64)


class SetLocked(ClientMessage):
    """Teacher, co-teacher: nobody new may enter; seats already held may resume."""

    type: Literal["set_locked"] = "set_locked"
    locked: bool


class Say(ClientMessage):
    type: Literal["say"] = "say"
    text: str = Field(min_length=1, max_length=CHAT_MAX_CHARS)


class SetFeed(ClientMessage):
    """Partial lesson: a class's own teacher switches the live feed on or off; minutes are kept."""

    type: Literal["set_feed"] = "set_feed"
    on: bool


class SetRecording(ClientMessage):
    """Teacher, co-teacher: record the lesson, pause, or stop. A recording that was stopped is complete; `on` then
    begins another one."""

    type: Literal["set_recording"] = "set_recording"
    state: Literal["on", "paused", "off"]


class SetConsent(ClientMessage):
    """Class: its staff agrees that the class is recorded while it has the floor, or does not. Not agreed at first."""

    type: Literal["set_consent"] = "set_consent"
    agree: bool


class Leave(ClientMessage):
    """Leave for good: the seat is given up at once."""

    type: Literal["leave"] = "leave"


class Ping(ClientMessage):
    """Keeps school firewalls from cutting an idle connection; every 20 s. `sent` comes back in `Pong`."""

    type: Literal["ping"] = "ping"
    sent: float = 0.0


class ReportPlayback(ClientMessage):
    """What the page measured since its last report (getStats), every 5 s; what comes within 2 s
    of the last is not heeded. Between still pictures there are no freezes. `height` is that of the largest picture it
    shows now, 0: none; `still`: of a camera less than one picture a second comes."""

    type: Literal["report_playback"] = "report_playback"
    freezes: int = Field(ge=0, le=200)
    frozen_s: float = Field(ge=0, le=60, allow_inf_nan=False)
    samples: int = Field(ge=0, le=20_000_000)
    """Of sound, received or made up."""
    concealed_samples: int = Field(ge=0, le=20_000_000)
    frames_decoded: int = Field(ge=0, le=20_000)
    height: int = Field(default=0, ge=0, le=16384)
    still: bool = False


class ReportSending(ClientMessage):
    """What the page's browser makes of its own uplink, every 5 s while it publishes; what comes within 2 s of the last
    is not heeded. `available_bps`: its congestion control's estimate, 0 where it tells none; `short`: it sends less
    than it was told to because of it."""

    type: Literal["report_sending"] = "report_sending"
    available_bps: int = Field(ge=0, le=BPS_MAX)
    short: bool


# ---------------------------------------------------------------- server -> client


class Welcome(Frozen):
    type: Literal["welcome"] = "welcome"
    version: int
    participant_id: str
    role: Role
    resume: str
    """Secret of this seat: shown in `Join.resume` after a lost connection."""
    resumed: bool
    """True: the same seat; the page keeps its media connections if they still work."""
    media_epoch: int
    """Rises when the media process was replaced: media connections of an older epoch are dead."""
    lesson: LessonInfo
    participants: list[ParticipantInfo]
    slots: list[SlotState]
    chat: list[ChatLine]
    now: float
    """Server's Unix time, for clocks on the page."""


class Refused(Frozen):
    """Join was refused or the seat ended; the server closes the connection after it."""

    type: Literal["refused"] = "refused"
    code: ErrorCode
    message: str


class Reply(Frozen):
    type: Literal["reply"] = "reply"
    id: int | None
    ok: bool
    code: ErrorCode | None = None
    message: str = ""


class Answer(Frozen):
    """SDP answer; `epoch` as in `Welcome.media_epoch`."""

    type: Literal["answer"] = "answer"
    id: int | None
    kind: Literal["publish", "subscribe"]
    sdp: str
    epoch: int


class ParticipantChanged(Frozen):
    """Somebody came or changed."""

    type: Literal["participant_changed"] = "participant_changed"
    participant: ParticipantInfo


class ParticipantLeft(Frozen):
    type: Literal["participant_left"] = "participant_left"
    participant_id: str


class LessonChanged(Frozen):
    type: Literal["lesson_changed"] = "lesson_changed"
    lesson: LessonInfo


class SlotChanged(Frozen):
    type: Literal["slot_changed"] = "slot_changed"
    state: SlotState


class FloorOffered(Frozen):
    """To the class only: may your camera and microphone be shown to everybody? Answer with `AnswerFloor`. Lapses after
    `expires_s`."""

    type: Literal["floor_offered"] = "floor_offered"
    by: str
    expires_s: float


class FloorEnded(Frozen):
    """To the class only: the floor (or its offer) was taken back; stop publishing."""

    type: Literal["floor_ended"] = "floor_ended"


class MutedByTeacher(Frozen):
    """To the publisher only: a teacher silenced or allowed this source."""

    type: Literal["muted_by_teacher"] = "muted_by_teacher"
    source: Source
    muted: bool


class EncodingsWanted(Frozen):
    """To the publisher only: what of this source somebody needs. Told when it changes, and again after a resume; a
    fresh publishing connection begins without limits."""

    type: Literal["encodings_wanted"] = "encodings_wanted"
    source: Source
    encodings: list[EncodingLimit]


class Said(Frozen):
    type: Literal["said"] = "said"
    line: ChatLine


class OwnLink(Frozen):
    """The participant's own link, every 2 s while media flows."""

    type: Literal["own_link"] = "own_link"
    direction: Literal["up", "down"]
    link: Link
    estimate_bps: int
    bitrate_bps: int
    loss: float
    rtt_ms: float
    short: bool = False
    """Up: the link carries less than viewers want; about `estimate_bps`, which is else 0."""


class MediaLost(Frozen):
    """The media process is gone; open the media connections anew (new offers) now. `epoch` is the new one."""

    type: Literal["media_lost"] = "media_lost"
    epoch: int


class PeerLost(Frozen):
    """One media connection of this participant ended on the server: offer it anew."""

    type: Literal["peer_lost"] = "peer_lost"
    kind: Literal["publish", "subscribe"]


class Pong(Frozen):
    type: Literal["pong"] = "pong"
    sent: float
    now: float


FromClient = Annotated[
    Join
    | OfferPublish
    | OfferSubscribe
    | StopPublish
    | SetView
    | SetSharing
    | SetLive
    | SetHand
    | OfferFloor
    | AnswerFloor
    | TakeFloor
    | SetMuted
    | Remove
    | SetLocked
    | Say
    | SetFeed
    | SetRecording
    | SetConsent
    | Leave
    | Ping
    | ReportPlayback
    | ReportSending,
    Field(discriminator="type"),
]
FromServer = Annotated[
    Welcome
    | Refused
    | Reply
    | Answer
    | ParticipantChanged
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
    | Pong,
    Field(discriminator="type"),
]

from_client: TypeAdapter[FromClient] = TypeAdapter(FromClient)
from_server: TypeAdapter[FromServer] = TypeAdapter(FromServer)
