"""The media process: a media port, its rooms, and the control messages of the web process."""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from pydantic import ValidationError

from streaming import control
from streaming.control import Answer, Event, RefusalCode, Request
from streaming.metrics import metrics_text
from streaming.net.addresses import candidate_lines
from streaming.net.connection import Connection
from streaming.net.dtls import Certificate, Fingerprint
from streaming.net.ice import Credentials, new_credentials
from streaming.net.negotiation import (
    LocalTransport,
    NegotiationError,
    Offer,
    answer_publish,
    answer_subscribe,
    parse_offer,
)
from streaming.net.outbox import Outbox
from streaming.net.port import MediaPort
from streaming.net.tap_socket import TapSocket
from streaming.peer import Peer
from streaming.rate.estimator import START_BPS
from streaming.rate.pacer import IDLE_TICK_S, TICK_S
from streaming.room import SSRCS, Room, RoomError
from streaming.tap import KEYFRAME_INTERVAL_S, Tap
from streaming.tap_buffer import TapBuffer

START_KBPS: Final = 1500
"""What Chromium begins to send at, so that all layers are there at once."""
EVENT_BUFFER_MAX_BYTES: Final = 1 << 20
ROOMS_MAX: Final = 1000
CONSENT_CHECK_S: Final = 1.0

log = structlog.get_logger("media")


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """`udp_host` "" listens on all addresses; `announced` are those written into candidates. `tap_path`: where the
    recorder connects."""

    index: int
    udp_host: str
    udp_port: int
    announced: tuple[str, ...]
    bus_path: Path
    tap_path: Path | None = None
    keyframe_interval_s: float = KEYFRAME_INTERVAL_S
    """Of what is recorded."""


@dataclass(slots=True)
class Client:
    peer: Peer
    connection: Connection
    session_id: int
    version: int = 0


