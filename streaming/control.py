"""Control messages between the web process and a media process.

One JSON object per line over a stream (a local socket by default). The web process asks, the media process
answers every request with one `Answered`, `Done`, `Snapshot` or `Refused` that repeats its `request_id`; beside the
answers it sends events of its own accord. Contract: an unknown or malformed message is answered with
`Refused(code="bad_message")` where a request id can be read and counted otherwise; it is never fatal.

A *slot* is a fixed place in every subscriber's connection. Each subscriber negotiates its slots once; who is
seen in a slot changes without any renegotiation (`Feed`).
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

SDP_MAX_CHARS = 64 * 1024
MESSAGE_MAX_BYTES = 256 * 1024
BPS_MAX = 1_000_000_000
"""Of any rate that a page tells."""


class Source(StrEnum):
    """What a publisher sends: one microphone, camera or screen (with its sound).

    `MICROPHONE_LOW` is the microphone once more at 12 to 16 kbit/s, for viewers whose link carries little else.
    """

    MICROPHONE = "microphone"
    MICROPHONE_LOW = "microphone_low"
    CAMERA = "camera"
    SCREEN = "screen"
    SCREEN_SOUND = "screen_sound"


class Slot(StrEnum):
    """Where a subscriber receives. `STAGE_VIDEO` is the screen while it is shared, else the teacher's camera:
    the one picture for clients that take only one (WHEP)."""

    TEACHER_AUDIO = "teacher_audio"
    TEACHER_VIDEO = "teacher_video"
    SCREEN_VIDEO = "screen_video"
    SCREEN_AUDIO = "screen_audio"
    FLOOR_AUDIO = "floor_audio"
    FLOOR_VIDEO = "floor_video"
    STAGE_VIDEO = "stage_video"

    @property
    def is_audio(self) -> bool:
        return self.value.endswith("_audio")


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# ---------------------------------------------------------------- requests: web -> media


class OpenRoom(Message):
    """Make the lesson's room; idempotent."""

    type: Literal["open_room"] = "open_room"
    request_id: int
    lesson_id: str
    max_subscribers: int = Field(default=1000, ge=1, le=5000)


class CloseRoom(Message):
    """Close the lesson's room and every peer in it; idempotent."""

    type: Literal["close_room"] = "close_room"
    request_id: int
    lesson_id: str


class Publish(Message):
    """A publisher's SDP offer. The same `peer_id` again with new ICE credentials is an ICE restart.

    `sources` maps the offer's mids to what they carry; empty: the first audio section is the microphone, the first
    video section the camera, a second video section the screen.
    """

    type: Literal["publish"] = "publish"
    request_id: int
    lesson_id: str
    peer_id: str
    sdp: str = Field(max_length=SDP_MAX_CHARS)
    sources: dict[str, Source] = Field(default_factory=dict)


class Subscribe(Message):
    """A subscriber's SDP offer. `slots` maps the offer's mids to slots; empty: audio sections become teacher, floor and
    screen sound, video sections stage, teacher, floor. DownTracks start paused unless `resumed`.

    `not_from` names a publisher whose own picture and sound this subscriber must not get back.
    """

    type: Literal["subscribe"] = "subscribe"
    request_id: int
    lesson_id: str
    peer_id: str
    sdp: str = Field(max_length=SDP_MAX_CHARS)
    slots: dict[str, Slot] = Field(default_factory=dict)
    resumed: bool = False
    not_from: str | None = None
    link: str = Field(default="", max_length=128)
    """The same for subscribers behind one link (a school, a public address); "" where that is unknown."""
    start_bps: int = Field(default=0, ge=0)
    """What this subscriber's link may be expected to carry; 0 where that is unknown."""


class RestartIce(Message):
    """ICE restart by a fragment (WHIP/WHEP PATCH, RFC 9725 section 4.3.3): the client's new credentials."""

    type: Literal["restart_ice"] = "restart_ice"
    request_id: int
    lesson_id: str
    peer_id: str
    ufrag: str = Field(min_length=4, max_length=256)
    password: str = Field(min_length=22, max_length=256)


class ClosePeer(Message):
    type: Literal["close_peer"] = "close_peer"
    request_id: int
    lesson_id: str
    peer_id: str


