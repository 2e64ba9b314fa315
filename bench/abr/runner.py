"""Runs scenarios with many seeds in two processes, and gathers their verdicts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Final, NamedTuple

from bench.abr.cases import Figures, Scenario
from bench.abr.document import judged
from bench.abr.machine import CPU, cpu
from bench.abr.run import Trace
from bench.abr.scenarios import SIMULATED
from bench.abr.soak import SOAK, soak

SCENARIOS: Final[dict[int, Scenario]] = {each.number: each for each in (*SIMULATED, CPU, SOAK)}
PROCESSES: Final = 2
SOAK_HOURS: Final = 1 / 3
PLOTTED_SEED: Final = 1


class Outcome(NamedTuple):
    figures: Figures
    traces: dict[str, Trace]
    """By the case's suffix; of the plotted seed only."""
    problem: str


def simulate(number: int, seed: int) -> Outcome:
    """All cases of a scenario with one seed."""
    figures: Figures = {}
    traces: dict[str, Trace] = {}
    try:
        for suffix, case in SCENARIOS[number].cases.items():
            run = case.run(seed)
            if seed == PLOTTED_SEED:
                traces[suffix] = run.trace
            figures |= {f"{name}_{suffix}" if suffix else name: each for name, each in case.figures(run).items()}
    except Exception as error:  # one broken run must not hide what the others say
        return Outcome({}, {}, f"seed {seed}: {type(error).__name__}: {error}")
    return Outcome(figures, traces, "")


def measure(call: Callable[..., Figures], *arguments: float) -> Outcome:
    """What is measured once."""
    try:
        return Outcome(call(*arguments), {}, "")
    except Exception as error:
        return Outcome({}, {}, f"{type(error).__name__}: {error}")


def run(numbers: list[int], seeds: int, soak_hours: float) -> tuple[list[dict[str, Any]], dict[str, tuple[str, Trace]]]:
    """Results, and what to plot by name. CPU is measured last, when nothing else runs."""
    results: dict[int, dict[str, Any]] = {}
    plots: dict[str, tuple[str, Trace]] = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        pending: dict[int, list[Future[Outcome]]] = {}
        if SOAK.number in numbers:
            pending[SOAK.number] = [pool.submit(measure, soak, soak_hours, 1)]
        for number in numbers:
            if SCENARIOS[number].cases:
                pending[number] = [pool.submit(simulate, number, seed) for seed in range(1, seeds + 1)]
        for number in sorted(pending):
            outcomes = [future.result() for future in pending[number]]
            results[number] = _verdict(number, outcomes)
            for suffix, trace in outcomes[0].traces.items():
                title = f"{number}: {SCENARIOS[number].title}" + (f" ({suffix} %)" if suffix else "")
                plots[f"{number}-{suffix}" if suffix else str(number)] = (title, trace)
    if CPU.number in numbers:
        results[CPU.number] = _verdict(CPU.number, [measure(cpu)])
    return [results[number] for number in numbers], plots


def _verdict(number: int, outcomes: list[Outcome]) -> dict[str, Any]:
    problems = [outcome.problem for outcome in outcomes if outcome.problem]
    whole = [outcome.figures for outcome in outcomes if not outcome.problem]
    scenario = SCENARIOS[number]
    if whole:
        result = scenario.verdict(whole)
    else:
        result = {"id": number, "title": scenario.title, "figures": {}, "target": scenario.target, "pass": False}
    if problems:
        result["pass"] = False
        result["figures"]["problems"] = problems
    state = "pass" if result["pass"] else "FAIL"
    print(f"{number:3d} {state}  {scenario.title}: {judged(result['figures'])}", file=sys.stderr, flush=True)
    return result
