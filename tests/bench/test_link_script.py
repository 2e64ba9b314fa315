"""Scripts, traces and the command line's words."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import pytest

from bench.link.model import BurstLoss, LinkConditions, LinkModel
from bench.link.options import BadOption, add_direction, change_of, conditions_of, direction_of
from bench.link.script import BadScript, Change, Script, script_of_rates
from bench.link.traces import BadTrace, read_csv, read_mahimahi

BASE = LinkConditions(rate_bps=1e6)


def test_changes_take_effect_at_their_own_time() -> None:
    script = script_of_rates(LinkConditions(buffer_s=9), [(0, 80_000), (1, 8_000)])
    link = LinkModel[int](LinkConditions(), 1)
    script.apply(link, 100.0, 100.0)
    for number in range(12):
        link.push(number, 1_000, 100.0)  # ten of them in the first second
    script.apply(link, 100.0, 104.0)  # called late
    assert [delivery.at for delivery in link.pop_due(104.0)][-3:] == pytest.approx([101.0, 102.0, 103.0])
    assert script.next_s() is None


def test_periodic_script_begins_again() -> None:
    script = script_of_rates(BASE, [(0, 1.0), (2, 2.0)], period_s=3)
    link = LinkModel[int](LinkConditions(), 1)
    seen = []
    for now in range(8):
        script.apply(link, 0.0, float(now))
        seen.append(link.conditions.rate_bps)
    assert seen == [1, 1, 2, 1, 1, 2, 1, 1]


@pytest.mark.parametrize(
    ("changes", "period_s"),
    [
        ([Change(2, BASE), Change(1, BASE)], None),
        ([Change(-1, BASE)], None),
        ([Change(0, BASE), Change(5, BASE)], 5),
        ([], 5),
    ],
)
def test_impossible_scripts_are_refused(changes: list[Change], period_s: float | None) -> None:
    with pytest.raises(BadScript):
        Script(changes, period_s)


def test_mahimahi_trace_becomes_rates_of_steps() -> None:
    trace = read_mahimahi(["0", "50", "100", "250", "", "400"])
    assert [at_s for at_s, _ in trace.rates] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [rate_bps for _, rate_bps in trace.rates] == pytest.approx([360_000, 0, 120_000, 120_000])
    assert trace.period_s == pytest.approx(0.4)


def test_csv_trace() -> None:
    trace = read_csv(["seconds,bps", "0,300000", "", "2.5, 1e6"])
    assert list(trace.rates) == [(0.0, 300_000.0), (2.5, 1_000_000.0)]
    assert trace.period_s is None


@pytest.mark.parametrize("text", ["5\n3", "a", "", "0", "-1", "1.5"])
def test_bad_mahimahi_traces_are_refused(text: str) -> None:
    with pytest.raises(BadTrace):
        read_mahimahi(text.splitlines())


@pytest.mark.parametrize("text", ["", "a,b", "0,1\nx,2", "0,-1", "0,inf", "2,1\n1,1", "1,2,3\n1,2,3"])
def test_bad_csv_traces_are_refused(text: str) -> None:
    with pytest.raises(BadTrace):
        read_csv(text.splitlines())


def test_words_of_conditions() -> None:
    words = {"rate": "1.5M", "delay": "100", "jitter": "20", "loss": "0.02", "burst-loss": "0.01:0.3", "buffer": "64kB"}
    found = conditions_of(words, BASE)
    assert found.rate_bps == 1.5e6
    assert (found.delay_s, found.jitter_s, found.loss) == (0.1, 0.02, 0.02)
    assert found.burst_loss == BurstLoss(0.01, 0.3)
    assert (found.buffer_bytes, found.buffer_s) == (64_000, math.inf)
    assert conditions_of({"rate": "unlimited", "buffer": "2s"}, BASE).buffer_s == 2
    assert conditions_of({"buffer": "25p"}, BASE).buffer_packets == 25


@pytest.mark.parametrize(
    "words",
    [{"rate": "fast"}, {"rate": "-1"}, {"loss": "1.5"}, {"delay": "nan"}, {"burst-loss": "1"}, {"colour": "red"}],
)
def test_bad_words_are_refused(words: dict[str, str]) -> None:
    with pytest.raises(BadOption):
        conditions_of(words, BASE)


def test_words_of_a_change() -> None:
    change = change_of("40: rate=250k, loss=0.05", BASE)
    assert (change.at_s, change.conditions.rate_bps, change.conditions.loss) == (40, 250_000, 0.05)
    for text in ("40", "40:", "40:rate", "x:rate=1", "-1:rate=1"):
        with pytest.raises(BadOption):
            change_of(text, BASE)


def test_options_of_a_command_line(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    add_direction(parser.add_argument_group("up"), "up-")
    given = ["--up-rate", "1M", "--up-at", "1:rate=2M", "--up-at", "2:burst-loss=0.1:0.5"]
    conditions, script = direction_of(parser.parse_args(given), "up-", BASE)
    assert conditions.rate_bps == 1e6
    assert script.changes[1].conditions.rate_bps == 2e6  # each on top of those before
    trace = tmp_path / "school.csv"
    trace.write_text("0,100\n", encoding="utf-8")
    _, script = direction_of(parser.parse_args(["--up-trace", str(trace)]), "up-", BASE)
    assert script.changes[0].conditions.rate_bps == 100
    with pytest.raises(BadOption):
        direction_of(parser.parse_args(["--up-trace", str(trace), "--up-at", "1:rate=2M"]), "up-", BASE)
