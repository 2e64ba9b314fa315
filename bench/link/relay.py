"""A link between real sockets (IPv4): whoever sends to the relay's port reaches the server through it, and back.

Each client address is a flow with a socket of its own towards the server, which so sees different ports. All flows
share one link in each direction, as the people of one school do.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from .model import UDP_IP_HEADER_BYTES, LinkConditions, LinkModel
from .script import Script

FLOWS_MAX = 256
READS_MAX = 64
"""Datagrams taken from one socket in a row, so that no flow keeps the others waiting."""
SOCKET_BUFFER_BYTES = 1 << 20
"""Bursts must be dropped by the model, which counts them, and not by the kernel."""
DATAGRAM_MAX = 65_535
MUCH_LATE_S = 0.02

Address = tuple[str, int]
Send = Callable[[bytes], None]


class _Passing(NamedTuple):
    send: Send
    data: bytes


@dataclass(slots=True)
class Lateness:
    """How much later than the model says datagrams were handed on: what a busy machine adds to the link by itself."""

    count: int = 0
    much: int = 0
    """Those more than MUCH_LATE_S late."""
    sum_s: float = 0.0
    max_s: float = 0.0

    def add(self, late_s: float) -> None:
        self.count += 1
        self.much += late_s > MUCH_LATE_S
        self.sum_s += late_s
        self.max_s = max(self.max_s, late_s)

    @property
    def much_share(self) -> float:
        return self.much / self.count if self.count else 0.0

    @property
    def mean_s(self) -> float:
        return self.sum_s / self.count if self.count else 0.0


class Direction:
    """One direction of the link on the running event loop's clock."""

    def __init__(self, conditions: LinkConditions, seed: int, script: Script | None = None) -> None:
        self.link = LinkModel[_Passing](conditions, seed)
        self.lateness = Lateness()
        self._script = script or Script(())
        self._script_start: float | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._heed: Callable[[float], None] | None = None

    def heed(self, heed: Callable[[float], None]) -> None:
        """Call `heed` for each datagram that arrives, with the seconds that it was queued."""
        self._heed = heed

    def begin_script(self) -> None:
        """The script's time starts with the first call."""
        if self._script_start is None:
            self._script_start = self._loop.time()
            self._advance()

    def set(self, conditions: LinkConditions) -> None:
        """Change the link from now on."""
        self._advance()
        self.link.set(conditions, self._loop.time())
        self._advance()

    def pass_on(self, data: bytes, send: Send) -> None:
        """Put a datagram into the link; `send` is called with it when it arrives, if it does."""
        self._advance()
        self.link.push(_Passing(send, data), len(data) + UDP_IP_HEADER_BYTES, self._loop.time())
        self._advance()

    def queue_s(self) -> float:
        return self.link.queue_s(self._loop.time())

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _advance(self) -> None:
        """Do what is due by now and wake up for what comes next."""
        now = self._loop.time()
        if self._script_start is not None:
            self._script.apply(self.link, self._script_start, now)
        for delivery in self.link.pop_due(now):
            self.lateness.add(now - delivery.at)
            if self._heed is not None:
                self._heed(delivery.queued_s)
            delivery.item.send(delivery.item.data)
        self.close()
        if (wake := self._next_time()) is not None:
            self._timer = self._loop.call_at(wake, self._advance)

    def _next_time(self) -> float | None:
        change_s = self._script.next_s()
        times = [self.link.next_time()]
        if change_s is not None and self._script_start is not None:
            times.append(self._script_start + change_s)
        return min((time for time in times if time is not None), default=None)


class LinkRelay:
    """Listens on `listen` (port 0: any free one) for clients of the server at `server`; `down` and `up` may be changed.

    A flow lives as long as the relay. What comes from more than FLOWS_MAX addresses is refused and counted, as is what
    the kernel does not take or answers with an error (nobody listens there).
    """

    def __init__(self, listen: Address, server: Address, down: Direction, up: Direction) -> None:
        self.down, self.up = down, up
        self.refused = 0
        self._server = server
        self._flows: dict[Address, socket.socket] = {}
        self._loop = asyncio.get_running_loop()
        self._clients = _udp_socket()
        self._clients.bind(listen)
        self._loop.add_reader(self._clients, self._read_clients)

    @property
    def address(self) -> Address:
        host, port = self._clients.getsockname()
        return host, port

    @property
    def flows(self) -> int:
        return len(self._flows)

    def close(self) -> None:
        self.down.close()
        self.up.close()
        for sock in (self._clients, *self._flows.values()):
            self._loop.remove_reader(sock)
            sock.close()

    def _read_clients(self) -> None:
        for _ in range(READS_MAX):
            try:
                data, client = self._clients.recvfrom(DATAGRAM_MAX)
            except BlockingIOError:
                return
            except OSError:
                self.refused += 1
                continue
            upstream = self._flows.get(client) or self._open_flow(client)
            if upstream is None:
                self.refused += 1
                continue
            self.up.pass_on(data, partial(self._send, upstream.send))

    def _open_flow(self, client: Address) -> socket.socket | None:
        if len(self._flows) == FLOWS_MAX:
            return None
        upstream = self._flows[client] = _udp_socket()
        upstream.connect(self._server)
        self._loop.add_reader(upstream, self._read_server, upstream, client)
        self.down.begin_script()
        self.up.begin_script()
        return upstream

    def _read_server(self, upstream: socket.socket, client: Address) -> None:
        for _ in range(READS_MAX):
            try:
                data = upstream.recv(DATAGRAM_MAX)
            except BlockingIOError:
                return
            except OSError:
                self.refused += 1
                continue
            self.down.pass_on(data, partial(self._send_to, client))

    def _send_to(self, client: Address, data: bytes) -> None:
        self._send(lambda datagram: self._clients.sendto(datagram, client), data)

    def _send(self, send: Callable[[bytes], int], data: bytes) -> None:
        try:
            send(data)
        except OSError:
            self.refused += 1


def _udp_socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
    return sock
