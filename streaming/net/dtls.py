"""DTLS-SRTP on aiortc's RTCDtlsTransport: the only file that touches aiortc's private parts.

aiortc drives OpenSSL and derives the SRTP keys; media never passes through it. Fences, each with a regression test:
only non-empty DTLS records (RFC 7983: first byte 20..63) from addresses that ICE has validated reach it, through a
bounded queue, so an empty
datagram, a forged alert or a flood from elsewhere cannot end a connection. No SCTP association is ever made.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from aiortc import rtcdtlstransport as aiortc_dtls
from OpenSSL import SSL
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp

RECORD_QUEUE: Final = 64
SEND_WINDOW: Final = 128
KEYING_LABEL: Final = b"EXTRACTOR-dtls_srtp"
"""RFC 5764 section 4.2."""
HANDSHAKE_TIMEOUT_S: Final = 20.0
DATAGRAM_MAX_BYTES: Final = 1500
REPEATS_MAX: Final = 20
"""How often the last flight is sent again; peers repeat theirs at growing intervals, so that is minutes."""
DTLS_1_2: Final = 0xFEFD
"""The newest version we speak: sealing relies on how its handshake ends."""
RECORD_HEADER: Final = struct.Struct(">BHH6xH")
"""Content type, version, epoch, (sequence number), length."""
HANDSHAKE: Final = 22

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
            self._context.set_max_proto_version(DTLS_1_2)
            self._context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # a quarter of what a connection weighs
        return self._context

    @cached_property
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
        self.last_sent = b""

    async def _recv(self) -> bytes:
        record = None if self.closed else await self.records.get()
        if record is None:
            self.closed = True
            raise ConnectionError("closed")
        return record

    async def _send(self, data: bytes) -> None:
        self.last_sent = data
        self._send_datagram(data)

    def end(self) -> None:
        self.closed = True
        if self.records.empty():
            self.records.put_nowait(None)


@dataclass(slots=True)
class _Sealed:
    """What a sealed end may still send: datagrams that were encrypted while OpenSSL was there."""

    last_flight: bytes
    goodbye: bytes
    repeats_left: int = REPEATS_MAX


class DtlsServer:
    """The server's end of one connection. `send` takes one datagram and must not block.

    After `handshake` it either stays whole, to hear the peer's goodbye, or is sealed: then OpenSSL and aiortc are let
    go of, and what is left of DTLS are two datagrams, the last flight for a peer who has lost it, and our goodbye.
    """

    role = "server"

    def __init__(self, certificate: Certificate, send: Callable[[bytes], None]) -> None:
        self._certificate = certificate
        self._send = send
        self._ice: _IceSide | None = _IceSide(send)
        self._dtls: aiortc_dtls.RTCDtlsTransport | None = None
        self._sealed: _Sealed | None = None
        self.dropped = 0

    def receive(self, record: bytes) -> None:
        """One datagram from a validated address; anything but a DTLS record is dropped and counted."""
        if self._sealed is not None and self._repeat_last_flight(self._sealed, record):
            return
        if self._ice is None or not record or not 20 <= record[0] <= 63 or self._ice.records.full():
            self.dropped += 1
            return
        self._ice.records.put_nowait(record)

    async def handshake(self, fingerprints: Sequence[Fingerprint]) -> Srtp:
        """Complete the handshake against the offer's fingerprints. Raises DtlsFailed."""
        self._dtls = aiortc_dtls.RTCDtlsTransport(self._ice, [self._certificate])  # type: ignore[arg-type]
        self._dtls._srtp_profiles = PROFILES
        self._dtls._set_role(self.role)
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
        return Srtp(_sending_session(self._dtls), self._dtls._rx_srtp)

    async def closed(self) -> None:
        """Return when the peer has closed the connection or `close` was called. Call after `handshake`."""
        task = None if self._dtls is None else self._dtls._task
        if task is not None:
            await asyncio.wait([task])

    def seal(self) -> None:
        """Let go of OpenSSL's state, most of what an idle connection weighs; the keys are out and SRTP goes on.

        Call after `handshake`. The peer's goodbye is not heard from now on: consent and signalling tell of an end.
        """
        dtls, ice = self._dtls, self._ice
        assert dtls is not None
        assert ice is not None
        assert dtls._ssl is not None
        assert dtls._task is not None
        dtls._ssl.shutdown()
        self._sealed = _Sealed(ice.last_sent, dtls._ssl.bio_read(DATAGRAM_MAX_BYTES))
        dtls._task.cancel()
        dtls._task = None  # a cancelled task holds its frames, and these the transport: a cycle
        self._dtls = self._ice = None

    def proved(self) -> None:
        """The peer has shown that it has the keys, so it needs our last flight no more."""
        if self._sealed is not None:
            self._sealed.repeats_left = 0

    def _repeat_last_flight(self, sealed: _Sealed, record: bytes) -> bool:
        """Send it again to a peer who repeats theirs (RFC 6347 section 4.2.4). The very same datagram serves: a peer
        without it has not seen its record numbers, another drops it as a replay."""
        if not sealed.repeats_left or not _has_finished(record):
            return False
        sealed.repeats_left -= 1
        self._send(sealed.last_flight)
        return True

    async def close(self) -> None:
        """Say goodbye (close_notify) and end; idempotent."""
        if self._sealed is not None:
            self._send(self._sealed.goodbye)
            self._sealed = None
        if self._dtls is not None:
            await self._dtls.stop()
        if self._ice is not None:
            self._ice.end()


def _sending_session(dtls: aiortc_dtls.RTCDtlsTransport) -> Session:
    """A session like aiortc's own but for a smaller replay window, which libsrtp shifts with each packet it sends: what
    lies further behind is refused, and nothing here is sent so late."""
    assert dtls._ssl is not None
    chosen = dtls._ssl.get_selected_srtp_profile()
    profile = next(each for each in PROFILES if each.openssl_profile == chosen)
    keys = dtls._ssl.export_keying_material(KEYING_LABEL, 2 * (profile.key_length + profile.salt_length))
    policy = Policy(
        key=profile.get_key_and_salt(keys, 1 if dtls._role == "server" else 0),
        ssrc_type=Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=profile.libsrtp_profile,
    )
    policy.allow_repeat_tx = True
    policy.window_size = SEND_WINDOW
    return Session(policy)


def _has_finished(datagram: bytes) -> bool:
    """Whether there is an encrypted handshake record in it (RFC 6347 section 4.1): as nobody renegotiates, Finished."""
    position = 0
    while position + RECORD_HEADER.size <= len(datagram):
        content_type, _version, epoch, length = RECORD_HEADER.unpack_from(datagram, position)
        if content_type == HANDSHAKE and epoch == 1:
            return True
        position += RECORD_HEADER.size + length
    return False


__all__ = ["PROFILES", "Certificate", "DtlsFailed", "DtlsServer", "Fingerprint", "Srtp", "srtp", "srtp_ffi"]
