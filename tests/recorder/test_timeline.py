"""Sound and picture of one publisher stay together over hours, whatever its clock and the network do."""

from __future__ import annotations

import random

import pytest

from recorder.timeline import LeastDifference, RecordedClock, TrackClock
from streaming.tap_records import RecordingState, StateRecord

HOURS_S = 4 * 3600


def drifting(ppm: float, seed: int) -> list[tuple[float, float, float]]:
    """(second, picture, sound): where both place the same instant, every 6 s."""
    source = random.Random(seed)
    publisher, picture, sound = LeastDifference(), TrackClock(90_000), TrackClock(48_000)
    rates = {id(picture): 90_000 * (1 + ppm * 1e-6), id(sound): 48_000 * (1 - ppm * 1e-6)}
    bases = {id(picture): 2**32 - 5_000_000, id(sound): 77}
    placed = []
    for second in range(HOURS_S):
        for clock, every in ((picture, 1), (sound, 5)):
            rtp_time = round(bases[id(clock)] + second * rates[id(clock)]) & 0xFFFF_FFFF
            clock.ticks(rtp_time, second + 0.03 + source.expovariate(50), -1, 0)
            if second % every == 0:
                ntp = round((3.9e9 + second * (1 + ppm * 1e-6)) * 2**32)
                clock.report(ntp, rtp_time, second + 0.02 + source.expovariate(20), 0, publisher)
        if second % 6 == 5:
            instants = [
                clock.at(2**32 + round(bases[id(clock)] + (second - 4) * rates[id(clock)]), publisher)
                for clock in (picture, sound)
            ]
            placed.append((second - 4.0, instants[0], instants[1]))
    return placed


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 300.0])
def test_four_hours_of_drift(ppm: float) -> None:
    placed = drifting(ppm, seed=11)
    apart = sorted(abs(picture - sound) for _, picture, sound in placed)
    assert apart[len(apart) * 95 // 100] <= 0.04
    assert apart[-1] <= 0.08
    assert all(abs(picture - second) < 0.15 for second, picture, _ in placed)


def state(name: RecordingState, t: float, wall: float, epoch: str = "a") -> StateRecord:
    return StateRecord(recording_id="r", lesson_id="l", epoch=epoch, state=name, t=t, wall=wall)


def test_recorded_time_stands_still_in_a_pause() -> None:
    clock = RecordedClock()
    clock.change(state(RecordingState.RUNNING, 100, 1000), 0)
    clock.change(state(RecordingState.PAUSED, 110, 1010), 110)
    assert clock.at(150) == 10
    clock.change(state(RecordingState.RUNNING, 160, 1060), 160)
    assert (clock.at(159), clock.at(165), clock.wall_at(15)) == (10, 15, 1065)


@pytest.mark.parametrize(("wall", "recorded"), [(1030, 30), (1010, 25), (1025, 25), (90_000, 25 + 3600)])
def test_another_epoch_goes_on_by_the_wall_clock_and_never_back(wall: float, recorded: float) -> None:
    clock = RecordedClock()
    clock.change(state(RecordingState.RUNNING, 100, 1000), 0)
    clock.change(state(RecordingState.RUNNING, 3, wall, "b"), 125)
    assert clock.at(3) == recorded
    assert clock.wall_at(clock.at(3)) >= 1025
