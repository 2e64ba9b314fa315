"""The table: what the link does, what is measured, what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.link.model import LinkConditions
from bench.live import figures
from bench.live.recording import Phase, Recording

Figures = Mapping[str, Any]
Within = tuple[float, float]

MIDDLE_HEIGHT = 270
"""Of the camera's second encoding: coming back to the lowest would prove nothing."""
LEARNING_S = 10.0
"""How long a viewer may take to find its link before what it makes of it is counted."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`cases` are played one after the other, each in a lesson of its own; their keys end the names of their figures.

    `measure` finds the figures; each that `wanted` names has to lie between two bounds, both included.
    """

    id: int
    title: str
    cases: Mapping[str, tuple[Phase, ...]]
    measure: Callable[[Recording], Figures]
    wanted: Mapping[str, Within]


def at_most(bound: float) -> Within:
    return 0.0, bound


def at_least(bound: float) -> Within:
    return bound, float("inf")


def link(length_s: float, rate_bps: float, delay_s: float, **more: Any) -> Phase:
    """The way up is as long and not limited."""
    return Phase(length_s, LinkConditions(rate_bps=rate_bps, delay_s=delay_s, **more), LinkConditions(delay_s=delay_s))


def outage(length_s: float, delay_s: float) -> Phase:
    lost = LinkConditions(delay_s=delay_s, loss=1.0)
    return Phase(length_s, replace(lost, rate_bps=1e6), lost)


def _find_capacity(recording: Recording) -> Figures:
    end = recording.played[-1].until
    return {
        "reached_s": figures.reached_s(recording, 425_000, 500_000, recording.connected),
        "queue_p95_ms": figures.queue_p95_ms(recording),
        "estimate_median_kbps": figures.estimate_median_kbps(recording, recording.connected + LEARNING_S, end),
        "concealed": figures.concealed(recording, recording.connected, end),
    }


def _fall_deep(recording: Recording) -> Figures:
    low = recording.played[1]
    return {
        "reached_s": figures.reached_s(recording, 70_000, 100_000, low.since),
        "concealed": figures.concealed(recording, low.since, low.until),
        "queue_over_100ms_s": figures.queue_over_s(recording, 0.1, low.since),
    }


def _dip(recording: Recording) -> Figures:
    _, low, back = recording.played
    return {
        "layer_back_s": figures.height_back_s(recording, low.since, back.since),
        "queue_over_100ms_s": figures.queue_over_s(recording, 0.1, low.since),
        "longest_freeze_s": figures.longest_freeze_s(recording, low.since, back.until),
        "height_before": figures.usual_height(recording.frames, low.since),
        "concealed": figures.concealed(recording, low.since, back.until),
    }


def _deep_dip(recording: Recording) -> Figures:
    _, low, back = recording.played
    return {
        "longest_silence_s": figures.longest_silence_s(recording, low.since, back.until),
        "concealed_worst_s": figures.concealed_worst_second(recording, low.since, back.until),
        "video_back_s": figures.first_frame_s(recording, back.since),
        "layer_back_s": figures.height_back_s(recording, low.since, back.since),
        "height_before": figures.usual_height(recording.frames, low.since),
        "concealed": figures.concealed(recording, low.since, back.until),
    }


def _lossy(recording: Recording) -> Figures:
    since, until = recording.connected + LEARNING_S, recording.played[-1].until
    rate_bps = recording.played[-1].phase.down.rate_bps
    return {
        "utilisation": round(figures.useful_bps(recording, since, until) / rate_bps, 3),
        "switch_downs": figures.switch_downs(recording),
        "concealed": figures.concealed(recording, since, until),
        "freezes": figures.freezes(recording, since, until),
    }


def _outage(recording: Recording) -> Figures:
    _, dark, back = recording.played
    return {
        "sent_bps_after_2s": figures.sent_bps_worst_second(recording, dark.since + 2.0, dark.until),
        "first_frame_s": figures.first_frame_s(recording, back.since),
    }


SCENARIOS = (
    Scenario(
        1,
        "500 kbit/s, 100 ms each way",
        {"": (link(30, 500e3, 0.1),)},
        _find_capacity,
        {"reached_s": at_most(8), "queue_p95_ms": at_most(60)},
    ),
    Scenario(
        3,
        "800 → 100 kbit/s, 200 ms each way",
        {"": (link(25, 800e3, 0.2), link(30, 100e3, 0.2))},
        _fall_deep,
        {"reached_s": at_most(5), "concealed": at_most(0.02)},
    ),
    Scenario(
        5,
        "1 Mbit/s → 250 kbit/s for 30 s → 1 Mbit/s, buffer of 2 s",
        {
            "": tuple(
                link(length_s, rate_bps, 0.05, buffer_s=2.0)
                for length_s, rate_bps in ((20, 1e6), (30, 250e3), (20, 1e6))
            )
        },
        _dip,
        {
            "height_before": at_least(MIDDLE_HEIGHT),
            "layer_back_s": at_most(9),
            "queue_over_100ms_s": at_most(3.5),
            "longest_freeze_s": at_most(1),
        },
    ),
    Scenario(
        6,
        "1 Mbit/s → 100 kbit/s for 30 s → 1 Mbit/s",
        {"": (link(20, 1e6, 0.05), link(30, 100e3, 0.05), link(20, 1e6, 0.05))},
        _deep_dip,
        {
            "height_before": at_least(MIDDLE_HEIGHT),
            "longest_silence_s": at_most(1),
            "video_back_s": at_most(2),
            "layer_back_s": at_most(12),
        },
    ),
    Scenario(
        7,
        "800 kbit/s, 5 % and 10 % lost at random",
        {"_5": (link(40, 800e3, 0.05, loss=0.05),), "_10": (link(40, 800e3, 0.05, loss=0.1),)},
        _lossy,
        {
            "utilisation_5": at_least(0.55),
            "utilisation_10": at_least(0.45),
            "switch_downs_5": at_most(0),
            "switch_downs_10": at_most(0),
        },
    ),
    Scenario(
        10,
        "10 s without any link",
        {"": (link(20, 1e6, 0.05), outage(10, 0.05), link(15, 1e6, 0.05))},
        _outage,
        {"sent_bps_after_2s": at_most(40e3), "first_frame_s": at_most(2)},
    ),
)
