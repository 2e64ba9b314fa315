"""A lesson with many light viewers at a real media process: forwarding delay, memory and the cost of a join.

The media process, the publisher and the viewers are processes of their own; handshakes, media, transport-wide feedback
and consent checks are real. Both delays are taken between the publisher's clock and the kernel's receive time stamps.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
import uvloop

from bench import traffic
from bench.floor import Floor
from bench.light_client import ADDRESS, CHECK_EVERY_S, LightClient
from bench.light_viewers import Viewers
from signaling.media_link import MediaLink
from signaling.tally import Tally
from streaming import control
from streaming.control import Slot, Source
from streaming.net.datagrams import bind_udp
from streaming.net.dtls import Certificate
from streaming.worker import MediaConfig, run_media

LESSON: Final = "lesson"
PUBLISHED_S: Final = 600.0
RUN_S: Final = 10.0
FLOOR_S: Final = 5.0
START_S: Final = 60.0
SETTLED_S: Final = 2.0
SETTLED_KB: Final = 64
SETTLED_WITHIN_S: Final = 60.0
PUBLISHER_OFFER: Final = f"""v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF {traffic.AUDIO_TYPE}
c=IN IP4 0.0.0.0
a=ice-ufrag:-
a=ice-pwd:-
a=fingerprint:-
a=setup:actpass
a=mid:0
a=extmap:{traffic.TRANSPORT_ID} http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=sendonly
a=rtcp-mux
a=rtpmap:{traffic.AUDIO_TYPE} opus/48000/2
a=rtcp-fb:{traffic.AUDIO_TYPE} transport-cc
a=ssrc:{traffic.AUDIO_SSRC} cname:teacher
m=video 9 UDP/TLS/RTP/SAVPF {traffic.VIDEO_TYPE}
c=IN IP4 0.0.0.0
a=ice-ufrag:-
a=ice-pwd:-
a=fingerprint:-
a=setup:actpass
a=mid:1
a=extmap:{traffic.TRANSPORT_ID} http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=sendonly
a=rtcp-mux
a=rtpmap:{traffic.VIDEO_TYPE} VP9/90000
a=rtcp-fb:{traffic.VIDEO_TYPE} transport-cc
a=rtcp-fb:{traffic.VIDEO_TYPE} nack
a=rtcp-fb:{traffic.VIDEO_TYPE} nack pli
a=ssrc:{traffic.VIDEO_SSRC} cname:teacher
"""


# ---------------------------------------------------------------- the processes


def media_process(_pipe: Pipe, bus_path: Path) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    uvloop.run(run_media(MediaConfig(0, ADDRESS, 0, (ADDRESS,), bus_path)))


@asynccontextmanager
async def media_link(bus_path: Path) -> AsyncIterator[MediaLink]:
    """The bus as the web process uses it; waits until the media process is there."""
    up = asyncio.Event()
    link = MediaLink(
        bus_path,
        Tally(),
        on_up=lambda _link, _snapshot: up.set(),
        on_down=lambda _link: None,
        on_event=lambda _link, _event: None,
    )
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(START_S):
            await up.wait()
        yield link
    finally:
        task.cancel()


def publisher_process(pipe: Pipe, bus_path: Path) -> None:
    asyncio.run(_publish(pipe, bus_path))


async def _publish(pipe: Pipe, bus_path: Path) -> None:
    client = LightClient(Certificate.generateCertificate())
    async with media_link(bus_path) as link:
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        request = control.Publish(request_id=0, lesson_id=LESSON, peer_id="teacher", sdp=client.offer(PUBLISHER_OFFER))
        answer = await link.ask(request)
        assert isinstance(answer, control.Answered), answer
        await client.connect(answer.sdp)
    pipe.send("published")
    playing = asyncio.create_task(
        asyncio.to_thread(traffic.feed, client.sock, client.target, client.tx, PUBLISHED_S, False)
    )
    while not playing.done():
        client.keep_consent(time.monotonic())
        await asyncio.sleep(CHECK_EVERY_S)


def viewers_process(pipe: Pipe, bus_path: Path, count: int) -> None:
    asyncio.run(_view(pipe, bus_path, count))


async def _view(pipe: Pipe, bus_path: Path, count: int) -> None:
    """Joins, watches and measures, each when told."""
    async with media_link(bus_path) as link:
        viewers = Viewers(link, LESSON, count)
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        await viewers.join()
        pipe.send("joined")
        await asyncio.to_thread(pipe.recv)
        await viewers.watch()
        pipe.send("watching")
        await asyncio.to_thread(pipe.recv)
        pipe.send(await viewers.measure(RUN_S))
        await asyncio.to_thread(pipe.recv)
        pipe.send(viewers.addresses)
        await asyncio.to_thread(pipe.recv)
        pipe.send(await viewers.measure_floor(FLOOR_S))


def floor_publisher_process(pipe: Pipe, target: tuple[str, int]) -> None:
    """The same packets at the same times, unprotected, their time in front."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        pipe.send("ready")
        traffic.play(lambda packet: sock.sendto(packet[-traffic.STAMP.size :] + packet, target), PUBLISHED_S, False)


