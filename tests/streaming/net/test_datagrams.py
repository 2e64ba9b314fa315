"""Batches of datagrams on real sockets of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from pylibsrtp import Policy, Session

from streaming.net.datagrams import (
    RECEIVE_BATCH,
    SOCKADDR_BYTES,
    ReceiveBatch,
    SendBatch,
    address_key,
    address_tuple,
    bind_udp,
)
from streaming.net.dtls import Srtp
from streaming.net.outbox import Outbox
from streaming.wire.rtp import pack_header
from streaming.wire.slab import PACKET_BYTES

LOOPBACKS = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


@pytest.fixture
def ours() -> Iterator[socket.socket]:
    with bind_udp("", 0) as sock:
        yield sock


def receiver(family: socket.AddressFamily, host: str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(5.0)
    return sock


class Addresses:
    """Destinations as the kernel wants them; holds the memory that the pointers point to."""

    def __init__(self, *sockets: socket.socket) -> None:
        self.bytes = np.zeros((len(sockets), SOCKADDR_BYTES), np.uint8)
        for row, sock in enumerate(sockets):
            self.bytes[row] = np.frombuffer(address_key(*sock.getsockname()[:2]), np.uint8)

    def pointers(self, *rows: int) -> npt.NDArray[np.uint64]:
        return np.array([self.bytes.ctypes.data + row * SOCKADDR_BYTES for row in rows], np.uint64)


@pytest.mark.parametrize("host", ["192.0.2.7", "255.255.255.255", "2001:db8::17", "::1"])
@pytest.mark.parametrize("port", [1, 443, 65535])
def test_addresses_there_and_back(host: str, port: int) -> None:
    key = address_key(host, port)
    assert len(key) == SOCKADDR_BYTES
    assert address_tuple(key) == (host, port)


@pytest.mark.parametrize("host", ["", "example", "1.2.3", "::g", "fe80::1%lo"])
def test_names_are_not_addresses(host: str) -> None:
    with pytest.raises(OSError, match=r".+"):
        address_key(host, 1)


def test_a_port_in_use_is_an_error(ours: socket.socket) -> None:
    with pytest.raises(OSError, match="in use"):
        bind_udp("", ours.getsockname()[1])


@pytest.mark.parametrize(("family", "host"), LOOPBACKS)
def test_a_batch_arrives_with_its_sender(ours: socket.socket, family: socket.AddressFamily, host: str) -> None:
    batch = ReceiveBatch(ours)
    assert batch.receive() == []
    with receiver(family, host) as sender:
        sizes = [0, 1, 1200, PACKET_BYTES + 100]
        for size in sizes:
            sender.sendto(bytes([size & 0xFF]) * size, (host, ours.getsockname()[1]))
        received = batch.receive()
        assert [length for length, _ in received] == [0, 1, 1200, PACKET_BYTES]
        for row, (length, key) in enumerate(received):
            assert address_tuple(key) == sender.getsockname()[:2]
            assert key == address_key(*sender.getsockname()[:2])
            assert batch.slab[row, :length].tobytes() == bytes([sizes[row] & 0xFF]) * length


def test_more_than_a_batch_comes_in_the_next(ours: socket.socket) -> None:
    batch = ReceiveBatch(ours)
    with receiver(socket.AF_INET, "127.0.0.1") as sender:
        for number in range(RECEIVE_BATCH + 6):
            sender.sendto(bytes([number]), ("127.0.0.1", ours.getsockname()[1]))
        counts = [len(batch.receive()), len(batch.receive()), len(batch.receive())]
    assert counts == [RECEIVE_BATCH, 6, 0]


def test_one_batch_to_ipv4_and_ipv6(ours: socket.socket) -> None:
    batch = SendBatch(ours, 8)
    with receiver(*LOOPBACKS[0]) as four, receiver(*LOOPBACKS[1]) as six:
        addresses = Addresses(four, six)
        for slot in range(4):
            batch.packets[slot, : 100 + slot] = slot
            batch.lengths[slot] = 100 + slot
        batch.names[:4] = addresses.pointers(0, 1, 0, 1)
        assert batch.send(0, 4) == 4
        assert [four.recv(2000) for _ in range(2)] == [bytes([0]) * 100, bytes([2]) * 102]
        assert [six.recv(2000) for _ in range(2)] == [bytes([1]) * 101, bytes([3]) * 103]


def test_a_refused_destination_costs_nobody_else(ours: socket.socket) -> None:
    batch = SendBatch(ours, 8)
    with receiver(*LOOPBACKS[0]) as good, receiver(*LOOPBACKS[0]) as other:
        addresses = Addresses(good, other)
        addresses.bytes[1] = np.frombuffer(address_key("255.255.255.255", 9), np.uint8)  # broadcast: not permitted
        for slot in range(6):
            batch.packets[slot, 0] = slot
            batch.lengths[slot] = 1
        batch.names[:6] = addresses.pointers(1, 0, 1, 1, 0, 1)
        assert batch.send(0, 6) == 2
        assert [good.recv(10) for _ in range(2)] == [b"\1", b"\4"]
        batch.names[:2] = addresses.pointers(1, 1)
        assert batch.send(0, 2) == 0


@pytest.mark.parametrize(("family", "host"), LOOPBACKS)
def test_segmented_messages_arrive_as_packets(ours: socket.socket, family: socket.AddressFamily, host: str) -> None:
    batch = SendBatch(ours, 16)
    with receiver(family, host) as one, receiver(family, host) as two:
        addresses = Addresses(one, two)
        lengths = [700, 700, 700, 33] * 2
        for slot, length in enumerate(lengths):
            batch.packets[slot, :length] = slot
            batch.lengths[slot] = length
        assert batch.send_segmented(addresses.pointers(0, 1), 4, 700) == 8
        assert batch.segmentation
        for sock, first in ((one, 0), (two, 4)):
            received = [sock.recv(2000) for _ in range(4)]
            assert received == [bytes([first + index]) * lengths[index] for index in range(4)]


# ---------------------------------------------------------------- encrypted rows


KEY = bytes(range(28))


def session(direction: int) -> Session:
    return Session(Policy(key=KEY, ssrc_type=direction, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM))


def outbound() -> Session:
    return session(Policy.SSRC_ANY_OUTBOUND)


def inbound() -> Session:
    return session(Policy.SSRC_ANY_INBOUND)


@pytest.mark.parametrize("segmentation", [False, True])
@pytest.mark.parametrize("equal", [False, True])
def test_rows_are_encrypted_for_their_viewer(ours: socket.socket, segmentation: bool, equal: bool) -> None:
    outbox = Outbox(ours)
    outbox.segmentation = segmentation
    keys = [Srtp(outbound(), inbound()) for _ in range(2)]
    sizes = [500, 500, 40] if equal else [500, 20, 400]
    with receiver(*LOOPBACKS[0]) as one, receiver(*LOOPBACKS[1]) as two:
        addresses = Addresses(one, two)
        plain = []
        for slot in range(6):
            packet = pack_header(96, slot, 1, 7) + bytes([slot]) * sizes[slot % 3]
            plain.append(packet)
            outbox.packets[slot, : len(packet)] = np.frombuffer(packet, np.uint8)
            outbox.lengths[slot] = len(packet)
        sessions = [keys[0].tx] * 3 + [keys[1].tx] * 3
        outbox.deliver(sessions, addresses.pointers(0, 0, 0, 1, 1, 1), 2, 3, 512 if equal else 0)
        assert [inbound_one.unprotect(sock.recv(2000)) for inbound_one, sock in zip_receivers(one, two)] == plain
    assert outbox.packets_sent == 6
    assert not outbox.counts


def zip_receivers(one: socket.socket, two: socket.socket) -> list[tuple[Session, socket.socket]]:
    first, second = inbound(), inbound()
    return [(first, one)] * 3 + [(second, two)] * 3


def test_what_cannot_be_encrypted_is_not_sent(ours: socket.socket) -> None:
    """A packet in the clear must never leave; its neighbours still do."""
    outbox = Outbox(ours)
    keys = [Srtp(outbound(), inbound()) for _ in range(3)]
    with receiver(*LOOPBACKS[0]) as sock:
        addresses = Addresses(sock)
        for slot in range(3):
            packet = pack_header(96, slot, 1, 7) + b"secret"
            if slot == 1:
                packet = b"\x00" * len(packet)  # not RTP: libsrtp refuses
            outbox.packets[slot, : len(packet)] = np.frombuffer(packet, np.uint8)
            outbox.lengths[slot] = len(packet) if slot != 1 else 3
        outbox.deliver([key.tx for key in keys], addresses.pointers(0, 0, 0), 3, 1, 0)
        received = [inbound().unprotect(sock.recv(2000)) for _ in range(2)]
        assert [packet[3] for packet in received] == [0, 2]
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(2000)
    assert outbox.counts == {"srtp_protect": 1}
    assert outbox.packets_sent == 2
