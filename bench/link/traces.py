"""Recorded traces of real links as rates over time."""

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

OPPORTUNITY_BITS = 1_500 * 8
"""What one line of a Mahimahi trace lets pass."""
STEP_S = 0.1
"""Over steps of this length such lines become a rate: a cellular scheduler's milliseconds are not kept."""


class BadTrace(ValueError):
    """A trace that cannot be read; the message names the line."""


class Trace(NamedTuple):
    """Pairs of seconds and bits per second, each valid until the next; after `period_s` it begins again."""

    rates: tuple[tuple[float, float], ...]
    period_s: float | None


def read_trace(path: Path) -> Trace:
    """A `.csv` file by `read_csv`, any other by `read_mahimahi`. Raises BadTrace, OSError."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return read_csv(lines) if path.suffix == ".csv" else read_mahimahi(lines)


def read_mahimahi(lines: Iterable[str]) -> Trace:
    """One line for each packet that may pass, in whole milliseconds since the start; as long as its last line says."""
    passing: Counter[int] = Counter()
    last_ms = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if not line.strip().isascii() or not line.strip().isdigit() or int(line) < last_ms:
            raise BadTrace(f"line {number}: milliseconds that do not go back expected")
        last_ms = int(line)
        passing[max(0, math.ceil(last_ms / (STEP_S * 1000)) - 1)] += (
            1  # a step includes its end: 100 ms is in the first
        )
    if last_ms == 0:
        raise BadTrace("a trace without time")
    steps = max(passing) + 1
    rates = tuple((step * STEP_S, passing[step] * OPPORTUNITY_BITS / STEP_S) for step in range(steps))
    return Trace(rates, steps * STEP_S)


def read_csv(lines: Iterable[str]) -> Trace:
    """`seconds,bits per second` a line, after an optional heading; the last rate stays."""
    rates: list[tuple[float, float]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            at_s, rate_bps = (float(field) for field in line.split(","))
        except ValueError as error:
            if number == 1:
                continue
            raise BadTrace(f"line {number}: seconds,bits per second expected") from error
        if not (math.isfinite(at_s) and math.isfinite(rate_bps)) or rate_bps < 0:
            raise BadTrace(f"line {number}: not a rate")
        if at_s < (rates[-1][0] if rates else 0):
            raise BadTrace(f"line {number}: seconds go back")
        rates.append((at_s, rate_bps))
    if not rates:
        raise BadTrace("an empty trace")
    return Trace(tuple(rates), None)
