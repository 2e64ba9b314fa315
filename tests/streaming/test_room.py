"""Who is seen and heard where, and who comes and goes."""

from __future__ import annotations

import itertools

import pytest

from streaming.control import RefusalCode, Slot, Source
from streaming.room import SSRCS, RoomError
from streaming.wire.sequence import diff32
from tests.streaming.lesson import (
    Lesson,
    in_slot,
    lesson_in_progress,
)

# ---------------------------------------------------------------- who is seen where


def test_an_empty_room_ticks() -> None:
    lesson = Lesson()
    lesson.run(3.0)
    lesson.teacher()
    lesson.run(3.0)


def test_a_fed_slot_shows_its_source_and_an_emptied_one_nothing() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.feed(Slot.STAGE_VIDEO, None, None)
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    lesson.show(teacher, keyframe=True)
    lesson.speak(teacher)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before


def test_a_feed_may_come_before_its_publisher() -> None:
    lesson = Lesson()
    _, screen = lesson.class_room("class")
    lesson.feed_teacher()
    teacher = lesson.teacher()
    lesson.speak(teacher)
    lesson.show(teacher, keyframe=True)
    lesson.show(teacher, keyframe=True)
    assert len(in_slot(screen, Slot.TEACHER_AUDIO)) == 1
    assert in_slot(screen, Slot.STAGE_VIDEO)


def test_the_floor_goes_to_the_next_at_once() -> None:
    """Who has lost the floor is not seen any more, even before the next one publishes."""
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.feed(Slot.STAGE_VIDEO, "absent", Source.CAMERA)
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    for _ in range(3):
        lesson.show(teacher, keyframe=True)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before


def test_sound_does_not_enter_a_picture_slot() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.feed(Slot.STAGE_VIDEO, "teacher", Source.MICROPHONE)
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    lesson.speak(teacher)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before


def test_own_picture_is_blocked_whoever_has_the_floor() -> None:
    lesson = Lesson()
    klass = lesson.teacher("klass")
    _, own = lesson.class_room("klass-view", not_from="klass")
    _, others = lesson.class_room("others")
    lesson.feed_teacher("klass")
    for _ in range(6):
        lesson.show(klass, keyframe=True)
        lesson.speak(klass)
    assert own.packets == []
    assert others.packets
    lesson.feed_teacher("teacher")
    teacher = lesson.teacher()
    for _ in range(6):
        lesson.show(teacher, keyframe=True)
        lesson.speak(teacher)
    assert own.packets
    before = len(own.packets)
    lesson.feed_teacher("klass")
    for _ in range(6):
        lesson.show(klass, keyframe=True)
        lesson.speak(klass)
    assert len(own.packets) == before


def test_a_muted_source_is_not_forwarded_whatever_its_browser_does() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.mute("teacher", Source.MICROPHONE, True)
    before = len(in_slot(screen, Slot.TEACHER_AUDIO))
    for _ in range(5):
        lesson.speak(teacher, b"secret")
    assert len(in_slot(screen, Slot.TEACHER_AUDIO)) == before
    lesson.room.mute("teacher", Source.MICROPHONE, False)
    lesson.speak(teacher, b"public")
    heard = in_slot(screen, Slot.TEACHER_AUDIO)
    assert heard[-1].payload == b"public"
    numbers = [packet.header.sequence for packet in heard]
    assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]


def test_muting_outlives_the_publisher() -> None:
    lesson = Lesson()
    lesson.room.mute("teacher", Source.MICROPHONE, True)
    lesson.feed_teacher()
    _, screen = lesson.class_room("class")
    teacher = lesson.teacher()
    lesson.speak(teacher)
    assert screen.packets == []