class Feed(Message):
    """Feed a slot from a publisher's source; `peer_id` None empties the slot. The publisher need not be there yet."""

    type: Literal["feed"] = "feed"
    request_id: int
    lesson_id: str
    slot: Slot
    peer_id: str | None = None
    source: Source | None = None


class Mute(Message):
    """Stop or resume forwarding a publisher's source to everybody, whatever its browser does."""

    type: Literal["mute"] = "mute"
    request_id: int
    lesson_id: str
    peer_id: str
    source: Source
    muted: bool


class View(Message):
    """What a subscriber's page shows of a slot. `height` is the visible height in device pixels, 0 where nothing is
    limited; `paused` stops forwarding."""

    type: Literal["view"] = "view"
    request_id: int
    lesson_id: str
    peer_id: str
    slot: Slot
    paused: bool = False
    height: int = Field(default=0, ge=0, le=16384)


class SetRecording(Message):
    """What of the lesson is recorded from now on; idempotent. `recording_id` None: nothing, and what was recorded is
    complete. While `paused` nothing is recorded and recorded time stands still. Only `peers` are ever recorded,
    whatever the slots show."""

    type: Literal["set_recording"] = "set_recording"
    request_id: int
    lesson_id: str
    recording_id: str | None = Field(default=None, max_length=64, pattern=r"^[a-z0-9_-]+$")
    paused: bool = False
    peers: list[str] = Field(default_factory=list, max_length=5000)


class Load(Message):
    """Fill a subscriber's link with padding up to `bps`, to see what it carries (a link test); 0 ends that."""

    type: Literal["load"] = "load"
    request_id: int
    lesson_id: str
    peer_id: str
    bps: int = Field(ge=0, le=5_000_000)


class TellUplink(Message):
    """What a publisher's page knows of its uplink, every few seconds. `believed_bps`: what its browser's congestion
    control takes it to carry, 0 where it does not say; `short`: it sends less than it was told to for want of it."""

    type: Literal["tell_uplink"] = "tell_uplink"
    request_id: int
    lesson_id: str
    peer_id: str
    believed_bps: int = Field(ge=0, le=BPS_MAX)
    short: bool


class GetSnapshot(Message):
    """Everything the process holds: asked by a web process that has just (re)connected."""

    type: Literal["get_snapshot"] = "get_snapshot"
    request_id: int


class GetMetrics(Message):
    """The process's metrics, asked by the web process when it is scraped; answered with `MetricsText`."""

    type: Literal["get_metrics"] = "get_metrics"
    request_id: int


# ---------------------------------------------------------------- answers: media -> web


class Done(Message):
    type: Literal["done"] = "done"
    request_id: int


class Answered(Message):
    """The SDP answer to `Publish` or `Subscribe`."""

    type: Literal["answered"] = "answered"
    request_id: int
    sdp: str


class IceRestarted(Message):
    """The server's side after `RestartIce`; `candidates` are `candidate:…` values without `a=`."""

    type: Literal["ice_restarted"] = "ice_restarted"
    request_id: int
    ufrag: str
    password: str
    candidates: list[str]


class RefusalCode(StrEnum):
    BAD_MESSAGE = "bad_message"
    BAD_SDP = "bad_sdp"
    NO_ROOM = "no_room"
    NO_PEER = "no_peer"
    ROOM_FULL = "room_full"
    PEER_EXISTS = "peer_exists"
    DRAINING = "draining"


class Refused(Message):
    """`message` is one English sentence for logs and for standard clients; pages translate `code`."""

    type: Literal["refused"] = "refused"
    request_id: int
    code: RefusalCode
    message: str


class PeerSummary(BaseModel):
    lesson_id: str
    peer_id: str
    role: Literal["publisher", "subscriber"]
    state: PeerState
    flowing: list[Source] = Field(default_factory=list)
    """A publisher's sources that flow now."""
    recorded: bool = False
    """It is among those who may be recorded."""


class RecordingSummary(BaseModel):
    lesson_id: str
    recording_id: str
    paused: bool


class Snapshot(Message):
    type: Literal["snapshot"] = "snapshot"
    request_id: int
    lesson_ids: list[str]
    peers: list[PeerSummary]
    recordings: list[RecordingSummary] = Field(default_factory=list)


class MetricsText(Message):
    """Metrics in Prometheus' text format."""

    type: Literal["metrics_text"] = "metrics_text"
    request_id: int
    text: str = Field(max_length=128 * 1024)


# ---------------------------------------------------------------- events: media -> web


