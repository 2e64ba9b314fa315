"""A WebRTC client cut to the bone: one socket, ICE checks, a real DTLS handshake, SRTP. It decodes nothing."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from typing import Final

from aioice import stun
from pylibsrtp import Session

from streaming.net.dtls import Certificate, DtlsServer, Fingerprint

ADDRESS: Final = "127.0.0.1"
CONNECT_S: Final = 10.0
CHECK_EVERY_S: Final = 2.5
RECEIVE_BUFFER_BYTES: Final = 1 << 20
SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("@qq")
_PRIORITY: Final = 0x6E0001FF


class _DtlsClient(DtlsServer):
    """The same transport from the other end."""

    role = "client"


class LightClient:
    """Make an `offer`, `connect` with the server's answer, then use `sock`, `tx` and `rx` or iterate `received`."""

    tx: Session
    rx: Session

    def __init__(self, certificate: Certificate) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ADDRESS, 0))
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.target = (ADDRESS, 0)
        self._certificate = certificate
        self._ufrag, self._password = secrets.token_hex(4), secrets.token_hex(16)
        self._username = self._remote_password = ""
        self._checked_s = float("-inf")
        self._answered = asyncio.Event()
        self._dtls = _DtlsClient(certificate, self._send)

    def offer(self, template: str) -> str:
        """`template` with this client's own credentials and fingerprint."""
        algorithm, value = self._certificate.fingerprint
        offer = re.sub(r"a=ice-ufrag:\S+", f"a=ice-ufrag:{self._ufrag}", template)
        offer = re.sub(r"a=ice-pwd:\S+", f"a=ice-pwd:{self._password}", offer)
        return re.sub(r"a=fingerprint:.+", f"a=fingerprint:{algorithm} {value}", offer)

    async def connect(self, answer: str) -> None:
        """ICE, then DTLS. Raises TimeoutError or DtlsFailed."""
        ufrag, self._remote_password = _line(answer, "ice-ufrag"), _line(answer, "ice-pwd")
        self._username = f"{ufrag}:{self._ufrag}"
        port = re.search(r"^a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ host", answer, re.MULTILINE)
        assert port is not None, answer
        self.target = (ADDRESS, int(port[1]))
        loop = asyncio.get_running_loop()
        loop.add_reader(self.sock.fileno(), self._readable)
        try:
            async with asyncio.timeout(CONNECT_S):
                self.keep_consent(time.monotonic())
                await self._answered.wait()
                srtp = await self._dtls.handshake([Fingerprint(*_line(answer, "fingerprint").split(" "))])
        finally:
            loop.remove_reader(self.sock.fileno())
        self.tx, self.rx = srtp._keep_alive

    def _send(self, data: bytes) -> None:
        self.sock.sendto(data, self.target)

    def _readable(self) -> None:
        for data, _ in self.received():
            if data[0] < 2:
                self._answered.set()
            else:
                self._dtls.receive(data)

    def keep_consent(self, now: float) -> None:
        """Check again where the last check is some time ago (RFC 7675); `now` is monotonic."""
        if now - self._checked_s >= CHECK_EVERY_S:
            self._checked_s = now
            self._check()

    def _check(self) -> None:
        """A connectivity check that nominates."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = self._username
        message.attributes["PRIORITY"] = _PRIORITY
        message.attributes["ICE-CONTROLLING"] = 1
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self._remote_password.encode())
        self._send(bytes(message))

    def received(self) -> Iterator[tuple[bytes, int]]:
        """What has come, each datagram with the kernel's time of its arrival (ns since 1970)."""
        while True:
            try:
                data, ancillary, _, _ = self.sock.recvmsg(2048, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            yield data, seconds * 1_000_000_000 + nanoseconds


def _line(sdp: str, name: str) -> str:
    found = re.search(rf"^a={name}:(.+?)\r?$", sdp, re.MULTILINE)
    assert found is not None, f"no {name} in {sdp}"
    return found[1]
