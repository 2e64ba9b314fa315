"""Random lessons: whatever people do in whatever order, the lesson's rules hold after every step."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signaling import messages as m
from signaling.classroom import HOLD_S
from signaling.commands import perform
from signaling.door import SeatClaim
from signaling.effects import CloseRoom, DropPeer, Effect, EndSeat, FeedSlot, RecordSpan, Send
from signaling.errors import Refusal
from signaling.media_rules import (
    begin_subscribe,
    enter_by_whep,
    enter_by_whip,
    media_lost,
    peer_changed,
)
from signaling.messages import LessonState, Role
from signaling.registry import standard_entry
from signaling.seats import STAFF, Seat
from streaming.control import PeerChanged, PeerState, Slot, Source
from tests.signaling.rooms import CAMERA, MICROPHONE, Held, held

FEEDERS = {
    Slot.TEACHER_AUDIO: {Role.TEACHER},
    Slot.TEACHER_VIDEO: {Role.TEACHER},
    Slot.SCREEN_AUDIO: STAFF,
    Slot.SCREEN_VIDEO: STAFF,
    Slot.STAGE_VIDEO: STAFF,
    Slot.FLOOR_AUDIO: {Role.CLASS, Role.CO_TEACHER},
    Slot.FLOOR_VIDEO: {Role.CLASS, Role.CO_TEACHER},
}
index = st.integers(0, 11)
messages = st.one_of(
    st.builds(m.SetLive, state=st.sampled_from(["live", "live", "live", "live", "ended"])),
    st.builds(m.SetSharing, on=st.booleans()),
    st.builds(m.SetHand, up=st.booleans()),
    st.builds(m.AnswerFloor, accept=st.booleans()),
    st.just(m.TakeFloor()),
    st.builds(m.SetLocked, locked=st.booleans()),
    st.just(m.Say(text="?")),
    st.builds(m.SetFeed, on=st.booleans()),
    st.just(m.StopPublish()),
    st.just(m.Leave()),
    st.builds(m.SetView, slot=st.sampled_from(Slot), paused=st.booleans()),
)


class Lesson(RuleBasedStateMachine):
    h: Held

    @initialize(kind=st.sampled_from(["full", "partial"]))
    def begin(self, kind: str) -> None:
        self.h = held(kind=kind, max_participants=8)
        self.fed: dict[Slot, str] = {}
        self.spans: set[str] = set()
        self.minutes: dict[str, float] = {}
        self.former: list[SeatClaim] = []

    def settle(self) -> None:
        for effect in self.h.drain():
            self.check(effect)

    def check(self, effect: Effect) -> None:
        """Follow what the world would do, and that it makes sense there."""
        match effect:
            case FeedSlot(slot, peer, _):
                assert self.h.room.lesson.state is not LessonState.WAITING
                if peer is None:
                    del self.fed[slot]
                else:
                    self.fed[slot] = peer
            case DropPeer(peer):
                self.fed = {slot: fed for slot, fed in self.fed.items() if fed != peer}
            case CloseRoom():
                self.fed.clear()
            case RecordSpan(name, "begin"):
                assert name not in self.spans
                self.spans.add(name)
            case RecordSpan(name, "finish"):
                self.spans.remove(name)
            case Send(to, _):
                assert to
            case EndSeat(participant_id, _, _):
                assert participant_id not in self.h.room.seats

    def pick(self, number: int) -> Seat | None:
        seats = list(self.h.room.seats.values())
        return seats[number % len(seats)] if seats else None

    def attempt(self, number: int, message: m.ClientMessage) -> None:
        seat = self.pick(number)
        if seat is not None and seat.connected:
            try:
                self.h.room.effects()
                perform(self.h.room, seat.participant_id, message, self.h.at)
            except Refusal:
                assert not self.h.room.effects(), "a refused message changes nothing"
        self.settle()

    @rule(role=st.sampled_from(Role), name=st.sampled_from(["Орлик", "Тикси", ""]))
    def come(self, role: Role, name: str) -> None:
        with suppress(Refusal):
            self.h.enter(role, name)
        self.replay()

    @precondition(lambda self: self.former)
    @rule(number=index, role=st.sampled_from(Role))
    def come_back(self, number: int, role: Role) -> None:
        with suppress(Refusal):
            self.h.enter(role, claim=self.former[number % len(self.former)])
        self.replay()

    def replay(self) -> None:
        """`Held.enter` has drained the effects already."""
        seen, self.h.seen = self.h.seen, []
        for effect in seen:
            self.check(effect)
        self.settle()
        self.h.seen = []

    @rule(number=index, message=messages)
    def speak(self, number: int, message: m.ClientMessage) -> None:
        self.attempt(number, message)
        self.h.seen = []

    @rule(number=index, whom=index, which=st.sampled_from(["offer", "mute", "remove", "lower"]))
    def act_on(self, number: int, whom: int, which: str) -> None:
        target = self.pick(whom)
        other = target.participant_id if target is not None else "nobody"
        made: dict[str, m.ClientMessage] = {
            "offer": m.OfferFloor(participant_id=other),
            "mute": m.SetMuted(participant_id=other, source=MICROPHONE, muted=bool(whom % 2)),
            "remove": m.Remove(participant_id=other),
            "lower": m.SetHand(participant_id=other, up=False),
        }
        self.attempt(number, made[which])
        self.h.seen = []

    @rule(number=index)
    def publish(self, number: int) -> None:
        seat = self.pick(number)
        if seat is not None and seat.connected:
            with suppress(Refusal):
                self.h.publish(seat, MICROPHONE, CAMERA, *([Source.SCREEN] if seat.role in STAFF else []))
        self.replay()

    @rule(number=index)
    def subscribe(self, number: int) -> None:
        seat = self.pick(number)
        if seat is not None and seat.connected:
            begin_subscribe(self.h.room, seat, "page", fresh=True)
        self.settle()

    @rule(role=st.sampled_from(Role), publishes=st.booleans())
    def standard_client(self, role: Role, publishes: bool) -> None:
        self.h.count += 1
        entry = standard_entry(role if publishes else Role.VIEWER, f"inv-{role}", 1e12, f"s{self.h.count}")
        with suppress(Refusal):
            if publishes:
                enter_by_whip(self.h.room, entry, {MICROPHONE, CAMERA}, self.h.at)
            else:
                enter_by_whep(self.h.room, entry, self.h.at)
        self.settle()

    @rule(number=index, state=st.sampled_from(PeerState), publishes=st.booleans())
    def media_changes(self, number: int, state: PeerState, publishes: bool) -> None:
        seat = self.pick(number)
        if seat is not None:
            peer = seat.publish_peer if publishes else seat.subscribe_peer
            if state is PeerState.CLOSED:
                self.fed = {slot: fed for slot, fed in self.fed.items() if fed != peer}
            peer_changed(self.h.room, PeerChanged(lesson_id="L", peer_id=peer, state=state), self.h.at)
        self.settle()

    @rule()
    def media_dies(self) -> None:
        self.fed.clear()
        media_lost(self.h.room, self.h.at)
        self.settle()

    @rule(number=index)
    def lose(self, number: int) -> None:
        seat = self.pick(number)
        if seat is not None:
            self.former.append(SeatClaim(seat.participant_id, seat.generation, seat.name))
            self.h.room.lost(seat.participant_id, self.h.at)
        self.settle()

    @rule(seconds=st.sampled_from([0.5, 7.0, 31.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.h.now += seconds
        self.h.room.tick(self.h.at)
        self.settle()

    # ------------------------------------------------------------ what always holds

    @invariant()
    def slots_are_fed_only_by_those_who_may_and_only_live(self) -> None:
        room = self.h.room
        by_peer = {seat.publish_peer: seat for seat in room.seats.values()}
        if room.lesson.state is not LessonState.LIVE:
            assert not self.fed
        for slot, peer in self.fed.items():
            seat = by_peer[peer]
            assert seat.publisher is not None
            assert seat.role in FEEDERS[slot]
            if slot in (Slot.FLOOR_AUDIO, Slot.FLOOR_VIDEO):
                assert room.floor == seat.participant_id
        for state in room.slots():
            fed = self.fed.get(state.slot)
            assert (by_peer[fed].participant_id if fed is not None else None) == state.participant_id

    @invariant()
    def who_has_the_floor_or_is_asked_sits_in_the_lesson(self) -> None:
        room = self.h.room
        if room.floor is not None:
            assert room.seats[room.floor].role in {Role.CLASS, Role.CO_TEACHER}
            assert room.lesson.state is LessonState.LIVE
        if room.offer is not None:
            assert room.seats[room.offer.participant_id].role is Role.CLASS
        if room.sharer is not None:
            assert room.seats[room.sharer].role in STAFF

    @invariant()
    def a_class_publishes_only_with_the_floor_and_a_viewer_never(self) -> None:
        for seat in self.h.room.seats.values():
            if seat.publisher is not None:
                assert seat.role in STAFF or self.h.room.floor == seat.participant_id

    @invariant()
    def there_is_one_teacher_and_no_seat_is_empty_for_long(self) -> None:
        seats = self.h.room.seats.values()
        assert sum(seat.role is Role.TEACHER for seat in seats) <= 1
        for seat in seats:
            if not seat.present:
                assert seat.absent_since is not None
                assert self.h.now - seat.absent_since <= HOLD_S + 61

    @invariant()
    def minutes_never_go_down_and_spans_match_who_watches(self) -> None:
        room = self.h.room
        watching = {
            s.name
            for s in room.seats.values()
            if s.role is Role.CLASS and s.connected and s.feed_on and room.lesson.state is LessonState.LIVE
        }
        assert self.spans == (watching if room.lesson.kind == "partial" else set())
        for seat in room.seats.values():
            if seat.role is Role.CLASS:
                minutes = room.info(seat, self.h.at).feed_minutes
                assert minutes >= self.minutes.get(seat.name, 0.0)
                self.minutes[seat.name] = minutes


TestLesson = Lesson.TestCase
TestLesson.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
