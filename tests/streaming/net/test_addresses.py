"""Announced addresses and their candidates, read back by aioice as an independent judge."""

import ipaddress

import pytest
from aioice.candidate import Candidate

from streaming.net.addresses import ADDRESSES_MAX, AddressError, announced, candidate_lines, local_addresses


def test_local_addresses_can_be_reached_from_elsewhere() -> None:
    found = local_addresses()
    assert found
    assert len(set(found)) == len(found)
    for text in found:
        address = ipaddress.ip_address(text)
        assert not address.is_link_local
        assert not address.is_loopback or found == ["127.0.0.1"]


def test_loopback_where_asked_for() -> None:
    assert local_addresses(loopback=True)[-1] == "127.0.0.1"


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ([], ["192.0.2.1", "2001:db8::1"]),
        (["203.0.113.7"], ["203.0.113.7"]),
        (["+203.0.113.7"], ["192.0.2.1", "2001:db8::1", "203.0.113.7"]),
        (["203.0.113.7", "+2001:DB8:0::9"], ["203.0.113.7", "2001:db8::9"]),
        (["+192.0.2.1"], ["192.0.2.1", "2001:db8::1"]),
    ],
)
def test_configured_addresses_replace_or_add(configured: list[str], expected: list[str]) -> None:
    assert announced(["192.0.2.1", "2001:db8::1"], configured) == expected


@pytest.mark.parametrize("text", ["school.example", "", "+", "0.0.0.0", "::", "224.0.0.1", "fe80::1", "1.2.3.4:5000"])
def test_addresses_that_cannot_be_announced(text: str) -> None:
    with pytest.raises(AddressError):
        announced([], [text])


def test_announced_is_bounded() -> None:
    assert len(announced([f"192.0.2.{n}" for n in range(200)], [])) == ADDRESSES_MAX


def test_candidates_prefer_udp_and_earlier_addresses() -> None:
    lines = candidate_lines(["192.0.2.1", "2001:db8::1"], 50000, 50001)
    candidates = [Candidate.from_sdp(line.removeprefix("candidate:")) for line in lines]
    assert [(c.transport, c.host, c.port, c.tcptype) for c in candidates] == [
        ("udp", "192.0.2.1", 50000, None),
        ("udp", "2001:db8::1", 50000, None),
        ("tcp", "192.0.2.1", 50001, "passive"),
        ("tcp", "2001:db8::1", 50001, "passive"),
    ]
    priorities = [c.priority for c in candidates]
    assert priorities[0] == 2130706431  # a first host candidate by RFC 8445 section 5.1.2.1
    assert priorities == sorted(set(priorities), reverse=True)
    assert len({c.foundation for c in candidates}) == 4
    assert {c.component for c in candidates} == {1}


def test_candidates_of_one_protocol() -> None:
    assert all(" udp " in line for line in candidate_lines(["192.0.2.1"], 50000, None))
    assert all(" tcptype passive" in line for line in candidate_lines(["192.0.2.1"], None, 50000))
