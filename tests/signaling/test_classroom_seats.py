"""Coming, going, coming back: who gets which seat."""

from __future__ import annotations

import pytest

from signaling import messages as m
from signaling.classroom import HOLD_S
from signaling.door import SeatClaim
from signaling.effects import CloseRoom, DropPeer, RecordState
from signaling.errors import Refusal
from signaling.media_rules import begin_subscribe, enter_by_whep, enter_by_whip, leave_by_standard_client, peer_changed
from signaling.messages import ErrorCode, LessonState, Role
from signaling.registry import standard_entry
from signaling.seats import Seat
from streaming.control import PeerChanged, PeerState, Slot
from tests.signaling.rooms import CAMERA, MICROPHONE, Held, ended, feeds, held, sent


def claim(seat: Seat) -> SeatClaim:
    return SeatClaim(seat.participant_id, seat.generation, seat.name)


def refused(code: ErrorCode) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda error: error.code is code)


def test_a_lost_seat_is_held_for_a_minute_and_resumed() -> None:
    h = held()
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS, "Орлик")
    h.say(klass, m.SetHand(up=True))
    h.room.lost(klass.participant_id, h.at)
    assert [p.participant.present for p in sent(h.drain(), m.ParticipantChanged, teacher)] == [False]
    h.pass_time(HOLD_S - 0.1)
    back = h.enter(Role.CLASS, claim=claim(klass))
    assert back is klass
    assert back.hand_since is not None


def test_after_the_hold_the_seat_is_gone_and_the_claim_opens_a_new_one() -> None:
    h = held()
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS)
    h.room.lost(klass.participant_id, h.at)
    gone = sent(h.pass_time(HOLD_S), m.ParticipantLeft, teacher)
    assert [g.participant_id for g in gone] == [klass.participant_id]
    assert h.enter(Role.CLASS, claim=claim(klass)).participant_id != klass.participant_id


def test_a_second_teacher_browser_waits_until_the_first_is_away() -> None:
    h = held()
    first = h.enter(Role.TEACHER)
    with refused(ErrorCode.SEAT_TAKEN):
        h.enter(Role.TEACHER)
    before = claim(first)
    h.room.lost(first.participant_id, h.at)
    second = h.enter(Role.TEACHER, "second")
    assert second is first
    assert second.name == "second"
    with refused(ErrorCode.SEAT_TAKEN):
        h.enter(Role.TEACHER, claim=before)


def test_the_seats_own_secret_takes_it_over_from_a_living_connection() -> None:
    h = held()
    first = h.enter(Role.TEACHER)
    assert h.enter(Role.TEACHER, claim=claim(first)) is first


def test_another_browser_on_the_teachers_seat_ends_the_pages_peers() -> None:
    h = held(state=LessonState.LIVE)
    teacher = h.enter(Role.TEACHER)
    h.publish(teacher, CAMERA)
    h.room.lost(teacher.participant_id, h.at)
    h.drain()
    h.enter(Role.TEACHER, "second")
    assert DropPeer(teacher.publish_peer) in h.seen
    assert h.slot(Slot.TEACHER_VIDEO) == (None, False)


def test_a_removed_class_does_not_come_back_by_its_secret() -> None:
    h = held()
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS)
    effects = h.say(teacher, m.Remove(participant_id=klass.participant_id))
    assert ended(effects) == {klass.participant_id: ErrorCode.REMOVED}
    with refused(ErrorCode.REMOVED):
        h.enter(Role.CLASS, claim=claim(klass))


def test_a_locked_lesson_lets_in_nobody_new_but_resumes_seats_and_admits_teachers() -> None:
    h = held()
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS)
    h.say(teacher, m.SetLocked(locked=True))
    for role in (Role.CLASS, Role.VIEWER):
        with refused(ErrorCode.LOCKED):
            h.enter(role)
    h.room.lost(klass.participant_id, h.at)
    assert h.enter(Role.CLASS, claim=claim(klass)) is klass
    h.enter(Role.CO_TEACHER)


def test_a_full_lesson_refuses_the_next_but_not_a_teacher() -> None:
    h = held(max_participants=2)
    h.enter(Role.CLASS)
    h.enter(Role.VIEWER)
    with refused(ErrorCode.FULL):
        h.enter(Role.VIEWER)
    h.enter(Role.TEACHER)


def test_the_end_lets_everybody_go_and_nobody_in() -> None:
    h = held(state=LessonState.LIVE)
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS)
    effects = h.say(teacher, m.SetLive(state="ended"))
    assert set(ended(effects).values()) == {ErrorCode.ENDED}
    assert set(ended(effects)) == {teacher.participant_id, klass.participant_id}
    assert effects[-1] == CloseRoom()
    assert RecordState(LessonState.ENDED) in effects
    with refused(ErrorCode.ENDED):
        h.enter(Role.TEACHER)


