"""The names and addresses under which people reach this machine."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from infra.settings import Settings, Tls
from streaming.net.addresses import local_addresses


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
