"""Who learns what about whom: the participants' list, the chat, the state of links, the partial lesson's minutes."""

from __future__ import annotations

import itertools

import pytest

from signaling import messages as m
from signaling.effects import RecordSpan, ViewSlot
from signaling.errors import Refusal
from signaling.media_rules import begin_subscribe, link_report, source_changed
from signaling.messages import ErrorCode, LessonState, Link, Role
from streaming.control import LinkReport, Slot, SlotLink, SourceChanged
from tests.signaling.rooms import CAMERA, held, sent

T, C, K, V = Role.TEACHER, Role.CO_TEACHER, Role.CLASS, Role.VIEWER
SIGHT = {T: {T, C, K, V}, C: {T, C, K, V}, K: {T, C, K}, V: {T, C}}
"""Observer → whose presence and name they learn, besides themselves and who has the floor."""


@pytest.mark.parametrize(("observer_role", "other_role"), list(itertools.product(Role, Role)))
def test_who_sees_whom(observer_role: Role, other_role: Role) -> None:
    if observer_role is other_role is T:
        return
    h = held(state=LessonState.LIVE)
    observer = h.enter(observer_role)
    other = h.enter(other_role, "secret name")
    if other_role in (K, V):
        h.say(other, m.SetHand(up=True))
    h.room.lost(other.participant_id, h.at)
    h.pass_time(61)
    expected = other_role in SIGHT[observer_role]
    learned = [str(e) for e in h.seen if observer.participant_id in getattr(e, "to", ())]
    assert any(other.participant_id in text for text in learned) is expected
    assert any("secret name" in text for text in learned) is expected


@pytest.mark.parametrize("observer_role", list(Role))
def test_the_list_on_arrival_shows_the_same(observer_role: Role) -> None:
    h = held()
    others = [h.enter(role) for role in Role if role is not observer_role or role is not T]
    observer = h.enter(observer_role)
    shown = {p.participant_id for p in h.room.participants_for(observer, h.at)}
    expected = {o.participant_id for o in others if o.role in SIGHT[observer_role]} | {observer.participant_id}
    assert shown == expected


def test_the_floor_makes_a_class_known_to_all() -> None:
    h = held(state=LessonState.LIVE)
    teacher, klass, viewer = h.enter(T), h.enter(K), h.enter(V)
    h.say(teacher, m.OfferFloor(participant_id=klass.participant_id))
    h.say(klass, m.AnswerFloor(accept=True))
    assert klass.participant_id in {p.participant_id for p in h.room.participants_for(viewer, h.at)}


def test_links_and_minutes_are_for_teachers_and_oneself() -> None:
    h = held(state=LessonState.LIVE)
    teacher, a, b = h.enter(T), h.enter(K), h.enter(K)
    begin_subscribe(h.room, a, "page", fresh=True)
    report = LinkReport(
        lesson_id="L", peer_id=a.subscribe_peer, role="subscriber", estimate_bps=1, bitrate_bps=1, loss=0.5, rtt_ms=1
    )
    link_report(h.room, report, h.at)
    effects = h.drain()
    assert [own.link for own in sent(effects, m.OwnLink, a)] == [Link.POOR]
    assert [p.participant.link for p in sent(effects, m.ParticipantChanged, teacher)] == [Link.POOR]
    assert not sent(effects, m.ParticipantChanged, b)
    shown = {p.participant_id: p.link for p in h.room.participants_for(b, h.at)}
    assert shown[a.participant_id] is Link.UNKNOWN


def test_no_picture_in_any_shown_slot_means_sound_only_and_keyframes_mean_still_pictures() -> None:
    h = held(state=LessonState.LIVE)
    teacher, klass = h.enter(T), h.enter(K)
    h.publish(teacher, CAMERA)
    begin_subscribe(h.room, klass, "page", fresh=True)
    h.say(klass, m.SetView(slot=Slot.TEACHER_VIDEO, height=720))
    for encoding, temporal, link in ((-1, 0, Link.SOUND_ONLY), (0, -1, Link.STILL), (0, 0, Link.GOOD)):
        slots = [SlotLink(slot=Slot.TEACHER_VIDEO, encoding=encoding, temporal=temporal, bitrate_bps=0)]
        report = LinkReport(
            lesson_id="L",
            peer_id=klass.subscribe_peer,
            role="subscriber",
            estimate_bps=1,
            bitrate_bps=1,
            loss=0,
            rtt_ms=1,
            slots=slots,
        )
        link_report(h.room, report, h.at)
        assert klass.link is link


def playback(height: int, **change: object) -> m.ReportPlayback:
    usual = {"freezes": 0, "frozen_s": 0, "samples": 0, "concealed_samples": 0, "frames_decoded": 9}
    return m.ReportPlayback.model_validate({**usual, "height": height, **change})


def test_the_teacher_learns_what_a_class_really_sees() -> None:
    h = held(state=LessonState.LIVE)
    teacher, klass, other = h.enter(T), h.enter(K), h.enter(K)
    h.publish(teacher, CAMERA)
    camera = SourceChanged(
        lesson_id="L", peer_id=teacher.publish_peer, source=CAMERA, flowing=True, heights=[720, 360, 180]
    )
    source_changed(h.room, camera, h.at)
    effects = h.drain()
    assert {changed.state.height for changed in sent(effects, m.SlotChanged, klass)} == {720}
    begin_subscribe(h.room, klass, "page", fresh=True)
    h.say(klass, m.SetView(slot=Slot.TEACHER_VIDEO, height=640))
    slots = [SlotLink(slot=Slot.TEACHER_VIDEO, encoding=1, temporal=0, bitrate_bps=0)]
    report = LinkReport(
        lesson_id="L",
        peer_id=klass.subscribe_peer,
        role="subscriber",
        estimate_bps=1,
        bitrate_bps=1,
        loss=0,
        rtt_ms=1,
        slots=slots,
    )
    for said, link in (
        (playback(720), Link.GOOD),
        (playback(360), Link.FAIR),
        (playback(360, still=True), Link.STILL),
    ):
        h.pass_time(5)
        effects = h.say(klass, said)
        assert not sent(effects, m.ParticipantChanged, other)
        link_report(h.room, report, h.at)
        assert klass.link is link
    assert [p.height for p in h.room.participants_for(teacher, h.at) if p.participant_id == klass.participant_id] == [
        360
    ]
    assert {p.height for p in h.room.participants_for(other, h.at)} == {0}


