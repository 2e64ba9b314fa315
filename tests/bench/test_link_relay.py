"""The link between real sockets."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from bench.link.model import UDP_IP_HEADER_BYTES, LinkConditions
from bench.link.relay import FLOWS_MAX, Direction, LinkRelay
from tests.browser.waiting import until
from tests.serving import ROOT

HOST = "127.0.0.1"
SIZE = 972  # with headers 1,000 bytes


@contextmanager
def udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((HOST, 0))
        yield sock


@contextmanager
def relaying(server: socket.socket, down: LinkConditions, up: LinkConditions) -> Iterator[LinkRelay]:
    relay = LinkRelay((HOST, 0), server.getsockname(), Direction(down, 1), Direction(up, 2))
    try:
        yield relay
    finally:
        relay.close()


async def receive(sock: socket.socket, within_s: float = 5) -> tuple[bytes, tuple[str, int]]:
    async with asyncio.timeout(within_s):
        found: tuple[bytes, tuple[str, int]] = await asyncio.get_running_loop().sock_recvfrom(sock, 2_000)
        return found


async def happened(condition: Callable[[], bool]) -> None:
    async def seen() -> bool:
        return condition()

    await until("the relay has seen it", seen, 5)


async def test_each_client_has_a_port_of_its_own_and_gets_its_own_answers() -> None:
    with udp() as server, udp() as one, udp() as two, relaying(server, LinkConditions(), LinkConditions()) as relay:
        seen: dict[bytes, tuple[str, int]] = {}
        for client, text in ((one, b"one"), (two, b"two"), (one, b"one")):
            client.sendto(text, relay.address)
            data, address = await receive(server)
            assert data == text
            seen.setdefault(text, address)
            assert seen[text] == address
        assert seen[b"one"] != seen[b"two"]
        assert relay.address not in seen.values()
        for text, client in ((b"two", two), (b"one", one)):
            server.sendto(b"to " + text, seen[text])
            assert await receive(client) == (b"to " + text, relay.address)
        assert (relay.flows, relay.refused) == (2, 0)


async def test_datagrams_come_at_the_links_rate_after_its_delay() -> None:
    down = LinkConditions(rate_bps=400_000, delay_s=0.1)  # 20 ms for each datagram
    with udp() as server, udp() as client, relaying(server, down, LinkConditions(delay_s=0.05)) as relay:
        asked = time.monotonic()
        client.sendto(b"", relay.address)
        _, address = await receive(server)
        assert time.monotonic() - asked >= 0.05
        began = time.monotonic()
        for number in range(10):
            server.sendto(bytes([number]) * SIZE, address)
        for number in range(10):
            data, _ = await receive(client)
            assert data[0] == number
            assert time.monotonic() - began >= 0.1 + 0.02 * (number + 1) - 0.002
        counters = relay.down.link.counters
        assert (counters.delivered, counters.delivered_bytes) == (10, 10 * (SIZE + UDP_IP_HEADER_BYTES))
        assert 0.15 < counters.max_queue_s <= 0.2
        assert relay.down.lateness.count == 10


async def test_link_can_be_changed_while_it_is_used() -> None:
    with udp() as server, udp() as client, relaying(server, LinkConditions(), LinkConditions()) as relay:
        client.sendto(b"hello", relay.address)
        _, address = await receive(server)
        relay.down.set(LinkConditions(loss=1.0))
        server.sendto(b"lost", address)
        await happened(lambda: relay.down.link.counters.dropped_loss == 1)
        relay.down.set(LinkConditions(rate_bps=0))
        server.sendto(b"held", address)
        await happened(lambda: relay.down.link.queue_bytes > 0)
        relay.down.set(LinkConditions())
        assert (await receive(client))[0] == b"held"


async def test_flows_are_bounded_and_errors_are_counted() -> None:
    with ExitStack() as held:
        server, client = held.enter_context(udp()), held.enter_context(udp())
        relay = held.enter_context(relaying(server, LinkConditions(), LinkConditions()))
        for _ in range(FLOWS_MAX):
            held.enter_context(udp()).sendto(b"x", relay.address)
            await receive(server)
        client.sendto(b"one too many", relay.address)
        await happened(lambda: relay.refused == 1)
        assert relay.flows == FLOWS_MAX


async def test_command_relays_follows_its_script_and_reports() -> None:
    with udp() as server, udp() as client:
        options = ("--rate", "1M", "--delay", "10", "--at", "0.2:loss=1", "--up-delay", "0")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.link", "--server", "{}:{}".format(*server.getsockname()), *options),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            host, port = json.loads(await process.stdout.readline())["listening"].split(":")
            client.sendto(b"hello", (host, int(port)))
            _, address = await receive(server)
            server.sendto(b"welcome", address)
            assert (await receive(client))[0] == b"welcome"
            while True:
                server.sendto(b"?", address)
                report = json.loads(await process.stdout.readline())
                if report["down"]["dropped_loss"]:
                    break
            assert report["flows"] == 1
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.mark.parametrize("option", [("--rate", "much"), ("--at", "5"), ("--trace", "nowhere.csv")])
async def test_command_refuses_what_it_cannot_read(option: tuple[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.link", "--server", f"{HOST}:9", *option),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert option[1] in errors.decode()
