"""One lesson as it runs: carries out what its classroom wants, and brings the media process's answers back."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from school.tables import LessonRecording
from school.tables import LessonState as SchoolState
from signaling import commands, media_rules, signatures
from signaling import messages as m
from signaling.classroom import Classroom
from signaling.door import Entry, SeatClaim, enter, seat_standard_client
from signaling.effects import (
    CloseRoom,
    DropPeer,
    Effect,
    EndSeat,
    FeedSlot,
    MuteSource,
    RecordChoice,
    RecordMedia,
    RecordSpan,
    RecordState,
    Send,
    TellUplink,
    ViewSlot,
)
from signaling.errors import MediaRefused, MediaUnavailable, Refusal
from signaling.limits import Moment
from signaling.messages import ErrorCode
from signaling.rights import require_right
from signaling.seats import PeerKind, Seat, peer_id, split_peer_id
from signaling.services import Services
from streaming import control
from streaming.control import Answered, PeerSummary, RefusalCode, Request

RECLAIM_S = 60.0
"""How long media peers of before a restart wait for their participants to come back."""

Record = Callable[[Callable[[], Awaitable[object]]], None]


class Connection(Protocol):
    """One page's WebSocket; nothing here blocks."""

    def send(self, text: str) -> None: ...

    def refuse(self, code: ErrorCode, message: str) -> None:
        """Say why, then close."""

    def taken_over(self) -> None:
        """Close: another connection has shown this seat's resume secret."""


