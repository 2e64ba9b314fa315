"""How much of their links viewers get of a camera, with rates that follow them and with a ladder that stays.

`python -m bench.abr.utilisation [--seeds N]` prints a table (Markdown).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from bench.abr.checks import link
from bench.abr.lesson import START
from bench.abr.run import JOIN_S, Change, Run

SECONDS: Final = 60.0
SETTLED_S: Final = 20.0
AUDIENCES: Final[dict[str, tuple[int, ...]]] = {
    "one at 400 kbit/s": (400,),
    "one at 600 kbit/s": (600,),
    "eight at 600, one at 250 kbit/s": (600,) * 8 + (250,),
    "400, 600, 900 kbit/s": (400, 600, 900),
}


class Share(NamedTuple):
    """Of one audience's poorest and of its mean viewer: share of the link that arrives, and seconds of freeze."""

    mean: float
    least: float
    heights: tuple[int, ...]
    frozen_s: float


def watch(rates_kbps: Sequence[int], seed: int, *, follows: bool) -> Share:
    """`follows`: the teacher's browser heeds the rates that it is told."""
    first, *others = rates_kbps
    run = Run(seed, (Change(0, link(first * 1e3)),))
    run.lesson.teacher.heeds_rates = follows
    for place, rate in enumerate(others):
        run.at(0.1 * (place + 1), partial(run.join_apart, link(rate * 1e3)))
    run.watch(SECONDS)
    viewers = list(run.lesson.viewers.values())
    start, end = START + JOIN_S + SETTLED_S, START + JOIN_S + SECONDS
    shares = [
        viewer.received_between(start, end) * 8 / (end - start) / (rate * 1e3)
        for viewer, rate in zip(viewers, rates_kbps, strict=True)
    ]
    frozen = max(sum(length for _, length in viewer.picture.freezes) for viewer in viewers)
    return Share(float(np.mean(shares)), min(shares), tuple(viewer.picture.height for viewer in viewers), frozen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    print("| viewers | ladder | mean share of a link | least share | pictures, lines | longest freezes, s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, rates in AUDIENCES.items():
        for follows in (False, True):
            runs = [watch(rates, seed + 1, follows=follows) for seed in range(seeds)]
            mean, least = (float(np.median([getattr(run, field) for run in runs])) for field in ("mean", "least"))
            heights = sorted({height for run in runs for height in run.heights}, reverse=True)
            frozen = max(run.frozen_s for run in runs)
            kind = "follows" if follows else "stays"
            shown = ", ".join(map(str, heights))
            print(f"| {name} | {kind} | {mean:.2f} | {least:.2f} | {shown} | {frozen:.1f} |", flush=True)


if __name__ == "__main__":
    main()
