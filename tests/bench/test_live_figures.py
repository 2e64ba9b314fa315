"""Figures of live runs, from recordings made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.link.model import LinkConditions, LinkCounters
from bench.live import figures
from bench.live.recording import (
    Estimated,
    Frame,
    LinkLook,
    LinkState,
    Phase,
    Picture,
    Received,
    Recording,
    Sound,
    played,
)
from bench.live.report import as_text, beside, read_simulated, result, summary
from tests.footage import CAMERA_FPS

START = 1_000.0
LINK = LinkConditions(rate_bps=100e3, delay_s=0.05)


def received(at: float, *, samples: int = 0, concealed: int = 0, useful: int = 0, frozen_s: float = 0.0) -> Received:
    sound = Sound(0, 0, samples, concealed, 0)
    return Received(START + at, sound, Picture(useful, 10, 0, 270, round(frozen_s * 2), frozen_s, 0.0, 0, 0), 0.1, 7)


def shown(*spans: tuple[float, float, int]) -> list[Frame]:
    """Ten pictures a second of some height from one second to another."""
    return [
        Frame(START + since + number / 10, height)
        for since, until, height in spans
        for number in range(round((until - since) * 10))
    ]


def test_estimate_is_reached_with_the_first_report_in_the_range() -> None:
    estimates = [
        Estimated(START + at, int(bps), 0, 0.0, 0, 0) for at, bps in ((1, 45e3), (3, 30e3), (5, 44e3), (7, 46e3))
    ]
    recording = Recording(estimates=estimates)
    assert figures.reached_s(recording, 40e3, 50e3, START) == 1
    assert figures.reached_s(recording, 40e3, 50e3, START + 2) == 3
    assert figures.reached_s(recording, 60e3, 70e3, START) is None
    assert figures.estimate_median_kbps(recording, START + 4, START + 9) == 45


def test_queue_is_counted_in_packets_and_in_time() -> None:
    recording = Recording(queued=[(START, number / 1000) for number in range(101)])
    assert figures.queue_p95_ms(recording) == 95
    recording.link = [LinkLook(START + at, 0.2 if 1 <= at < 3 else 0.05, 0, 0) for at in range(6)]
    assert figures.queue_over_s(recording, 0.1, START) == 2
    assert figures.queue_over_s(recording, 0.1, START + 2) == 1


def test_concealed_sound_as_a_whole_and_in_its_worst_second() -> None:
    looks = [(0, 0, 0), (1, 100, 0), (2, 200, 60), (3, 300, 60)]
    recording = Recording(received=[received(at, samples=samples, concealed=lost) for at, samples, lost in looks])
    assert figures.concealed(recording, START, START + 9) == 0.2
    assert figures.concealed_worst_second(recording, START, START + 9) == 0.6
    assert figures.longest_silence_s(recording, START, START + 9) == 0
    recording.received.append(received(4, samples=400, concealed=158))
    assert figures.longest_silence_s(recording, START, START + 9) == 1
    assert figures.concealed(recording, START + 50, START + 60) is None


def test_counters_of_a_new_connection_begin_from_nothing() -> None:
    looks = [(0, 100, 50), (1, 200, 60), (2, 50, 5)]
    recording = Recording(received=[received(at, samples=samples, concealed=lost) for at, samples, lost in looks])
    assert figures.concealed(recording, START, START + 9) == pytest.approx(15 / 150)


def test_freezes_and_a_picture_that_stays_away() -> None:
    looks = [received(0), received(1, frozen_s=0.5), received(2, frozen_s=0.5), received(3, frozen_s=2.0)]
    recording = Recording(received=looks, frames=shown((0, 5, 270)))
    assert figures.longest_freeze_s(recording, START, START + 5) == 1.5
    assert figures.freezes(recording, START, START + 5) == 4
    assert figures.longest_freeze_s(recording, START, START + 20) == pytest.approx(15.1)


def test_height_comes_back() -> None:
    recording = Recording(frames=shown((0, 1, 135), (1, 10, 540), (10, 20, 135), (20, 24, 270), (24, 30, 540)))
    assert figures.usual_height(recording.frames, START + 10) == 540
    assert figures.height_back_s(recording, START + 10, START + 20) == 4
    assert figures.first_frame_s(recording, START + 20) == 0
    assert figures.switch_downs(recording) == 1
    unharmed = Recording(frames=shown((0, 30, 270)))
    assert figures.height_back_s(unharmed, START + 10, START + 20) == 0
    gone = Recording(frames=shown((0, 10, 270)))
    assert figures.height_back_s(gone, START + 10, START + 20) is None


def test_useful_rate_counts_headers_and_the_worst_second_what_was_sent() -> None:
    recording = Recording(received=[received(0), received(1, useful=1_000), received(2, useful=2_000)])
    assert figures.useful_bps(recording, START, START + 9) == 1_000 * 8  # no more packets, no more headers
    recording.link = [LinkLook(START + at / 10, 0.0, 100 * max(0, min(at, 20) - 10), 0) for at in range(60)]
    assert figures.sent_bps_worst_second(recording, START, START + 6) == 8_000
    assert figures.sent_bps_worst_second(recording, START + 3, START + 6) == 0


def recorded(after: LinkCounters, down: LinkConditions) -> Recording:
    phase = Phase(10, down, LinkConditions())
    return Recording(
        received=[received(1)],
        played=[played(phase, START, START + 10, LinkState(LinkCounters(), 5), LinkState(after, 5))],
        captured_fps=CAMERA_FPS,
    )


def test_conditions_must_have_taken_effect() -> None:
    good = LinkCounters(pushed=1_000, delivered=900, delivered_bytes=100_000, dropped_loss=100)
    assert recorded(good, LinkConditions(rate_bps=100e3, loss=0.1)).problems() == []
    assert "packets lost" in recorded(good, LINK).problems()[0]
    assert "nothing was sent" in recorded(LinkCounters(), LINK).problems()[0]
    fast = LinkCounters(pushed=1_000, delivered=1_000, delivered_bytes=200_000)
    assert "passed a link" in recorded(fast, LINK).problems()[0]
    assert "round trip" in recorded(LinkCounters(pushed=1), LinkConditions(delay_s=0.2)).problems()[0]


def test_busy_machines_are_told() -> None:
    recording = recorded(LinkCounters(pushed=1), LINK)
    recording.captured_fps = CAMERA_FPS / 2
    for late_s in (0.0, 0.05):
        recording.late.add(late_s)
    assert ["machine too busy" in problem for problem in recording.problems()] == [True, True]
    assert recording.link_figures()["late"]["much_share"] == 0.5


def test_results_stand_beside_simulated_ones(tmp_path: Path) -> None:
    ours = result(5, "dip", {"a_s": 3.0, "b_s": None}, {"a_s": (0.0, 2.0), "c": (0.5, float("inf"))}, [])
    assert (ours["pass"], ours["target"]) == (False, "a_s ≤ 2, c ≥ 0.5")
    file = tmp_path / "simulated.json"
    file.write_text(json.dumps({"scenarios": [{"id": 5, "figures": {"a_s": 1.5, "b_s": 1.0}}]}), encoding="utf-8")
    both = beside(ours, read_simulated(file))
    assert both["gap"] == {"a_s": 1.5}
    assert "a_s: 3.0   (simulated: 1.5)" in as_text([both])
    assert beside({**ours, "id": 6}, read_simulated(file)).keys() == ours.keys()
    good = result(1, "", {"a": 1.0}, {"a": (0.0, 2.0)}, [])
    void = result(1, "", {"a": 1.0}, {"a": (0.0, 2.0)}, ["phase 1: nothing was sent"])
    assert summary([good, void]) == {"scenarios": [good, void], "passed": 1, "total": 2}
