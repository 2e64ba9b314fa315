"""ICE-lite against aioice's own messages as the peer; every hostile datagram ends as a counted drop."""

import ipaddress
from typing import Any

import pytest
from aioice import stun as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.net.demultiplex import PacketKind, kind_of
from streaming.net.ice import ADDRESSES_PER_PEER, Credentials, IceLite, IceRegistry, IceState, new_credentials
from streaming.wire import stun
from streaming.wire.errors import WireError

OURS = Credentials("oursoursA", "p" * 24, "theirs")
OTHER = Credentials("oursoursB", "q" * 24, "theirs")
SEEN = ("198.51.100.7", 40000)


def check(
    credentials: Credentials = OURS,
    *,
    nominate: bool = False,
    password: str | None = None,
    controlled: bool = False,
    **changes: Any,
) -> bytes:
    attributes: dict[str, Any] = {
        "USERNAME": credentials.username,
        "PRIORITY": 1853824767,
        "ICE-CONTROLLED" if controlled else "ICE-CONTROLLING": 7,
        **({"USE-CANDIDATE": None} if nominate else {}),
        **changes,
    }
    kept = {name: value for name, value in attributes.items() if value != "absent"}
    message = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST, attributes=kept)
    message.add_message_integrity((password or credentials.password).encode())
    return bytes(message)


def unsigned(message: oracle.Message) -> bytes:
    message.add_fingerprint()
    return bytes(message)


def one_peer() -> tuple[IceRegistry[str], IceLite]:
    registry: IceRegistry[str] = IceRegistry()
    ice = IceLite(OURS, 0.0)
    registry.add(ice, "peer")
    return registry, ice


def selected(ice: IceLite) -> object:
    """Read anew each time: mypy would hold on to the last comparison."""
    return ice.selected


def answered(registry: IceRegistry[str], data: bytes, address: str = "a", now: float = 1.0) -> oracle.Message:
    checked = registry.handle(data, address, SEEN, now)
    assert checked is not None
    return oracle.parse_message(checked.answer)


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("seen", [SEEN, ("2001:db8::17", 65535), ("::", 0), ("255.255.255.255", 8466)])
def test_a_check_is_answered_as_aioice_expects(seen: tuple[str, int]) -> None:
    registry, ice = one_peer()
    data = check()
    checked = registry.handle(data, "a", seen, 1.0)
    assert checked is not None
    assert (checked.owner, checked.moved, selected(ice)) == ("peer", True, "a")
    answer = oracle.parse_message(checked.answer)
    assert answer.message_class == oracle.Class.RESPONSE
    assert answer.transaction_id == data[8:20]
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == seen
    assert answer.check_message_integrity(OURS.password.encode())
    assert "FINGERPRINT" in answer.attributes


def test_a_v4_mapped_address_is_answered_as_ipv4() -> None:
    registry, _ = one_peer()
    checked = registry.handle(check(), "a", ("::ffff:198.51.100.7", 40000), 1.0)
    assert checked is not None
    assert oracle.parse_message(checked.answer).attributes["XOR-MAPPED-ADDRESS"] == SEEN


def test_role_conflict() -> None:
    registry, ice = one_peer()
    answer = answered(registry, check(controlled=True))
    assert answer.error_code == 487
    assert answer.check_message_integrity(OURS.password.encode())
    assert selected(ice) is None


