"""Which participants come through one link, without keeping anybody's address.

A school that the invitation names is the link: several may stand behind the same address of a carrier, and one may
have several. Otherwise a school's computers come from one public address (NAT), or from one /64 with IPv6. Who is in
the server's own network reaches it without any thin link between, so they have no key and share nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from signaling.signatures import mac

IPV6_PREFIX = 64
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class LinkKeys:
    """`own`: the networks that this server's interfaces are in. The same place or address has the same key for as long
    as the secret lives, and without the secret no key tells it."""

    def __init__(self, secret: bytes, own: Sequence[Network] = ()) -> None:
        self._secret = secret
        self._own = tuple(own)

    def of(self, remote: str | None, place: str = "") -> str:
        """The key of the link that somebody came through, by the invitation's `place` where it names one, else by the
        request's address; "" where there is none to share."""
        if place:
            return mac(self._secret, "place", " ".join(place.casefold().split()))
        try:
            address = ipaddress.ip_address((remote or "").partition("%")[0])
        except ValueError:
            return ""
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback or address.is_link_local or any(address in network for network in self._own):
            return ""
        if address.version == 6:
            address = ipaddress.ip_network((address, IPV6_PREFIX), strict=False).network_address
        return mac(self._secret, "link", str(address))
