"""The page of results: a table, and a plot of one run of each case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bench.abr.run import SAMPLE_S, Trace

BEGIN: Final = "<!-- made by python -m bench.abr --document: begin -->"
END: Final = "<!-- made by python -m bench.abr --document: end -->"
SMOOTH_S: Final = 1.0
PLOT_STEP: Final = 4
"""Every so many samples are drawn."""


def plot(trace: Trace, title: str, file: Path) -> None:
    """Rates above, queue below, over the time since the viewer's coming; an SVG whose bytes depend on the run only."""
    mpl.rcParams.update({"svg.hashsalt": "webclass", "svg.fonttype": "none", "font.size": 8})
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    rates, queue = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    time = np.array(trace.time)[::PLOT_STEP]
    window = round(SMOOTH_S / SAMPLE_S)
    received = np.array(trace.received_bytes, float)
    received[window:] -= received[:-window].copy()
    rate_kbps = np.minimum(np.array(trace.rate_bps) / 1e3, 1e5)
    rates.step(time, rate_kbps[::PLOT_STEP], where="post", color="0.6", label="link")
    rates.plot(time, np.array(trace.estimate_bps)[::PLOT_STEP] / 1e3, color="C0", linewidth=1, label="estimate")
    received_kbps = received * 8 / SMOOTH_S / 1e3
    rates.plot(time, received_kbps[::PLOT_STEP], color="C2", linewidth=0.8, label="received")
    rates.set_ylabel("kbit/s")
    rates.set_ylim(0, 1.3 * float(rate_kbps.max()))
    height = rates.twinx()
    height.step(time, np.array(trace.height)[::PLOT_STEP], where="post", color="C1", linewidth=0.8, label="height")
    height.set_ylabel("picture, lines")
    height.set_ylim(0, 1200)
    lines = [*rates.get_lines(), *height.get_lines()]
    rates.legend(lines, [str(line.get_label()) for line in lines], loc="upper right", ncols=4, frameon=False)
    queue.fill_between(time, 1e3 * np.array(trace.queue_s)[::PLOT_STEP], color="C3", linewidth=0)
    queue.set_ylabel("queue, ms")
    queue.set_xlabel("s")
    figure.suptitle(title, fontsize=9)
    figure.savefig(file, format="svg", metadata={"Date": None})


def table(results: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = ["| # | scenario | target | measured | |", "| --- | --- | --- | --- | --- |"]
    for result in results:
        verdict = "met" if result["pass"] else "**not met**"
        lines.append(
            f"| {result['id']} | {result['title']} | {result['target']} | {judged(result['figures'])} | {verdict} |"
        )
    passed = sum(result["pass"] for result in results)
    return "\n".join([*lines, "", f"{passed} of {len(results)} scenarios meet their targets with every seed."])


def judged(figures: Mapping[str, Any]) -> str:
    """Judged ones as `median (worst)`."""
    parts = []
    for name, value in figures.items():
        if name.endswith("_worst"):
            continue
        worst = figures.get(f"{name}_worst", "")
        if worst != "":
            parts.append(f"`{name}` {_text(value)} ({_text(worst)})")
    if "lacking" in figures:
        parts.append(str(figures["lacking"]))
    parts += figures.get("problems", [])
    parts.append(f"{figures.get('seeds_passed', 0)} of {figures.get('seeds', 0)} seeds")
    return "; ".join(parts)


def _text(value: float | None) -> str:
    return "never" if value is None else f"{value:g}"


def write(folder: Path, results: list[dict[str, Any]], plots: Mapping[str, tuple[str, Trace]]) -> None:
    """Renew the table in `folder`/abr-scenarios.md between its marks, and the plots in `folder`/abr/."""
    pictures = folder / "abr"
    pictures.mkdir(parents=True, exist_ok=True)
    shown = []
    for name, (title, trace) in plots.items():
        plot(trace, title, pictures / f"scenario-{name}.svg")
        shown.append(f"![{title}](abr/scenario-{name}.svg)")
    page = folder / "abr-scenarios.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    made = "\n\n".join([BEGIN, table(results), *shown, END])
    page.write_text(before + made + after, encoding="utf-8")
