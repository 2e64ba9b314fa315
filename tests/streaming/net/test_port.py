"""The media port with real sockets, real DTLS and hand-made clients: what must not end, leak or stop anything."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from streaming import control
from streaming.control import PeerState
from streaming.net import ice
from streaming.wire import rtcp
from streaming.wire.rtp import pack_header, parse_header
from streaming.worker import Worker
from tests.streaming import packets
from tests.streaming.net.client import HOST, LESSON, Client, media_process, until
from tests.streaming.packets import Picture, rtp

FORGED_ALERT = bytes.fromhex("15 fefd 0000 000000000000 0002 02 28")  # fatal handshake_failure in the clear
CLOSE_NOTIFY = bytes.fromhex("15 fefd 0000 000000000000 0002 01 00")


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    async with media_process() as process:
        yield process


@pytest.fixture
async def clients(worker: Worker) -> AsyncIterator[Iterator[Client]]:
    """New clients of the worker, which go when the test ends."""
    made: list[Client] = []

    def make() -> Iterator[Client]:
        while True:
            made.append(Client(worker))
            yield made[-1]

    yield make()
    for client in made:
        await client.close()


class Stream:
    """A publisher's picture: every frame a keyframe, its body what the test wants to see again."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.numbers = itertools.count(1)

    def packet(self, body: bytes) -> bytes:
        number = next(self.numbers)
        payload = packets.vp8(Picture(number, number, keyframe=True), body)
        return bytes(rtp(payload, number, number * 3000, marker=True))

    def send(self, body: bytes) -> None:
        self.client.send(self.client.protected(self.packet(body)))

    async def reaches(self, viewer: Client, body: bytes) -> None:
        """Sends frames until one with this body is seen."""

        def seen() -> bool:
            if any(each.endswith(body) for each in viewer.media):
                return True
            self.send(body)
            return False

        await until(seen)


async def lesson_between(clients: Iterator[Client], *, tcp: bool = False) -> tuple[Stream, Client]:
    teacher = await next(clients).join("teacher", publish=True, tcp=tcp)
    viewer = await next(clients).join("viewer", publish=False, tcp=tcp)
    stream = Stream(teacher)
    await stream.reaches(viewer, b"hello")
    return stream, viewer


def outsider(worker: Worker) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.connect((HOST, worker.port.port))
    return sock


async def drops(worker: Worker, kind: str, count: int) -> None:
    await until(lambda: worker.totals()[kind] >= count)


# ---------------------------------------------------------------- media


