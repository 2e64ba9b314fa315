"""Sound as it came and in its other form: redundant for who loses packets, plain for who does not."""

from __future__ import annotations

import numpy as np
import pytest

from streaming.fanout.fanout import FanOut
from streaming.fanout.profiles import WireProfile
from streaming.fanout.viewers import Viewers
from streaming.uptrack.uptrack import UpTrack
from streaming.wire import red
from tests.streaming.fanout.recorder import NUMBER_ID, Recorder, Screen
from tests.streaming.packets import give, padding, rtp

BOTH = WireProfile((("opus", "", 111, -1), ("red", "", 63, -1)), NUMBER_ID)
OTHER_TYPES = WireProfile((("opus", "", 109, -1), ("red", "", 64, -1)))
OPUS_ONLY = WireProfile((("opus", "", 111, -1),), NUMBER_ID)
RED_ONLY = WireProfile((("red", "", 63, -1),))
FRAME = 960


class Talk:
    """A microphone and its viewers."""

    def __init__(self, codec: str, *profiles: WireProfile) -> None:
        self.viewers = Viewers()
        self.fanout = FanOut("teacher_audio", True, 7, 0, self.viewers)
        self.track = UpTrack("microphone", codec)
        self.fanout.set_source(self.track)
        self.sink = Recorder()
        self.screens = []
        for profile in profiles:
            row = self.viewers.add()
            self.fanout.add(row, profile, 0)
            self.fanout.set_resumed(row, True)
            screen = Screen(bytes([row]) * 28)
            self.viewers.connect(row, screen, screen.address, None)
            self.screens.append(screen)
        encoding = self.track.encoding_for("", 1)
        assert encoding is not None
        self.encoding = encoding

    def repeat(self, *rows: int) -> None:
        wanted = np.zeros(self.fanout.downtracks.rows, np.bool_)
        wanted[list(rows)] = True
        self.fanout.set_redundant(wanted)

    def give(self, packet: bytearray) -> None:
        give(self.track, self.encoding, packet, 100.0)
        self.fanout.forward(self.track.fresh, 100.0, self.sink)
        self.track.fresh.clear()

    def say(self, number: int, words: bytes, rtp_time: int = -1) -> None:
        self.give(rtp(words, number, FRAME * number if rtp_time < 0 else rtp_time))

    def heard(self, row: int) -> list[tuple[int, int, bytes]]:
        """(sequence number, payload type, payload)"""
        packets = self.screens[row].packets
        return [(packet.header.sequence, packet.header.payload_type, packet.payload) for packet in packets]


def both(payload_type: int, before: bytes, newest: bytes) -> bytes:
    return red.pack(payload_type, before, FRAME, newest)


def test_who_loses_packets_gets_the_frame_before_with_each_and_the_others_nothing_else() -> None:
    talk = Talk("opus", BOTH, BOTH, OTHER_TYPES)
    talk.say(1, b"one")
    talk.repeat(1, 2)
    talk.say(2, b"two")
    talk.say(3, b"three")
    talk.repeat()
    talk.say(4, b"four")
    plain = [b"one", b"two", b"three", b"four"]
    assert talk.heard(0) == [(number, 111, words) for number, words in enumerate(plain)]
    for row, opus, redundant in ((1, 111, 63), (2, 109, 64)):
        repeated = [both(opus, b"one", b"two"), both(opus, b"two", b"three")]
        types = [opus, redundant, redundant, opus]
        assert talk.heard(row) == list(zip(range(4), types, [b"one", *repeated, b"four"], strict=True))


def test_where_the_frame_before_is_not_there_the_newest_comes_alone() -> None:
    talk = Talk("opus", BOTH)
    talk.repeat(0)
    talk.say(1, b"one")
    talk.say(3, b"three")  # the second is lost
    talk.say(4, b"four", FRAME * 4 + red.AGE_MAX)  # after a long pause
    talk.give(padding(5, FRAME * 5))
    talk.say(6, b"six")
    alone = [red.pack(111, b"", 0, words) for words in (b"one", b"three", b"four", b"six")]
    assert [payload for _, _, payload in talk.heard(0)] == alone


def test_a_frame_too_large_to_be_repeated_is_not() -> None:
    talk = Talk("opus", BOTH)
    talk.repeat(0)
    talk.say(1, bytes(red.LENGTH_MAX + 1))
    talk.say(2, b"two")
    assert talk.heard(0)[-1] == (1, 63, red.pack(111, b"", 0, b"two"))


def test_a_late_packet_goes_out_under_its_own_number() -> None:
    talk = Talk("opus", BOTH)
    talk.repeat(0)
    for number, words in ((1, b"one"), (3, b"three"), (2, b"two"), (4, b"four")):
        talk.say(number, words)
    assert [number for number, _, _ in talk.heard(0)] == [0, 2, 1, 3]
    assert talk.heard(0)[2][2] == both(111, b"one", b"two")
    assert talk.heard(0)[3][2] == both(111, b"three", b"four")


@pytest.mark.parametrize(
    ("profile", "repeated", "expected"),
    [
        (BOTH, False, (111, b"two")),
        (BOTH, True, (63, both(111, b"one", b"two"))),
        (OPUS_ONLY, True, (111, b"two")),
        (RED_ONLY, False, (63, both(111, b"one", b"two"))),
    ],
)
def test_of_a_publisher_that_repeats_itself_everybody_gets_the_form_they_need(
    profile: WireProfile, repeated: bool, expected: tuple[int, bytes]
) -> None:
    talk = Talk("red", profile)
    if repeated:
        talk.repeat(0)
    talk.say(1, both(111, b"one", b"two"))
    assert talk.heard(0) == [(0, *expected)]


def test_who_has_not_negotiated_it_gets_plain_sound() -> None:
    talk = Talk("opus", OPUS_ONLY)
    talk.repeat(0)
    talk.say(1, b"one")
    talk.say(2, b"two")
    assert talk.heard(0) == [(0, 111, b"one"), (1, 111, b"two")]
    assert talk.fanout.downtracks.takes("red").tolist()[:1] == [False]