def test_pages_pause_and_resume() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.view("class", Slot.STAGE_VIDEO, True, 0)
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    lesson.show(teacher, keyframe=True)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before
    lesson.room.view("class", Slot.STAGE_VIDEO, False, 0)
    lesson.run(0.3)
    lesson.show(teacher, keyframe=True)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before + 1
    for peer_id, slot in (("nobody", Slot.STAGE_VIDEO), ("class", Slot.SCREEN_VIDEO)):
        with pytest.raises(RoomError):
            lesson.room.view(peer_id, slot, False, 0)


# ---------------------------------------------------------------- coming and going


def test_capacity() -> None:
    lesson = Lesson(max_subscribers=2)
    for number in range(2):
        lesson.room.check_capacity()
        lesson.class_room(f"class{number}")
    with pytest.raises(RoomError) as caught:
        lesson.room.check_capacity()
    assert caught.value.code is RefusalCode.ROOM_FULL
    lesson.room.remove_subscriber("class0")
    lesson.room.check_capacity()


def test_a_row_is_clean_for_its_next_viewer() -> None:
    lesson, teacher, subscriber, screen = lesson_in_progress()
    row = subscriber.row
    lesson.room.estimator.estimate_bps[row] = 31_000
    lesson.room.remove_subscriber("class")
    assert lesson.room.viewers.session[row] is None
    gone = len(screen.packets)
    newcomer, fresh = lesson.class_room("next")
    assert newcomer.row == row
    assert lesson.room.estimator.estimate_bps[row] > 31_000
    lesson.speak(teacher)
    lesson.show(teacher, keyframe=True)
    lesson.show(teacher, keyframe=True)
    assert len(screen.packets) == gone
    assert fresh.packets[0].number == 1
    assert {packet.header.ssrc for packet in fresh.packets} == {
        SSRCS[Slot.TEACHER_AUDIO].ssrc,
        SSRCS[Slot.STAGE_VIDEO].ssrc,
    }


def test_more_viewers_than_rows_at_the_start() -> None:
    lesson, teacher, _, _ = lesson_in_progress()
    lesson.room.max_subscribers = 100
    screens = [lesson.class_room(f"viewer{number}")[1] for number in range(40)]
    lesson.run(0.3)
    lesson.show(teacher, keyframe=True)
    lesson.speak(teacher)
    assert all(len(screen.packets) == 2 for screen in screens)


def test_a_reloaded_teacher_is_seen_on_and_numbers_go_on() -> None:
    lesson, _, _, screen = lesson_in_progress()
    lesson.room.remove_publisher("teacher")
    lesson.run(2.0)
    teacher = lesson.teacher()
    lesson.sequence.clear()
    lesson.frame = 9000
    for _ in range(3):
        lesson.show(teacher, keyframe=True)
        lesson.speak(teacher)
    for slot, rate in ((Slot.STAGE_VIDEO, 90_000), (Slot.TEACHER_AUDIO, 48_000)):
        seen = in_slot(screen, slot)
        steps = [(b.header.sequence - a.header.sequence) & 0xFFFF for a, b in itertools.pairwise(seen)]
        assert set(steps) == {1}
        times = [diff32(b.header.timestamp, a.header.timestamp) for a, b in itertools.pairwise(seen)]
        assert all(time > 0 for time in times)
        assert max(times) == pytest.approx(2.1 * rate, rel=0.1)


def test_two_lessons_never_mix() -> None:
    lessons = [Lesson("one"), Lesson("two")]
    screens = []
    for lesson in lessons:
        lesson.feed_teacher()
        screens.append(lesson.class_room("class")[1])
    for _ in range(10):
        for lesson in lessons:
            teacher = lesson.room.publishers.get("teacher") or lesson.teacher()
            lesson.show(teacher, keyframe=True, body=lesson.room.lesson_id.encode())
            lesson.speak(teacher, lesson.room.lesson_id.encode())
    for lesson, screen in zip(lessons, screens, strict=True):
        assert len(screen.packets) > 10
        assert all(packet.payload.endswith(lesson.room.lesson_id.encode()) for packet in screen.packets)
