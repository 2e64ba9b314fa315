"""Results beside their targets and beside those of the simulation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def result(
    number: int, title: str, figures: Mapping[str, Any], wanted: Mapping[str, tuple[float, float]], problems: list[str]
) -> dict[str, Any]:
    """One scenario; it does not pass when its conditions did not take effect."""
    as_wanted = all(_lies(figures.get(name), *bounds) for name, bounds in wanted.items())
    return {
        "id": number,
        "title": title,
        "figures": figures,
        "target": target_text(wanted),
        "pass": as_wanted and not problems,
        "problems": problems,
    }


def target_text(wanted: Mapping[str, tuple[float, float]]) -> str:
    """`reached_s ≤ 8, utilisation ≥ 0.55`."""
    bounds = (
        f"{name} ≥ {low:g}" if high == float("inf") else f"{name} ≤ {high:g}" for name, (low, high) in wanted.items()
    )
    return ", ".join(bounds)


def read_simulated(path: Path) -> dict[int, dict[str, Any]]:
    """Figures by scenario from the simulation's JSON."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {scenario["id"]: scenario["figures"] for scenario in found["scenarios"]}


def beside(found: dict[str, Any], simulated: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """The result with the simulated figures of the same scenario, and the gap where both have a number."""
    theirs = simulated.get(found["id"])
    if theirs is None:
        return found
    ours = found["figures"]
    gap = {name: round(ours[name] - theirs[name], 4) for name in ours if _numbers(ours[name], theirs.get(name))}
    return {**found, "simulated": theirs, "gap": gap}


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    passed = sum(result["pass"] for result in results)
    return {"scenarios": results, "passed": passed, "total": len(results)}


def as_text(results: list[dict[str, Any]]) -> str:
    """One block of lines for each scenario."""
    lines = []
    for result in results:
        lines.append(f"{result['id']:>3}  {'ok  ' if result['pass'] else 'FAIL'}  {result['title']}")
        lines.append(f"           wanted: {result['target']}")
        theirs = result.get("simulated", {})
        for name, value in result["figures"].items():
            other = f"   (simulated: {theirs[name]})" if name in theirs else ""
            lines.append(f"           {name}: {value}{other}")
        lines += [f"           void: {problem}" for problem in result["problems"]]
    return "\n".join(lines)


def _lies(value: float | None, low: float, high: float) -> bool:
    return value is not None and low <= value <= high


def _numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
