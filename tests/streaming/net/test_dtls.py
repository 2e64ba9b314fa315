"""The fences around aiortc's DTLS, one by one."""

from __future__ import annotations

import asyncio

import pytest

from streaming.net import dtls
from streaming.net.dtls import RECORD_QUEUE, Certificate, DtlsFailed, DtlsServer, Fingerprint

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
