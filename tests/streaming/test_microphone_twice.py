"""A microphone that is sent twice: in full and in a saving way, and viewers who go from one to the other."""

from __future__ import annotations

import itertools

import pytest

from streaming.control import EncodingsWanted, Slot, Source
from streaming.wire.sequence import diff32
from tests.streaming.fanout.recorder import Received
from tests.streaming.lesson import LOW_SSRC, SOUND_SSRC, Lesson, in_slot, published
from tests.streaming.packets import rtp

FULL_S, LOW_S = 0.02, 0.06
CLOCK = 48_000


class Talk(Lesson):
    """A teacher whose page offers both ways, and a class. Each way has its own numbers and timestamps."""

    def __init__(self) -> None:
        super().__init__()
        self.run(0.1)
        sections = [published(Source.MICROPHONE), published(Source.MICROPHONE_LOW)]
        self.publisher = self.room.add_publisher("teacher", sections)
        self.room.feed(Slot.TEACHER_AUDIO, "teacher", Source.MICROPHONE)
        self.subscriber, self.screen = self.class_room("class", Slot.TEACHER_AUDIO)
        self.saving = False
        self.sent = 0

    def talk(self, seconds: float) -> None:
        """As a page does: in full always, in the saving way while that is wanted."""
        for _ in range(round(seconds / FULL_S)):
            self.sent += 1
            number = 65_500 + self.sent
            self.send(self.publisher, rtp(b"full" + bytes(90), number, 960 * self.sent, ssrc=SOUND_SSRC, pt=111))
            if self.saving and self.sent % round(LOW_S / FULL_S) == 0:
                self.send(
                    self.publisher, rtp(b"low", self.sent // 3, 7_000_000 + 960 * self.sent, ssrc=LOW_SSRC, pt=111)
                )
            self.run(FULL_S)
            self.hear(self.subscriber, self.screen)
            wanted = [event for event in self.events if isinstance(event, EncodingsWanted)]
            if wanted:
                self.saving = wanted[-1].encodings[0].active

    def budget(self, estimate_bps: float, seconds: float) -> None:
        """Talk while the viewer's link is as the estimate says."""
        for _ in range(round(seconds / 0.1)):
            self.room.estimator.estimate_bps[self.subscriber.row] = estimate_bps
            self.talk(0.1)

    def heard(self) -> list[Received]:
        return in_slot(self.screen, Slot.TEACHER_AUDIO)

    def ways(self) -> list[str]:
        """What was heard, in runs."""
        return [way for way, _ in itertools.groupby(packet.payload[:4].decode() for packet in self.heard())]


def test_both_ways_are_encodings_of_one_track() -> None:
    talk = Talk()
    talk.talk(0.2)
    assert list(talk.publisher.tracks) == [Source.MICROPHONE]
    low, full = talk.publisher.tracks[Source.MICROPHONE].encodings
    assert (low.resting, full.resting) == (True, False)
    assert (low.packets, full.packets) == (0, 10)
    assert talk.ways() == ["full"]


@pytest.mark.parametrize("first", [Source.MICROPHONE, Source.MICROPHONE_LOW])
def test_whichever_comes_first_the_index_means_the_same(first: Source) -> None:
    talk = Talk()
    ssrcs = {Source.MICROPHONE: SOUND_SSRC, Source.MICROPHONE_LOW: LOW_SSRC}
    others = [ssrc for source, ssrc in ssrcs.items() if source is not first]
    for ssrc in (ssrcs[first], *others):
        talk.send(talk.publisher, rtp(b"word", 1, 0, ssrc=ssrc, pt=111))
    assert [each.ssrc for each in talk.publisher.tracks[Source.MICROPHONE].encodings] == [LOW_SSRC, SOUND_SSRC]


def test_a_full_microphone_alone_is_one_encoding() -> None:
    lesson = Lesson()
    teacher = lesson.teacher()
    lesson.speak(teacher)
    (encoding,) = teacher.tracks[Source.MICROPHONE].encodings
    assert not encoding.resting


def test_who_has_no_room_gets_the_saving_way_and_later_the_full_one_again() -> None:
    talk = Talk()
    talk.budget(500_000, 1.0)
    talk.budget(40_000, 2.0)
    talk.budget(500_000, 2.0)
    assert talk.ways() == ["full", "low", "full"]


def test_numbers_and_time_go_on_through_the_changes() -> None:
    talk = Talk()
    for estimate in (500_000, 40_000, 500_000, 40_000, 500_000):
        talk.budget(estimate, 1.5)
    assert talk.ways() == ["full", "low", "full", "low", "full"]
    pairs = list(itertools.pairwise(talk.heard()))
    assert {(after.header.sequence - before.header.sequence) & 0xFFFF for before, after in pairs} == {1}
    steps = [diff32(after.header.timestamp, before.header.timestamp) / CLOCK for before, after in pairs]
    assert min(steps) >= 0  # the two ways overlap
    assert max(steps) <= LOW_S + FULL_S + 0.01


def test_the_saving_way_rests_again_when_nobody_needs_it() -> None:
    talk = Talk()
    talk.budget(40_000, 1.5)
    talk.budget(500_000, 12.0)
    told = [event for event in talk.events if isinstance(event, EncodingsWanted)]
    assert [(event.source, event.encodings[0].active) for event in told] == [
        (Source.MICROPHONE, True),
        (Source.MICROPHONE, False),
    ]
    assert all(event.encodings[1].active for event in told)


def test_a_muted_microphone_is_muted_in_both_ways() -> None:
    talk = Talk()
    talk.budget(40_000, 1.0)
    talk.room.mute("teacher", Source.MICROPHONE, True)
    before = len(talk.heard())
    talk.budget(40_000, 0.5)
    talk.budget(500_000, 0.5)
    assert len(talk.heard()) == before