class LiveLesson:
    """`record` takes something to be written to the database, in order, later.

    `epoch` names the media room that the pages are connected to: it rises when the media process is replaced. After a
    restart of the web process it is unknown (None) until the first page shows what it knew.
    """

    def __init__(self, services: Services, room: Classroom, record: Record) -> None:
        self.room = room
        self.lesson_id = room.lesson.lesson_id
        self.connections: dict[str, Connection] = {}
        self.idle_since: float | None = services.clock()
        self._services = services
        self._record = record
        self._epoch: int | None = None
        self._room_open = False
        self._opening = asyncio.Lock()
        self._reopening: asyncio.Task[None] | None = None
        self._orphans: dict[str, PeerSummary] = {}
        self._orphans_until = 0.0
        self._closing: Counter[str] = Counter()

    # ------------------------------------------------------------ coming and going

    def enter(
        self, entry: Entry, resume: signatures.ResumeSecret | None, connection: Connection
    ) -> tuple[Seat, m.Welcome]:
        """Seat a page and put its connection in place of the seat's former one. Raises `Refusal`."""
        at = self._services.moment()
        seat, resumed = enter(self.room, entry, at)
        former = self.connections.pop(seat.participant_id, None)
        if former is not None:
            former.taken_over()
        if self._epoch is None:
            self._epoch = resume.epoch if resumed and resume is not None else int(at.wall)
        welcome = self._welcome(seat, resumed=resumed)
        connection.send(welcome.model_dump_json())
        self.connections[seat.participant_id] = connection
        self._adopt_orphans(seat)
        if resumed:
            self.room.repeat_offer(seat, at)
            media_rules.repeat_encodings_wanted(self.room, seat)
        self.carry_out()
        return seat, welcome

    def _welcome(self, seat: Seat, *, resumed: bool) -> m.Welcome:
        at = self._services.moment()
        return m.Welcome(
            version=m.PROTOCOL_VERSION,
            participant_id=seat.participant_id,
            role=seat.role,
            resume=signatures.sign_resume(
                self._services.secret,
                signatures.ResumeSecret(
                    lesson_id=self.lesson_id,
                    participant_id=seat.participant_id,
                    invitation_id=seat.invitation_id,
                    name=seat.name,
                    generation=seat.generation,
                    epoch=self.epoch,
                ),
            ),
            resumed=resumed,
            media_epoch=self.epoch,
            lesson=self.room.lesson,
            participants=self.room.participants_for(seat, at),
            slots=self.room.slots(),
            chat=self.room.chat_for(seat),
            now=at.wall,
        )

    @property
    def epoch(self) -> int:
        return self._epoch if self._epoch is not None else 0

    def left(self, participant_id: str, connection: Connection) -> None:
        """The connection has ended, unless another one has taken its place."""
        if self.connections.get(participant_id) is connection:
            del self.connections[participant_id]
            self.room.lost(participant_id, self._services.moment())
            self.carry_out()

    def perform(self, participant_id: str, message: m.ClientMessage) -> list[Effect]:
        """Do what a message asks and return the effects, which the caller carries out after it has replied.

        Raises `Refusal`.
        """
        commands.perform(self.room, participant_id, message, self._services.moment())
        return self.room.effects()

    def tick(self) -> None:
        at = self._services.moment()
        self.room.tick(at)
        if self._orphans and at.now >= self._orphans_until:
            for peer in self._orphans:
                self._post(control.ClosePeer(request_id=0, lesson_id=self.lesson_id, peer_id=peer))
            self._orphans.clear()
        self.carry_out()
        busy = self.room.seats or self.connections or self._orphans
        self.idle_since = None if busy else (self.idle_since or at.now)

    # ------------------------------------------------------------ effects

    def carry_out(self, effects: Sequence[Effect] | None = None) -> None:
        for effect in self.room.effects() if effects is None else effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(to, message):
                text = message.model_dump_json()
                for participant_id in to:
                    connection = self.connections.get(participant_id)
                    if connection is not None:
                        connection.send(text)
            case EndSeat(participant_id, code, reason):
                connection = self.connections.pop(participant_id, None)
                if connection is not None:
                    connection.refuse(code, reason)
            case RecordState(state):
                at = self._services.wall()
                self._record(lambda: self._services.lessons.set_state(self.lesson_id, SchoolState(state), at))
            case RecordSpan(name, change):
                at, feed = self._services.wall(), self._services.feed
                write = feed.begin if change == "begin" else feed.finish
                self._record(lambda: write(self.lesson_id, name, at))
            case RecordChoice(wish, number):
                chosen = LessonRecording(wish)
                self._record(lambda: self._services.lessons.set_recording(self.lesson_id, chosen, number))
            case CloseRoom():
                self._room_open = False
                self._services.media.close_room(self.lesson_id)
            case _:
                self._post(self._media_request(effect))

    def _media_request(self, effect: FeedSlot | MuteSource | ViewSlot | TellUplink | RecordMedia | DropPeer) -> Request:
        lesson = self.lesson_id
        match effect:
            case FeedSlot(slot, peer, source):
                return control.Feed(request_id=0, lesson_id=lesson, slot=slot, peer_id=peer, source=source)
            case MuteSource(peer, source, muted):
                return control.Mute(request_id=0, lesson_id=lesson, peer_id=peer, source=source, muted=muted)
            case ViewSlot(peer, slot, paused, height):
                return control.View(
                    request_id=0, lesson_id=lesson, peer_id=peer, slot=slot, paused=paused, height=height
                )
            case RecordMedia(recording_id, paused, peers):
                return control.SetRecording(
                    request_id=0, lesson_id=lesson, recording_id=recording_id, paused=paused, peers=list(peers)
                )
            case TellUplink(peer, believed_bps, short):
                return control.TellUplink(
                    request_id=0, lesson_id=lesson, peer_id=peer, believed_bps=believed_bps, short=short
                )
            case DropPeer(peer):
                return control.ClosePeer(request_id=0, lesson_id=lesson, peer_id=peer)

    def _post(self, request: Request) -> None:
        future = self._services.media.post(request) if self._room_open else None
        if future is not None and isinstance(request, control.ClosePeer):
            # Until it is answered, events by this name are about the peer that is being closed, not its successor.
            peer = request.peer_id
            self._closing[peer] += 1
            future.add_done_callback(lambda _: self._closed(peer))

    def _closed(self, peer: str) -> None:
        self._closing[peer] -= 1
        if self._closing[peer] <= 0:
            del self._closing[peer]

    # ------------------------------------------------------------ media connections

    async def open_media(self) -> None:
        """Raises `MediaUnavailable`."""
        async with self._opening:
            if not self._room_open:
                await self._services.media.open_room(self.lesson_id, self._services.max_participants)
                self._room_open = True
                self.room.repeat_recording()
                self.carry_out()

    async def offer_publish(self, participant_id: str, offer: m.OfferPublish) -> m.Answer:
        """Raises `Refusal`."""
        seat = self._speaker(participant_id, offer)
        await self._open_or_refuse()
        at = self._services.moment()
        media_rules.begin_publish(self.room, seat, "page", set(offer.sources.values()), fresh=offer.fresh, at=at)
        request = control.Publish(
            request_id=0,
            lesson_id=self.lesson_id,
            peer_id=seat.publish_peer,
            sdp=offer.sdp,
            sources=offer.sources,
        )
        sdp = await self.negotiate(seat, "publish", request)
        return m.Answer(id=offer.id, kind="publish", sdp=sdp, epoch=self.epoch)

    async def offer_subscribe(self, participant_id: str, offer: m.OfferSubscribe, link: str = "") -> m.Answer:
        """`link`: see `link_keys`. Raises `Refusal`."""
        seat = self._speaker(participant_id, offer)
        await self._open_or_refuse()
        media_rules.begin_subscribe(self.room, seat, "page", fresh=offer.fresh)
        seat.link_key = link
        request = control.Subscribe(
            request_id=0,
            lesson_id=self.lesson_id,
            peer_id=seat.subscribe_peer,
            sdp=offer.sdp,
            slots=offer.slots,
            not_from=seat.publish_peer,
            link=link,
            start_bps=self._services.link_memory.start_bps(link, seat.subscribe_peer, self._services.clock()),
        )
        sdp = await self.negotiate(seat, "subscribe", request)
        return m.Answer(id=offer.id, kind="subscribe", sdp=sdp, epoch=self.epoch)

    def _speaker(self, participant_id: str, offer: m.ClientMessage) -> Seat:
        seat = self.room.seats.get(participant_id)
        if seat is None:
            raise Refusal(ErrorCode.NO_SUCH_PARTICIPANT, "your seat is gone")
        require_right(seat.role, offer)
        return seat

    async def _open_or_refuse(self) -> None:
        try:
            await self.open_media()
        except MediaUnavailable as error:
            raise Refusal(ErrorCode.MEDIA_UNAVAILABLE, str(error)) from error

    async def negotiate(self, seat: Seat, kind: PeerKind, request: control.Publish | control.Subscribe) -> str:
        """Offer → answer. The effects before it (feeds, the former peer's end) are carried out first, so that the
        media process sees them in order. Raises `Refusal`."""
        self.carry_out()
        try:
            answer = await self._services.media.ask(request)
            if not isinstance(answer, Answered):
                raise MediaUnavailable("the media process answered something else")
        except (MediaRefused, MediaUnavailable) as error:
            if self.room.seats.get(seat.participant_id) is seat:
                media_rules.peer_failed(self.room, seat, kind, self._services.moment())
                self.carry_out()
            raise _as_refusal(error) from error
        if kind == "publish" and self.room.seats.get(seat.participant_id) is seat:
            media_rules.published(self.room, seat, self._services.moment())
        self.carry_out()
        return answer.sdp

    # ------------------------------------------------------------ events of the media process

    def media_event(self, event: control.Event) -> None:
        at = self._services.moment()
        if isinstance(event, control.RecordingChanged):
            self.room.recording_kept(event.recording_id, kept=event.kept)
            self.carry_out()
            return
        if event.peer_id in self._closing:
            return
        match event:
            case control.PeerChanged():
                if event.state is control.PeerState.CLOSED:
                    self._orphans.pop(event.peer_id, None)
                media_rules.peer_changed(self.room, event, at)
            case control.SourceChanged():
                media_rules.source_changed(self.room, event, at)
            case control.EncodingsWanted():
                media_rules.encodings_wanted(self.room, event)
            case control.LinkReport():
                media_rules.link_report(self.room, event, at)
                self._note_link(event, at)
        self.carry_out()

    def _note_link(self, report: control.LinkReport, at: Moment) -> None:
        split = split_peer_id(report.peer_id)
        seat = self.room.seats.get(split[0]) if split is not None and split[1] == "subscribe" else None
        if seat is not None:
            memory = self._services.link_memory
            memory.observe(seat.link_key, report.peer_id, report.estimate_bps, report.bitrate_bps, at.now)

    def media_found(self, peers: Sequence[PeerSummary]) -> None:
        """The room is there from before the web process was restarted."""
        if self._room_open:
            return
        self._room_open = True
        self._orphans = {peer.peer_id: peer for peer in peers}
        self._orphans_until = self._services.clock() + RECLAIM_S
        self.room.recorded_before = frozenset(peer.peer_id for peer in peers if peer.recorded)
        for seat in list(self.room.seats.values()):
            self._adopt_orphans(seat)
        self.room.repeat_recording()
        self.carry_out()

    def orphans_of_standard_clients(self) -> list[tuple[str, str]]:
        """(participant id, invitation id) of WHIP and WHEP peers without a seat: nobody will show a resume secret."""
        split = (split_peer_id(peer) for peer in self._orphans)
        ids = {found[0] for found in split if found is not None and found[0] not in self.room.seats}
        return [(i, i.partition("-")[0]) for i in sorted(ids) if "-" in i]

    def has_orphan(self, participant_id: str, kind: PeerKind) -> bool:
        return peer_id(participant_id, kind) in self._orphans

    def reseat_standard_client(self, entry: Entry) -> None:
        """Give a WHIP or WHEP peer of before the restart its seat back; a refusal leaves it to be closed."""
        try:
            seat = self.room.teacher if entry.role is m.Role.TEACHER else None
            self._adopt_orphans(seat or seat_standard_client(self.room, entry))
        except Refusal:
            self._services.tally.count("standard_client_not_reseated")
        self.carry_out()

    def _adopt_orphans(self, seat: Seat) -> None:
        kinds: tuple[PeerKind, PeerKind] = ("publish", "subscribe")
        for kind in kinds:
            peer = self._orphans.pop(peer_id(seat.participant_id, kind), None)
            if peer is not None:
                media_rules.adopt(self.room, seat, kind, peer.flowing, self._services.moment())

    def media_lost(self) -> None:
        """The media process is gone: forget its peers, find another one, and tell the pages to offer anew."""
        self._room_open = False
        self._orphans.clear()
        media_rules.media_lost(self.room, self._services.moment())
        self.carry_out()
        if self._reopening is None or self._reopening.done():
            self._reopening = asyncio.create_task(self._reopen())

    async def _reopen(self) -> None:
        while not self._room_open and self.room.lesson.state is not m.LessonState.ENDED:
            await self._services.media.wait_available()
            try:
                await self.open_media()
            except MediaUnavailable:
                await asyncio.sleep(0.1)
        self._epoch = max(self.epoch + 1, int(self._services.wall()))
        self.room.send(self.room.seats.values(), m.MediaLost(epoch=self._epoch))
        self.carry_out()

    async def close(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            await asyncio.gather(self._reopening, return_exceptions=True)


def new_participant_id(invitation_id: str = "") -> str:
    """Random. A standard client's begins with its invitation, by which it is known again after a restart."""
    return f"{invitation_id}-{secrets.token_hex(8)}" if invitation_id else secrets.token_hex(8)


def claim_of(resume: signatures.ResumeSecret | None) -> SeatClaim | None:
    return None if resume is None else SeatClaim(resume.participant_id, resume.generation, resume.name)


def _as_refusal(error: MediaRefused | MediaUnavailable) -> Refusal:
    if isinstance(error, MediaRefused):
        codes = {RefusalCode.BAD_SDP: ErrorCode.BAD_SDP, RefusalCode.ROOM_FULL: ErrorCode.FULL}
        return Refusal(codes.get(error.code, ErrorCode.MEDIA_UNAVAILABLE), error.message)
    return Refusal(ErrorCode.MEDIA_UNAVAILABLE, str(error))
