"""The names and addresses under which people reach this machine."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path
from urllib.parse import urlsplit

from infra.settings import Settings, Tls
from streaming.net.addresses import local_addresses

_SIOCGIFADDR, _SIOCGIFNETMASK = 0x8915, 0x891B
_IPV6_ADDRESSES = Path("/proc/net/if_inet6")


def machine_hosts() -> list[str]:
    """What the server's certificate is for: loopback, the machine's name, its addresses in the network."""
    name = socket.gethostname().lower()
    short = name.split(".", 1)[0]
    names = [candidate for candidate in (name, f"{short}.local") if _is_host_name(candidate)]
    return list(dict.fromkeys(["localhost", "127.0.0.1", "::1", *names, *local_addresses()]))


def configured_hosts(settings: Settings) -> list[str]:
    """The administrator's own names: WEBCLASS_HOST_NAMES, and the host of WEBCLASS_PUBLIC_URL."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return list(dict.fromkeys([*settings.host_names, *([public] if public else [])]))


def network_url(settings: Settings) -> str:
    """Where other computers find the pages: as configured, else by the first address in the network.

    On a machine without a network it is the same as `Settings.local_url`.
    """
    if settings.public_url:
        return settings.public_url
    for host in [*settings.host_names, *local_addresses()]:
        if settings.tls is not Tls.PROXY and host != "127.0.0.1":
            return f"https://{bracketed(host)}:{settings.https_port}"
    return settings.local_url


def own_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks that this machine's interfaces are in, as Linux tells them (netdevice(7), proc(5))."""
    found: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                address, mask = (
                    socket.inet_ntoa(fcntl.ioctl(asked.fileno(), code, request)[20:24])
                    for code in (_SIOCGIFADDR, _SIOCGIFNETMASK)
                )
            except OSError:  # an interface without an IPv4 address
                continue
            found.append(ipaddress.IPv4Network(f"{address}/{mask}", strict=False))
    if _IPV6_ADDRESSES.exists():
        for line in _IPV6_ADDRESSES.read_text().splitlines():
            digits, _, prefix, *_ = line.split()
            found.append(ipaddress.IPv6Network((bytes.fromhex(digits), int(prefix, 16)), strict=False))
    return found


def bracketed(host: str) -> str:
    """An IPv6 address in the brackets that a URL needs; anything else as it is."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether a peer's address is on this same machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_host_name(name: str) -> bool:
    return bool(name) and len(name) <= 253 and all(part.isascii() and part.strip("-") for part in name.split("."))
