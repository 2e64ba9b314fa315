"""The lesson's rules about media connections: who may make one, and what the media process's events mean."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from signaling import links, messages
from signaling.classroom import Classroom
from signaling.door import Entry, seat_standard_client
from signaling.effects import DropPeer
from signaling.errors import Refusal
from signaling.limits import Moment
from signaling.messages import EncodingLimit, ErrorCode, FloorEnded, LessonState, Link, OwnLink, PeerLost, Role
from signaling.rights import SPEAKERS, not_allowed
from signaling.seats import PeerKind, Seat, split_peer_id
from streaming.control import EncodingsWanted, LinkReport, PeerChanged, PeerState, Slot, Source, SourceChanged

CLASS_SOURCES = frozenset({Source.MICROPHONE, Source.MICROPHONE_LOW, Source.CAMERA})
_VIDEO_SLOTS = frozenset(slot for slot in Slot if not slot.is_audio)


def begin_publish(
    room: Classroom, seat: Seat, via: Literal["page", "whip"], sources: Collection[Source], *, fresh: bool, at: Moment
) -> None:
    """The seat is about to publish: its slots are fed from now on. Raises `Refusal` (NOT_ALLOWED, SEAT_TAKEN)."""
    if seat.role not in SPEAKERS:
        raise not_allowed("a viewer sends no picture and no sound")
    if seat.role is Role.CLASS:
        if room.floor != seat.participant_id:
            raise not_allowed("a class sends picture and sound while it has the floor")
        if not CLASS_SOURCES.issuperset(sources):
            raise not_allowed("a class sends one microphone and one camera")
    if seat.publisher is not None and "whip" in (via, seat.publisher):
        raise Refusal(ErrorCode.SEAT_TAKEN, "somebody publishes for this seat already")
    if fresh:
        room.forget_peer(seat, "publish")
        room.do(DropPeer(seat.publish_peer))
    seat.publisher = via
    room.settle(at)


def published(room: Classroom, seat: Seat, at: Moment) -> None:
    """The media process has accepted the publisher."""
    if seat.present:
        seat.absent_since = None
    room.silence(seat)
    room.announce(seat, at)


def begin_subscribe(room: Classroom, seat: Seat, via: Literal["page", "whep"], *, fresh: bool) -> None:
    """The seat is about to receive."""
    if fresh:
        room.forget_peer(seat, "subscribe")
        room.do(DropPeer(seat.subscribe_peer))
    seat.subscriber = via


def peer_failed(room: Classroom, seat: Seat, kind: PeerKind, at: Moment) -> None:
    """The media process refused the offer. A seat that was made for it alone goes with it."""
    room.forget_peer(seat, kind)
    if not seat.present and seat.absent_since is None:
        room.vacate(seat, at)
    else:
        room.settle(at)


def enter_by_whip(room: Classroom, entry: Entry, sources: Collection[Source], at: Moment) -> Seat:
    """A standard client publishes: the teacher's for the teacher's seat (made if nobody holds it), any other's for the
    seat of the same invitation that has the floor. Raises `Refusal`."""
    room.refuse_if_ended()
    if entry.role is Role.TEACHER:
        seat = room.teacher or seat_standard_client(room, entry)
    else:
        holder = room.seats.get(room.floor or "")
        if holder is None or holder.invitation_id != entry.invitation_id:
            raise not_allowed("this invitation publishes only while its class has the floor")
        seat = holder
    begin_publish(room, seat, "whip", sources, fresh=False, at=at)
    return seat


def enter_by_whep(room: Classroom, entry: Entry, at: Moment) -> Seat:
    """A standard client watches: whatever the invitation, it counts as a viewer. Raises `Refusal`."""
    seat = seat_standard_client(room, entry)
    begin_subscribe(room, seat, "whep", fresh=False)
    room.announce(seat, at)
    return seat


def leave_by_standard_client(room: Classroom, participant_id: str, kind: PeerKind, at: Moment) -> None:
    """DELETE of a WHIP or WHEP resource; nothing happens when it is gone already."""
    seat = room.seats.get(participant_id)
    if seat is None:
        return
    if kind == "publish" and seat.publisher == "whip":
        room.drop_publisher(seat)
        _after_loss(room, seat, at)
    elif kind == "subscribe" and seat.subscriber == "whep":
        room.vacate(seat, at)


def _after_loss(room: Classroom, seat: Seat, at: Moment) -> None:
    """A media connection has ended by itself: who was here only by it is away, a watching client is gone."""
    if seat.role is Role.VIEWER and not seat.connected and seat.subscriber is None and seat.absent_since is None:
        room.vacate(seat, at)
        return
    if not seat.present and seat.absent_since is None:
        seat.absent_since = at.now
    room.announce(seat, at)
    room.settle(at)


def adopt(room: Classroom, seat: Seat, kind: PeerKind, flowing: Collection[Source], at: Moment) -> None:
    """The web process was restarted and finds a media peer of this seat still there. Who had the floor is not known
    any more, so a class is asked to stop."""
    if kind == "publish" and seat.role is Role.CLASS:
        room.do(DropPeer(seat.publish_peer))
        room.send([seat], FloorEnded())
    elif kind == "publish" and seat.publisher is None:
        seat.publisher = "page" if seat.connected else "whip"
        seat.flowing = set(flowing)
    elif kind == "subscribe" and seat.subscriber is None:
        seat.subscriber = "page" if seat.connected else "whep"
    room.announce(seat, at)
    room.settle(at)


def peer_changed(room: Classroom, event: PeerChanged, at: Moment) -> None:
    seat, kind = _seat_of(room, event.peer_id)
    if seat is None or not _has_peer(seat, kind):
        return
    if event.state is PeerState.CLOSED:
        by_page = (seat.publisher if kind == "publish" else seat.subscriber) == "page"
        room.forget_peer(seat, kind)
        if by_page:
            room.send([seat], PeerLost(kind=kind))
        _after_loss(room, seat, at)
    elif event.state is PeerState.INTERRUPTED:
        _set_link(room, seat, Link.LOST, at)
    elif event.state is PeerState.CONNECTED:
        if seat.link is Link.LOST:
            _set_link(room, seat, Link.UNKNOWN, at)
        starts = kind == "publish" and seat.publisher == "whip" and seat.role is Role.TEACHER
        if starts and room.lesson.state is LessonState.WAITING:
            # A standard encoder has no «begin the lesson» button: it begins by sending.
            room.set_state(LessonState.LIVE, at)


def source_changed(room: Classroom, event: SourceChanged, at: Moment) -> None:
    seat, kind = _seat_of(room, event.peer_id)
    if seat is None or kind != "publish" or seat.publisher is None:
        return
    seat.heights[event.source] = max(event.heights, default=0)
    if event.flowing != (event.source in seat.flowing):
        if event.flowing:
            seat.flowing.add(event.source)
        else:
            seat.flowing.discard(event.source)
        room.announce(seat, at)
    room.settle(at)


def encodings_wanted(room: Classroom, event: EncodingsWanted) -> None:
    """Tell the publisher's page what viewers need, and remember it for a resume. A standard client is not told."""
    seat, kind = _seat_of(room, event.peer_id)
    if seat is None or kind != "publish" or seat.publisher != "page":
        return
    limits = [EncodingLimit(**wanted.model_dump()) for wanted in event.encodings]
    seat.encodings_wanted[event.source] = messages.EncodingsWanted(source=event.source, encodings=limits)
    room.send([seat], seat.encodings_wanted[event.source])


