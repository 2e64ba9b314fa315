"""A bad link on this machine, between clients and a UDP server.

    python -m bench.link --server 127.0.0.1:7100 --listen 127.0.0.1:7200 --rate 300k --delay 100 --loss 0.02 --buffer 2s

`--rate` and the like shape what the server sends, `--up-rate` … what the clients send; the way up is as long as the way
down unless `--up-delay` says otherwise. Scripts and traces begin with the first datagram of a client. Every second one
line of JSON tells what each direction does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from contextlib import suppress
from typing import Any

from .model import LinkConditions
from .options import BadOption, add_direction, direction_of
from .relay import Address, Direction, LinkRelay
from .script import BadScript
from .traces import BadTrace

REPORT_S = 1.0


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.link", description=__doc__.splitlines()[0])
    parser.add_argument("--server", type=_address, required=True, help="HOST:PORT of the server's UDP port")
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 0), help="HOST:PORT for the clients")
    parser.add_argument("--seed", type=int, default=1, help="of what is random")
    add_direction(parser.add_argument_group("from the server to the clients"), "")
    add_direction(parser.add_argument_group("from the clients to the server"), "up-")
    return parser


def direction_report(direction: Direction) -> dict[str, Any]:
    """What a direction is like and has done, for people and scripts."""
    counters, conditions = direction.link.counters, direction.link.conditions
    return {
        "rate_bps": conditions.rate_bps if conditions.rate_bps < float("inf") else None,
        "queue_ms": round(direction.queue_s() * 1000),
        "max_queue_ms": round(counters.max_queue_s * 1000),
        "pushed": counters.pushed,
        "delivered": counters.delivered,
        "delivered_bytes": counters.delivered_bytes,
        "dropped_tail": counters.dropped_tail,
        "dropped_loss": counters.dropped_loss,
        "late_ms_mean": round(direction.lateness.mean_s * 1000, 2),
        "much_late": direction.lateness.much,
        "late_ms_max": round(direction.lateness.max_s * 1000, 2),
    }


async def _run(arguments: argparse.Namespace) -> None:
    down_conditions, down_script = direction_of(arguments, "", LinkConditions())
    up_base = LinkConditions(delay_s=down_conditions.delay_s)
    up_conditions, up_script = direction_of(arguments, "up-", up_base)
    down = Direction(down_conditions, arguments.seed, down_script)
    up = Direction(up_conditions, arguments.seed + 1, up_script)
    relay = LinkRelay(arguments.listen, arguments.server, down, up)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        print(json.dumps({"listening": "{}:{}".format(*relay.address)}), flush=True)
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REPORT_S)
            report = {"down": direction_report(down), "up": direction_report(up)}
            print(json.dumps({"flows": relay.flows, "refused": relay.refused, **report}), flush=True)
    finally:
        relay.close()


def main() -> None:
    """Exit status 2 when an option, a script or a trace cannot be read."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        asyncio.run(_run(arguments))
    except (BadOption, BadScript, BadTrace, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
