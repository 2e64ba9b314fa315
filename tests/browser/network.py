"""A network of the tests' own: no way out, one address for media, and a school firewall on demand."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

LAN_ADDRESS = "10.99.0.1"
"""On a device of its own, since Firefox sends no media over the loopback device, and Chromium only over 127.0.0.1."""

_CLONE_NEWNET = 0x40000000


@contextmanager
def own_network() -> Iterator[None]:
    """Put this thread, and all that it starts from now on, into a network namespace with one LAN and no way out.

    Needs root. Nothing that a browser does by itself gets out of it, and what a test blocks is blocked here only.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    _check(libc.unshare(_CLONE_NEWNET))
    try:
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "lan", "type", "veth", "peer", "name", "cable")
        _ip("address", "add", f"{LAN_ADDRESS}/24", "dev", "lan")
        for device in ("lan", "cable"):
            _ip("link", "set", device, "up")
        _ip("route", "add", "default", "dev", "lan")
        # The table of local addresses is asked first by default; rules of a test must come before it.
        _ip("rule", "add", "preference", "100", "lookup", "local")
        _ip("rule", "delete", "preference", "0")
        yield
    finally:
        _check(libc.setns(outside, _CLONE_NEWNET))
        os.close(outside)


@contextmanager
def udp_blocked(port: int) -> Iterator[None]:
    """No UDP datagram to `port` while this holds, as behind a school's firewall."""
    rule = ["preference", "10", "ipproto", "udp", "dport", str(port), "blackhole"]
    _ip("rule", "add", *rule)
    try:
        yield
    finally:
        _ip("rule", "delete", *rule)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} (a network namespace needs root)")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