def repeat_encodings_wanted(room: Classroom, seat: Seat) -> None:
    """The page was away for a moment and may have missed some."""
    for wanted in seat.encodings_wanted.values():
        room.send([seat], wanted)


def link_report(room: Classroom, event: LinkReport, at: Moment) -> None:
    seat, kind = _seat_of(room, event.peer_id)
    if seat is None or not _has_peer(seat, kind):
        return
    shown = _shown_video(seat)
    wanted = {s.slot: s.height for s in room.slots() if s.flowing and s.slot in shown}
    possible = [min(seat.views[slot].height or height, height) for slot, height in wanted.items()]
    smaller = links.is_smaller(seat.shown_height, possible)
    link = links.grade(event, frozenset(wanted), smaller=smaller, still=seat.still)
    if kind == "subscribe":
        room.figures.reported(event, seat.link_key, at.now)
    room.send(
        [seat],
        OwnLink(
            direction="up" if kind == "publish" else "down",
            link=link,
            estimate_bps=event.estimate_bps,
            bitrate_bps=event.bitrate_bps,
            loss=event.loss,
            rtt_ms=event.rtt_ms,
            short=event.short,
        ),
    )
    if kind == "publish" and seat.uplink_short != event.short:
        seat.uplink_short = event.short
        room.settle(at)
    # The teacher's list shows how a class receives; the teacher's own line is the one that goes up.
    if (kind == "publish") == (seat.role is Role.TEACHER):
        _set_link(room, seat, link, at)


def media_lost(room: Classroom, at: Moment) -> None:
    """The media process is gone with every peer of this lesson."""
    for seat in list(room.seats.values()):
        had = seat.publisher is not None or seat.subscriber is not None
        room.forget_peer(seat, "publish")
        room.forget_peer(seat, "subscribe")
        if had and seat.participant_id in room.seats:
            _after_loss(room, seat, at)


def _shown_video(seat: Seat) -> frozenset[Slot]:
    if not seat.feed_on:
        return frozenset()
    return frozenset(slot for slot, view in seat.views.items() if slot in _VIDEO_SLOTS and not view.paused)


def _set_link(room: Classroom, seat: Seat, link: Link, at: Moment) -> None:
    if seat.link is not link:
        seat.link = link
        room.announce_to_staff(seat, at)


def _seat_of(room: Classroom, peer: str) -> tuple[Seat | None, PeerKind]:
    split = split_peer_id(peer)
    if split is None:
        return None, "publish"
    return room.seats.get(split[0]), split[1]


def _has_peer(seat: Seat, kind: PeerKind) -> bool:
    return (seat.publisher if kind == "publish" else seat.subscriber) is not None
