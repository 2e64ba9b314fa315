"""What it takes to come into a lesson and to be in it.

    python -m bench.join [--json]

`first_frame_p95_s`: link opened to first decoded picture, in Chromium through the real pages (bench/first_frame.py).
`forward_p50_ms`, `forward_p99_ms`: publisher's send to viewer's receive at 200 viewers, beside a floor in the same
run; `kb_per_viewer`: memory of the media process for each of them (bench/light_lesson.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
from typing import Any

from bench import first_frame, light_lesson


async def run(viewers: int, openings: int) -> dict[str, Any]:
    result: dict[str, Any] = {"viewers": viewers}
    if viewers:
        result |= await light_lesson.measure(viewers)
    if openings:
        result |= await first_frame.measure(openings)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=200, help="light viewers (0: leave their figures out)")
    parser.add_argument("--openings", type=int, default=20, help="openings of the link (0: leave its figures out)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    result = asyncio.run(run(arguments.viewers, arguments.openings))
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name}: {value}")


if __name__ == "__main__":
    main()
