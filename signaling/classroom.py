"""The rules of one lesson, without I/O: who sits in it, who may do what, who is seen by whom.

Events go in as method calls with the `Moment` they happened at; what is to be done about them comes out of `effects()`.
A request that is against the rules raises `Refusal` and changes nothing. What messages of participants do is in
`commands`; who sees and is seen in which slot is worked out after every event (`slots.wanted_slots`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from signaling.chat import new_chat
from signaling.effects import (
    CloseRoom,
    DropPeer,
    Effect,
    EndSeat,
    FeedSlot,
    MuteSource,
    Notice,
    RecordChoice,
    RecordMedia,
    RecordSpan,
    RecordState,
    Send,
)
from signaling.errors import Refusal
from signaling.feed_clock import FeedClock
from signaling.figures import LessonFigures
from signaling.limits import Moment
from signaling.messages import (
    ChatLine,
    ErrorCode,
    FloorEnded,
    FloorOffered,
    LessonChanged,
    LessonInfo,
    LessonState,
    ParticipantChanged,
    ParticipantInfo,
    ParticipantLeft,
    Role,
    SlotChanged,
    SlotState,
)
from signaling.recording import RecordingChoice, shown_recording, wanted_recording
from signaling.seats import STAFF, PeerKind, Seat, may_see, reduced
from signaling.slots import Fed, wanted_slots
from streaming.control import Slot, Source

HOLD_S = 60.0
"""How long a seat is kept for a participant whose connection was lost."""
FLOOR_OFFER_S = 30.0
_REMEMBERED_REMOVALS = 1000


@dataclass(slots=True)
class FloorOffer:
    participant_id: str
    by: str
    expires_at: float


class Classroom:
    """`reinstate_until` (monotonic): until then a genuine resume secret makes a seat that this process does not know,
    because the web process has just been restarted. `minutes` and `feeding` are the record of the live feed so far:
    minutes by class, and the classes whose feed is on. `recording` is what the teacher has chosen so far."""

    def __init__(
        self,
        lesson: LessonInfo,
        at: Moment,
        *,
        max_participants: int = 1000,
        reinstate_until: float = 0.0,
        minutes: Mapping[str, float] | None = None,
        feeding: Collection[str] = (),
        recording: RecordingChoice | None = None,
    ) -> None:
        self.recording = recording or RecordingChoice()
        self.lesson = lesson.model_copy(update={"recording": shown_recording(lesson, self.recording, watched=False)})
        self.recorded_before: frozenset[str] = frozenset()
        """Publishing peers that were recorded before the web process was restarted: they have agreed."""
        self._recording_told: RecordMedia | None = RecordMedia(None)
        self.seats: dict[str, Seat] = {}
        self.chat = new_chat()
        self.floor: str | None = None
        self.offer: FloorOffer | None = None
        self.figures = LessonFigures()
        self.sharer: str | None = None
        self.max_participants = max_participants
        self.reinstate_until = reinstate_until
        self.removed: OrderedDict[str, None] = OrderedDict()
        self._feed_clock = FeedClock(minutes or {})
        self.feeding_before = set(feeding)
        self._hands_from = at.wall if lesson.live_since is None else lesson.live_since
        self._fed: dict[Slot, tuple[str, Source]] = {}
        self._told: dict[Slot, SlotState] = {s: SlotState(slot=s, participant_id=None, flowing=False) for s in Slot}
        self._effects: list[Effect] = []

    def effects(self) -> list[Effect]:
        """What is to be done, in order; each effect is handed out once."""
        effects, self._effects = self._effects, []
        return effects

    def do(self, effect: Effect) -> None:
        self._effects.append(effect)

    # ------------------------------------------------------------ coming and going

    def lost(self, participant_id: str, at: Moment) -> None:
        """The page's connection is gone; the seat is held for `HOLD_S`."""
        seat = self.seats.get(participant_id)
        if seat is None:
            return
        seat.connected = False
        self._note_absence(seat, at)
        self.announce(seat, at)
        self.settle(at)

    def _note_absence(self, seat: Seat, at: Moment) -> None:
        if not seat.present and seat.absent_since is None:
            seat.absent_since = at.now

    def end_seats(self, seats: Iterable[Seat], code: ErrorCode, message: str, at: Moment) -> None:
        """These participants are out for good; a removed one cannot come back by its resume secret."""
        for seat in list(seats):
            if code is ErrorCode.REMOVED:
                self.removed[seat.participant_id] = None
                if len(self.removed) > _REMEMBERED_REMOVALS:
                    self.removed.popitem(last=False)
            self.vacate(seat, at)
            self.do(EndSeat(seat.participant_id, code, message))

    def vacate(self, seat: Seat, at: Moment) -> None:
        """The seat is given up; its media peers go with it."""
        observers = self._observers(seat)
        if self.floor == seat.participant_id:
            self.floor = None
        if self.offer is not None and self.offer.participant_id == seat.participant_id:
            self.offer = None
        if self.sharer == seat.participant_id:
            self.sharer = None
        self.drop_peers(seat)
        del self.seats[seat.participant_id]
        self.send((o for o in observers if o is not seat), ParticipantLeft(participant_id=seat.participant_id))
        self.settle(at)

    def tick(self, at: Moment) -> None:
        """Let pass what was held only for a time: empty seats and floor offers."""
        absent = [s for s in self.seats.values() if not s.present and s.absent_since is not None]
        for seat in absent:
            if at.now - (seat.absent_since or 0.0) >= HOLD_S:
                self.vacate(seat, at)
        if self.offer is not None and at.now >= self.offer.expires_at:
            self.withdraw_offer()
        if self.feeding_before and at.now > self.reinstate_until:
            # Classes that had the feed on before a restart and did not come back.
            for name in self.feeding_before - {s.name for s in self.seats.values() if s.connected and s.feed_on}:
                self.do(RecordSpan(name, "finish"))
            self.feeding_before.clear()

    # ------------------------------------------------------------ the lesson itself

    def set_state(self, state: Literal[LessonState.LIVE, LessonState.ENDED], at: Moment) -> None:
        """Waiting → live → ended; the present state again changes nothing. Raises `Refusal` for the way back."""
        if self.lesson.state is state:
            return
        self.refuse_if_ended()
        update: dict[str, object] = {"state": state}
        if state is LessonState.LIVE:
            update["live_since"] = at.wall
            for seat in self.seats.values():
                if seat.hand_since is not None:
                    seat.hand_since -= at.wall - self._hands_from
            self._hands_from = at.wall
        self.change_lesson(**update)
        self.do(RecordState(state))
        if state is LessonState.ENDED:
            self._end_all()
        self.settle(at)

    def _end_all(self) -> None:
        """Everybody is out at once; nobody is told who else left, and the media room takes its peers with it."""
        for participant_id in self.seats:
            self.do(EndSeat(participant_id, ErrorCode.ENDED, "the lesson has ended"))
        self.seats.clear()
        self._fed.clear()
        self.floor = self.offer = self.sharer = None
        self._settle_recording()
        self.do(CloseRoom())

    def change_lesson(self, **update: object) -> None:
        self.lesson = self.lesson.model_copy(update=update)
        self.send(self.seats.values(), LessonChanged(lesson=self.lesson))

    def lesson_time(self, at: Moment) -> float:
        """Seconds since the lesson began; while it waits, since the classroom was opened."""
        return at.wall - self._hands_from

    def refuse_if_ended(self) -> None:
        if self.lesson.state is LessonState.ENDED:
            raise Refusal(ErrorCode.ENDED, "the lesson has ended")

    # ------------------------------------------------------------ the floor

    def offer_floor(self, seat: Seat, by: str, at: Moment) -> None:
        self.withdraw_offer()
        self.offer = FloorOffer(seat.participant_id, by, at.now + FLOOR_OFFER_S)
        self.repeat_offer(seat, at)

    def repeat_offer(self, seat: Seat, at: Moment) -> None:
        """Ask the class (again, after it resumed) while its offer stands."""
        if self.offer is not None and self.offer.participant_id == seat.participant_id:
            left_s = max(0.0, self.offer.expires_at - at.now)
            self.send([seat], FloorOffered(by=self.offer.by, expires_s=left_s))

    def withdraw_offer(self) -> None:
        if self.offer is not None:
            self.send([self.seats[self.offer.participant_id]], FloorEnded())
            self.offer = None

    def give_floor(self, seat: Seat, at: Moment) -> None:
        self.end_floor(at)
        self.offer, self.floor, seat.hand_since = None, seat.participant_id, None
        self.announce(seat, at)
        self.settle(at)

    def end_floor(self, at: Moment) -> None:
        """Take the floor from whoever has it. A class then publishes no more."""
        if self.floor is None:
            return
        seat = self.seats[self.floor]
        knew = self._observers(seat)
        self.floor = None
        if seat.role is Role.CLASS:
            self.drop_publisher(seat)
            for source in sorted(seat.muted):
                self.do(MuteSource(seat.publish_peer, source, muted=False))
            seat.muted.clear()
        self.send([seat], FloorEnded())
        strangers = [o for o in knew if not self.sees(o, seat)]
        self.send(strangers, ParticipantLeft(participant_id=seat.participant_id))
        self.announce(seat, at)
        self.settle(at)

    # ------------------------------------------------------------ media peers of a seat

    def drop_peers(self, seat: Seat, *, pages_only: bool = False) -> None:
        if not (pages_only and seat.publisher == "whip"):
            self.drop_publisher(seat)
        if seat.subscriber is not None:
            self.drop_subscriber(seat)

    def drop_publisher(self, seat: Seat) -> None:
        if seat.publisher is not None:
            self.do(DropPeer(seat.publish_peer))
            self.forget_peer(seat, "publish")

    def drop_subscriber(self, seat: Seat) -> None:
        if seat.subscriber is not None:
            self.do(DropPeer(seat.subscribe_peer))
            self.forget_peer(seat, "subscribe")

    def forget_peer(self, seat: Seat, kind: PeerKind) -> None:
        """The media process holds this peer no more; a slot that it fed will be fed anew."""
        if kind == "subscribe":
            seat.subscriber = None
            seat.views.clear()
            seat.shown_height, seat.still = 0, False
            return
        seat.publisher = None
        seat.uplink_short = False
        seat.flowing.clear()
        seat.heights.clear()
        seat.encodings_wanted.clear()
        self._fed = {slot: key for slot, key in self._fed.items() if key[0] != seat.publish_peer}

    def silence(self, seat: Seat) -> None:
        """Tell the media process which sources a teacher has silenced."""
        for source in sorted(seat.muted):
            self.do(MuteSource(seat.publish_peer, source, muted=True))

    # ------------------------------------------------------------ who sees what

    @property
    def teacher(self) -> Seat | None:
        return next((s for s in self.seats.values() if s.role is Role.TEACHER), None)

    def sees(self, observer: Seat, other: Seat) -> bool:
        return may_see(observer, other, floor=self.floor == other.participant_id)

    def info(self, seat: Seat, at: Moment) -> ParticipantInfo:
        minutes = self._feed_clock.minutes(seat.name, at.now) if seat.role is Role.CLASS else 0.0
        return seat.info(floor=self.floor == seat.participant_id, feed_minutes=minutes)

    def participants_for(self, observer: Seat, at: Moment) -> list[ParticipantInfo]:
        return [self._shown(observer, seat, at) for seat in self.seats.values() if self.sees(observer, seat)]

    def _shown(self, observer: Seat, seat: Seat, at: Moment) -> ParticipantInfo:
        info = self.info(seat, at)
        return info if observer.role in STAFF or observer is seat else reduced(info)

    def slots(self) -> list[SlotState]:
        return list(self._told.values())

    def chat_for(self, observer: Seat) -> list[ChatLine]:
        return [kept.line for kept in self.chat if self.may_read(observer, kept.line, had_floor=kept.had_floor)]

    def may_read(self, observer: Seat, line: ChatLine, *, had_floor: bool) -> bool:
        """A line is read by those who may see its author."""
        if observer.participant_id == line.participant_id or observer.role in STAFF or line.role in STAFF or had_floor:
            return True
        return observer.role is Role.CLASS and line.role is Role.CLASS

    def announce(self, seat: Seat, at: Moment, only: Callable[[Seat], bool] = lambda _: True) -> None:
        """Tell everybody who may see this participant how they are now; `only` narrows it."""
        info = self.info(seat, at)
        observers = [o for o in self._observers(seat) if only(o)]
        full = [o for o in observers if o.role in STAFF or o is seat]
        self.send(full, ParticipantChanged(participant=info))
        self.send((o for o in observers if o not in full), ParticipantChanged(participant=reduced(info)))

    def announce_to_staff(self, seat: Seat, at: Moment) -> None:
        self.announce(seat, at, only=lambda observer: observer.role in STAFF or observer is seat)

    def _observers(self, seat: Seat) -> list[Seat]:
        return [o for o in self.seats.values() if o.connected and self.sees(o, seat)]

    def send(self, seats: Iterable[Seat], message: Notice) -> None:
        to = tuple(seat.participant_id for seat in seats if seat.connected)
        if to:
            self.do(Send(to, message))

    # ------------------------------------------------------------ recording

    def choose_recording(self, choice: RecordingChoice, at: Moment) -> None:
        if choice != self.recording:
            self.recording = choice
            self.do(RecordChoice(choice.wish, choice.number))
            self.settle(at)

    def repeat_recording(self) -> None:
        """The media process may not know what is recorded: it has just opened the room, or we were restarted."""
        self._recording_told = None
        self._settle_recording()

    def recording_kept(self, recording_id: str, *, kept: bool) -> None:
        """Whether the media process gets rid of what it records."""
        told = self._recording_told
        if told is not None and recording_id == told.recording_id and kept != self.lesson.recording_kept:
            self.change_lesson(recording_kept=kept)

    def _settle_recording(self) -> None:
        shown = shown_recording(self.lesson, self.recording, watched=bool(self._watching()))
        if shown is not self.lesson.recording:
            self.change_lesson(recording=shown, recording_kept=True)
        wanted = wanted_recording(self.lesson, self.recording, self.seats.values(), self.recorded_before)
        if wanted != self._recording_told:
            self._recording_told = wanted
            self.do(wanted)

    def _watching(self) -> list[str]:
        """Classes that have the feed on."""
        return [s.name for s in self.seats.values() if s.role is Role.CLASS and s.connected and s.feed_on]

    # ------------------------------------------------------------ what follows from the state

    def settle(self, at: Moment) -> None:
        """Bring slots and feed spans in line with the state; safe to call at any time."""
        live = self.lesson.state is LessonState.LIVE
        self._settle_recording()  # before anybody is shown
        wanted = wanted_slots(self.teacher, self._seat(self.sharer), self._seat(self.floor), live=live)
        for slot in Slot:
            self._settle_slot(slot, wanted.get(slot))
        if self.lesson.kind == "partial":
            self._settle_spans(at, live=live)

    def _seat(self, participant_id: str | None) -> Seat | None:
        return self.seats.get(participant_id) if participant_id is not None else None

    def _settle_slot(self, slot: Slot, fed: Fed | None) -> None:
        key = fed.key if fed is not None else None
        if key != self._fed.get(slot):
            self.do(FeedSlot(slot, *key) if key is not None else FeedSlot(slot, None, None))
            if key is None:
                del self._fed[slot]
            else:
                self._fed[slot] = key
        who = fed.seat.participant_id if fed is not None else None
        state = SlotState(
            slot=slot,
            participant_id=who,
            flowing=fed is not None and fed.flowing,
            height=fed.height if fed is not None else 0,
            short=fed is not None and fed.short,
        )
        if state != self._told[slot]:
            self._told[slot] = state
            self.send(self.seats.values(), SlotChanged(state=state))

    def _settle_spans(self, at: Moment, *, live: bool) -> None:
        began, finished = self._feed_clock.set_open(self._watching() if live else (), at.now)
        for name in began:
            self.do(RecordSpan(name, "begin"))
        for name in finished:
            self.do(RecordSpan(name, "finish"))
