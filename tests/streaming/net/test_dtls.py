"""The fences around aiortc's DTLS, one by one."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from streaming.net import dtls
from streaming.net.dtls import RECORD_QUEUE, REPEATS_MAX, Certificate, DtlsFailed, DtlsServer, Fingerprint, Srtp

SOMEBODY = [Fingerprint("sha-256", "AA" + ":AA" * 31)]
CLIENT_HELLO_HEAD = b"\x16\xfe\xfd"


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    made = Certificate.generateCertificate()
    assert isinstance(made, Certificate)
    return made


def server(certificate: Certificate) -> DtlsServer:
    return DtlsServer(certificate, lambda data: None)


async def test_only_records_pass_and_the_queue_is_bounded(certificate: Certificate) -> None:
    end = server(certificate)
    for data in (b"", b"\x13", b"\x40" + bytes(20), b"\x00\x01", b"\x80" + bytes(20)):
        end.receive(data)
    assert end.dropped == 5
    for _ in range(RECORD_QUEUE + 7):
        end.receive(CLIENT_HELLO_HEAD)
    assert end.dropped == 12


@pytest.mark.parametrize("record", [b"\x14", b"\x16", b"\x3f\xff", CLIENT_HELLO_HEAD + bytes(1400), b"\x15" * 60])
async def test_nonsense_does_not_end_a_handshake_that_waits(certificate: Certificate, record: bytes) -> None:
    end = server(certificate)
    task = asyncio.create_task(end.handshake(SOMEBODY))
    for _ in range(20):
        end.receive(record)
        await asyncio.sleep(0)
    assert not task.done()
    await end.close()
    with pytest.raises(DtlsFailed):
        await task


async def test_closing_ends_a_waiting_handshake_and_is_idempotent(certificate: Certificate) -> None:
    end = server(certificate)
    task = asyncio.create_task(end.handshake(SOMEBODY))
    await asyncio.sleep(0)
    await end.close()
    await end.close()
    with pytest.raises(DtlsFailed):
        await task


async def test_a_handshake_has_a_time_limit(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtls, "HANDSHAKE_TIMEOUT_S", 0.01)
    with pytest.raises(DtlsFailed, match="timed out"):
        await server(certificate).handshake(SOMEBODY)


def test_one_context_serves_every_handshake(certificate: Certificate) -> None:
    first = certificate._create_ssl_context(dtls.PROFILES)
    assert certificate._create_ssl_context(dtls.PROFILES) is first
    assert certificate.fingerprint[0] == "sha-256"


# ---------------------------------------------------------------- sealed

FINISHED_AGAIN = bytes.fromhex("14 fefd 0000 000000000006 0001 01  16 fefd 0001 000000000001 0002 ffff")


class DtlsClient(DtlsServer):
    role = "client"


class Pair:
    """Both ends of a connection; `lose` says which of the server's datagrams do not arrive."""

    def __init__(self, lose: Callable[[bytes], bool] = lambda data: False) -> None:
        certificates = [Certificate.generateCertificate() for _ in range(2)]
        self.sent: list[bytes] = []
        self._lose = lose
        self.server = DtlsServer(certificates[0], self._to_client)
        self.client = DtlsClient(certificates[1], self.server.receive)
        self.fingerprints = [[Fingerprint(*certificate.fingerprint)] for certificate in certificates]

    def _to_client(self, data: bytes) -> None:
        self.sent.append(data)
        if not self._lose(data):
            self.client.receive(data)

    async def handshake(self) -> tuple[Srtp, Srtp]:
        """The server's keys and the client's; the server seals as soon as it is done."""
        client = asyncio.create_task(self.client.handshake(self.fingerprints[0]))
        srtp = await self.server.handshake(self.fingerprints[1])
        self.server.seal()
        return srtp, await client


def is_last_flight(data: bytes) -> bool:
    return data[0] == 20  # ChangeCipherSpec stands first


async def test_a_lost_last_flight_is_sent_again_by_a_sealed_end() -> None:
    lost: list[bytes] = []

    def lose(data: bytes) -> bool:
        if is_last_flight(data) and not lost:
            lost.append(data)
            return True
        return False

    pair = Pair(lose)
    server, client = await pair.handshake()
    assert pair.sent[-2:] == lost * 2
    packet = bytes.fromhex("81c90007 00000001") + bytes(24)
    assert client._keep_alive[1].unprotect_rtcp(server.protect_rtcp(packet)) == packet
    await pair.client.close()


async def test_repeats_of_the_last_flight_are_bounded_and_end_with_the_proof() -> None:
    pair = Pair()
    await pair.handshake()
    before = len(pair.sent)
    pair.server.receive(FINISHED_AGAIN[:14])  # no handshake record of the second epoch
    assert len(pair.sent) == before
    for _ in range(REPEATS_MAX + 3):
        pair.server.receive(FINISHED_AGAIN)
    assert len(pair.sent) == before + REPEATS_MAX
    proved = Pair()
    await proved.handshake()
    proved.server.proved()
    before = len(proved.sent)
    proved.server.receive(FINISHED_AGAIN)
    assert len(proved.sent) == before
    for each in (pair, proved):
        await each.client.close()


async def test_a_sealed_end_keeps_nothing_of_openssl_and_says_goodbye() -> None:
    pair = Pair()
    gc.disable()  # no cycle may keep the memory until the next collection
    try:
        client = asyncio.create_task(pair.client.handshake(pair.fingerprints[0]))
        await pair.server.handshake(pair.fingerprints[1])
        assert pair.server._dtls is not None
        state = weakref.ref(pair.server._dtls._ssl)
        pair.server.seal()
        await client
        await asyncio.sleep(0)
        assert state() is None
    finally:
        gc.enable()
    await pair.server.close()
    await asyncio.wait_for(pair.client.closed(), 5)
    count = len(pair.sent)
    await pair.server.close()
    pair.server.receive(FINISHED_AGAIN)
    assert len(pair.sent) == count