class PeerState(StrEnum):
    """`INTERRUPTED`: no consent for some seconds, may come back; `CLOSED` is the end (closed, failed or expired)."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    INTERRUPTED = "interrupted"
    CLOSED = "closed"


class PeerChanged(Message):
    type: Literal["peer_changed"] = "peer_changed"
    lesson_id: str
    peer_id: str
    state: PeerState
    transport: Literal["udp", "tcp", ""] = ""


class SourceChanged(Message):
    """A publisher's source began or ceased to flow (no packet for 2 s), or its codec or size became known."""

    type: Literal["source_changed"] = "source_changed"
    lesson_id: str
    peer_id: str
    source: Source
    flowing: bool
    codec: str = ""
    heights: list[int] = Field(default_factory=list)


class RecordingChanged(Message):
    """Whether what is recorded reaches the recorder's disk. False: it has waited in memory for some seconds, since the
    recorder is away or its disk is full."""

    type: Literal["recording_changed"] = "recording_changed"
    lesson_id: str
    recording_id: str
    kept: bool


class EncodingWanted(BaseModel):
    """What a publisher should do with one encoding; `index` counts as in `SlotLink.encoding`. 0: no limit of ours.
    `withheld`: it is off because the publisher's uplink does not carry it."""

    index: int
    active: bool
    max_bitrate_bps: int = 0
    max_framerate: int = 0
    withheld: bool = False


class EncodingsWanted(Message):
    """What viewers need of a publisher's source: told when it changes. `MICROPHONE`: index 0 is `MICROPHONE_LOW` where
    that was offered."""

    type: Literal["encodings_wanted"] = "encodings_wanted"
    lesson_id: str
    peer_id: str
    source: Source
    encodings: list[EncodingWanted]


class SlotLink(BaseModel):
    """What one subscriber gets in one slot: encoding index (0 lowest, -1 nothing), temporal layer (-1: still pictures,
    keyframes only), bit rate."""

    slot: Slot
    encoding: int
    temporal: int
    bitrate_bps: int


class LinkReport(Message):
    """State of one peer's link, every 2 s. Subscriber: server to client; publisher: client to server."""

    type: Literal["link_report"] = "link_report"
    lesson_id: str
    peer_id: str
    role: Literal["publisher", "subscriber"]
    estimate_bps: int
    bitrate_bps: int
    loss: float = Field(ge=0, le=1)
    rtt_ms: float
    queue_ms: float = 0.0
    """What packets wait in front of the link."""
    peak_bps: int = 0
    """Of a publisher: the most that came within half a second since the report before. What fills a link for a moment
    shows what it carries, however much its sender hesitates afterwards."""
    short: bool = False
    """Of a publisher: the link carries less than viewers want. Its `estimate_bps` is 0 where no limit is known."""
    slots: list[SlotLink] = Field(default_factory=list)


PeerSummary.model_rebuild()
Snapshot.model_rebuild()

Request = Annotated[
    OpenRoom
    | CloseRoom
    | Publish
    | Subscribe
    | RestartIce
    | ClosePeer
    | Feed
    | Mute
    | View
    | SetRecording
    | Load
    | TellUplink
    | GetSnapshot
    | GetMetrics,
    Field(discriminator="type"),
]
Answer = Done | Answered | IceRestarted | Refused | Snapshot | MetricsText
Event = PeerChanged | SourceChanged | EncodingsWanted | LinkReport | RecordingChanged
Reply = Annotated[Answer | Event, Field(discriminator="type")]

_requests: TypeAdapter[Request] = TypeAdapter(Request)
_replies: TypeAdapter[Answer | Event] = TypeAdapter(Reply)


def encode(message: Message) -> bytes:
    """One line of JSON with its line feed."""
    return message.model_dump_json().encode() + b"\n"


def decode_request(line: bytes) -> Request:
    """Raises `pydantic.ValidationError` (a ValueError) on anything that is not a request."""
    return _requests.validate_json(line)


def decode_reply(line: bytes) -> Answer | Event:
    """Raises `pydantic.ValidationError` (a ValueError) on anything that is not an answer or event."""
    return _replies.validate_json(line)


def request_id_of(line: bytes) -> int | None:
    """The request id of a message that is otherwise malformed; None where there is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    request_id = value.get("request_id") if isinstance(value, dict) else None
    return request_id if isinstance(request_id, int) else None
