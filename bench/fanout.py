"""What forwarding costs: a real media process's loop, real SRTP, real sockets, everything per viewer switched on.

    python -m bench.fanout [--viewers 200] [--json]

CPU time of the process per forwarded packet, beside a floor measured in the same run in turns (bench/floor.c): bare
copy, AES-128-GCM and `sendmmsg` of the same packets to the same sockets, in the same bursts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import socket
import sys
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Final

import uvloop

from bench import traffic
from bench.floor import Floor
from streaming import control
from streaming.control import PeerState, Slot, Source
from streaming.net.connection import Connection
from streaming.net.datagrams import address_key
from streaming.net.dtls import Srtp
from streaming.net.ice import new_credentials
from streaming.net.negotiation import (
    Extensions,
    PublishedCodec,
    PublishedSection,
    SubscribedCodec,
    SubscribedSection,
)
from streaming.peer import Peer
from streaming.room import SSRCS
from streaming.worker import Client, MediaConfig, Worker

SIZES: Final = (1, 10, 50, 200, 1000)
WARM_S: Final = 1.5
RUN_S: Final = 1.5
TURNS: Final = 3
PUBLISHER_SEED: Final = 1
VIEWER_SEED: Final = 1000
ESTIMATE_BPS: Final = 4e6


# ---------------------------------------------------------------- the other side, in processes of its own


def publisher_process(pipe: Pipe, seconds: float, spread: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        pipe.send(sock.getsockname())
        target = pipe.recv()
        traffic.feed(sock, target, traffic.session(PUBLISHER_SEED, inbound=False), seconds, spread)


def viewers_process(pipe: Pipe, viewers: int, seconds: float, feedback: bool) -> None:
    """Sockets that are emptied at leisure, so that no wake-up of a receiver is charged to the sender."""
    sockets = []
    for _ in range(viewers):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        sockets.append(sock)
    reports = [traffic.feedback_packets(VIEWER_SEED + row, seconds) if feedback else [] for row in range(viewers)]
    pipe.send([sock.getsockname() for sock in sockets])
    target = pipe.recv()
    start = time.monotonic()
    buffer = bytearray(2048)
    sent = 0
    total = sum(map(len, reports))
    while (elapsed := time.monotonic() - start) < seconds:
        due = min(total, int(elapsed * traffic.FEEDBACK_PER_SECOND * viewers))
        while sent < due:  # spread evenly over the viewers and over time
            row, index = sent % viewers, sent // viewers
            sockets[row].sendto(reports[row][index], target)
            sent += 1
        for sock in sockets:
            try:
                while True:
                    sock.recv_into(buffer)
            except BlockingIOError:
                pass
        time.sleep(0.02)


# ---------------------------------------------------------------- the media process under test


def _connection(worker: Worker, peer: Peer, address: tuple[str, int], srtp: Srtp) -> None:
    """A client whose handshake is done."""
    now = time.monotonic()
    credentials = new_credentials("bench")
    connection = Connection(credentials, worker._certificate, (), worker.port.send, peer, now)
    key = address_key(*address)
    connection.srtp = srtp
    connection.state = PeerState.CONNECTED
    worker.port.registry.add(connection.ice, connection)
    connection.ice.checked(credentials, key, True, now + 600)
    worker.port.registry.owners[key] = connection
    worker.clients[("lesson", peer.peer_id)] = Client(peer, connection, 1)
    connection.path_changed()


def _peer(worker: Worker, peer_id: str, side: Any) -> Peer:
    room = worker.rooms["lesson"]
    return Peer(peer_id, room, side, worker.outbox, worker._mark_ready, worker.emit, worker._peer_ended)


def add_publisher(worker: Worker, address: tuple[str, int]) -> None:
    ids = Extensions(transport_cc=traffic.TRANSPORT_ID)
    sections = [
        PublishedSection(
            mid=mid,
            kind=kind,
            source=source,
            codecs={payload_type: PublishedCodec(name, clock)},
            extensions=ids,
            rids=(),
            ssrcs={ssrc: None},
            transport_cc=True,
            remb=False,
            nack=True,
        )
        for mid, kind, source, payload_type, name, clock, ssrc in (
            ("0", "audio", Source.MICROPHONE, traffic.AUDIO_TYPE, "opus", 48000, traffic.AUDIO_SSRC),
            ("1", "video", Source.CAMERA, traffic.VIDEO_TYPE, "vp9", 90000, traffic.VIDEO_SSRC),
        )
    ]
    side = worker.rooms["lesson"].add_publisher("teacher", sections)
    rx, tx = traffic.session(PUBLISHER_SEED, inbound=True), traffic.session(PUBLISHER_SEED + 1, inbound=False)
    _connection(worker, _peer(worker, "teacher", side), address, Srtp(tx, rx))


def add_viewer(worker: Worker, row: int, address: tuple[str, int]) -> None:
    ids = Extensions(transport_cc=traffic.TRANSPORT_ID, abs_send_time=2)
    sections = [
        SubscribedSection(
            mid=str(index),
            slot=slot,
            ssrcs=SSRCS[slot],
            cname="teacher",
            codecs=(SubscribedCodec(name, "", payload_type, rtx, 90000),),
            extensions=ids,
            transport_cc=True,
            remb=True,
        )
        for index, (slot, name, payload_type, rtx) in enumerate(
            ((Slot.TEACHER_AUDIO, "opus", 111, None), (Slot.TEACHER_VIDEO, "vp9", 98, 99))
        )
    ]
    peer_id = f"viewer-{row}"
    room = worker.rooms["lesson"]
    side = room.add_subscriber(peer_id, sections, True, None)
    rx, tx = traffic.session(VIEWER_SEED + row, inbound=True), traffic.session(VIEWER_SEED + row, inbound=False)
    _connection(worker, _peer(worker, peer_id, side), address, Srtp(tx, rx))
    room.estimator.estimate_bps[side.row] = ESTIMATE_BPS


async def floor_burst(floor: Floor, seconds: float, spread: bool) -> None:
    """The same bursts at the same pace, sent by the floor."""
    start = time.monotonic()
    events: list[tuple[float, int, int]] = []
    for frame in range(int(seconds * traffic.FRAME_RATE)):
        packets, at = traffic.FRAME_PACKETS[frame % 3], frame / traffic.FRAME_RATE
        if spread:
            events += [(at + k / traffic.FRAME_RATE / packets, 1, traffic.VIDEO_BYTES) for k in range(packets)]
        else:
            events.append((at, packets, traffic.VIDEO_BYTES))
    events += [
        ((n + 0.5) / traffic.AUDIO_RATE, 1, traffic.AUDIO_BYTES) for n in range(int(seconds * traffic.AUDIO_RATE))
    ]
    for at, packets, size in sorted(events):
        await asyncio.sleep(max(0.0, start + at - time.monotonic()))
        floor.send(packets, size)


async def measure(viewers: int, gso: bool, feedback: bool, spread: bool = False) -> dict[str, float]:
    """`us` and `floor_us` per forwarded packet, medians of the turns by ratio."""
    seconds = WARM_S + TURNS * 2 * RUN_S + 1.5
    context = multiprocessing.get_context("spawn")
    (to_publisher, publisher_pipe), (to_viewers, viewers_pipe) = context.Pipe(), context.Pipe()
    others = [
        context.Process(target=publisher_process, args=(publisher_pipe, seconds, spread), daemon=True),
        context.Process(target=viewers_process, args=(viewers_pipe, viewers, seconds + 1, feedback), daemon=True),
    ]
    for other in others:
        other.start()
    publisher_address = await asyncio.to_thread(to_publisher.recv)
    addresses = await asyncio.to_thread(to_viewers.recv)
    worker = Worker(MediaConfig(0, "", 0, ("127.0.0.1",), Path("unused")))
    await worker.open()
    worker.outbox.segmentation = gso
    worker.handle(control.OpenRoom(request_id=1, lesson_id="lesson", max_subscribers=viewers))
    for slot, source in ((Slot.TEACHER_AUDIO, Source.MICROPHONE), (Slot.TEACHER_VIDEO, Source.CAMERA)):
        worker.handle(control.Feed(request_id=2, lesson_id="lesson", slot=slot, peer_id="teacher", source=source))
    add_publisher(worker, publisher_address)
    for row, address in enumerate(addresses):
        add_viewer(worker, row, address)
    target = ("127.0.0.1", worker.port.port)
    to_publisher.send(target)
    to_viewers.send(target)
    floor = Floor(worker.port.socket, addresses)
    await asyncio.sleep(WARM_S)
    turns = []
    for _ in range(TURNS):
        cpu, packets = time.process_time(), worker.outbox.packets_sent
        await asyncio.sleep(RUN_S)
        cpu, packets = time.process_time() - cpu, worker.outbox.packets_sent - packets
        if packets < 0.9 * viewers * traffic.PACKETS_PER_SECOND * RUN_S:
            raise SystemExit(f"only {packets} packets were forwarded: {worker.totals()}")
        floor.cpu_ns = floor.packets = 0
        # The lesson goes on meanwhile, unseen: its viewers are paused, so that only the floor sends.
        room = worker.rooms["lesson"]
        fanouts, room.fanouts = room.fanouts, {}
        await floor_burst(floor, RUN_S, spread)
        room.fanouts = fanouts
        turns.append((cpu * 1e6 / packets, floor.us_per_packet))
    us, floor_us = sorted(turns, key=lambda turn: turn[0] / turn[1])[TURNS // 2]
    dropped = worker.outbox.counts.total()
    floor.close()
    await worker.close()
    for other in others:
        other.terminate()
        other.join()
    return {"us": us, "floor_us": floor_us, "ratio": us / floor_us, "dropped": dropped}


async def run(sizes: list[int], main_size: int) -> dict[str, Any]:
    by_viewers = {}
    for viewers in sizes:
        plain = await measure(viewers, gso=False, feedback=False)
        gso = await measure(viewers, gso=True, feedback=False)
        spread = await measure(viewers, gso=False, feedback=False, spread=True)
        by_feedback = await measure(viewers, gso=False, feedback=True)
        gso_feedback = await measure(viewers, gso=True, feedback=True)
        by_viewers[str(viewers)] = {
            "us_per_packet": round(plain["us"], 2),
            "floor_us_per_packet": round(plain["floor_us"], 2),
            "ratio": round(plain["ratio"], 2),
            "gso_us_per_packet": round(gso["us"], 2),
            "gso_ratio": round(gso["ratio"], 2),
            "ratio_packet_by_packet": round(spread["ratio"], 2),
            "ratio_with_feedback": round(by_feedback["ratio"], 2),
            "gso_ratio_with_feedback": round(gso_feedback["ratio"], 2),
        }
        print(viewers, by_viewers[str(viewers)], file=sys.stderr, flush=True)
    main = by_viewers[str(main_size)]
    wanted = (
        "us_per_packet",
        "floor_us_per_packet",
        "ratio",
        "gso_ratio",
        "ratio_with_feedback",
        "gso_ratio_with_feedback",
    )
    return {
        "viewers": main_size,
        **{name: main[name] for name in wanted},
        "viewers_per_core": int(1e6 / (main["us_per_packet"] * traffic.PACKETS_PER_SECOND)),
        "by_viewers": by_viewers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=200, help="the size whose figures stand at the top")
    parser.add_argument("--only", action="store_true", help="measure this size only")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    sizes = [arguments.viewers] if arguments.only else sorted({*SIZES, arguments.viewers})
    result = uvloop.run(run(sizes, arguments.viewers))
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name}: {value}")


if __name__ == "__main__":
    main()
