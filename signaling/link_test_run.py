"""A link test as it runs: a media room of its own with one peer that sends and one that receives its picture back."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from pydantic import BaseModel

from school.link_tests import LinkTestRecord
from signaling.errors import MediaRefused, MediaUnavailable
from signaling.link_test import DOWN_GOAL_BPS, LAST_S, LinkTest, notes, verdicts
from signaling.link_test_messages import (
    BeginLinkTest,
    LinkObserved,
    LinkTestFromClient,
    LinkTestPhase,
    LinkTestPhaseChanged,
    LinkTestResult,
    LinkTestTrouble,
)
from signaling.link_test_places import LinkTestRefusal
from signaling.messages import Answer, OfferPublish, OfferSubscribe
from signaling.seats import PeerKind, peer_id, split_peer_id
from signaling.services import Services
from streaming import control
from streaming.control import Answered, LinkReport, RefusalCode, Request, Slot, Source

SOURCES: Final = frozenset({Source.MICROPHONE, Source.CAMERA})
FEEDS: Final = {Slot.TEACHER_AUDIO: Source.MICROPHONE, Slot.TEACHER_VIDEO: Source.CAMERA}

Record = Callable[[Callable[[], Awaitable[object]]], None]


class LinkTestRun:
    """Listens to its room's events (`registry.RoomListener`). `send` hands a message to the page; `record` takes what
    is to be written to the database later."""

    def __init__(
        self, services: Services, link: str, place: str, send: Callable[[BaseModel], None], record: Record
    ) -> None:
        self.room_id = f"link-test-{secrets.token_hex(8)}"
        self._services = services
        self._link = link
        self._place = place
        self._send = send
        self._record = record
        self._test = LinkTest(services.clock())
        self._offered: set[PeerKind] = set()
        self._publisher = peer_id(self.room_id, "publish")
        self._subscriber = peer_id(self.room_id, "subscribe")

    @property
    def done(self) -> bool:
        return self._test.phase is LinkTestPhase.DONE

    async def open(self) -> None:
        """Raises `LinkTestRefusal`."""
        try:
            await self._services.media.open_room(self.room_id, 1)
        except MediaUnavailable as error:
            raise LinkTestRefusal(LinkTestTrouble.MEDIA_UNAVAILABLE, str(error)) from error
        self._tell(LinkTestPhase.CONNECTING)

    def close(self) -> None:
        self._services.media.close_room(self.room_id)

    # ------------------------------------------------------------ what the page says

    async def take(self, message: LinkTestFromClient) -> None:
        """Raises `LinkTestRefusal`."""
        match message:
            case OfferPublish():
                await self._offer_publish(message)
            case OfferSubscribe():
                await self._offer_subscribe(message)
            case LinkObserved():
                self._test.observed(message)
            case BeginLinkTest():
                raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, "the test has begun")

    async def _offer_publish(self, offer: OfferPublish) -> None:
        """Raises `LinkTestRefusal`."""
        if not SOURCES.issuperset(offer.sources.values()):
            raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, "a test sends one microphone and one camera")
        self._offer_once("publish")
        sdp = await self._ask(
            control.Publish(
                request_id=0, lesson_id=self.room_id, peer_id=self._publisher, sdp=offer.sdp, sources=offer.sources
            )
        )
        for slot, source in FEEDS.items():
            self._post(
                control.Feed(request_id=0, lesson_id=self.room_id, slot=slot, peer_id=self._publisher, source=source)
            )
        self._send(Answer(id=offer.id, kind="publish", sdp=sdp, epoch=0))

    async def _offer_subscribe(self, offer: OfferSubscribe) -> None:
        """Raises `LinkTestRefusal`."""
        if set(offer.slots.values()) != set(FEEDS):
            raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, "a test receives one sound and one picture")
        self._offer_once("subscribe")
        memory, now = self._services.link_memory, self._services.clock()
        sdp = await self._ask(
            control.Subscribe(
                request_id=0,
                lesson_id=self.room_id,
                peer_id=self._subscriber,
                sdp=offer.sdp,
                slots=offer.slots,
                link=self._link,
                start_bps=memory.start_bps(self._link, self._subscriber, now),
            )
        )
        self._view(Slot.TEACHER_AUDIO)
        self._send(Answer(id=offer.id, kind="subscribe", sdp=sdp, epoch=0))

    def _offer_once(self, kind: PeerKind) -> None:
        if kind in self._offered:
            raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, "each connection is offered once")
        self._offered.add(kind)

    async def _ask(self, request: control.Publish | control.Subscribe) -> str:
        try:
            answer = await self._services.media.ask(request)
        except MediaRefused as refused:
            bad = refused.code is RefusalCode.BAD_SDP
            code = LinkTestTrouble.BAD_SDP if bad else LinkTestTrouble.MEDIA_UNAVAILABLE
            raise LinkTestRefusal(code, refused.message) from refused
        except MediaUnavailable as error:
            raise LinkTestRefusal(LinkTestTrouble.MEDIA_UNAVAILABLE, str(error)) from error
        if not isinstance(answer, Answered):
            raise LinkTestRefusal(LinkTestTrouble.MEDIA_UNAVAILABLE, "the media process answered something else")
        return answer.sdp

    # ------------------------------------------------------------ what the media process says

    def media_event(self, event: control.Event) -> None:
        split = None if isinstance(event, control.RecordingChanged) else split_peer_id(event.peer_id)
        if split is None or split[0] != self.room_id:
            return
        match event:
            case control.PeerChanged():
                self._test.peer_changed(split[1], event)
            case control.SourceChanged():
                self._test.source_changed(event)
            case LinkReport():
                self._link_report(split[1], event)

    def media_lost(self) -> None:
        self._test.media_lost()

    def _link_report(self, kind: PeerKind, report: LinkReport) -> None:
        now = self._services.clock()
        self._test.link_report(kind, report, now)
        if kind == "subscribe":
            self._services.link_memory.observe(
                self._link, self._subscriber, report.estimate_bps, report.bitrate_bps, now
            )

    # ------------------------------------------------------------ time

    def tick(self) -> None:
        """To be called some times a second until `done`."""
        phase = self._test.tick(self._services.clock())
        if phase is None:
            return
        self._tell(phase)
        if phase is LinkTestPhase.DOWN:
            self._view(Slot.TEACHER_VIDEO)
            self._post(control.Load(request_id=0, lesson_id=self.room_id, peer_id=self._subscriber, bps=DOWN_GOAL_BPS))
        elif phase is LinkTestPhase.DONE:
            self._finish()

    def _finish(self) -> None:
        figures = self._test.figures()
        receiving, sending = verdicts(figures)
        tested = LinkTestRecord(receiving, sending, figures, self._services.wall())
        self._record(lambda: self._services.link_tests.keep(self._link, self._place, tested))
        self._send(
            LinkTestResult(
                receiving=receiving,
                sending=sending,
                notes=notes(figures),
                transport=figures.transport,
                down_bps=figures.down_bps,
                up_bps=figures.up_bps,
                loss_down=figures.loss_down,
                loss_up=figures.loss_up,
                rtt_ms=figures.rtt_ms,
                queue_ms=figures.queue_ms,
                jitter_ms=figures.jitter_ms,
            )
        )

    def _tell(self, phase: LinkTestPhase) -> None:
        self._send(LinkTestPhaseChanged(phase=phase, seconds=LAST_S[phase]))

    def _view(self, slot: Slot) -> None:
        self._post(control.View(request_id=0, lesson_id=self.room_id, peer_id=self._subscriber, slot=slot))

    def _post(self, request: Request) -> None:
        self._services.media.post(request)