@pytest.mark.parametrize("tcp", [False, True])
async def test_pictures_go_through(clients: Iterator[Client], tcp: bool) -> None:
    _, viewer = await lesson_between(clients, tcp=tcp)
    transports = {client.connection.transport for client in viewer.worker.clients.values()}
    assert transports == {"tcp" if tcp else "udp"}
    headers = [parse_header(packet, len(packet)) for packet in viewer.media]
    assert [(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(headers)] == [1] * (len(headers) - 1)


async def test_one_on_tcp_and_one_on_udp(clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    on_tcp = await next(clients).join("walled", publish=False, tcp=True)
    await stream.reaches(on_tcp, b"both")
    await stream.reaches(viewer, b"both")


# ---------------------------------------------------------------- defects of the libraries below


async def test_an_empty_datagram_closes_nobody(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    for client in (stream.client, viewer):
        for length in range(12):
            client.send(bytes(length))
    await drops(worker, "short", 24)
    await stream.reaches(viewer, b"still here")


@pytest.mark.parametrize("alert", [FORGED_ALERT, CLOSE_NOTIFY])
async def test_a_forged_alert_does_not_reach_a_handshake(
    worker: Worker, clients: Iterator[Client], alert: bytes
) -> None:
    client = next(clients)
    client.negotiate("teacher", publish=True)
    await client.open_udp()
    with outsider(worker) as sock:
        sock.send(alert)  # before ICE
        await client.checked()
        sock.send(alert)  # the handshake is awaited
        shaking = asyncio.create_task(client.handshake())
        for _ in range(50):
            sock.send(alert)
            await asyncio.sleep(0)
        await shaking
        await until(lambda: client.state("teacher") is PeerState.CONNECTED)
        sock.send(alert)
        await drops(worker, "dtls_unknown_address", 53)
    assert client.state("teacher") is PeerState.CONNECTED


async def test_an_alert_in_the_clear_does_not_end_a_connection(worker: Worker, clients: Iterator[Client]) -> None:
    """Even from the peer's own address: after the handshake only encrypted records count."""
    stream, viewer = await lesson_between(clients)
    for alert in (FORGED_ALERT, CLOSE_NOTIFY):
        stream.client.send(alert)
    await stream.reaches(viewer, b"still here")
    assert stream.client.state("teacher") is PeerState.CONNECTED


async def test_sctp_over_dtls_is_ignored(worker: Worker, clients: Iterator[Client]) -> None:
    """An INIT with a parameter of length zero makes aiortc's SCTP loop for ever; here nobody listens to it."""
    stream, viewer = await lesson_between(clients)
    parameter = bytes.fromhex("8000 0000")
    chunk = bytes.fromhex("01 00 0018 00000001 00020000 ffff ffff 00000001") + parameter
    assert stream.client.transport is not None
    for _ in range(3):
        await stream.client.transport._send_data(bytes.fromhex("1388 1388 00000000 00000000") + chunk)
    await stream.reaches(viewer, b"still here")


async def test_header_extensions_of_the_wrong_length_are_counted(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    client = stream.client
    for extension in (b"\x1f\x00\x00\x00", b"\x10" * 4 + b"\xff" * 4):
        header = pack_header(96, next(stream.numbers), 1, 1, extension_profile=0xBEDE, extension=extension)
        client.send(client.protected(header + b"payload"))
    await drops(worker, "extension_truncated", 1)
    await stream.reaches(viewer, b"still here")


# ---------------------------------------------------------------- strangers


def any_datagrams(client: Client) -> Iterator[bytes]:
    """Of each kind, none authentic."""
    yield from (b"", b"\0", bytes(20), b"\x80" * 40, b"\x80\xc8" + bytes(40), b"\xff" * 100, b"G" * 50)
    yield from (FORGED_ALERT, CLOSE_NOTIFY, bytes.fromhex("16 fefd 0000 000000000000 0004 01000000"))
    right = client.server_password
    client.server_password = "wrong" * 5
    yield client.check()
    client.server_password = right
    yield client.check()[:-1] + b"\0"
    yield from (os.urandom(length) for length in range(1, 1500, 37))


async def test_strangers_disconnect_nobody_and_hear_nothing(worker: Worker, clients: Iterator[Client]) -> None:
    teacher = next(clients)
    with outsider(worker) as sock:

        async def harass() -> None:
            for data in any_datagrams(teacher):
                sock.send(data)
                await asyncio.sleep(0)

        teacher.negotiate("teacher", publish=True)
        await teacher.open_udp()
        await harass()
        await teacher.checked()
        await harass()
        await asyncio.gather(teacher.handshake(), harass())
        await until(lambda: teacher.state("teacher") is PeerState.CONNECTED)
        viewer = await next(clients).join("viewer", publish=False)
        await harass()
        await Stream(teacher).reaches(viewer, b"undisturbed")
        with pytest.raises(BlockingIOError):
            sock.recv(2048)
    assert len(worker.clients) == 2


async def test_media_of_one_peer_is_not_taken_from_anothers_address(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    before = worker.totals()["srtp_unprotect"]
    viewer.send(stream.client.protected(stream.packet(b"replayed")))
    await drops(worker, "srtp_unprotect", before + 1)
    with outsider(worker) as sock:
        sock.send(stream.client.protected(stream.packet(b"replayed")))
        await drops(worker, "media_unknown_address", 1)
    await stream.reaches(viewer, b"genuine")
    assert not any(packet.endswith(b"replayed") for packet in viewer.media)


async def test_replayed_packets_are_refused(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    packet = stream.client.protected(stream.packet(b"once"))
    for _ in range(5):
        stream.client.send(packet)
    await drops(worker, "srtp_unprotect", 4)
    await stream.reaches(viewer, b"after")
    assert sum(each.endswith(b"once") for each in viewer.media) == 1


async def test_a_forged_packet_costs_its_neighbours_nothing(worker: Worker, clients: Iterator[Client]) -> None:
    """All of a batch are decrypted in one go."""
    stream, viewer = await lesson_between(clients)
    before = worker.totals()["srtp_unprotect"]
    for body in (b"early", b"wrong", b"later"):
        packet = bytearray(stream.client.protected(stream.packet(body)))
        packet[-1] ^= body == b"wrong"
        stream.client.send(bytes(packet))
    await drops(worker, "srtp_unprotect", before + 1)
    await stream.reaches(viewer, b"after")
    ends = [body for body in (b"early", b"wrong", b"later") if any(each.endswith(body) for each in viewer.media)]
    assert ends == [b"early", b"later"]


async def test_a_stranger_gets_at_most_an_answer_of_the_requests_size(
    worker: Worker, clients: Iterator[Client]
) -> None:
    """Who knows the password but has not finished the handshake is sent nothing that grows."""
    client = next(clients)
    client.negotiate("viewer", publish=False)
    with outsider(worker) as sock:
        sock.send(client.check())
        request = len(client.check())
        await until(lambda: worker.port.registry.owners)
        received: list[bytes] = []

        def answered() -> bool:
            try:
                received.append(sock.recv(2048))
            except BlockingIOError:
                return False
            return True

        await until(answered)
        assert len(received[0]) <= request
        with pytest.raises(BlockingIOError):
            sock.recv(2048)


# ---------------------------------------------------------------- malformed after decryption


async def test_malformed_media_from_a_peer_is_counted(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    client = stream.client
    bodies = [b"", b"\x90", b"\x80\xf0", b"\x80\x80\xff", *(os.urandom(n) for n in range(1, 60, 7))]
    for body in bodies:
        client.send(client.protected(pack_header(96, next(stream.numbers), 5, 1) + body))
    client.send(client.protected(pack_header(55, next(stream.numbers), 5, 1) + b"unknown type"))
    client.send(client.protected(pack_header(96, 1, 1, 777) + packets.vp8(Picture(1))))
    await drops(worker, "vp8_truncated", 1)
    await drops(worker, "unknown_payload_type", 1)
    await stream.reaches(viewer, b"still here")


async def test_malformed_rtcp_from_peers_is_counted(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    valid = bytes.fromhex("80c90001 00000001")
    bad = [
        bytes.fromhex("81cd0003 00000001 00000001 0000"),  # shorter than it says
        bytes.fromhex("8fcd0004 00000001 00000001 0001 ffff 000000 00"),  # feedback without its chunks
        bytes.fromhex("a0c90001 000000ff"),  # padding longer than the packet
    ]
    for client in (stream.client, viewer):
        for packet in bad:
            client.send(client.protected_rtcp(valid + packet))
        for length in range(0, 400, 31):
            client.send(client.protected_rtcp(valid + os.urandom(length)))
    await drops(worker, "rtcp_truncated", 2)
    await drops(worker, "rtcp_padding", 2)
    await stream.reaches(viewer, b"still here")


# ---------------------------------------------------------------- moving, restarting, leaving


async def test_a_viewer_moves_to_another_address(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    await viewer.open_udp()
    await viewer.checked()
    await stream.reaches(viewer, b"at the new place")


async def test_a_publisher_moves_to_another_address(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    await stream.client.open_udp()
    await stream.client.checked()
    await stream.reaches(viewer, b"from the new place")


async def test_a_viewer_changes_from_udp_to_tcp(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    await viewer.open_tcp()
    await viewer.checked()
    await stream.reaches(viewer, b"through the wall")
    assert worker.clients[LESSON, "viewer"].connection.transport == "tcp"


@pytest.mark.parametrize("peer_id", ["teacher", "viewer"])
async def test_an_ice_restart_keeps_media_flowing(worker: Worker, clients: Iterator[Client], peer_id: str) -> None:
    stream, viewer = await lesson_between(clients)
    client = stream.client if peer_id == "teacher" else viewer
    former = client.server_ufrag
    client.ufrag, client.password = "anew", "q" * 22
    client.negotiate(peer_id, publish=peer_id == "teacher")
    assert client.server_ufrag != former
    await stream.reaches(viewer, b"before the checks")
    await client.open_udp()
    await client.checked()
    await stream.reaches(viewer, b"after the restart")
    assert len(worker.clients) == 2


async def test_an_ice_restart_by_a_fragment(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    viewer.ufrag, viewer.password = "anew", "q" * 22
    request = control.RestartIce(
        request_id=9, lesson_id=LESSON, peer_id="viewer", ufrag=viewer.ufrag, password=viewer.password
    )
    restarted = worker.handle(request)
    assert isinstance(restarted, control.IceRestarted)
    assert f" {worker.port.port} typ host" in restarted.candidates[0]
    viewer.server_ufrag, viewer.server_password = restarted.ufrag, restarted.password
    await viewer.open_udp()
    await viewer.checked()
    await stream.reaches(viewer, b"after the restart")


async def test_a_silent_peer_is_freed(
    worker: Worker, clients: Iterator[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, viewer = await lesson_between(clients)
    events: list[control.Event] = []
    monkeypatch.setattr(worker.clients[LESSON, "viewer"].peer, "_emit", events.append)
    monkeypatch.setattr(ice, "INTERRUPTED_S", 0.2)
    monkeypatch.setattr(ice, "EXPIRED_S", 1.5)
    await until(lambda: viewer.state("viewer") is None)
    await until(lambda: not worker.clients)
    assert not worker.port.registry.owners
    assert not worker.rooms[LESSON].subscribers
    states = [event.state for event in events if isinstance(event, control.PeerChanged)]
    assert states[-1] is PeerState.CLOSED


async def test_a_publishers_goodbye_frees_it_at_once(worker: Worker, clients: Iterator[Client]) -> None:
    stream, _ = await lesson_between(clients)
    assert stream.client.transport is not None
    await stream.client.transport.stop()
    await until(lambda: (LESSON, "teacher") not in worker.clients)


async def test_a_removed_peer_hears_a_goodbye_and_nothing_more(worker: Worker, clients: Iterator[Client]) -> None:
    stream, viewer = await lesson_between(clients)
    worker.handle(control.ClosePeer(request_id=5, lesson_id=LESSON, peer_id="viewer"))
    transport = viewer.transport
    assert transport is not None
    await until(lambda: transport.state == "closed")
    count = len(viewer.media)
    before = worker.rooms[LESSON].publishers["teacher"].received_bytes
    stream.send(b"for others")
    await until(lambda: worker.rooms[LESSON].publishers["teacher"].received_bytes > before)
    viewer.send(viewer.check())
    await drops(worker, "ice_unknown_ufrag", 1)
    assert len(viewer.media) == count


async def test_a_viewer_that_has_proved_its_keys_goes_on_without_dtls(
    worker: Worker, clients: Iterator[Client]
) -> None:
    picture, viewer = await lesson_between(clients)
    connection = worker.clients[(LESSON, "viewer")].connection
    viewer.send(viewer.protected_rtcp(rtcp.receiver_report(1, [])))
    await until(lambda: connection.proved)
    assert connection.state is PeerState.CONNECTED
    viewer.send(CLOSE_NOTIFY)
    await picture.reaches(viewer, b"still seen")
    assert not worker.clients[(LESSON, "teacher")].connection.proved  # it has sent no RTCP
    worker.handle(control.ClosePeer(request_id=9, lesson_id=LESSON, peer_id="viewer"))
    assert (LESSON, "viewer") not in worker.clients
    transport = viewer.transport
    assert transport is not None
    await until(lambda: transport.state == "closed")  # the goodbye was kept for it


async def test_a_wrong_certificate_is_refused(worker: Worker, clients: Iterator[Client]) -> None:
    client = next(clients)
    genuine = client.certificate
    client.certificate = Client(worker).certificate
    client.negotiate("teacher", publish=True)
    client.certificate = genuine
    await client.open_udp()
    await client.checked()
    await client.handshake()  # it succeeds on the client's side: only we compare its fingerprint
    await until(lambda: client.state("teacher") is None)
    assert worker.totals()["dtls_failed"] == 1