def test_playback_that_is_told_too_often_is_not_heeded() -> None:
    h = held(state=LessonState.LIVE)
    viewer = h.enter(V)
    for _ in range(10):
        h.say(viewer, playback(180, freezes=1, samples=100, concealed_samples=900))
    (sums,) = h.room.figures.playback.values()
    assert (sums.freezes, sums.samples, sums.concealed_samples) == (1, 100, 100)


# ---------------------------------------------------------------- chat


def test_a_line_is_read_by_those_who_may_see_its_author() -> None:
    h = held()
    seats = {role: h.enter(role) for role in Role}
    more = {K: h.enter(K), V: h.enter(V)}
    for author in seats.values():
        said = h.say(author, m.Say(text="вопрос"))
        for role, reader in [*seats.items(), *more.items()]:
            expected = reader is author or author.role in SIGHT[role]
            assert bool(sent(said, m.Said, reader)) is expected
    assert {line.role for line in h.room.chat_for(more[V])} == {T, C}
    assert len(h.room.chat_for(seats[T])) == 4


def test_the_chat_is_slow_and_short_and_clean() -> None:
    h = held()
    teacher = h.enter(T)
    for number in range(5):
        h.say(teacher, m.Say(text=f"{number}"))
    with pytest.raises(Refusal) as refusal:
        h.say(teacher, m.Say(text="6"))
    assert refusal.value.code is ErrorCode.TOO_FAST
    for number in range(300):
        h.now += 10
        h.say(teacher, m.Say(text=f" \x00{number}\u202e\n<b> "))
    lines = h.room.chat_for(teacher)
    assert len(lines) == 200
    assert lines[-1].text == "299\n<b>"
    h.now += 10
    with pytest.raises(Refusal):
        h.say(teacher, m.Say(text="\x00 \u202e"))


# ---------------------------------------------------------------- partial lesson


def test_minutes_count_while_the_lesson_is_live_the_feed_on_and_the_class_there() -> None:
    h = held(kind="partial")
    teacher, klass = h.enter(T), h.enter(K, "Орлик")
    assert not klass.feed_on
    h.say(klass, m.SetFeed(on=True))
    h.pass_time(600)
    assert RecordSpan("Орлик", "begin") in h.say(teacher, m.SetLive(state="live"))
    h.pass_time(120)
    told = sent(h.say(klass, m.SetFeed(on=False)), m.ParticipantChanged, teacher)
    assert [(p.participant.feed_on, p.participant.feed_minutes) for p in told] == [(False, 2.0)]
    h.pass_time(60)
    assert RecordSpan("Орлик", "begin") in h.say(klass, m.SetFeed(on=True))
    h.pass_time(30)
    h.room.lost(klass.participant_id, h.at)
    assert RecordSpan("Орлик", "finish") in h.drain()
    h.pass_time(30)
    assert h.room.info(klass, h.at).feed_minutes == 2.5


def test_the_feed_switched_off_pauses_every_slot_of_that_class() -> None:
    h = held(kind="partial", state=LessonState.LIVE)
    klass = h.enter(K)
    begin_subscribe(h.room, klass, "page", fresh=True)
    peer = klass.subscribe_peer
    off = h.say(klass, m.SetView(slot=Slot.TEACHER_VIDEO, height=720))
    assert off[-1] == ViewSlot(peer, Slot.TEACHER_VIDEO, paused=True, height=720)
    h.say(klass, m.SetView(slot=Slot.TEACHER_AUDIO))
    on = [e for e in h.say(klass, m.SetFeed(on=True)) if isinstance(e, ViewSlot)]
    assert {(e.slot, e.paused) for e in on} == {(Slot.TEACHER_VIDEO, False), (Slot.TEACHER_AUDIO, False)}
    again = [e for e in h.say(klass, m.SetFeed(on=False)) if isinstance(e, ViewSlot)]
    assert {(e.slot, e.paused) for e in again} == {(Slot.TEACHER_VIDEO, True), (Slot.TEACHER_AUDIO, True)}


def test_a_feed_that_was_on_before_a_restart_is_on_after_it() -> None:
    h = held(kind="partial", state=LessonState.LIVE, minutes={"Орлик": 7.0}, feeding=("Орлик", "Тикси"), reinstate_s=60)
    klass = h.enter(K, "Орлик")
    assert klass.feed_on
    h.pass_time(60.5)
    assert h.room.info(klass, h.at).feed_minutes > 7
    assert RecordSpan("Тикси", "finish") in h.seen
    assert RecordSpan("Орлик", "finish") not in h.seen


def test_there_is_no_feed_to_switch_in_a_full_lesson() -> None:
    h = held(state=LessonState.LIVE)
    klass = h.enter(K)
    with pytest.raises(Refusal):
        h.say(klass, m.SetFeed(on=False))
