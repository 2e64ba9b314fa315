"""A class whose link carries sound and no motion, in a room: what its teacher is asked for and what is told of it."""

from __future__ import annotations

from streaming.control import LinkReport, Slot
from streaming.publisher import Publisher
from streaming.room import SSRCS
from streaming.subscriber import Subscriber
from streaming.uptrack.encoding import KEYFRAMES
from streaming.uptrack.keyframes import STILL_INTERVAL_S
from streaming.wire import rtcp
from tests.streaming.fanout.recorder import Screen
from tests.streaming.lesson import VIDEO_SSRC, Lesson, in_slot, lesson_in_progress

FRAME_S = 1 / 30
PICTURE = bytes(1000)


class Poor:
    """The class's link carries `estimate_bps`; the teacher makes a keyframe whenever asked."""

    def __init__(self, estimate_bps: float) -> None:
        self.lesson: Lesson
        self.teacher: Publisher
        self.subscriber: Subscriber
        self.screen: Screen
        self.lesson, self.teacher, self.subscriber, self.screen = lesson_in_progress()
        self.estimate_bps = estimate_bps
        self.keyframes = 0

    def pass_time(self, seconds: float) -> None:
        lesson = self.lesson
        for _ in range(round(seconds / FRAME_S)):
            asked = bool(lesson.of(rtcp.Pli))
            self.keyframes += asked
            lesson.rtcp.clear()
            lesson.room.estimator.estimate_bps[self.subscriber.row] = self.estimate_bps
            lesson.speak(self.teacher, bytes(30))
            lesson.show(self.teacher, keyframe=asked, body=PICTURE)
            lesson.hear(self.subscriber, self.screen)

    @property
    def temporal(self) -> int:
        fanout = self.lesson.room.fanouts[Slot.STAGE_VIDEO]
        return int(fanout.downtracks.temporal[self.subscriber.row])

    def pictures(self) -> int:
        return len(in_slot(self.screen, Slot.STAGE_VIDEO))

    def cry(self) -> None:
        """As a browser does that has not seen a picture for three seconds."""
        ssrc = SSRCS[Slot.STAGE_VIDEO].ssrc
        self.lesson.room.receive_feedback(self.subscriber, [rtcp.Pli(1, ssrc)], self.lesson.now, self.lesson.sink)


def test_a_picture_comes_every_few_seconds_and_motion_again_when_there_is_room() -> None:
    poor = Poor(60_000.0)
    poor.pass_time(3.0)
    assert poor.temporal == KEYFRAMES
    asked, came = poor.keyframes, poor.pictures()
    poor.pass_time(4 * STILL_INTERVAL_S)
    assert 3 <= poor.keyframes - asked <= 5
    assert poor.pictures() - came == poor.keyframes - asked
    poor.estimate_bps = 3e6
    poor.pass_time(3.0)
    assert poor.temporal > KEYFRAMES
    asked = poor.keyframes
    poor.pass_time(3 * STILL_INTERVAL_S)
    assert poor.keyframes == asked, "nobody needs them any more"


def test_who_gets_still_pictures_need_not_ask_for_them() -> None:
    poor = Poor(60_000.0)
    poor.pass_time(3.0)
    asked = poor.keyframes
    for _ in range(20):
        poor.cry()
        poor.pass_time(1.0)
    assert poor.keyframes - asked <= 20 / STILL_INTERVAL_S + 1


def test_a_camera_that_has_ceased_is_not_asked() -> None:
    poor = Poor(60_000.0)
    poor.pass_time(3.0)
    poor.lesson.rtcp.clear()
    poor.lesson.run(3 * STILL_INTERVAL_S)
    asked = [packet for packet in poor.lesson.of(rtcp.Pli) if isinstance(packet, rtcp.Pli)]
    assert [packet for packet in asked if packet.media_ssrc == VIDEO_SSRC] == []


def test_the_link_report_says_so() -> None:
    poor = Poor(60_000.0)
    poor.pass_time(2.5 * STILL_INTERVAL_S)
    reports = [event for event in poor.lesson.events if isinstance(event, LinkReport) and event.role == "subscriber"]
    (picture,) = [slot for slot in reports[-1].slots if slot.slot is Slot.STAGE_VIDEO]
    assert (picture.encoding, picture.temporal) == (0, KEYFRAMES)
    assert 0 < picture.bitrate_bps < 8 * 1200
