"""Who is recorded, when, and who decides it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from signaling import messages as m
from signaling.effects import CloseRoom, Effect, FeedSlot, RecordChoice, RecordMedia
from signaling.errors import Refusal
from signaling.messages import ErrorCode, LessonState, Recording, Role
from signaling.recording import RecordingChoice, split_recording_id
from signaling.seats import Seat
from streaming import control
from streaming.control import Slot
from tests.signaling.fake_media import FakeMedia
from tests.signaling.rooms import CAMERA, MICROPHONE, Held, held, sent
from tests.signaling.web import Client, School, join, make_lesson, web_process

T, C, K, V = Role.TEACHER, Role.CO_TEACHER, Role.CLASS, Role.VIEWER
ON = RecordingChoice("on")


def live(**options: object) -> Held:
    return held(state=LessonState.LIVE, recording=ON, **options)  # type: ignore[arg-type]


def told(effects: list[Effect]) -> list[RecordMedia]:
    return [effect for effect in effects if isinstance(effect, RecordMedia)]


def shown(h: Held) -> str:
    return h.room.lesson.recording.value


def last(h: Held) -> RecordMedia:
    return told(h.seen)[-1]


# ---------------------------------------------------------------- the lesson


def test_a_lesson_is_recorded_from_its_beginning_to_its_end() -> None:
    h = held(recording=ON)
    teacher = h.enter(T)
    assert not told(h.seen)
    assert shown(h) == "ready"
    h.say(teacher, m.SetLive(state="live"))
    assert last(h) == RecordMedia("L-0", False, (teacher.publish_peer,))
    assert shown(h) == "running"
    effects = h.say(teacher, m.SetLive(state="ended"))
    kinds = [type(effect) for effect in effects]
    assert last(h) == RecordMedia(None)
    assert kinds.index(RecordMedia) < kinds.index(CloseRoom)


def test_a_lesson_that_is_not_to_be_recorded_is_not() -> None:
    h = held(state=LessonState.LIVE, recording=RecordingChoice("off"))
    h.enter(T)
    assert not told(h.seen)
    assert h.room.lesson.recording is Recording.OFF


def test_the_teacher_pauses_goes_on_and_stops_and_everybody_sees_it() -> None:
    h = live()
    teacher, viewer = h.enter(T), h.enter(V)
    seen = []
    for state in ("paused", "on", "off", "on"):
        effects = h.say(teacher, m.SetRecording(state=state))
        seen += [change.lesson.recording for change in sent(effects, m.LessonChanged, viewer)]
    assert seen == [Recording.PAUSED, Recording.RUNNING, Recording.OFF, Recording.RUNNING]
    peers = (teacher.publish_peer,)
    assert told(h.seen)[-4:] == [
        RecordMedia("L-0", True, peers),
        RecordMedia("L-0", False, peers),
        RecordMedia(None),
        RecordMedia("L-1", False, peers),
    ]
    kept = [effect for effect in h.seen if isinstance(effect, RecordChoice)]
    assert kept == [RecordChoice("paused", 0), RecordChoice("on", 0), RecordChoice("off", 0), RecordChoice("on", 1)]


def test_an_ended_lesson_is_not_recorded_again() -> None:
    h = held(recording=ON)
    teacher = h.enter(T)
    h.room.lesson = h.room.lesson.model_copy(update={"state": LessonState.ENDED})
    with pytest.raises(Refusal) as refusal:
        h.say(teacher, m.SetRecording(state="on"))
    assert refusal.value.code is ErrorCode.ENDED


def test_of_a_partial_lesson_the_minutes_are_recorded_in_which_a_class_has_the_feed() -> None:
    h = live(kind="partial")
    teacher = h.enter(T)
    assert last(h).paused
    first, second = h.enter(K), h.enter(K)
    assert last(h).paused
    h.say(first, m.SetFeed(on=True))
    assert not last(h).paused
    h.say(second, m.SetFeed(on=True))
    h.say(first, m.SetFeed(on=False))
    assert not last(h).paused
    h.say(second, m.SetFeed(on=False))
    assert last(h).paused
    assert h.room.lesson.recording is Recording.READY
    h.say(teacher, m.SetRecording(state="paused"))
    h.say(second, m.SetFeed(on=True))
    assert last(h).paused


# ---------------------------------------------------------------- consent


def test_a_class_is_recorded_only_after_its_staff_has_agreed_and_no_longer_when_it_takes_that_back() -> None:
    h = live()
    teacher, klass = h.enter(T), h.enter(K)
    h.say(teacher, m.OfferFloor(participant_id=klass.participant_id))
    h.say(klass, m.AnswerFloor(accept=True))
    h.publish(klass, CAMERA, MICROPHONE)
    assert last(h).peers == (teacher.publish_peer,)
    h.say(klass, m.SetConsent(agree=True))
    assert set(last(h).peers) == {teacher.publish_peer, klass.publish_peer}
    h.say(klass, m.SetConsent(agree=False))
    assert last(h).peers == (teacher.publish_peer,)


@pytest.mark.parametrize("kind", ["full", "partial"])
def test_in_any_order_of_events_only_those_are_recorded_who_may_be(kind: str) -> None:
    """Every way through consent, floor, pause and stop."""
    steps: list[Callable[[Held, Seat, Seat], object]] = [
        lambda h, t, k: h.say(k, m.SetConsent(agree=True)),
        lambda h, t, k: h.say(k, m.SetConsent(agree=False)),
        lambda h, t, k: h.say(t, m.SetRecording(state="off")),
        lambda h, t, k: h.say(t, m.SetRecording(state="on")),
    ]
    for order in itertools.product(steps, repeat=4):
        h = live(kind=kind)
        teacher, klass = h.enter(T), h.enter(K)
        for step in order:
            step(h, teacher, klass)
            assert (klass.publish_peer in last(h).peers) <= klass.consent
            assert (last(h).recording_id is None) == (h.room.recording.wish == "off")


def test_who_learns_whether_a_class_has_agreed() -> None:
    h = live()
    teacher, klass, other, viewer = h.enter(T), h.enter(K), h.enter(K), h.enter(V)
    effects = h.say(klass, m.SetConsent(agree=True))
    assert sent(effects, m.ParticipantChanged, teacher)[0].participant.consent
    assert sent(effects, m.ParticipantChanged, klass)[0].participant.consent
    assert not sent(effects, m.ParticipantChanged, other)
    assert not sent(effects, m.ParticipantChanged, viewer)
    by_other = {info.participant_id: info for info in h.room.participants_for(other, h.at)}
    assert not by_other[klass.participant_id].consent


def test_what_may_be_recorded_is_settled_before_anybody_is_shown() -> None:
    h = live()
    h.room.effects()
    teacher = h.enter(T)
    h.seen.clear()
    h.publish(teacher, CAMERA)
    h.room.repeat_recording()
    h.say(teacher, m.SetSharing(on=True))
    order = [type(effect) for effect in h.seen if isinstance(effect, RecordMedia | FeedSlot)]
    assert order.count(RecordMedia) == 1
    fresh = live()
    teacher = fresh.enter(T)
    assert any(isinstance(effect, RecordMedia) for effect in fresh.seen)
    assert not any(isinstance(effect, FeedSlot) and effect.slot is Slot.TEACHER_VIDEO for effect in fresh.seen)


# ---------------------------------------------------------------- media processes and restarts


def test_whoever_was_recorded_before_a_restart_stays_so_until_their_seat_says_otherwise() -> None:
    h = live()
    h.room.recorded_before = frozenset({"p1.publish", "p2.publish"})
    teacher, klass = h.enter(T), h.enter(K)
    assert klass.consent
    assert last(h).peers == (teacher.publish_peer, klass.publish_peer)
    h.say(klass, m.SetConsent(agree=False))
    assert last(h).peers == (teacher.publish_peer,)


def test_that_nothing_reaches_the_disk_is_told_to_everybody() -> None:
    h = live()
    teacher, viewer = h.enter(T), h.enter(V)
    h.room.recording_kept("another", kept=False)
    assert not sent(h.drain(), m.LessonChanged)
    h.room.recording_kept("L-0", kept=False)
    (change,) = sent(h.drain(), m.LessonChanged, viewer)
    assert not change.lesson.recording_kept
    h.say(teacher, m.SetRecording(state="paused"))
    assert h.room.lesson.recording_kept


def test_names_of_recordings_can_be_read_back() -> None:
    assert split_recording_id(RecordingChoice("on", 3).recording_id("abc")) == ("abc", 3)
    assert [split_recording_id(name) for name in ("", "abc", "abc-", "-", "abc-x", "abc-²")] == [None] * 6


async def test_a_room_that_is_opened_learns_what_is_recorded_and_so_does_its_successor(
    client: Client, media: FakeMedia, school: School
) -> None:
    services = school.services()
    links = await make_lesson(services)
    teacher = await join(client, links.tokens[T])
    await teacher.do(m.SetLive(state="live"))
    await teacher.do(m.OfferPublish(sdp="v=0", sources={"0": CAMERA}))
    name = f"{links.lesson_id}-0"
    asked = await media.wait_for(control.SetRecording, lambda request: request.recording_id == name)
    assert asked.peers == [f"{teacher.id}.publish"]
    await media.kill()
    media.requests.clear()
    await media.start()
    again = await media.wait_for(control.SetRecording, lambda request: request.recording_id == name)
    assert not again.paused


async def test_what_the_teacher_chose_outlives_the_web_process(media: FakeMedia, school: School) -> None:
    services = school.services()
    links = await make_lesson(services)
    async with web_process(services) as client:
        teacher = await join(client, links.tokens[T])
        await teacher.do(m.SetRecording(state="off"))
        await teacher.do(m.SetRecording(state="on"))
        await teacher.do(m.SetRecording(state="paused"))
    lesson = await services.lessons.get(links.lesson_id)
    assert (lesson.recording, lesson.recording_number) == ("paused", 1)
    async with web_process(school.services()) as client:
        teacher = await join(client, links.tokens[T])
        assert teacher.welcome is not None
        assert teacher.welcome.lesson.recording is Recording.PAUSED