def test_unknown_comprehension_required_attributes_are_named() -> None:
    registry, ice = one_peer()
    message = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST, attributes={"USERNAME": OURS.username})
    body = bytes(message) + bytes.fromhex("7001 0003 61626300 7002 0000 c001 0000")
    signed = body + b"\0\x08\0\x14" + oracle.message_integrity(body, OURS.password.encode())
    data = signed + b"\x80\x28\0\x04" + oracle.message_fingerprint(signed).to_bytes(4, "big")
    data = oracle.set_body_length(data, len(data) - 20)
    checked = registry.handle(data, "a", SEEN, 1.0)
    assert checked is not None
    assert oracle.parse_message(checked.answer).error_code == 420
    assert bytes.fromhex("000a 0004 7001 7002") in checked.answer
    assert selected(ice) is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "stun_length"),
        (check()[:-1], "stun_length"),
        (check() + b"\0\0\0\0", "stun_length"),
        (bytes.fromhex("0001 0000 00000000") + bytes(12), "stun_cookie"),
        (bytes.fromhex("0011 0000 2112a442") + bytes(12), "stun_not_request"),
        (bytes.fromhex("0101 0000 2112a442") + bytes(12), "stun_not_request"),
        (bytes.fromhex("0001 0000 2112a442") + bytes(12), "stun_fingerprint"),
        (bytes.fromhex("0001 0004 2112a442") + bytes(12) + bytes.fromhex("0006ffff"), "stun_attribute"),
        (check()[:-1] + b"\0", "stun_fingerprint"),
        (unsigned(oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST)), "stun_no_integrity"),
        (check(USERNAME="absent"), "stun_no_username"),
        (check(USERNAME="я:theirs"), "stun_no_username"),
        (check(USERNAME="x" * 600), "stun_no_username"),
        (check(SOFTWARE="x" * 1300), "stun_length"),
        (check(USERNAME="nobody:theirs"), "ice_unknown_ufrag"),
        (check(USERNAME="oursoursA:someone"), "ice_unknown_ufrag"),
        (check(USERNAME="oursoursA"), "ice_unknown_ufrag"),
        (check(password="z" * 24), "ice_bad_integrity"),
    ],
)
def test_unproved_senders_get_nothing(data: bytes, kind: str) -> None:
    registry, ice = one_peer()
    assert registry.handle(data, "a", SEEN, 1.0) is None
    assert registry.drops == {kind: 1}
    assert selected(ice) is None
    assert not registry.owners


def test_attributes_after_the_integrity_do_not_count() -> None:
    registry, ice = one_peer()
    first = check()
    registry.handle(first, "a", SEEN, 1.0)
    body = check()[:-8] + bytes.fromhex("00250000")
    data = oracle.set_body_length(body, len(body) - 20 + 8)
    data += b"\x80\x28\0\x04" + oracle.message_fingerprint(body).to_bytes(4, "big")
    assert registry.handle(data, "b", SEEN, 1.0) is not None
    assert selected(ice) == "a"


# ---------------------------------------------------------------- addresses and nomination


def test_first_validated_until_one_is_nominated_then_the_last_nominated() -> None:
    registry, ice = one_peer()
    registry.handle(check(), "a", SEEN, 1.0)
    registry.handle(check(), "b", SEEN, 1.1)
    assert selected(ice) == "a"
    checked = registry.handle(check(nominate=True), "b", SEEN, 1.2)
    assert checked is not None
    assert checked.moved
    assert selected(ice) == "b"
    registry.handle(check(), "a", SEEN, 1.3)
    assert selected(ice) == "b"
    registry.handle(check(nominate=True), "c", SEEN, 1.4)  # the viewer's address has changed
    assert selected(ice) == "c"
    assert registry.owners == {"a": "peer", "b": "peer", "c": "peer"}


def test_addresses_of_a_peer_are_bounded_and_the_selected_one_stays() -> None:
    registry, ice = one_peer()
    registry.handle(check(nominate=True), "home", SEEN, 1.0)
    for number in range(50):
        registry.handle(check(), number, SEEN, 2.0 + number)
        assert len(registry.owners) == len(ice.addresses) <= ADDRESSES_PER_PEER
    assert selected(ice) == "home"
    assert "home" in registry.owners
    assert 49 in registry.owners


def test_addresses_of_all_peers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.net.ice.ADDRESSES_MAX", 2)
    registry, _ = one_peer()
    for address in ("a", "b", "c"):
        registry.handle(check(), address, SEEN, 1.0)
    assert set(registry.owners) == {"a", "b"}
    assert registry.drops == {"ice_addresses_full": 1}


