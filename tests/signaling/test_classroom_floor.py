"""Hands, the floor, silencing, sharing, and what is fed into which slot."""

from __future__ import annotations

import pytest

from signaling import messages as m
from signaling.classroom import FLOOR_OFFER_S
from signaling.effects import DropPeer, MuteSource
from signaling.errors import Refusal
from signaling.messages import ErrorCode, LessonState, Role
from signaling.seats import Seat
from streaming.control import Slot, Source
from tests.signaling.rooms import CAMERA, MICROPHONE, SCREEN, Held, held, sent


@pytest.fixture
def h() -> Held:
    return held(state=LessonState.LIVE)


def give_floor(h: Held, teacher: Seat, klass: Seat) -> None:
    h.say(teacher, m.OfferFloor(participant_id=klass.participant_id))
    h.say(klass, m.AnswerFloor(accept=True))


def test_hands_keep_their_order_over_the_beginning_of_the_lesson() -> None:
    h = held()
    teacher, a, b, c = h.enter(Role.TEACHER), h.enter(Role.CLASS), h.enter(Role.VIEWER), h.enter(Role.CLASS)
    h.say(a, m.SetHand(up=True))
    h.pass_time(5)
    h.say(b, m.SetHand(up=True))
    h.pass_time(5)
    h.say(teacher, m.SetLive(state="live"))
    h.pass_time(1)
    h.say(c, m.SetHand(up=True))
    hands = {p.participant_id: p.hand_since for p in h.room.participants_for(teacher, h.at) if p.hand}
    assert sorted(hands, key=lambda i: hands[i] or 0) == [a.participant_id, b.participant_id, c.participant_id]
    assert hands[c.participant_id] == pytest.approx(1.0)


def test_a_teacher_lowers_a_hand_and_nobody_else_does(h: Held) -> None:
    teacher, a, b = h.enter(Role.TEACHER), h.enter(Role.CLASS), h.enter(Role.CLASS)
    h.say(a, m.SetHand(up=True))
    with pytest.raises(Refusal):
        h.say(b, m.SetHand(up=False, participant_id=a.participant_id))
    h.say(teacher, m.SetHand(up=False, participant_id=a.participant_id))
    assert a.hand_since is None
    for message in (m.SetHand(up=True), m.SetHand(up=True, participant_id=a.participant_id)):
        with pytest.raises(Refusal):
            h.say(teacher, message)


def test_the_floor_is_offered_accepted_and_taken_back(h: Held) -> None:
    teacher, klass, viewer = h.enter(Role.TEACHER, "Анна"), h.enter(Role.CLASS), h.enter(Role.VIEWER)
    h.say(klass, m.SetHand(up=True))
    offered = sent(h.say(teacher, m.OfferFloor(participant_id=klass.participant_id)), m.FloorOffered, klass)
    assert offered == [m.FloorOffered(by="Анна", expires_s=FLOOR_OFFER_S)]
    assert h.slot(Slot.FLOOR_VIDEO) == (None, False)
    given = sent(h.say(klass, m.AnswerFloor(accept=True)), m.ParticipantChanged, viewer)
    assert [(p.participant.floor, p.participant.hand) for p in given] == [(True, False)]
    h.publish(klass, MICROPHONE, CAMERA)
    assert h.slot(Slot.FLOOR_VIDEO) == (klass.participant_id, True)
    taken = h.say(teacher, m.TakeFloor())
    assert sent(taken, m.FloorEnded, klass)
    assert sent(taken, m.ParticipantLeft, viewer) == [m.ParticipantLeft(participant_id=klass.participant_id)]
    assert DropPeer(klass.publish_peer) in taken
    assert h.slot(Slot.FLOOR_AUDIO) == (None, False)


def test_an_offer_lapses(h: Held) -> None:
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS)
    h.say(teacher, m.OfferFloor(participant_id=klass.participant_id))
    assert not sent(h.pass_time(FLOOR_OFFER_S - 0.1), m.FloorEnded)
    assert sent(h.pass_time(0.2), m.FloorEnded, klass)
    with pytest.raises(Refusal):
        h.say(klass, m.AnswerFloor(accept=True))


def test_a_second_offer_withdraws_the_first_and_a_second_floor_ends_the_first(h: Held) -> None:
    teacher, a, b = h.enter(Role.TEACHER), h.enter(Role.CLASS), h.enter(Role.CLASS)
    h.say(teacher, m.OfferFloor(participant_id=a.participant_id))
    assert sent(h.say(teacher, m.OfferFloor(participant_id=b.participant_id)), m.FloorEnded, a)
    with pytest.raises(Refusal):
        h.say(a, m.AnswerFloor(accept=True))
    h.say(b, m.AnswerFloor(accept=True))
    h.say(teacher, m.OfferFloor(participant_id=a.participant_id))
    assert sent(h.say(a, m.AnswerFloor(accept=True)), m.FloorEnded, b)
    assert h.room.floor == a.participant_id


def test_declining_lowers_the_hand_and_gives_nothing(h: Held) -> None:
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS)
    h.say(klass, m.SetHand(up=True))
    h.say(teacher, m.OfferFloor(participant_id=klass.participant_id))
    told = sent(h.say(klass, m.AnswerFloor(accept=False)), m.ParticipantChanged, teacher)
    assert [(p.participant.hand, p.participant.floor) for p in told] == [(False, False)]
    assert h.room.floor is None