def relay_process(pipe: Pipe, addresses: list[tuple[str, int]]) -> None:
    """The floor of forwarding: each datagram to every viewer at once, encrypted, and nothing else."""
    with bind_udp(ADDRESS, 0) as sock:
        sock.setblocking(True)
        floor = Floor(sock, addresses)
        pipe.send((ADDRESS, sock.getsockname()[1]))
        while True:
            floor.relay(sock.recv(2048))


# ---------------------------------------------------------------- what is measured


class _Account:
    """What a process has used until now."""

    def __init__(self, pid: int) -> None:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        self.cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        # Anonymous memory: that of the programs' files is shared with whoever else runs.
        self.memory_kb = next(int(line.split()[1]) for line in rollup if line.startswith("Pss_Anon:"))
        self.at = time.monotonic()


class _Child:
    """A process of the benchmark and our end of its pipe; what it says comes in order."""

    def __init__(self, target: Callable[..., None], *args: object) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(target=target, args=(far_end, *args), daemon=True)
        self._process.start()
        far_end.close()  # so that its death is seen as the end of the pipe

    def account(self) -> _Account:
        assert self._process.pid is not None
        return _Account(self._process.pid)

    async def hear(self) -> Any:
        """The next it says. Raises EOFError when it has ended."""
        return await asyncio.to_thread(self._pipe.recv)

    async def tell(self, order: object) -> Any:
        """What it says when it has done so."""
        self._pipe.send(order)
        return await self.hear()

    def end(self) -> None:
        self._process.terminate()
        self._process.join()


async def measure(viewers: int) -> dict[str, Any]:
    """Forwarding delay beside its floor, memory and CPU of a join, with so many viewers."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as children:

        def start(target: Callable[..., None], *args: object) -> _Child:
            child = _Child(target, *args)
            children.callback(child.end)
            return child

        bus_path = Path(folder) / "media.sock"
        media = start(media_process, bus_path)
        publisher = start(publisher_process, bus_path)
        watching = start(viewers_process, bus_path, viewers)
        await _open_room(bus_path, viewers)
        await publisher.hear()
        await publisher.tell("publish")
        await watching.hear()
        before, lesson_share = await _settled(media)
        await watching.tell("join")
        joined = media.account()
        joins_cpu_s = joined.cpu_s - before.cpu_s - lesson_share * (joined.at - before.at)
        await watching.tell("watch")
        watched = media.account()
        seen = await watching.tell("measure")
        after = media.account()
        publisher.end()
        relay = start(relay_process, await watching.tell("addresses"))
        await start(floor_publisher_process, await relay.hear()).hear()
        floor = await watching.tell("floor")
        return {
            **_delays("forward", seen.delays_ns),
            **_delays("forward_floor", floor.delays_ns),
            "forwarded_pps": round(seen.received / RUN_S),
            "lost": seen.lost,
            "media_cpu_share": round((after.cpu_s - watched.cpu_s) / (after.at - watched.at), 3),
            "kb_per_viewer": round((after.memory_kb - before.memory_kb) / viewers, 1),
            "kb_per_viewer_joined": round((joined.memory_kb - before.memory_kb) / viewers, 1),
            "join_cpu_ms": round(joins_cpu_s * 1000 / viewers, 2),
        }


async def _settled(child: _Child) -> tuple[_Account, float]:
    """Its account once it has ceased to grow, and the share of a core that the lesson takes with nobody watching: the
    publisher's packet cache and its CPU are a lesson's, not a viewer's."""
    deadline, last = time.monotonic() + SETTLED_WITHIN_S, child.account()
    while time.monotonic() < deadline:
        await asyncio.sleep(SETTLED_S)
        now = child.account()
        if now.memory_kb - last.memory_kb < SETTLED_KB:
            return now, (now.cpu_s - last.cpu_s) / (now.at - last.at)
        last = now
    raise RuntimeError("the media process does not cease to grow with nobody watching")


async def _open_room(bus_path: Path, viewers: int) -> None:
    async with media_link(bus_path) as link:
        await link.ask(control.OpenRoom(request_id=0, lesson_id=LESSON, max_subscribers=viewers))
        for slot, source in ((Slot.TEACHER_AUDIO, Source.MICROPHONE), (Slot.TEACHER_VIDEO, Source.CAMERA)):
            await link.ask(control.Feed(request_id=0, lesson_id=LESSON, slot=slot, peer_id="teacher", source=source))


def _delays(name: str, delays_ns: list[int]) -> dict[str, float]:
    p50, p99, most = np.percentile(delays_ns, (50, 99, 100)) / 1e6
    return {
        f"{name}_p50_ms": round(float(p50), 2),
        f"{name}_p99_ms": round(float(p99), 2),
        f"{name}_max_ms": round(float(most), 2),
    }
