"""Many light viewers of one lesson, served by one event loop: they watch, report and renew their consent."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import traffic
from bench.light_client import LightClient
from signaling.media_link import MediaLink
from streaming import control
from streaming.control import Slot
from streaming.fanout.profiles import NUMBER_WORD
from streaming.net.dtls import Certificate
from streaming.wire import rtcp

OFFER: Final = Path(__file__).parents[1] / "tests" / "data" / "sdp" / "chromium_subscribe.sdp"
SLOTS: Final = {
    "0": Slot.TEACHER_AUDIO,
    "1": Slot.SCREEN_AUDIO,
    "2": Slot.FLOOR_AUDIO,
    "3": Slot.TEACHER_VIDEO,
    "4": Slot.SCREEN_VIDEO,
    "5": Slot.FLOOR_VIDEO,
}
HEIGHT: Final = 720
ROUND_S: Final = 0.02
"""Sockets are emptied at leisure: the kernel has noted when each datagram came."""
GROUPS: Final = 8
"""Viewers take turns within a round, so that their reports are spread as they are in life."""
REPORT_ROUNDS: Final = 3
TIMED_EVERY: Final = 10
"""Every tenth viewer's packets are decrypted for the publisher's time in them."""
FULL: Final = 0.95
STEADY_S: Final = 60.0
_NUMBER_AT: Final = 2 * NUMBER_WORD
_TICK_NS: Final = 250_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What all viewers received in a while; the delays are those of the timed ones."""

    delays_ns: list[int]
    received: int
    lost: int


class Viewer:
    """One row: what came since its last report, and the delays of its packets where it is timed."""

    def __init__(self, client: LightClient, timed: bool) -> None:
        self.client = client
        self.timed = timed
        self.received = 0
        self.lost = 0
        self.delays_ns: list[int] = []
        self._arrivals: list[tuple[int, int]] = []
        self._next: int | None = None
        self._reports = 0

    def drain(self) -> None:
        for data, arrival_ns in self.client.received():
            if not 128 <= data[0] <= 191 or 192 <= data[1] <= 223:
                continue
            number = int.from_bytes(data[_NUMBER_AT : _NUMBER_AT + 2], "big")
            if self._next is not None:
                self.lost += (number - self._next) & 0xFFFF
            self._next = (number + 1) & 0xFFFF
            self.received += 1
            self._arrivals.append((number, arrival_ns // _TICK_NS))
            if self.timed:
                packet = self.client.rx.unprotect(data)
                (sent_ns,) = traffic.STAMP.unpack_from(packet, len(packet) - traffic.STAMP.size)
                self.delays_ns.append(arrival_ns - sent_ns)

    def drain_floor(self) -> None:
        """Read what the floor relays: the publisher's time stands first, in the clear."""
        for data, arrival_ns in self.client.received():
            if 20 <= data[0] <= 63:  # neither STUN nor the media process's last reports
                self.received += 1
                if self.timed:
                    self.delays_ns.append(arrival_ns - traffic.STAMP.unpack_from(data)[0])

    def report(self) -> None:
        """Transport-wide feedback about all that came since the last."""
        if not self._arrivals:
            return
        base = self._arrivals[0][0]
        for packet in rtcp.transport_feedback(1, 1, base, self._reports & 0xFF, self._arrivals):
            self.client.sock.sendto(self.client.tx.protect_rtcp(packet), self.client.target)
            self._reports += 1
        self._arrivals.clear()


class Viewers:
    """`join`, `watch`, `measure`; each takes turns meanwhile."""

    def __init__(self, link: MediaLink, lesson_id: str, count: int) -> None:
        certificate = Certificate.generateCertificate()
        self._link = link
        self._lesson_id = lesson_id
        self._viewers = [Viewer(LightClient(certificate), row % TIMED_EVERY == 0) for row in range(count)]
        self._turn = 0
        self._due = 0.0

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [viewer.client.sock.getsockname() for viewer in self._viewers]

    async def join(self) -> None:
        """One after the other, so that the server's work for each can be told."""
        template = OFFER.read_text(encoding="utf-8")
        for row, viewer in enumerate(self._viewers):
            answer = await self._link.ask(
                control.Subscribe(
                    request_id=0,
                    lesson_id=self._lesson_id,
                    peer_id=f"viewer-{row}",
                    sdp=viewer.client.offer(template),
                    slots=SLOTS,
                )
            )
            assert isinstance(answer, control.Answered), answer
            await viewer.client.connect(answer.sdp)
            now = time.monotonic()
            for joined in self._viewers[:row]:
                joined.client.keep_consent(now)

    async def watch(self) -> None:
        """Resume teacher's picture and sound, and wait until everybody gets all of it. Raises RuntimeError."""
        for row in range(len(self._viewers)):
            for slot in (Slot.TEACHER_AUDIO, Slot.TEACHER_VIDEO):
                view = control.View(
                    request_id=0, lesson_id=self._lesson_id, peer_id=f"viewer-{row}", slot=slot, height=HEIGHT
                )
                await self._link.ask(view)
            await self.turn()
        least_pps, deadline = 0.0, time.monotonic() + STEADY_S
        while least_pps < FULL * traffic.PACKETS_PER_SECOND:
            if time.monotonic() > deadline:
                raise RuntimeError(f"some viewer still gets only {least_pps:.0f} packets a second: no quiet machine?")
            before = [viewer.received for viewer in self._viewers]
            seconds = await self._watch_for(1.0)
            least_pps = min(viewer.received - was for viewer, was in zip(self._viewers, before, strict=True)) / seconds

    async def measure(self, seconds: float) -> Seen:
        self._begin()
        await self._watch_for(seconds)
        return self._seen()

    async def measure_floor(self, seconds: float) -> Seen:
        """Of what another sender relays to the same sockets; nothing is reported back."""
        self._begin()
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            for viewer in self._viewers:
                viewer.drain_floor()
            await asyncio.sleep(ROUND_S)
        return self._seen()

    def _begin(self) -> None:
        for viewer in self._viewers:
            viewer.drain()
            viewer.delays_ns.clear()
            viewer.received = viewer.lost = 0

    def _seen(self) -> Seen:
        return Seen(
            [delay for viewer in self._viewers for delay in viewer.delays_ns],
            sum(viewer.received for viewer in self._viewers),
            sum(viewer.lost for viewer in self._viewers),
        )

    async def _watch_for(self, seconds: float) -> float:
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            await self.turn()
        return time.monotonic() - start

    async def turn(self) -> None:
        """Read what some viewers have got; a third of these report."""
        now = time.monotonic()
        round_, group = divmod(self._turn, GROUPS)
        self._turn += 1
        for place, viewer in enumerate(self._viewers[group::GROUPS]):
            viewer.drain()
            viewer.client.keep_consent(now)
            if (place + round_) % REPORT_ROUNDS == 0:
                viewer.report()
        self._due = max(self._due + ROUND_S / GROUPS, now)
        await asyncio.sleep(max(0.0, self._due - time.monotonic()))
