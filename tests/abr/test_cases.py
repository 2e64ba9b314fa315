"""From figures of many seeds to a verdict, and from a link that did nothing to none."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bench.abr.cases import Case, ConditionsError, Figures, Scenario, Wanted
from bench.abr.checks import best_point_bps, link
from bench.abr.document import BEGIN, END, write
from bench.abr.run import Change, Run
from bench.abr.runner import SCENARIOS, Outcome, simulate
from bench.abr.scenarios import SIMULATED
from bench.abr.soak import soak


def scenario(*wanted: Wanted, lacking: str = "") -> Scenario:
    return Scenario(1, "title", "target", {}, wanted, lacking)


@pytest.mark.parametrize(
    ("wanted", "values", "median", "worst", "passed"),
    [
        (Wanted("x", most=5), [1, 2, 5], 2, 5, True),
        (Wanted("x", most=5), [1, 2, 6], 2, 6, False),
        (Wanted("x", least=5), [9, 6, 5], 6, 5, True),
        (Wanted("x", least=5), [9, 6, 4], 6, 4, False),
        (Wanted("x", 3, 7), [4, 5, 9], 5, 9, False),
        (Wanted("x", 3, 7), [1, 5, 6], 5, 1, False),
        (Wanted("x", most=5), [1, 2, math.inf], 2, None, False),
    ],
)
def test_bounds_hold_for_every_seed(
    wanted: Wanted, values: list[float], median: float, worst: float | None, passed: bool
) -> None:
    result = scenario(wanted).verdict([{"x": value} for value in values])
    assert result["figures"]["x"] == median
    assert result["figures"]["x_worst"] == worst
    assert result["pass"] is passed
    assert result["figures"]["seeds_passed"] == (3 if passed else 2)


def test_single_cases_are_pooled() -> None:
    runs: list[Figures] = [{"x": [1.0] * 19}, {"x": [1.0] * 19 + [9.0, 9.0]}]
    result = scenario(Wanted("x", most=5)).verdict(runs)
    assert result["figures"]["x"] == 1.0 or result["figures"]["x"] == 9.0
    assert result["pass"] is (result["figures"]["x"] == 1.0)
    assert scenario(Wanted("x", most=5)).verdict([{"x": [1.0, 9.0]}])["pass"] is False


def test_what_the_product_lacks_does_not_pass() -> None:
    result = scenario(Wanted("x", most=5), lacking="no relay").verdict([{"x": 1.0}])
    assert result["pass"] is False
    assert result["figures"]["lacking"] == "no relay"


def test_conditions_that_took_no_effect_void_a_run() -> None:
    wide = Case((Change(0, link(100e6)),), 3, SIMULATED[0].cases[""].check, SIMULATED[0].cases[""].proof)
    with pytest.raises(ConditionsError):
        wide.figures(wide.run(1))


def test_every_scenario_is_there_and_judges_its_own_figures() -> None:
    assert sorted(SCENARIOS) == list(range(1, 17))
    assert all(each.wanted for each in SCENARIOS.values())


def test_points_of_the_ladder() -> None:
    assert best_point_bps(3e6) == pytest.approx(900_000)
    assert best_point_bps(1e6) == pytest.approx(756_000)
    assert best_point_bps(6e5) == pytest.approx(486_000)
    assert best_point_bps(3e5) < 300e3


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return simulate(1, 1)


def test_a_scenario_runs_and_its_conditions_take_effect(outcome: Outcome) -> None:
    assert outcome.problem == ""
    assert {each.figure for each in SCENARIOS[1].wanted} <= set(outcome.figures)
    assert outcome.traces[""].time


def test_the_record_of_a_run_answers_questions() -> None:
    watched = Run(2, (Change(0, link(2e6)), Change(6, link(2e6, loss=1)), Change(8, link(2e6)))).watch(14)
    assert watched.received_bps(6.5, 7.9) == 0
    assert watched.received_bps(3, 6) > 200_000
    assert watched.next_frame(8) < 6
    assert watched.layer(5.9)[0] > 0
    assert watched.layer(7.9) == (0, 0)
    assert watched.reaches(0, 6, (180, 0)) < 3
    assert watched.first(0, 6, 1, 1e9) == 0
    assert watched.first(0, 6, 1e9, 1e10) == math.inf
    assert watched.longest_freeze_s(6) >= 2


def test_results_become_a_page(tmp_path: Path, outcome: Outcome) -> None:
    page = tmp_path / "abr-scenarios.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    results = [SCENARIOS[1].verdict([outcome.figures])]
    plots = {"1": (SCENARIOS[1].title, outcome.traces[""])}
    write(tmp_path, results, plots)
    text = page.read_text()
    assert text.startswith("before")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "reached_s" in text
    drawn = (tmp_path / "abr" / "scenario-1.svg").read_bytes()
    write(tmp_path, results, plots)
    assert (tmp_path / "abr" / "scenario-1.svg").read_bytes() == drawn


def test_a_short_soak_tells_its_figures() -> None:
    figures = soak(0.0, 1, part_s=1.0)
    assert figures["visitors"] == 40
    assert isinstance(figures["rss_growth"], float)
