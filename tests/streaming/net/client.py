"""A WebRTC client made by hand: one UDP socket or TCP connection, aioice's STUN messages, aiortc's DTLS, and nothing of
its own accord. What a browser would never send is sent as easily as what it would."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aioice import stun as oracle
from aiortc import rtcdtlstransport as dtls

from streaming import control
from streaming.net.dtls import PROFILES
from streaming.worker import MediaConfig, Worker

HOST = "127.0.0.1"
LESSON = "lesson"
LOOK_EVERY_S = 0.005


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait until `condition` is true."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def media_process(announced: str = HOST) -> AsyncIterator[Worker]:
    """A worker on a free port with one lesson, its stage fed from `teacher`'s camera."""
    worker = Worker(MediaConfig(0, "", 0, (announced,), Path("unused.sock")))
    await worker.open()
    try:
        open_lesson(worker, LESSON)
        yield worker
    finally:
        await worker.close()


def open_lesson(worker: Worker, lesson_id: str) -> None:
    worker.handle(control.OpenRoom(request_id=1, lesson_id=lesson_id))
    for slot, source in (
        (control.Slot.TEACHER_AUDIO, control.Source.MICROPHONE),
        (control.Slot.STAGE_VIDEO, control.Source.CAMERA),
    ):
        worker.handle(control.Feed(request_id=1, lesson_id=lesson_id, slot=slot, peer_id="teacher", source=source))


class Client:
    """`join` says what it is; packets in `media` and `rtcp` are decrypted."""

    role = "controlling"

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.certificate = dtls.RTCCertificate.generateCertificate()
        self.ufrag, self.password = "hand", "p" * 22
        self.server_ufrag = self.server_password = self.server_fingerprint = ""
        self.records: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.answers: list[oracle.Message] = []
        self.media: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.other: list[bytes] = []
        self.ended = False
        self.transport: dtls.RTCDtlsTransport | None = None
        self._socket: socket.socket | None = None
        self._tcp: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ signalling

    def offer(self, direction: str) -> str:
        digest = next(f.value for f in self.certificate.getFingerprints() if f.algorithm == "sha-256")
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE 0",
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        ]
        lines += [f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.password}", f"a=fingerprint:sha-256 {digest}"]
        lines += ["a=setup:actpass", "a=mid:0", "a=rtcp-mux", f"a={direction}", "a=rtpmap:96 VP8/90000"]
        lines += ["a=rtcp-fb:96 nack", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=ssrc:1 cname:x"]
        return "\r\n".join(lines) + "\r\n"

    def negotiate(self, peer_id: str, *, publish: bool, lesson_id: str = LESSON) -> None:
        """Offer, and take in the answer; again with the same id is an ICE restart."""
        request: control.Publish | control.Subscribe = control.Subscribe(
            request_id=2, lesson_id=lesson_id, peer_id=peer_id, sdp=self.offer("recvonly"), resumed=True
        )
        if publish:
            request = control.Publish(request_id=2, lesson_id=lesson_id, peer_id=peer_id, sdp=self.offer("sendonly"))
        answer = self.worker.handle(request)
        assert isinstance(answer, control.Answered), answer
        values = dict(line[2:].partition(":")[::2] for line in answer.sdp.splitlines() if line.startswith("a="))
        self.server_ufrag, self.server_password = values["ice-ufrag"], values["ice-pwd"]
        self.server_fingerprint = values["fingerprint"].split()[1]

    # ------------------------------------------------------------ transport

    async def open_udp(self) -> None:
        """A socket of its own; again: another address."""
        self.close_socket()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect((HOST, self.worker.port.port))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    async def open_tcp(self) -> None:
        reader, self._tcp = await asyncio.open_connection(HOST, self.worker.port.port)
        self._reading = asyncio.create_task(self._read_frames(reader))

    async def _read_frames(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                self.take(await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big")))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended = True

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            while True:
                self.take(self._socket.recv(2048))
        except (BlockingIOError, ConnectionRefusedError):
            return

    def send(self, data: bytes) -> None:
        if self._tcp is not None:
            self._tcp.write(len(data).to_bytes(2, "big") + data)
        else:
            assert self._socket is not None
            self._socket.send(data)

    def take(self, data: bytes) -> None:
        if data[0] < 4:
            self.answers.append(oracle.parse_message(data))
        elif 20 <= data[0] <= 63:
            self.records.put_nowait(data)
        elif self.transport is not None and self.transport._rx_srtp is not None:
            control_packet = 192 <= data[1] <= 223
            unprotect = self.transport._rx_srtp.unprotect_rtcp if control_packet else self.transport._rx_srtp.unprotect
            (self.rtcp if control_packet else self.media).append(unprotect(data))
        else:
            self.other.append(data)

    # ------------------------------------------------------------ ICE and DTLS

    def check(self, *, nominate: bool = True) -> bytes:
        """A connectivity check with what the latest answer said."""
        attributes: dict[str, Any] = {
            "USERNAME": f"{self.server_ufrag}:{self.ufrag}",
            "PRIORITY": 1,
            "ICE-CONTROLLING": 7,
            **({"USE-CANDIDATE": None} if nominate else {}),
        }
        message = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST, attributes=attributes)
        message.add_message_integrity(self.server_password.encode())
        return bytes(message)

    async def checked(self) -> None:
        before = len(self.answers)
        self.send(self.check())
        await until(lambda: len(self.answers) > before)

    async def _recv(self) -> bytes:
        record = await self.records.get()
        if record is None:
            raise ConnectionError
        return record

    async def _send(self, data: bytes) -> None:
        self.send(data)

    async def handshake(self) -> None:
        self.transport = dtls.RTCDtlsTransport(self, [self.certificate])  # type: ignore[arg-type]
        self.transport._srtp_profiles = PROFILES
        self.transport._set_role("client")
        fingerprint = dtls.RTCDtlsFingerprint("sha-256", self.server_fingerprint)
        async with asyncio.timeout(10):
            await self.transport.start(dtls.RTCDtlsParameters([fingerprint], "server"))
        assert self.transport.state == "connected"

    async def join(self, peer_id: str, *, publish: bool, tcp: bool = False) -> Client:
        self.negotiate(peer_id, publish=publish)
        await (self.open_tcp() if tcp else self.open_udp())
        await self.checked()
        await self.handshake()
        await until(lambda: self.state(peer_id) is control.PeerState.CONNECTED)
        return self

    def state(self, peer_id: str) -> control.PeerState | None:
        client = self.worker.clients.get((LESSON, peer_id))
        return None if client is None else client.connection.state

    def protected(self, packet: bytes) -> bytes:
        """An RTP packet as it goes over the network."""
        assert self.transport is not None
        assert self.transport._tx_srtp is not None
        encrypted: bytes = self.transport._tx_srtp.protect(packet)
        return encrypted

    def protected_rtcp(self, packet: bytes) -> bytes:
        assert self.transport is not None
        assert self.transport._tx_srtp is not None
        encrypted: bytes = self.transport._tx_srtp.protect_rtcp(packet)
        return encrypted

    # ------------------------------------------------------------ endings

    def close_socket(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    async def close(self) -> None:
        """Gone without a word."""
        if self.transport is not None:
            self.records.put_nowait(None)
            if self.transport._task is not None:
                await asyncio.wait([self.transport._task])
        self.close_socket()
        if self._tcp is not None:
            self._tcp.close()
        if self._reading is not None:
            self._reading.cancel()
