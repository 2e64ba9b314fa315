"""The parts together: a room's rows before a real camera, with real packets out and feedback back in."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest

from streaming.fanout.viewers import HISTORY
from streaming.rate import pacer
from streaming.rate.allocator import Allocation
from streaming.rate.estimator import START_BPS
from streaming.rate.rate_control import ALLOCATE_INTERVAL_S, ALLOCATE_RESTING_S, RateControl
from tests.streaming.fanout.stage import RTX_SSRC, SSRC, Camera, Stage, stamp_of
from tests.streaming.reports import report

SIZES: Final = (300, 1000, 2500)
"""Bytes of a frame in each encoding: about 90, 260 and 640 kbit/s on the wire."""
HEIGHTS: Final = (180, 360, 720)


class Room:
    """Viewers behind links that carry anything, 20 ms away."""

    def __init__(self, viewers: int = 1) -> None:
        self.stage = Stage(Camera(3))
        self.control = RateControl(self.stage.viewers, [self.stage.fanout])
        self.stage.now = 1000.0
        self.rows: list[int] = []
        self.reported: dict[int, int] = {}
        for _ in range(viewers):
            self.join()
        self.ticks = 0
        self.late_s: dict[int, float] = {}
        """What the queue in front of a row adds to its delay."""

    def join(self) -> int:
        row = self.stage.join(connected=False)
        self.control.add(row, "", START_BPS)
        self.stage.connect(row)
        self.stage.viewers.credit[row] = self.stage.viewers.repair_credit[row] = 0
        self.control.connected(row, self.stage.now)
        self.rows.append(row)
        self.reported[row] = 0
        return row

    def run(self, seconds: float) -> None:
        """Ticks of 5 ms; frames at 30 Hz, with a keyframe when one is wanted; reports every 50 ms."""
        stage = self.stage
        for _ in range(round(seconds / pacer.TICK_S)):
            self.ticks += 1
            stage.now += pacer.TICK_S
            self.control.tick(stage.now, stage.sink)
            if self.ticks % 7 == 0:
                self.show()
            if self.ticks % 10 == 0:
                for row in self.rows:
                    self.report(row)

    def show(self) -> None:
        stage, camera = self.stage, self.stage.camera
        keyframe = bool(stage.fanout.keyframes_wanted()) or camera.frame == 0
        for encoding, size in enumerate(SIZES):
            camera.encodings[encoding].height = HEIGHTS[encoding]
            count = -(-size // 1000)
            for index in range(count):
                packet = camera.packet(encoding, index, count, keyframe=keyframe, size=size // count)
                camera.give(encoding, packet, stage.now)
            camera.encodings[encoding].height = HEIGHTS[encoding]  # the synthetic header says 180
        camera.frame += 1
        now = stage.now
        stage.forward()
        stage.now = now

    def report(self, row: int) -> None:
        packets = self.stage.screen(row).packets[self.reported[row] :]
        if not packets:
            return
        self.reported[row] += len(packets)
        numbers = [packet.number or 0 for packet in packets]
        span = (numbers[-1] - numbers[0] & 0xFFFF) + 1
        sends = self.stage.viewers.history[row, np.array(numbers) & (HISTORY - 1)]
        delay_s = 0.02 + self.late_s.get(row, 0.0)
        arrivals = [int((at + delay_s) * 1e6) for at in self.stage.viewers.send_time[sends].tolist()]
        self.control.feedback.add(row, report(numbers[0], span, numbers, arrivals))

    def seen(self, row: int) -> list[int]:
        """Encodings of the pictures that a viewer got."""
        return [stamp_of(each.payload)[0] for each in self.stage.screen(row).packets if each.header.ssrc == SSRC]


def test_layers_are_chosen_less_often_where_all_have_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    room.run(15.0)
    asked: list[float] = []
    allocate = room.control._allocator.allocate

    def count(*arguments: Any) -> Allocation:
        asked.append(room.stage.now)
        return allocate(*arguments)

    monkeypatch.setattr(room.control._allocator, "allocate", count)
    room.run(4.0)
    assert len(asked) <= 4.0 / ALLOCATE_RESTING_S + 1
    room.join()
    asked.clear()
    room.run(2.0)
    assert len(asked) >= 2.0 / ALLOCATE_INTERVAL_S - 2


def test_a_viewer_with_room_climbs_by_probes_to_the_best() -> None:
    room = Room()
    room.run(10.0)
    row = room.rows[0]
    seen = room.seen(row)
    assert seen[0] == 0  # the smallest comes first
    assert seen[-1] == 2
    assert room.control.prober.succeeded > 0
    repeated = [packet for packet in room.stage.screen(row).packets if packet.header.ssrc == RTX_SSRC]
    assert repeated
    assert room.stage.fanout.desired == {2}
    before = len(repeated)
    room.run(3.0)
    repeated = [packet for packet in room.stage.screen(row).packets if packet.header.ssrc == RTX_SSRC]
    assert len(repeated) == before  # there is nothing more to prove
    assert not room.control.prober.running


def test_time_between_ticks_is_short_only_while_needed() -> None:
    room = Room()
    room.run(12.0)
    busy = [room.control.busy]
    room.stage.viewers.credit[room.rows[0]] = -10_000
    room.run(pacer.IDLE_PACE_S)
    room.show()
    busy.append(room.control.busy)
    room.run(2.0)
    busy.append(room.control.busy)
    assert busy == [False, True, False]
    assert not room.stage.fanout.queued().any()


def test_a_newcomers_first_picture_need_not_earn_its_credit() -> None:
    room = Room()
    room.run(12.0)
    row = room.join()
    room.run(0.06)
    assert room.stage.viewers.credit[row] > 0
    room.run(0.2)
    assert room.seen(row)[0] == 0


def test_a_crisis_of_one_row_is_its_own() -> None:
    room = Room(2)
    room.run(10.0)
    first, second = room.rows
    room.late_s[first] = 0.6
    room.run(0.3)
    assert room.control.estimator.crisis[[first, second]].tolist() == [True, False]
    tracks = room.stage.fanout.downtracks
    assert int(tracks.target_encoding[first]) == 0
    assert int(tracks.encoding[first]) != 2
    assert int(tracks.encoding[second]) == 2


@pytest.mark.parametrize("count", [3, 40])
def test_rows_that_come_and_go_leave_nothing_behind(count: int) -> None:
    room = Room(count)
    room.run(1.0)
    row = room.rows.pop(0)
    room.control.estimator.estimate_bps[row] = 25_000
    room.stage.fanout.remove(row)
    room.stage.viewers.remove(row)
    room.control.remove(row)
    assert room.join() == row
    assert room.control.estimator.estimate_bps[row] == START_BPS
    room.run(1.0)
    assert room.seen(row)
