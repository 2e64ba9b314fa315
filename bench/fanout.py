"""What forwarding costs: a real media process's loop, real SRTP, real sockets, everything per viewer switched on.

    python -m bench.fanout [--viewers 200] [--json]

CPU time of the process per forwarded packet, beside a floor measured in the same run in turns (bench/floor.c): bare
copy, AES-128-GCM and `sendmmsg` of the same packets to the same sockets, in the same bursts.
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final

import uvloop

from bench import traffic
from bench.floor import Floor
from streaming import control
from streaming.control import PeerState, Slot, Source
from streaming.net.connection import Connection
from streaming.net.datagrams import SOL_UDP, address_key
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
from streaming.rate.pacer import IDLE_TICK_S
from streaming.room import SSRCS
from streaming.worker import Client, MediaConfig, Worker

SIZES: Final = (1, 10, 50, 200, 1000)
WARM_S: Final = 4.0
TURN_S: Final = 1.0
TURNS: Final = 5
PUBLISHER_SEED: Final = 1
VIEWER_SEED: Final = 1000
ESTIMATE_BPS: Final = 4e6
UDP_GRO: Final = 104


# ---------------------------------------------------------------- the media process under test


def _connection(worker: Worker, peer: Peer, address: tuple[str, int], srtp: Srtp) -> None:
    """A client whose handshake is done."""
    now = worker.now()
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


class Hall:
    """A media process's worker and its viewers, driven through the lesson's own time as fast as the machine can.

    CPU is counted around the worker's own turns only; what the other side does in between is not.
    """

    def __init__(self, viewers: int, gso: bool, feedback: bool, spread: bool) -> None:
        self.now = 1000.0
        self.sockets = [_socket() for _ in range(viewers)]
        self.publisher = _socket()
        self.worker = Worker(MediaConfig(0, "", 0, ("127.0.0.1",), Path("unused")), lambda: self.now)
        self._gso = gso
        seconds = WARM_S + TURNS * TURN_S
        self._events = list(traffic.schedule(seconds, spread))
        self._position = 0
        self._reports = (
            [traffic.feedback_packets(VIEWER_SEED + row, seconds) for row in range(viewers)] if feedback else []
        )
        self._reported = 0
        self._srtp = traffic.session(PUBLISHER_SEED, inbound=False)
        self._buffer = bytearray(2048)

    async def open(self) -> None:
        worker = self.worker
        await worker.open()
        worker.stop_ticking()
        worker.outbox.segmentation = self._gso
        worker.handle(control.OpenRoom(request_id=1, lesson_id="lesson", max_subscribers=len(self.sockets)))
        for slot, source in ((Slot.TEACHER_AUDIO, Source.MICROPHONE), (Slot.TEACHER_VIDEO, Source.CAMERA)):
            feed = control.Feed(request_id=2, lesson_id="lesson", slot=slot, peer_id="teacher", source=source)
            worker.handle(feed)
        add_publisher(worker, self.publisher.getsockname())
        for row, sock in enumerate(self.sockets):
            add_viewer(worker, row, sock.getsockname())
        self.target = ("127.0.0.1", worker.port.port)
        self.floor = Floor(worker.port.socket, [sock.getsockname() for sock in self.sockets])
        self._next_tick = self._start = self.now

    def play(self, seconds: float) -> float:
        """The next `seconds` of the lesson; returns the CPU seconds that the worker took."""
        worker, cpu = self.worker, 0.0
        end = self.now + seconds
        while self._position < len(self._events):
            at, packets = self._events[self._position]
            if self._start + at >= end:
                break
            self._position += 1
            while self._next_tick <= self._start + at:
                self.now = self._next_tick
                self._next_tick += IDLE_TICK_S
                reported = self._report()
                began = time.thread_time()
                if reported:
                    worker.port.read()
                worker.serve(self.now)
                cpu += time.thread_time() - began
                self._drain()
            self.now = self._start + at
            for packet in packets:
                self.publisher.sendto(self._srtp.protect(packet), self.target)
            began = time.thread_time()
            worker.port.read()
            cpu += time.thread_time() - began
        self.now = end
        return cpu

    def _report(self) -> bool:
        """Send the viewers' feedback that is due, spread evenly over them and over time; whether any was."""
        if not self._reports:
            for row in range(len(self.sockets)):  # the estimator must not take them for gone
                self.worker.rooms["lesson"].estimator.remb(row, int(ESTIMATE_BPS), self.now)
            return False
        before, sent = self._reported, self.worker.rooms["lesson"].viewers.number
        viewers = len(self.sockets)
        due = int((self.now - self._start) * traffic.FEEDBACK_PER_SECOND * viewers)
        while self._reported < due:
            index, row = divmod(self._reported, viewers)
            if sent[row] <= (index + 1) * traffic.PACKETS_PER_REPORT:
                break  # a report cannot speak of packets that are still to be sent
            if index < len(self._reports[row]):
                self.sockets[row].sendto(self._reports[row][index], self.target)
            self._reported += 1
        return self._reported > before

    def _drain(self) -> None:
        for sock in (self.publisher, *self.sockets):
            try:
                while True:
                    sock.recv_into(self._buffer)
            except BlockingIOError:
                pass

    def play_floor(self, seconds: float, spread: bool) -> None:
        """The same bursts by the floor, emptied as often."""
        self.floor.cpu_ns = self.floor.packets = 0
        next_drain = 0.0
        for at, packets in traffic.schedule(seconds, spread):
            self.floor.send(len(packets), traffic.VIDEO_BYTES if len(packets[0]) > 200 else traffic.AUDIO_BYTES)
            if at >= next_drain:
                next_drain = at + IDLE_TICK_S
                self._drain()

    async def close(self) -> None:
        self.floor.close()
        await self.worker.close()
        for sock in (self.publisher, *self.sockets):
            sock.close()


def _socket() -> socket.socket:
    """Takes segmented messages whole (UDP_GRO): over loopback splitting them is the receiver's work, not the
    sender's."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(SOL_UDP, UDP_GRO, 1)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


async def measure(viewers: int, gso: bool, feedback: bool, spread: bool = False) -> dict[str, float]:
    """`us` and `floor_us` per forwarded packet: the turn with the median ratio."""
    hall = Hall(viewers, gso, feedback, spread)
    await hall.open()
    hall.play(WARM_S)
    turns = []
    for _ in range(TURNS):
        packets = hall.worker.outbox.packets_sent
        cpu = hall.play(TURN_S)
        packets = hall.worker.outbox.packets_sent - packets
        if packets < 0.95 * viewers * traffic.PACKETS_PER_SECOND * TURN_S:
            raise SystemExit(f"only {packets} packets were forwarded: {hall.worker.totals()}")
        hall.play_floor(TURN_S, spread)
        turns.append((cpu * 1e6 / packets, hall.floor.us_per_packet))
    await hall.close()
    us, floor_us = sorted(turns, key=lambda turn: turn[0] / turn[1])[TURNS // 2]
    return {"us": us, "floor_us": floor_us, "ratio": us / floor_us}


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
