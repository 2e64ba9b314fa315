"""The sixteen scenarios of adaptive bitrate: the real room in virtual time against simulated links and browsers.

python -m bench.abr [--json] [--only 1,5] [--seeds 8] [--soak-hours 8] [--document docs]
python -m bench.abr --only 5 --seeds 3 --trace       # one run, seed 3, half second by half second
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bench.abr import document
from bench.abr.runner import SCENARIOS, SOAK_HOURS, run
from bench.abr.tracing import print_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", default="", help="numbers of scenarios, with commas between")
    parser.add_argument("--seeds", type=int, default=8, help="runs of each scenario; with --trace, which one")
    parser.add_argument("--soak-hours", type=float, default=SOAK_HOURS, help="virtual length of scenario 16")
    parser.add_argument("--trace", action="store_true", help="print one run of each, half second by half second")
    parser.add_argument("--document", type=Path, help="folder whose abr-scenarios.md and plots are renewed")
    arguments = parser.parse_args()
    numbers = sorted({int(each) for each in arguments.only.split(",") if each} or SCENARIOS)
    if arguments.trace:
        for number in numbers:
            for suffix, case in SCENARIOS[number].cases.items():
                print_run(f"{number} {SCENARIOS[number].title} {suffix}", case, arguments.seeds)
        return
    results, plots = run(numbers, arguments.seeds, arguments.soak_hours)
    if arguments.document:
        document.write(arguments.document, results, plots)
    passed = sum(result["pass"] for result in results)
    if arguments.json:
        print(json.dumps({"scenarios": results, "passed": passed, "total": len(results)}, indent=1))
    else:
        print(document.table(results))


if __name__ == "__main__":
    main()