def test_an_address_in_use_cannot_be_taken_by_another_peer() -> None:
    registry, ice = one_peer()
    other = IceLite(OTHER, 0.0)
    registry.add(other, "other")
    registry.handle(check(nominate=True), "a", SEEN, 1.0)
    assert registry.handle(check(OTHER, nominate=True), "a", SEEN, 2.0) is None
    assert registry.drops == {"ice_address_held": 1}
    assert registry.owners == {"a": "peer"}
    assert other.selected is None
    assert selected(ice) == "a"


def test_an_address_left_silent_passes_to_the_peer_that_proves_itself_there() -> None:
    registry, ice = one_peer()
    other = IceLite(OTHER, 0.0)
    registry.add(other, "other")
    registry.handle(check(nominate=True), "a", SEEN, 1.0)
    checked = registry.handle(check(OTHER), "a", SEEN, 7.0)
    assert checked is not None
    assert (checked.owner, checked.displaced) == ("other", "peer")
    assert registry.owners == {"a": "other"}
    assert selected(ice) is None
    assert ice.state(7.0) == IceState.INTERRUPTED


def test_a_lost_tcp_path_leaves_the_next_best_address() -> None:
    registry, ice = one_peer()
    registry.handle(check(), "udp", SEEN, 1.0)
    registry.handle(check(nominate=True), "tcp", SEEN, 2.0)
    registry.address_lost("tcp")
    assert selected(ice) == "udp"
    registry.address_lost("udp")
    assert selected(ice) is None
    assert ice.state(3.0) == IceState.INTERRUPTED
    assert not registry.owners
    registry.address_lost("never seen")


def test_remove_forgets_everything() -> None:
    registry, ice = one_peer()
    registry.handle(check(), "a", SEEN, 1.0)
    registry.restart(ice, OTHER)
    registry.remove(ice)
    registry.remove(ice)
    assert not registry.owners
    for credentials in (OURS, OTHER):
        assert registry.handle(check(credentials), "a", SEEN, 2.0) is None
    registry.add(IceLite(OURS, 3.0), "again")


def test_a_fragment_is_given_once() -> None:
    registry, _ = one_peer()
    with pytest.raises(ValueError, match="in use"):
        registry.add(IceLite(OURS, 0.0), "twin")


# ---------------------------------------------------------------- consent and restart


def test_states_follow_consent() -> None:
    registry, ice = one_peer()
    assert ice.state(30.0) == IceState.CONNECTING
    assert ice.state(30.1) == IceState.EXPIRED
    registry.handle(check(nominate=True), "a", SEEN, 10.0)
    assert ice.state(15.0) == IceState.CONNECTED
    assert ice.state(15.1) == IceState.INTERRUPTED
    assert ice.state(40.1) == IceState.EXPIRED
    registry.handle(check(), "b", SEEN, 16.0)  # another pair is no consent for the selected one (RFC 7675)
    assert ice.state(16.0) == IceState.INTERRUPTED
    registry.handle(check(), "a", SEEN, 17.0)
    assert ice.state(17.0) == IceState.CONNECTED


def test_restart_keeps_the_old_pair_until_the_new_one_is_nominated() -> None:
    registry, ice = one_peer()
    registry.handle(check(nominate=True), "a", SEEN, 1.0)
    registry.restart(ice, OTHER)
    registry.handle(check(), "a", SEEN, 2.0)
    assert ice.state(2.0) == IceState.CONNECTED
    answer = answered(registry, check(OTHER), "b", 3.0)
    assert answer.check_message_integrity(OTHER.password.encode())
    assert selected(ice) == "a"
    registry.handle(check(OTHER, nominate=True), "b", SEEN, 4.0)
    assert selected(ice) == "b"
    assert registry.handle(check(), "a", SEEN, 5.0) is None
    assert registry.drops == {"ice_unknown_ufrag": 1}


