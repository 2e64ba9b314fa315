"""One run, printed: a line for every half second, for whoever works on the estimator."""

from __future__ import annotations

import json
from typing import Final

from bench.abr.cases import Case
from bench.abr.lesson import START
from bench.abr.run import JOIN_S, SAMPLE_S, Run

STEP_S: Final = 0.5
HEAD: Final = "   time   link  estim  recvd  queue  screen   frames  freezes  concealed"


def print_run(title: str, case: Case, seed: int) -> None:
    """Times in seconds since the viewer's coming, rates in kbit/s, queue in ms; `freezes` counts from the start."""
    run = case.run(seed)
    print(title)
    print(HEAD)
    step = round(STEP_S / SAMPLE_S)
    for index in range(step, len(run.trace.time), step):
        print(_line(run, index, step))
    print(json.dumps(case.figures(run)))


def _line(run: Run, index: int, step: int) -> str:
    trace = run.trace
    at = trace.time[index]
    moment = START + JOIN_S + at
    picture = run.viewer.pictures[run.slot]
    height, temporal = run.layer(at)
    shown = sum(moment - STEP_S < frame.at <= moment for frame in picture.shown)
    freezes = sum(began + length <= moment for began, length in picture.freezes)
    received = (trace.received_bytes[index] - trace.received_bytes[index - step]) * 8 / STEP_S
    return (
        f"{at:7.2f} {trace.rate_bps[index] / 1e3:6.0f} {trace.estimate_bps[index] / 1e3:6.0f} {received / 1e3:6.0f} "
        f"{trace.queue_s[index] * 1e3:6.0f}  {height:4d}/T{temporal} {shown:7d} {freezes:8d} "
        f"{run.viewer.sound.concealed_between(moment - STEP_S, moment):10.2f}"
    )
