"""A seat: one participant's place in a lesson, which outlives its connection for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from signaling.chat import new_chat_limit
from signaling.limits import SlidingWindow
from signaling.messages import EncodingsWanted, Link, ParticipantInfo, Role
from streaming.control import Slot, Source

PeerKind = Literal["publish", "subscribe"]

STAFF = frozenset({Role.TEACHER, Role.CO_TEACHER})


def peer_id(participant_id: str, kind: PeerKind) -> str:
    """The media peer of a participant; the same after a restart of the web process."""
    return f"{participant_id}.{kind}"


def split_peer_id(peer: str) -> tuple[str, PeerKind] | None:
    """The reverse of `peer_id`; None for anything else."""
    participant_id, dot, kind = peer.rpartition(".")
    if dot and kind == "publish":
        return participant_id, "publish"
    if dot and kind == "subscribe":
        return participant_id, "subscribe"
    return None


@dataclass(frozen=True, slots=True)
class View:
    paused: bool
    height: int


@dataclass(slots=True)
class Seat:
    """`publisher` and `subscriber` say how the media peers were made, None while there is none.

    `generation` rises when another browser takes the seat over, so that the former browser's resume secret no longer
    opens it.
    """

    participant_id: str
    role: Role
    name: str
    invitation_id: str
    expires_at: float
    generation: int = 0
    connected: bool = False
    absent_since: float | None = None
    publisher: Literal["page", "whip"] | None = None
    subscriber: Literal["page", "whep"] | None = None
    hand_since: float | None = None
    flowing: set[Source] = field(default_factory=set)
    muted: set[Source] = field(default_factory=set)
    views: dict[Slot, View] = field(default_factory=dict)
    link_key: str = ""
    """Which link this participant came through last; see `link_keys`."""
    encodings_wanted: dict[Source, EncodingsWanted] = field(default_factory=dict)
    feed_on: bool = True
    consent: bool = False
    """Of a class: it may be recorded."""
    link: Link = Link.UNKNOWN
    shown_height: int = 0
    """Of the largest picture its page shows, as the page measured."""
    still: bool = False
    playback_at: float | None = None
    sending_at: float | None = None
    uplink_short: bool = False
    """Its link carries less up than viewers want."""
    heights: dict[Source, int] = field(default_factory=dict)
    """Of the fullest picture of each source it sends."""
    ice_tags: dict[PeerKind, str] = field(default_factory=dict)
    """ETags of WHIP and WHEP sessions."""
    chat_limit: SlidingWindow = field(default_factory=new_chat_limit)

    @property
    def present(self) -> bool:
        """A page is connected, or a standard client publishes or watches."""
        return self.connected or self.publisher == "whip" or self.subscriber == "whep"

    @property
    def publish_peer(self) -> str:
        return peer_id(self.participant_id, "publish")

    @property
    def subscribe_peer(self) -> str:
        return peer_id(self.participant_id, "subscribe")

    def info(self, *, floor: bool, feed_minutes: float) -> ParticipantInfo:
        return ParticipantInfo(
            participant_id=self.participant_id,
            name=self.name,
            role=self.role,
            present=self.present,
            hand=self.hand_since is not None,
            hand_since=self.hand_since,
            floor=floor,
            publishing=sorted(self.flowing),
            muted=sorted(self.muted),
            feed_on=self.feed_on,
            feed_minutes=round(feed_minutes, 2),
            consent=self.consent,
            link=self.link,
            height=self.shown_height,
        )


def may_see(observer: Seat, other: Seat, *, floor: bool) -> bool:
    """Who learns that somebody is there, and their name. Pupils are minors, so no more than a lesson needs:
    teachers see everybody, classes see teachers and classes, viewers see teachers; everybody sees who has the floor,
    and themselves."""
    if observer.participant_id == other.participant_id or observer.role in STAFF or other.role in STAFF or floor:
        return True
    return observer.role is Role.CLASS and other.role is Role.CLASS


def reduced(info: ParticipantInfo) -> ParticipantInfo:
    """What others than teachers see of a participant: nothing of their link, their feed and their consent."""
    unseen = {"link": Link.UNKNOWN, "height": 0, "feed_on": True, "feed_minutes": 0.0, "consent": False}
    return info.model_copy(update=unseen)