def test_after_a_restart_a_genuine_claim_makes_the_seat_again_for_a_minute() -> None:
    h = held(reinstate_s=HOLD_S)
    seat = h.enter(Role.CLASS, claim=SeatClaim("before", 2, "Орлик"))
    assert (seat.participant_id, seat.generation, seat.name) == ("before", 2, "Орлик")
    h.pass_time(HOLD_S + 1)
    assert h.enter(Role.CLASS, claim=SeatClaim("late", 0, "Тикси")).participant_id != "late"


def test_a_claim_of_another_role_is_worth_nothing() -> None:
    h = held()
    teacher = h.enter(Role.TEACHER)
    seat = h.enter(Role.VIEWER, claim=claim(teacher))
    assert seat is not teacher


# ---------------------------------------------------------------- standard clients


def whip(h: Held, role: Role = Role.TEACHER, invitation: str = "inv-teacher") -> Seat:
    entry = standard_entry(role, invitation, 1e12)
    seat = enter_by_whip(h.room, entry, {MICROPHONE, CAMERA}, h.at)
    h.drain()
    return seat


def test_an_encoder_with_the_teachers_token_makes_the_lesson_live_when_it_connects() -> None:
    h = held()
    seat = whip(h)
    assert h.slot(Slot.TEACHER_VIDEO) == (None, False)
    peer_changed(h.room, PeerChanged(lesson_id="L", peer_id=seat.publish_peer, state=PeerState.CONNECTED), h.at)
    assert h.room.lesson.state is LessonState.LIVE
    assert feeds(h.drain())[Slot.TEACHER_VIDEO] == seat.publish_peer


def test_a_second_publisher_for_the_teachers_seat_is_refused_from_either_side() -> None:
    h = held()
    encoder = whip(h)
    with refused(ErrorCode.SEAT_TAKEN):
        whip(h)
    console = h.enter(Role.TEACHER, "console")
    assert console is encoder
    with refused(ErrorCode.SEAT_TAKEN):
        h.publish(console, CAMERA)
    leave_by_standard_client(h.room, encoder.participant_id, "publish", h.at)
    h.publish(console, CAMERA)
    with refused(ErrorCode.SEAT_TAKEN):
        whip(h)


def test_an_encoder_of_a_class_publishes_only_into_the_floor_of_its_own_invitation() -> None:
    h = held(state=LessonState.LIVE)
    teacher, klass = h.enter(Role.TEACHER), h.enter(Role.CLASS, invitation="a")
    for invitation in ("a", "b"):
        with refused(ErrorCode.NOT_ALLOWED):
            whip(h, Role.CLASS, invitation)
    h.say(teacher, m.OfferFloor(participant_id=klass.participant_id))
    h.say(klass, m.AnswerFloor(accept=True))
    with refused(ErrorCode.NOT_ALLOWED):
        whip(h, Role.CLASS, "b")
    assert whip(h, Role.CLASS, "a") is klass
    effects = h.say(teacher, m.TakeFloor())
    assert DropPeer(klass.publish_peer) in effects


def test_a_watching_client_is_a_viewer_until_its_connection_ends() -> None:
    h = held()
    teacher = h.enter(Role.TEACHER)
    seat = enter_by_whep(h.room, standard_entry(Role.VIEWER, "v", 1e12), h.at)
    h.drain()
    assert h.room.info(seat, h.at).present
    h.pass_time(1000)
    peer_changed(h.room, PeerChanged(lesson_id="L", peer_id=seat.subscribe_peer, state=PeerState.CLOSED), h.at)
    assert sent(h.drain(), m.ParticipantLeft, teacher)
    assert seat.participant_id not in h.room.seats


def test_a_pages_lost_peer_is_told_to_the_page_and_leaves_its_slot() -> None:
    h = held(state=LessonState.LIVE)
    teacher, viewer = h.enter(Role.TEACHER), h.enter(Role.VIEWER)
    h.publish(teacher, MICROPHONE, CAMERA)
    assert h.slot(Slot.TEACHER_VIDEO) == (teacher.participant_id, True)
    begin_subscribe(h.room, viewer, "page", fresh=True)
    peer_changed(h.room, PeerChanged(lesson_id="L", peer_id=teacher.publish_peer, state=PeerState.CLOSED), h.at)
    effects = h.drain()
    assert [p.kind for p in sent(effects, m.PeerLost, teacher)] == ["publish"]
    assert not sent(effects, m.PeerLost, viewer)
    assert h.slot(Slot.TEACHER_VIDEO) == (None, False)
