"""Play-out of sound: what is concealed and what is only delayed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bench.abr import opus
from bench.abr.sound import CLOCK, SoundReceiver


def play(
    seconds: float, delay: Callable[[float], float | None], packet_s: float = opus.SHORT_S, start: float = 0.0
) -> SoundReceiver:
    """Packets that were sent in time, each `delay` late or (None) lost; those that overtake are put in order."""
    sound = SoundReceiver()
    arrivals = []
    for number in range(round(seconds / packet_s)):
        sent = start + number * packet_s
        late = delay(sent)
        if late is not None:
            arrivals.append((sent + late, round(sent * CLOCK)))
    for at, rtp_time in sorted(arrivals):
        sound.receive(rtp_time, packet_s, at)
    sound.advance(start + seconds)
    return sound


@pytest.mark.parametrize("packet_s", [opus.SHORT_S, opus.LONG_S])
def test_a_steady_stream_is_played_whole(packet_s: float) -> None:
    sound = play(20, lambda sent: 0.1, packet_s)
    assert sound.concealed_share < 0.005
    assert sound.played_s == pytest.approx(19.8, abs=0.25)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_what_is_lost_is_concealed(share: float) -> None:
    source = random.Random(1)
    sound = play(60, lambda sent: None if source.random() < share else 0.05)
    assert sound.concealed_share == pytest.approx(share, rel=0.4)


def test_jitter_is_learnt_and_then_does_no_harm() -> None:
    source = random.Random(1)
    sound = play(60, lambda sent: 0.05 + source.random() * 0.08)
    assert sound.concealed_between(10, 60) < 0.01
    assert 0.06 <= sound.delay.target_s <= 0.12


def test_a_sudden_delay_is_concealed_once_and_played_later() -> None:
    sound = play(20, lambda sent: 0.05 if sent < 10 else 0.45)
    assert 0.2 <= sound.concealed_s <= 0.45
    assert sound.late == 0


def test_after_a_gap_play_goes_on_with_what_comes() -> None:
    sound = play(30, lambda sent: None if 10 <= sent < 20 else 0.05)
    assert 9.5 <= sound.concealed_between(9, 21.5) * 12.5 <= 10.5
    assert sound.concealed_between(21.5, 30) == 0
    assert sound.longest_concealed_s == pytest.approx(10, abs=0.5)


def test_packets_may_become_longer() -> None:
    sound = SoundReceiver()
    for number in range(50):
        sound.receive(number * 960, opus.SHORT_S, number * 0.02)
    for number in range(20):
        sound.receive(50 * 960 + number * 2880, opus.LONG_S, 1.0 + number * 0.06)
    sound.advance(2.1)
    assert sound.concealed_s <= 0.1
    assert opus.duration_s(opus.head(opus.LONG_S)[0]) == opus.LONG_S