def test_only_classes_are_offered_the_floor_and_only_during_the_lesson(h: Held) -> None:
    teacher, viewer, co = h.enter(Role.TEACHER), h.enter(Role.VIEWER), h.enter(Role.CO_TEACHER)
    for target in (viewer, co, teacher):
        with pytest.raises(Refusal):
            h.say(teacher, m.OfferFloor(participant_id=target.participant_id))
    waiting = held()
    teacher, klass = waiting.enter(Role.TEACHER), waiting.enter(Role.CLASS)
    with pytest.raises(Refusal):
        waiting.say(teacher, m.OfferFloor(participant_id=klass.participant_id))


def test_a_co_teacher_takes_the_floor_and_keeps_publishing_after_it(h: Held) -> None:
    h.enter(Role.TEACHER)
    co = h.enter(Role.CO_TEACHER)
    h.publish(co, MICROPHONE, CAMERA)
    assert h.slot(Slot.FLOOR_VIDEO) == (None, False)
    h.say(co, m.AnswerFloor(accept=True))
    assert h.slot(Slot.FLOOR_VIDEO) == (co.participant_id, True)
    assert DropPeer(co.publish_peer) not in h.say(co, m.TakeFloor())
    assert h.slot(Slot.FLOOR_VIDEO) == (None, False)


def test_a_class_publishes_only_while_it_has_the_floor_and_no_screen(h: Held) -> None:
    teacher, klass, viewer = h.enter(Role.TEACHER), h.enter(Role.CLASS), h.enter(Role.VIEWER)
    for seat in (klass, viewer):
        with pytest.raises(Refusal):
            h.publish(seat, CAMERA)
    give_floor(h, teacher, klass)
    with pytest.raises(Refusal):
        h.publish(klass, CAMERA, SCREEN)
    h.publish(klass, CAMERA)


def test_nobody_is_shown_before_the_lesson_begins() -> None:
    h = held()
    teacher, viewer = h.enter(Role.TEACHER), h.enter(Role.VIEWER)
    h.publish(teacher, MICROPHONE, CAMERA)
    assert {h.slot(slot) for slot in Slot} == {(None, False)}
    effects = h.say(teacher, m.SetLive(state="live"))
    changed = {s.state.slot: s.state for s in sent(effects, m.SlotChanged, viewer)}
    assert changed[Slot.TEACHER_AUDIO].flowing
    assert changed[Slot.STAGE_VIDEO].participant_id == teacher.participant_id


def test_the_stage_follows_the_screen_once_it_flows(h: Held) -> None:
    teacher, co = h.enter(Role.TEACHER), h.enter(Role.CO_TEACHER)
    h.publish(teacher, MICROPHONE, CAMERA)
    h.publish(co, MICROPHONE)
    h.say(co, m.SetSharing(on=True))
    assert h.slot(Slot.STAGE_VIDEO) == (teacher.participant_id, True)
    h.flow(co, SCREEN)
    assert h.slot(Slot.SCREEN_VIDEO) == (co.participant_id, True)
    assert h.slot(Slot.STAGE_VIDEO) == (co.participant_id, True)
    h.say(teacher, m.SetSharing(on=False))
    assert h.slot(Slot.SCREEN_VIDEO) == (None, False)
    assert h.slot(Slot.STAGE_VIDEO) == (teacher.participant_id, True)


def test_a_teacher_silences_a_class_for_everybody(h: Held) -> None:
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS)
    give_floor(h, teacher, klass)
    h.publish(klass, MICROPHONE, CAMERA)
    mute = m.SetMuted(participant_id=klass.participant_id, source=MICROPHONE, muted=True)
    effects = h.say(teacher, mute)
    assert MuteSource(klass.publish_peer, MICROPHONE, muted=True) in effects
    assert sent(effects, m.MutedByTeacher, klass) == [m.MutedByTeacher(source=MICROPHONE, muted=True)]
    assert h.slot(Slot.FLOOR_AUDIO) == (klass.participant_id, False)
    h.seen.clear()
    h.publish(klass, MICROPHONE, CAMERA)
    assert MuteSource(klass.publish_peer, MICROPHONE, muted=True) in h.seen
    assert MuteSource(klass.publish_peer, MICROPHONE, muted=False) in h.say(teacher, m.TakeFloor())
    assert not klass.muted


def test_a_teacher_is_silenced_by_nobody_and_removed_by_nobody(h: Held) -> None:
    teacher, co = h.enter(Role.TEACHER), h.enter(Role.CO_TEACHER)
    for message in (
        m.SetMuted(participant_id=teacher.participant_id, source=MICROPHONE, muted=True),
        m.Remove(participant_id=teacher.participant_id),
    ):
        with pytest.raises(Refusal):
            h.say(co, message)


def test_unknown_participants_are_named_as_such(h: Held) -> None:
    teacher = h.enter(Role.TEACHER)
    for message in (
        m.SetMuted(participant_id="x", source=Source.CAMERA, muted=True),
        m.Remove(participant_id="x"),
        m.OfferFloor(participant_id="x"),
        m.SetHand(participant_id="x", up=False),
    ):
        with pytest.raises(Refusal) as refusal:
            h.say(teacher, message)
        assert refusal.value.code is ErrorCode.NO_SUCH_PARTICIPANT
