"""Which addresses we announce, and their ICE candidates."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from aioice.ice import get_host_addresses

ADDRESSES_MAX: Final = 16
COMPONENT_RTP: Final = 1
HOST_PREFERENCE: Final = 126
TCP_PREFERENCE: Final = 90
"""Type preference of a host candidate (RFC 8445 section 5.1.2.2), and a lower one so that UDP is preferred to TCP."""
PASSIVE_DIRECTION: Final = 4
"""RFC 6544 section 4.2."""


class AddressError(ValueError):
    """A configured address is not one that can be announced."""


def local_addresses(loopback: bool = False) -> list[str]:
    """IPv4 and IPv6 addresses of this machine's interfaces, without link-local ones.

    Loopback comes with them where asked for, or alone where there is nothing else.
    """
    found = [text for text in get_host_addresses(use_ipv4=True, use_ipv6=True) if _reachable(text)]
    usable = list(dict.fromkeys(found))
    return [*usable, "127.0.0.1"] if loopback or not usable else usable


def _reachable(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return not (address.is_link_local or address.is_loopback or address.is_unspecified or address.is_multicast)


def announced(detected: Sequence[str], configured: Sequence[str]) -> list[str]:
    """The addresses to announce: `203.0.113.7` replaces the detected ones, `+203.0.113.7` is added to them.

    Behind NAT the public address is configured this way. Raises AddressError.
    """
    plain = [_checked(text) for text in configured if not text.strip().startswith("+")]
    added = [_checked(text.strip()[1:]) for text in configured if text.strip().startswith("+")]
    return list(dict.fromkeys([*(plain or detected), *added]))[:ADDRESSES_MAX]


def _checked(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError as error:
        raise AddressError(f"not an IP address: {text!r}") from error
    if address.is_unspecified or address.is_multicast or (address.version == 6 and address.is_link_local):
        raise AddressError(f"not an address that others can reach: {text!r}")
    return str(address)


def candidate_lines(addresses: Sequence[str], udp_port: int | None, tcp_port: int | None) -> tuple[str, ...]:
    """Host candidates as `candidate:…` values: UDP, then passive TCP (RFC 6544), earlier addresses preferred.

    A foundation is shared by candidates of one address and protocol only (RFC 8445 section 5.1.1.3).
    """
    lines = []
    if udp_port is not None:
        for index, host in enumerate(addresses):
            priority = _priority(HOST_PREFERENCE, 65535 - index)
            lines.append(f"candidate:{index + 1} {COMPONENT_RTP} udp {priority} {host} {udp_port} typ host")
    if tcp_port is not None:
        for index, host in enumerate(addresses, len(addresses)):
            preference = (PASSIVE_DIRECTION << 13) + 8191 - index
            priority = _priority(TCP_PREFERENCE, preference)
            lines.append(
                f"candidate:{index + 1} {COMPONENT_RTP} tcp {priority} {host} {tcp_port} typ host tcptype passive"
            )
    return tuple(lines)


def _priority(type_preference: int, local_preference: int) -> int:
    """RFC 8445 section 5.1.2.1."""
    return (type_preference << 24) + (local_preference << 8) + 256 - COMPONENT_RTP
