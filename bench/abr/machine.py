"""Scenario 15 is about the machine, not about virtual time: it takes the figures of `bench.fanout` and `bench.join`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from bench.abr.cases import Figures, Scenario, Wanted

VIEWERS: Final = 200

CPU: Final = Scenario(
    15,
    f"CPU of {VIEWERS} viewers",
    "forwarding <= 1.5 x the floor, <= 1.2 x with segmentation, p99 forwarding delay <= 10 ms",
    {},
    (Wanted("ratio", most=1.5), Wanted("gso_ratio", most=1.2), Wanted("forward_p99_ms", most=10)),
)


def _bench(module: str, *arguments: str) -> dict[str, Any]:
    """The JSON of another benchmark, run as a process of its own. Raises CalledProcessError."""
    command = [sys.executable, "-m", module, "--viewers", str(VIEWERS), "--json", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cpu() -> Figures:
    fanout = _bench("bench.fanout", "--only")
    joined = _bench("bench.join", "--openings", "0")
    names = ("ratio", "gso_ratio", "ratio_with_feedback", "gso_ratio_with_feedback", "us_per_packet")
    figures: Figures = {name: float(fanout[name]) for name in names}
    for name in ("forward_p50_ms", "forward_p99_ms", "forward_floor_p99_ms"):
        figures[name] = float(joined[name])
    return figures
