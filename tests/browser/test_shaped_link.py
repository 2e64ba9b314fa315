"""A viewer behind the shaped link of the benchmarks: all of its media goes through it, and what it meets is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from bench.link.model import LinkConditions
from bench.live.recording import Phase
from bench.live.stage import play, stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

GOOD = LinkConditions(rate_bps=2e6, delay_s=0.05)
GONE = LinkConditions(rate_bps=2e6, delay_s=0.05, loss=1.0)


async def test_viewer_behind_a_link(browser: Browser, tmp_path: Path) -> None:
    phases = (Phase(6, GOOD, GOOD), Phase(2, GONE, GOOD))
    async with stage(tmp_path, browser, seed=1) as on:
        recording = await play(on, browser, phases)
        assert on.relay.flows == 1
        assert {look.remote_port for look in recording.received} == {on.relay.address[1]}
    good, gone = recording.played
    assert good.problems(None) == []
    assert gone.problems(GOOD) == []
    assert good.through > 100
    assert gone.dropped_loss > 0
    assert min(look.rtt_s for look in recording.received if look.rtt_s) >= 0.1
    assert recording.frames
    assert recording.frames[-1].at < gone.since + 1
    assert recording.estimates
    assert recording.queued
    assert recording.source["captured"] > 0
