"""Viewers that lie, fall silent or cry for keyframes: they hurt themselves, within bounds, and nobody else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from streaming.control import Slot
from streaming.publisher import Publisher
from streaming.rate.arrivals import CEILING_BPS
from streaming.rate.estimator import FLOOR_BPS
from streaming.room import SSRCS
from streaming.subscriber import Subscriber
from streaming.uptrack.keyframes import MIN_INTERVAL_S
from streaming.wire import rtcp
from tests.streaming.fanout.recorder import Screen
from tests.streaming.lesson import Lesson, in_slot
from tests.streaming.reports import report

STAGE = SSRCS[Slot.STAGE_VIDEO].ssrc
BODY = b"x" * 900
Act = Callable[[Lesson, Subscriber, Screen, int], list[rtcp.RtcpPacket]]


def told(base: int, span: int, numbers: list[int], arrivals: list[int]) -> rtcp.TransportFeedback:
    return rtcp.TransportFeedback(1, 2, report(base, span, numbers, arrivals))


def future(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    first = int(lesson.room.viewers.number[subscriber.row]) + 5
    numbers = [(first + step) & 0xFFFF for step in range(300)]
    return [told(first, 300, numbers, [turn * 1000] * 300)]


def backwards(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    numbers = [packet.number or 0 for packet in screen.packets[-5:]]
    return [told(numbers[0], len(numbers), numbers, [10**9 - turn * 10**6 - n for n in range(len(numbers))])]


def all_at_once(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    numbers = [packet.number or 0 for packet in screen.packets[-500:]]
    return [told(numbers[0], len(numbers), numbers, [turn * 33_000] * len(numbers))] * 20


def absurd_limits(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    return [rtcp.Remb(1, (0, 1 << 80, 1)[turn % 3], (STAGE,))]


def honest(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    lesson.hear(subscriber, screen)
    return []


def silent(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    return []


def all_lost(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    block = rtcp.ReportBlock(STAGE, 255, -1, 0, 0, 1, 0xFFFF_FFFF)
    return [told(0, 65_535, [], []), rtcp.ReceiverReport(1, (block,))]


def greedy(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    """Asks for everything once more."""
    return [rtcp.Nack(1, STAGE, [packet.header.sequence for packet in in_slot(screen, Slot.STAGE_VIDEO)[-60:]])]


def crying(lesson: Lesson, subscriber: Subscriber, screen: Screen, turn: int) -> list[rtcp.RtcpPacket]:
    return [rtcp.Pli(1, STAGE), rtcp.Fir(1, ((STAGE, turn & 0xFF),))]


ACTS: tuple[Act, ...] = (future, backwards, all_at_once, absurd_limits, silent, all_lost, greedy, crying)


class Class:
    """Two lessons; in the first an honest viewer beside a hostile one, in the second an honest one alone."""

    def __init__(self) -> None:
        self.lessons = [Lesson("first"), Lesson("second")]
        self.teachers: list[Publisher] = []
        self.honest: list[tuple[Subscriber, Screen]] = []
        for lesson in self.lessons:
            lesson.run(0.1)
            self.teachers.append(lesson.teacher())
            lesson.feed_teacher()
            self.honest.append(lesson.class_room("honest"))
        self.hostile, self.screen = self.lessons[0].class_room("hostile")
        self.turn = 0

    def run(self, frames: int, act: Act | None) -> None:
        for _ in range(frames):
            self.turn += 1
            for lesson, teacher, (subscriber, screen) in zip(self.lessons, self.teachers, self.honest, strict=True):
                lesson.speak(teacher)
                lesson.show(teacher, keyframe=self.turn % 30 == 1, body=BODY)
                if self.turn % 3 == 0:
                    lesson.hear(subscriber, screen)
            first = self.lessons[0]
            packets = act(first, self.hostile, self.screen, self.turn) if act and self.screen.packets else []
            first.room.receive_feedback(self.hostile, packets, first.now, first.sink)

    def estimate(self, index: int) -> float:
        return float(self.lessons[index].room.estimator.estimate_bps[self.honest[index][0].row])


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_who_misbehaves_hurts_nobody_else(act: Act) -> None:
    room = Class()
    room.run(120, act)
    first, second = (len(screen.packets) for _, screen in room.honest)
    assert first == pytest.approx(second, abs=3)  # as if the hostile one were not there
    assert room.estimate(0) == pytest.approx(room.estimate(1), rel=0.05)
    pictures = in_slot(room.honest[0][1], Slot.STAGE_VIDEO)
    assert len(pictures) > 110
    numbers = [packet.header.sequence for packet in pictures]
    assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_who_misbehaves_is_bounded(act: Act) -> None:
    room = Class()
    room.run(120, act)
    estimator, row = room.lessons[0].room.estimator, room.hostile.row
    assert FLOOR_BPS <= estimator.estimate_bps[row] <= CEILING_BPS
    assert np.isfinite([estimator.queue_s[row], estimator.acked_bps[row], estimator.loss[row]]).all()
    sent = room.lessons[0].room.viewers.bytes
    assert sent[row] <= 2 * sent[room.honest[0][0].row]
    voice = in_slot(room.screen, Slot.TEACHER_AUDIO)
    assert len(voice) >= 118  # whatever it says, it goes on hearing


def test_claims_of_numbers_never_sent_prove_nothing() -> None:
    room = Class()
    room.run(150, future)
    estimator, row = room.lessons[0].room.estimator, room.hostile.row
    assert estimator.acked_bps[row] == 0
    assert estimator.estimate_bps[row] == FLOOR_BPS or not estimator.proven_bps[row]


def test_keyframes_ten_times_a_second_are_not_made() -> None:
    room = Class()
    first = room.lessons[0]
    room.run(30, None)
    first.rtcp.clear()
    room.run(150, crying)  # five seconds
    asked = sum(peer_id == "teacher" for peer_id, packet in first.rtcp if isinstance(packet, rtcp.Pli))
    assert asked <= 5.1 / MIN_INTERVAL_S + 1
    assert room.hostile.errors["keyframe_too_often"] > 150


def test_who_falls_silent_gets_sound_only_and_comes_back() -> None:
    room = Class()
    first = room.lessons[0]
    room.run(60, honest)
    assert len(in_slot(room.screen, Slot.STAGE_VIDEO)) > 40
    room.run(150, silent)
    pictures = len(in_slot(room.screen, Slot.STAGE_VIDEO))
    voices = len(in_slot(room.screen, Slot.TEACHER_AUDIO))
    room.run(30, silent)
    assert len(in_slot(room.screen, Slot.STAGE_VIDEO)) == pictures
    assert len(in_slot(room.screen, Slot.TEACHER_AUDIO)) == voices + 30
    room.run(120, honest)
    assert len(in_slot(room.screen, Slot.STAGE_VIDEO)) > pictures + 30
    assert first.room.viewers.connected[room.hostile.row]
