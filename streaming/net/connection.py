"""One client's connection: ICE-lite, DTLS and SRTP over whatever path ICE has selected."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from pylibsrtp import Error as SrtpError

from streaming.control import PeerState
from streaming.net.datagrams import Key
from streaming.net.dtls import Certificate, DtlsFailed, DtlsServer, Fingerprint, Srtp
from streaming.net.ice import Credentials, IceLite, IceState
from streaming.net.tcp import TcpPath

STATES = {
    IceState.CONNECTING: PeerState.CONNECTING,
    IceState.CONNECTED: PeerState.CONNECTED,
    IceState.INTERRUPTED: PeerState.INTERRUPTED,
    IceState.EXPIRED: PeerState.CLOSED,
}

Path = Key | TcpPath


class MediaHandler(Protocol):
    """Whoever this connection is for. Packets are decrypted; nothing may block."""

    def expected(self) -> None:
        """The client has been heard: its media may flow in a moment."""

    def connected(self, srtp: Srtp, path: Path) -> None:
        """Media may flow to `path`; called again when the path changes."""

    def state_changed(self, state: PeerState, transport: str) -> None: ...

    def keeps_dtls(self) -> bool:
        """Whether hearing the peer's goodbye over DTLS is worth its memory."""

    def receive_rtp(self, packet: memoryview, length: int, now: float) -> None: ...

    def receive_rtcp(self, packet: bytes, now: float) -> None: ...


class Connection:
    """Owned by the media port. `send` takes (path, datagram) and never blocks."""

    def __init__(
        self,
        credentials: Credentials,
        certificate: Certificate,
        fingerprints: Sequence[Fingerprint],
        send: Callable[[Path, bytes], None],
        handler: MediaHandler,
        now: float,
    ) -> None:
        self.ice = IceLite(credentials, now)
        self.handler = handler
        self.srtp: Srtp | None = None
        self.state = PeerState.CONNECTING
        self.proved = False
        self.errors: Counter[str] = Counter()
        self._fingerprints = fingerprints
        self._send = send
        self._dtls = DtlsServer(certificate, self._send_selected)
        self._task: asyncio.Task[None] | None = None
        self._announced = ""
        self._expired = False

    @property
    def path(self) -> Path | None:
        selected = self.ice.selected
        assert selected is None or isinstance(selected, bytes | TcpPath)
        return selected

    @property
    def transport(self) -> str:
        return "" if self.path is None else "udp" if isinstance(self.path, bytes) else "tcp"

    def _send_selected(self, data: bytes) -> None:
        if self.path is not None and not self._expired:
            self._send(self.path, data)

    def start(self) -> None:
        """ICE has validated a first address: begin to listen for the handshake. Idempotent."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self.handler.expected()

    def receive_dtls(self, record: bytes) -> None:
        self._dtls.receive(record)

    async def _run(self) -> None:
        try:
            self.srtp = await self._dtls.handshake(self._fingerprints)
        except DtlsFailed:
            self.errors["dtls_failed"] += 1
            self._set_state(PeerState.CLOSED)
            return
        keeps_dtls = self.handler.keeps_dtls()
        if not keeps_dtls:
            self._dtls.seal()
        self.path_changed()
        self._set_state(PeerState.CONNECTED)
        if keeps_dtls:
            await self._dtls.closed()
            self._set_state(PeerState.CLOSED)

    def handshake_proved(self) -> None:
        """The peer has sent valid SRTCP, so it has the keys and needs no DTLS any more."""
        self.proved = True
        self._dtls.proved()

    def path_changed(self) -> None:
        if self.srtp is not None and self.path is not None:
            self.handler.connected(self.srtp, self.path)

    def check(self, now: float) -> None:
        """Follow ICE consent; to be called about once a second."""
        ice = self.ice.state(now)
        self._expired = ice is IceState.EXPIRED
        if ice is IceState.CONNECTED and self.srtp is None:
            return
        if self.state is not PeerState.CLOSED:
            self._set_state(STATES[ice])

    def _set_state(self, state: PeerState) -> None:
        if self.state is PeerState.CLOSED or (state is self.state and self.transport == self._announced):
            return
        self.state, self._announced = state, self.transport
        self.handler.state_changed(state, self.transport)

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send; dropped while there is nobody to send to, or consent is gone."""
        if self.srtp is None or self.path is None or self.state is PeerState.CLOSED:
            return
        try:
            self._send(self.path, self.srtp.protect_rtcp(packet))
        except SrtpError:
            self.errors["srtcp_protect"] += 1

    async def close(self) -> None:
        """Say goodbye and end; idempotent. The handler hears nothing more."""
        self.state = PeerState.CLOSED
        await self._dtls.close()
        if self._task is not None:
            self._task.cancel()
            self._task = None