def test_a_second_restart_replaces_the_first() -> None:
    registry, ice = one_peer()
    third = new_credentials("theirs3")
    registry.restart(ice, OTHER)
    registry.restart(ice, third)
    assert registry.handle(check(OTHER), "a", SEEN, 1.0) is None
    assert registry.handle(check(third, nominate=True), "a", SEEN, 1.0) is not None
    assert ice.credentials == third


def test_new_credentials_are_long_enough_and_never_the_same() -> None:
    made = {new_credentials("theirs") for _ in range(100)}
    assert len(made) == 100
    assert all(len(c.ufrag) == 8 and len(c.password) == 24 and (c.ufrag + c.password).isalnum() for c in made)


# ---------------------------------------------------------------- anything else

VALID = check(nominate=True, SOFTWARE="x" * 7)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), max_size=4),
    st.integers(0, len(VALID)),
    st.binary(max_size=24),
)
def test_changed_messages_are_dropped_and_counted(changes: list[tuple[int, int]], cut: int, tail: bytes) -> None:
    registry, ice = one_peer()
    data = bytearray(VALID)
    for position, value in changes:
        data[position] = value
    changed = bytes(data[:cut]) + tail
    checked = registry.handle(changed, "a", SEEN, 1.0)
    if changed == VALID:
        assert checked is not None
    else:
        assert checked is None
        assert registry.drops.total() == 1
        assert selected(ice) is None


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: VALID[:20] + tail))
def test_any_datagram_has_a_kind_and_is_refused_by_the_parser(data: bytes) -> None:
    assert kind_of(data) in PacketKind
    with pytest.raises(WireError):
        stun.parse_request(data)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.ip_addresses(), st.integers(0, 65535), st.binary(min_size=12, max_size=12), st.booleans(), st.text(max_size=40)
)
def test_parser_and_writer_agree_with_aioice(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, transaction: bytes, nominate: bool, software: str
) -> None:
    data = check(nominate=nominate, SOFTWARE=software)
    request = stun.parse_request(data)
    expected = oracle.parse_message(data)
    assert request.username == expected.attributes["USERNAME"]
    assert request.use_candidate == ("USE-CANDIDATE" in expected.attributes)
    assert request.transaction_id == expected.transaction_id
    assert stun.authentic(request, OURS.password.encode())
    assert not stun.authentic(request, b"wrong")
    answer = oracle.parse_message(stun.write_success(transaction, str(host), port, b"key"))
    mapped, mapped_port = answer.attributes["XOR-MAPPED-ADDRESS"]
    known = host.ipv4_mapped if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped else host
    assert (ipaddress.ip_address(mapped), mapped_port) == (known, port)
    assert answer.check_message_integrity(b"key")


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (0, 1, PacketKind.STUN),
        (3, 0, PacketKind.STUN),
        (4, 0, PacketKind.UNKNOWN),
        (19, 0, PacketKind.UNKNOWN),
        (20, 254, PacketKind.DTLS),
        (63, 0, PacketKind.DTLS),
        (64, 0, PacketKind.UNKNOWN),
        (127, 0, PacketKind.UNKNOWN),
        (128, 111, PacketKind.RTP),
        (144, 98 | 128, PacketKind.RTP),
        (128, 200, PacketKind.RTCP),
        (143, 205, PacketKind.RTCP),
        (191, 0, PacketKind.RTP),
        (192, 0, PacketKind.UNKNOWN),
        (255, 255, PacketKind.UNKNOWN),
    ],
)
def test_demultiplexing_by_the_first_bytes(first: int, second: int, kind: PacketKind) -> None:
    assert kind_of(bytes((first, second, 0, 0))) == kind


def test_empty_and_single_byte_datagrams_are_unknown() -> None:
    assert kind_of(b"") == kind_of(b"\x80") == PacketKind.UNKNOWN
