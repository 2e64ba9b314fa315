"""DTLS-SRTP on aiortc's RTCDtlsTransport: the only file that touches aiortc's private parts.

aiortc drives OpenSSL and derives the SRTP keys; media never passes through it. Fences, each with a regression test:
only non-empty DTLS records (RFC 7983: first byte 20..63) from addresses that ICE has validated reach it, through a
bounded queue, so an empty
datagram, a forged alert or a flood from elsewhere cannot end a connection. No SCTP association is ever made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiortc import rtcdtlstransport as aiortc_dtls
from OpenSSL import SSL
from pylibsrtp import Session
from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp

RECORD_QUEUE: Final = 64
HANDSHAKE_TIMEOUT_S: Final = 20.0

PROFILES: Final = [aiortc_dtls.SRTP_AEAD_AES_128_GCM, aiortc_dtls.SRTP_AES128_CM_SHA1_80]
"""AEAD_AES_128_GCM first: it costs about a third of AES-CM with SHA-1 per packet."""


class DtlsFailed(ConnectionError):
    """The handshake failed: wrong fingerprint, no common profile, closed or timed out."""


class Certificate(aiortc_dtls.RTCCertificate):
    """The process's certificate. Its one OpenSSL context serves every handshake, which makes a join cheap."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[Any]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
        return self._context

    @property
    def fingerprint(self) -> tuple[str, str]:
        """Hash name and value for the SDP (RFC 8122)."""
        return next((f.algorithm, f.value) for f in self.getFingerprints() if f.algorithm == "sha-256")


class Srtp:
    """Both directions of one connection's SRTP. `tx` and `rx` are libsrtp's own session pointers for the batch path."""

    def __init__(self, tx: Session, rx: Session) -> None:
        self._keep_alive = (tx, rx)
        self.tx: Any = tx._srtp[0]
        self.rx: Any = rx._srtp[0]

    def protect_rtcp(self, packet: bytes) -> bytes:
        return self._keep_alive[0].protect_rtcp(packet)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    algorithm: str
    value: str


class _IceSide:
    """What RTCDtlsTransport needs of an ICE transport."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_datagram = send
        self.records: asyncio.Queue[bytes | None] = asyncio.Queue(RECORD_QUEUE)
        self.closed = False

    async def _recv(self) -> bytes:
        record = None if self.closed else await self.records.get()
        if record is None:
            self.closed = True
            raise ConnectionError("closed")
        return record

    async def _send(self, data: bytes) -> None:
        self._send_datagram(data)


class DtlsServer:
    """The server's end of one connection. `send` takes one datagram and must not block."""

    def __init__(self, certificate: Certificate, send: Callable[[bytes], None]) -> None:
        self._ice = _IceSide(send)
        self._dtls = aiortc_dtls.RTCDtlsTransport(self._ice, [certificate])  # type: ignore[arg-type]
        self._dtls._srtp_profiles = PROFILES
        self._dtls._set_role("server")
        self.dropped = 0
        self.released = False

    def receive(self, record: bytes) -> None:
        """One datagram from a validated address; anything but a DTLS record is dropped and counted."""
        if self.released or not record or not 20 <= record[0] <= 63 or self._ice.records.full():
            self.dropped += 1
            return
        self._ice.records.put_nowait(record)

    async def handshake(self, fingerprints: Sequence[Fingerprint]) -> Srtp:
        """Complete the handshake against the offer's fingerprints. Raises DtlsFailed."""
        remote = aiortc_dtls.RTCDtlsParameters(
            fingerprints=[aiortc_dtls.RTCDtlsFingerprint(f.algorithm, f.value) for f in fingerprints], role="client"
        )
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                await self._dtls.start(remote)
        except (TimeoutError, SSL.Error) as error:
            raise DtlsFailed(str(error) or "handshake timed out") from error
        if self._dtls.state != "connected":
            raise DtlsFailed(f"handshake {self._dtls.state}")
        return Srtp(self._dtls._tx_srtp, self._dtls._rx_srtp)

    async def closed(self) -> None:
        """Return when the peer has closed the connection or `close` was called. Call after `handshake`."""
        task = self._dtls._task
        if task is not None:
            await asyncio.wait([task])

    def release(self) -> None:
        """Let go of OpenSSL's state, most of what an idle connection weighs; the keys are out and SRTP goes on.

        For a peer that has proved to have finished its handshake. Goodbyes (close_notify) are neither sent nor heard
        from now on: consent and signalling tell of an end.
        """
        if self._dtls._task is not None:
            self._dtls._task.cancel()
            self._dtls._task = None
        self._dtls._ssl = None
        self.released = True

    async def close(self) -> None:
        """Say goodbye (close_notify) and end; idempotent."""
        if not self.released:
            await self._dtls.stop()
        self._ice.closed = True
        if self._ice.records.empty():
            self._ice.records.put_nowait(None)


__all__ = ["PROFILES", "Certificate", "DtlsFailed", "DtlsServer", "Fingerprint", "Srtp", "srtp", "srtp_ffi"]
