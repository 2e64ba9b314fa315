"""Adaptive bitrate with real browsers: the server, a teacher's page and a viewer's page behind a shaped link.

    python -m bench.live [--only 1,5] [--json] [--simulated FILE] [--record FOLDER]

For each scenario a fresh server and lesson; the link is bench/link between the viewer's Chromium and the server's UDP
port. Only media is shaped, not the page and its WebSocket. Runs in real time, some 8 minutes for everything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser
from playwright.async_api import Error as PlaywrightError

from bench.live import joining
from bench.live.report import as_text, beside, read_simulated, result, summary
from bench.live.scenarios import SCENARIOS, Scenario
from bench.live.stage import play, stage
from tests import footage
from tests.browser.chromium import chromium
from tests.browser.network import own_network

CAMERA: Final = (960, 540)
"""The least that Chromium sends in three encodings."""
Running = Awaitable[dict[str, Any]]
Wanted = Mapping[str, tuple[float, float]]
IDS: Final = (*(scenario.id for scenario in SCENARIOS), joining.ID)


async def _scenario(scenario: Scenario, school: Browser, home: Browser, options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    problems: list[str] = []
    links, sources = {}, {}
    for suffix, phases in scenario.cases.items():
        with tempfile.TemporaryDirectory() as folder:
            async with stage(Path(folder), school, options.seed) as on:
                recording = await play(on, home, phases)
                problems += on.troubles()
        if options.record is not None:
            text = json.dumps(recording.as_json(), ensure_ascii=False)
            (options.record / f"{scenario.id}{suffix}.json").write_text(text, encoding="utf-8")
        found |= {f"{name}{suffix}": value for name, value in scenario.measure(recording).items()}
        problems += recording.problems()
        links[suffix], sources[suffix] = recording.link_figures(), recording.source
    seen = {"links": links, "sources": sources}
    return result(scenario.id, scenario.title, found, scenario.wanted, problems) | seen


async def _joining(school: Browser, home: Browser, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder), school, options.seed) as on:
            found = await joining.join(on, home, options.joins)
            problems = on.troubles()
            if not on.relay.down.link.counters.max_queue_s:
                problems.append("the link held nothing back")
    return result(joining.ID, joining.TITLE, found, joining.WANTED, problems)


async def _kept(running: Running, number: int, title: str, wanted: Wanted) -> dict[str, Any]:
    """The result; where a lesson did not come about, one that says so, since the others may."""
    try:
        return await running
    except (AssertionError, TimeoutError, PlaywrightError) as error:
        return result(number, title, {}, wanted, [f"it could not be played: {error}".splitlines()[0]])


def _asked_for(
    school: Browser, home: Browser, options: argparse.Namespace
) -> Iterator[tuple[int, str, Wanted, Running]]:
    for scenario in SCENARIOS:
        if scenario.id in options.only:
            yield scenario.id, scenario.title, scenario.wanted, _scenario(scenario, school, home, options)
    if joining.ID in options.only:
        yield joining.ID, joining.TITLE, joining.WANTED, _joining(school, home, options)


async def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """All scenarios asked for, in the table's order."""
    camera, microphone = footage.camera(*CAMERA), footage.microphone()
    results = []
    with own_network() if os.geteuid() == 0 else nullcontext():
        async with chromium(camera, microphone) as school, chromium() as home:
            for number, title, wanted, running in _asked_for(school, home, options):
                print(f"{number}: {title}", file=sys.stderr)
                results.append(await _kept(running, number, title, wanted))
    return results


def _ids(text: str) -> tuple[int, ...]:
    found = tuple(known for known in IDS if str(known) in text.split(","))
    if not found:
        raise argparse.ArgumentTypeError(f"there are: {', '.join(map(str, IDS))}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=_ids, default=IDS, metavar="IDS", help=f"of {', '.join(map(str, IDS))}")
    parser.add_argument("--joins", type=int, default=10, help="how often scenario 13 comes in")
    parser.add_argument("--seed", type=int, default=1, help="of the link's losses")
    parser.add_argument("--simulated", type=Path, metavar="FILE", help="JSON of bench.abr, to stand beside")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="write everything seen, one file a scenario")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    simulated = read_simulated(arguments.simulated) if arguments.simulated else {}
    if arguments.record is not None:
        arguments.record.mkdir(parents=True, exist_ok=True)
    results = [beside(found, simulated) for found in asyncio.run(run(arguments))]
    if arguments.json:
        print(json.dumps(summary(results), indent=2, ensure_ascii=False))
    else:
        print(as_text(results))


if __name__ == "__main__":
    main()
