"""Pictures as a browser receives them: what is shown, what freezes, what is asked for."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import pytest

from bench.abr import payload
from bench.abr.clock import Clock
from bench.abr.encoder import PATTERN, REFERENCES
from bench.abr.picture import KEYFRAME_WAIT_S, NACK_TRIES, STALL_WAIT_S, PictureReceiver

FRAME_S = 1 / 30
PACKETS = 2


class Show:
    """A stream of two-packet frames into a receiver; `lost(frame, packet)` says what does not come."""

    def __init__(self, first_sequence: int = 65_500) -> None:
        self.clock = Clock(100.0)
        self.nacks: list[tuple[float, list[int]]] = []
        self.plis: list[float] = []
        self.receiver = PictureReceiver(self.clock, self._nack, lambda: self.plis.append(self.clock.now - 100))
        self._first_sequence = first_sequence
        self.clock.every(0.02, self.receiver.ask)
        self.clock.every(KEYFRAME_WAIT_S, self.receiver.check)

    def _nack(self, sequences: list[int]) -> None:
        self.nacks.append((self.clock.now - 100, sequences))

    def sequence(self, frame: int, packet: int) -> int:
        return (self._first_sequence + frame * PACKETS + packet) & 0xFFFF

    def packet(self, frame: int, packet: int, keyframe: bool) -> None:
        place = frame % len(PATTERN)
        temporal, back = (0, 0) if keyframe else (PATTERN[place], REFERENCES[place])
        data = payload.packetise(frame, temporal, back, 2000, 640, 360)[packet]
        rtp_time = (0xFFFF_0000 + frame * 3000) & 0xFFFF_FFFF
        self.receiver.receive(self.sequence(frame, packet), rtp_time, payload.read(data, 0), len(data))

    def film(self, frames: int, lost: Callable[[int, int], bool], keyframes: tuple[int, ...] = (0,)) -> None:
        for frame in range(frames):
            for packet in range(PACKETS):
                if not lost(frame, packet):
                    at = 100 + frame * FRAME_S
                    self.clock.at(at, partial(self.packet, frame, packet, frame in keyframes))
        self.clock.run(100 + frames * FRAME_S)
        self.receiver.finish()


def test_a_whole_stream_is_shown_at_its_rate() -> None:
    show = Show()
    show.film(90, lambda frame, packet: False)
    assert len(show.receiver.shown) >= 88
    assert show.receiver.freezes == []
    assert show.receiver.height == 360
    assert show.nacks == []
    assert show.plis == []


def test_a_lost_frame_of_the_top_layer_is_skipped() -> None:
    show = Show()
    show.film(90, lambda frame, packet: frame == 41)
    assert len(show.receiver.shown) >= 87
    assert show.receiver.freezes == []
    assert show.nacks[0][1] == [show.sequence(41, 0), show.sequence(41, 1)]


def test_a_lost_base_frame_is_asked_for_again_and_again_and_freezes() -> None:
    show = Show()
    show.film(90, lambda frame, packet: (frame, packet) == (40, 0))
    asked = [at for at, sequences in show.nacks if show.sequence(40, 0) in sequences]
    assert len(asked) == NACK_TRIES
    steps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert all(0.1 <= step <= 0.121 for step in steps)
    assert show.receiver.nacks.given_up == 1
    ((began, length),) = show.receiver.freezes
    assert began == pytest.approx(100 + 39 * FRAME_S, abs=0.05)
    assert length == pytest.approx(50 * FRAME_S, abs=0.1)


def test_a_repair_in_time_lets_the_picture_go_on() -> None:
    show = Show()
    show.clock.at(100 + 40 * FRAME_S + 0.15, lambda: show.packet(40, 0, False))
    show.film(90, lambda frame, packet: (frame, packet) == (40, 0))
    assert show.receiver.freezes == []
    assert len(show.receiver.shown) >= 80


def test_a_stall_ends_with_a_keyframe_and_is_reported_after_three_seconds() -> None:
    show = Show()
    show.film(200, lambda frame, packet: frame == 40, keyframes=(0, 160))
    assert show.plis[0] == pytest.approx(39 * FRAME_S + STALL_WAIT_S, abs=0.25)
    assert len(show.receiver.freezes) == 1
    assert show.receiver.shown[-1].at > 100 + 195 * FRAME_S


def test_before_the_first_keyframe_it_asks_every_200_ms() -> None:
    show = Show()
    show.film(45, lambda frame, packet: False, keyframes=(31,))
    assert show.plis == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0], abs=0.01)
    assert show.receiver.shown[0].at == pytest.approx(100 + 31 * FRAME_S, abs=0.05)


def test_who_gets_nothing_asks_for_nothing() -> None:
    show = Show()
    show.film(300, lambda frame, packet: frame > 30)
    assert show.plis[-1] < 30 * FRAME_S + 6


def test_slower_pictures_are_no_freeze() -> None:
    """From 30 to 7.5 frames a second: the gap is 133 ms."""
    show = Show()
    show.film(180, lambda frame, packet: frame > 60 and frame % 4 != 0)
    assert show.receiver.freezes == []


def test_duplicates_count_once() -> None:
    show = Show()
    show.clock.at(100.5, lambda: show.packet(3, 0, False))
    show.film(30, lambda frame, packet: False)
    assert len(show.receiver.shown) >= 28