class Worker:
    """All rooms and clients of one process. `open` it, `handle` requests, `close` it; `clock` gives monotonic
    seconds."""

    def __init__(self, config: MediaConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self.config = config
        self._clock = clock
        self.rooms: dict[str, Room] = {}
        self.clients: dict[tuple[str, str], Client] = {}
        self.listeners: set[asyncio.StreamWriter] = set()
        self.counts: Counter[str] = Counter()
        self._certificate = Certificate.generateCertificate()
        self.tap_socket = TapSocket(TapBuffer())
        self._ready: dict[Room, None] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._warned: set[str] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self._next_check_s = 0.0
        self.port: MediaPort
        self.outbox: Outbox

    async def open(self) -> None:
        """Bind the media port and the tap's socket. Raises OSError."""
        self.port = await MediaPort.open(self.config.udp_host, self.config.udp_port, self._flush, self._clock)
        self.outbox = Outbox(self.port.socket)
        self._candidates = candidate_lines(self.config.announced, self.port.port, self.port.port)
        if self.config.tap_path is not None:
            await self.tap_socket.open(self.config.tap_path)
        self._tick()

    async def close(self) -> None:
        """Say goodbye to every client and release the port."""
        self.stop_ticking()
        for client in list(self.clients.values()):
            self._close(client)
        for room in self.rooms.values():
            self._leave_recording(room)
        self.tap_socket.close()
        if self._closing:
            await asyncio.wait(self._closing, timeout=3.0)
        await self.port.close()

    def now(self) -> float:
        return self._clock()

    def stop_ticking(self) -> None:
        """From now on `serve` is the caller's business."""
        if self._ticker is not None:
            self._ticker.cancel()

    # ------------------------------------------------------------ media

    def _flush(self, now: float) -> None:
        ready, self._ready = self._ready, {}
        for room in ready:
            with self._contained(room):
                room.forward(now, self.outbox)

    @contextmanager
    def _contained(self, room: Room) -> Iterator[None]:
        """A mistake of ours in one room must not stop the others; it is counted, and told once in full."""
        try:
            yield
        except Exception:
            self.counts["internal_error"] += 1
            if self.counts["internal_error"] == 1:
                log.exception("mistake while serving a room", lesson_id=room.lesson_id)

    def _mark_ready(self, room: Room) -> None:
        self._ready[room] = None

    def _tick(self) -> None:
        busy = any(room.rates.busy for room in self.rooms.values())
        self._ticker = asyncio.get_running_loop().call_later(TICK_S if busy else IDLE_TICK_S, self._tick)
        self.serve(self._clock())

    def serve(self, now: float) -> None:
        """What is due by the clock: pacing, feedback, allocation, reports, consent."""
        for room in self.rooms.values():
            with self._contained(room):
                room.tick(now, self.outbox)
        if now >= self._next_check_s:
            self._next_check_s = now + CONSENT_CHECK_S
            for client in list(self.clients.values()):
                client.connection.check(now)
            self._check_taps(now)
            self._warn_once()

    def _check_taps(self, now: float) -> None:
        for room in self.rooms.values():
            kept = room.tap.kept_changed(now) if room.tap is not None else None
            if room.tap is not None and kept is not None:
                recording_id = room.tap.recording_id
                self.emit(control.RecordingChanged(lesson_id=room.lesson_id, recording_id=recording_id, kept=kept))

    def _send_rtcp(self, lesson_id: str, peer_id: str, packet: bytes) -> None:
        client = self.clients.get((lesson_id, peer_id))
        if client is not None:
            client.connection.send_rtcp(packet)

    def totals(self) -> Counter[str]:
        """Everything that was dropped or refused, by kind, over the life of the process."""
        total = self.counts + self.port.drops + self.port.registry.drops + self.outbox.counts
        total += self.tap_socket.counts + self.tap_socket.buffer.counts
        for client in self.clients.values():  # there may be a thousand, and nearly all have none
            for errors in (client.connection.errors, client.peer.side.errors):
                if errors:
                    total.update(errors)
        for room in self.rooms.values():
            total += room.counts + room.rates.feedback.counts
            for fanout in room.fanouts.values():
                total += fanout.counts
            for publisher in room.publishers.values():
                for track in publisher.tracks.values():
                    total += track.errors
        return total

    def _warn_once(self) -> None:
        for kind, count in self.totals().items():
            if kind not in self._warned:
                self._warned.add(kind)
                log.warning("first of its kind dropped or refused", kind=kind, count=count)

    # ------------------------------------------------------------ control

    def handle(self, request: Request) -> Answer:
        """Carry out one request; every failure becomes a `Refused`."""
        try:
            return self._handle(request)
        except NegotiationError as error:
            self.counts[error.kind] += 1
            return self._refuse(request, RefusalCode.BAD_SDP, error.message)
        except RoomError as error:
            self.counts[error.code] += 1
            return self._refuse(request, error.code, str(error))

    def _refuse(self, request: Request, code: RefusalCode, message: str) -> control.Refused:
        return control.Refused(request_id=request.request_id, code=code, message=message)

    def _handle(self, request: Request) -> Answer:
        match request:
            case control.Publish() | control.Subscribe():
                return self._join(request)
            case control.RestartIce():
                return self._restart_ice(request)
            case control.GetSnapshot():
                return self._snapshot(request)
            case control.GetMetrics():
                return control.MetricsText(request_id=request.request_id, text=metrics_text(self.rooms, self.totals()))
            case control.OpenRoom():
                self._open_room(request)
            case control.CloseRoom():
                self._close_room(request.lesson_id)
            case control.ClosePeer():
                client = self.clients.get((request.lesson_id, request.peer_id))
                if client is not None:
                    self._close(client)
            case control.Feed():
                self._room(request.lesson_id).feed(request.slot, request.peer_id, request.source)
            case control.Mute():
                self._room(request.lesson_id).mute(request.peer_id, request.source, request.muted)
            case control.SetRecording():
                self._set_recording(request)
            case control.TellUplink():
                self._room(request.lesson_id).uplink_told(request.peer_id, request.believed_bps, request.short)
            case control.View():
                self._room(request.lesson_id).view(request.peer_id, request.slot, request.paused, request.height)
            case control.Load():
                self._room(request.lesson_id).load(request.peer_id, request.bps)
        return control.Done(request_id=request.request_id)

    def _room(self, lesson_id: str) -> Room:
        room = self.rooms.get(lesson_id)
        if room is None:
            raise RoomError(RefusalCode.NO_ROOM, "The lesson has no room here.")
        return room

    def _open_room(self, request: control.OpenRoom) -> None:
        room = self.rooms.get(request.lesson_id)
        if room is not None:
            room.max_subscribers = request.max_subscribers
            return
        if len(self.rooms) >= ROOMS_MAX:
            raise RoomError(RefusalCode.ROOM_FULL, "This process has no place for another lesson.")
        lesson_id = request.lesson_id
        self.rooms[lesson_id] = Room(
            lesson_id,
            request.max_subscribers,
            lambda peer_id, packet: self._send_rtcp(lesson_id, peer_id, packet),
            self.emit,
        )

    def _close_room(self, lesson_id: str) -> None:
        for key, client in list(self.clients.items()):
            if key[0] == lesson_id:
                self._close(client)
        room = self.rooms.pop(lesson_id, None)
        if room is not None:
            self._ready.pop(room, None)
            self._leave_recording(room)

    def _leave_recording(self, room: Room) -> None:
        if room.tap is not None:
            room.tap.leave(self._clock(), time.time())
            room.tap = None

    def _set_recording(self, request: control.SetRecording) -> None:
        room, now, wall = self._room(request.lesson_id), self._clock(), time.time()
        if room.tap is not None and room.tap.recording_id != request.recording_id:
            room.tap.end(now, wall)
            room.tap = None
        if request.recording_id is None:
            return
        if room.tap is None:
            buffer, interval_s = self.tap_socket.buffer, self.config.keyframe_interval_s
            room.tap = Tap(room.lesson_id, request.recording_id, buffer, interval_s)
        room.tap.set(request.paused, request.peers, now, wall)
        room.show_tap()

    def _transport(self, credentials: Credentials, session_id: int, version: int = 0) -> LocalTransport:
        return LocalTransport(
            ufrag=credentials.ufrag,
            password=credentials.password,
            fingerprint=Fingerprint(*self._certificate.fingerprint),
            candidates=self._candidates,
            session_id=session_id,
            session_version=version,
        )

    def _join(self, request: control.Publish | control.Subscribe) -> control.Answered:
        room = self._room(request.lesson_id)
        offer = parse_offer(request.sdp)
        known = self.clients.get((request.lesson_id, request.peer_id))
        if known is not None:
            return self._renegotiate(request, known, offer)
        credentials = new_credentials(offer.ufrag)
        transport = self._transport(credentials, secrets.randbits(62))
        side: object
        if isinstance(request, control.Publish):
            sdp, published = answer_publish(offer, transport, request.sources, START_KBPS)
            side = room.add_publisher(request.peer_id, published)
        else:
            room.check_capacity()
            sdp, subscribed = answer_subscribe(offer, transport, request.slots, SSRCS)
            side = room.add_subscriber(
                request.peer_id,
                subscribed,
                request.resumed,
                request.not_from,
                request.link,
                request.start_bps or START_BPS,
            )
        peer = Peer(request.peer_id, room, side, self.outbox, self._mark_ready, self.emit, self._peer_ended)
        connection = Connection(credentials, self._certificate, offer.fingerprints, self.port.send, peer, self._clock())
        self.port.registry.add(connection.ice, connection)
        self.clients[(request.lesson_id, request.peer_id)] = Client(peer, connection, transport.session_id)
        return control.Answered(request_id=request.request_id, sdp=sdp)

    def _renegotiate(
        self, request: control.Publish | control.Subscribe, client: Client, offer: Offer
    ) -> control.Answered:
        """The same peer's offer again: an ICE restart. What it sends or takes stays as negotiated."""
        role = "publisher" if isinstance(request, control.Publish) else "subscriber"
        if client.peer.role != role:
            raise RoomError(RefusalCode.PEER_EXISTS, "This peer id belongs to a connection of the other direction.")
        credentials = new_credentials(offer.ufrag)
        client.version += 1
        transport = self._transport(credentials, client.session_id, client.version)
        if isinstance(request, control.Publish):
            sdp, _ = answer_publish(offer, transport, request.sources, START_KBPS)
        else:
            sdp, _ = answer_subscribe(offer, transport, request.slots, SSRCS)
        self.port.registry.restart(client.connection.ice, credentials)
        return control.Answered(request_id=request.request_id, sdp=sdp)

    def _restart_ice(self, request: control.RestartIce) -> control.IceRestarted:
        client = self.clients.get((request.lesson_id, request.peer_id))
        if client is None:
            raise RoomError(RefusalCode.NO_PEER, "The connection has ended.")
        credentials = new_credentials(request.ufrag)
        self.port.registry.restart(client.connection.ice, credentials)
        return control.IceRestarted(
            request_id=request.request_id,
            ufrag=credentials.ufrag,
            password=credentials.password,
            candidates=list(self._candidates),
        )

    def _snapshot(self, request: control.GetSnapshot) -> control.Snapshot:
        peers = [
            control.PeerSummary(
                lesson_id=lesson_id,
                peer_id=peer_id,
                role=client.peer.role,
                state=client.connection.state,
                flowing=client.peer.room.flowing(peer_id),
                recorded=client.peer.room.records(peer_id),
            )
            for (lesson_id, peer_id), client in self.clients.items()
        ]
        recordings = [
            control.RecordingSummary(lesson_id=lesson_id, recording_id=room.tap.recording_id, paused=room.tap.paused)
            for lesson_id, room in self.rooms.items()
            if room.tap is not None
        ]
        return control.Snapshot(
            request_id=request.request_id, lesson_ids=list(self.rooms), peers=peers, recordings=recordings
        )

    # ------------------------------------------------------------ endings

    def _peer_ended(self, peer: Peer) -> None:
        client = self.clients.get((peer.room.lesson_id, peer.peer_id))
        if client is not None and client.peer is peer:
            self._close(client)

    def _close(self, client: Client) -> None:
        """Forget a client at once; its goodbye goes out in the background."""
        peer = client.peer
        if self.clients.pop((peer.room.lesson_id, peer.peer_id), None) is None:
            return
        self.counts += client.connection.errors + peer.side.errors
        self.port.registry.remove(client.connection.ice)
        if peer.role == "publisher":
            for track in peer.room.publishers[peer.peer_id].tracks.values():
                self.counts += track.errors
            peer.room.remove_publisher(peer.peer_id)
        else:
            peer.room.remove_subscriber(peer.peer_id)
        task = asyncio.get_running_loop().create_task(client.connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def emit(self, event: Event) -> None:
        """Tell every listener; one that does not read loses events, counted."""
        line = control.encode(event)
        for writer in self.listeners:
            if writer.transport.is_closing():  # its reader is about to take it off the list
                continue
            if writer.transport.get_write_buffer_size() > EVENT_BUFFER_MAX_BYTES:
                self.counts["event_dropped"] += 1
            else:
                writer.write(line)

    async def serve_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the bus."""
        self.listeners.add(writer)
        try:
            while line := await reader.readline():
                answer = self._answer(line)
                if answer is not None:
                    writer.write(control.encode(answer))
                    await writer.drain()
        except (ConnectionError, ValueError):  # ValueError: a line longer than the limit
            self.counts["bus_broken"] += 1
        finally:
            self.listeners.discard(writer)
            writer.close()

    def _answer(self, line: bytes) -> Answer | None:
        try:
            return self.handle(control.decode_request(line))
        except ValidationError as error:
            self.counts["bad_message"] += 1
            request_id = control.request_id_of(line)
            if request_id is None:
                return None
            return control.Refused(request_id=request_id, code=RefusalCode.BAD_MESSAGE, message=str(error)[:500])


async def run_media(config: MediaConfig) -> None:
    """Run a media process until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker = Worker(config)
    await worker.open()
    config.bus_path.parent.mkdir(parents=True, exist_ok=True)
    config.bus_path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(worker.serve_control, config.bus_path, limit=control.MESSAGE_MAX_BYTES)
    config.bus_path.chmod(0o600)
    log.info("media process ready", index=config.index, port=worker.port.port, announced=config.announced)
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        await stop.wait()
    finally:
        server.close()
        await worker.close()
