"""How a browser receives pictures: NACK, frames and their references, an adaptive render delay, freezes.

Times and limits are libwebrtc's. A frame is decoded when it is whole, its reference was decoded and its time to be
shown has come; whatever is older then is given up.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from bench.abr.clock import Clock
from bench.abr.payload import Part
from streaming.wire.sequence import Unwrapper16, Unwrapper32

NACK_ROUND_TRIP_S: Final = 0.1
"""A receiving connection learns no round trip, so libwebrtc repeats NACKs after its default."""
NACK_TRIES: Final = 10
NACK_MAX: Final = 1000
KEYFRAME_WAIT_S: Final = 0.2
STALL_WAIT_S: Final = 3.0
ACTIVE_S: Final = 5.0
DEVIATIONS: Final = 2.33
JITTER_GAIN: Final = 1 / 30
DELAY_MAX_S: Final = 0.5
DELAY_STEP: Final = 0.1
"""The render delay changes by at most this many seconds a second."""
FREEZE_WINDOW: Final = 30
PICTURES: Final = 1 << 15


class Shown(NamedTuple):
    """A frame on the screen."""

    at: float
    height: int
    temporal: int


@dataclass(slots=True)
class _Frame:
    temporal: int
    back: int
    rtp_time: int
    height: int = 0
    first: int = -1
    last: int = -1
    packets: int = 0
    bytes: int = 0
    shown_s: float = math.inf

    @property
    def whole(self) -> bool:
        return self.first >= 0 and self.last >= 0 and self.packets == self.last - self.first + 1


class _Nacks:
    """libwebrtc's NackRequester: asks at once, then after each round trip, and gives up."""

    def __init__(self) -> None:
        self.given_up = 0
        self._missing: dict[int, tuple[float, int]] = {}  # number -> (asked at, tries)

    def gap(self, first: int, end: int) -> None:
        if len(self._missing) + end - first > NACK_MAX:
            self.given_up += len(self._missing)
            self._missing.clear()
        for number in range(max(first, end - NACK_MAX), end):
            self._missing[number] = (-math.inf, 0)

    def arrived(self, number: int) -> None:
        self._missing.pop(number, None)

    def clear_up_to(self, number: int) -> None:
        for old in [each for each in self._missing if each < number]:
            del self._missing[old]

    def due(self, now: float) -> list[int]:
        asked = []
        for number, (at, tries) in list(self._missing.items()):
            if now - at < NACK_ROUND_TRIP_S:
                continue
            if tries >= NACK_TRIES:
                del self._missing[number]
                self.given_up += 1
                continue
            self._missing[number] = (now, tries + 1)
            asked.append(number)
        return sorted(asked)


class _RenderDelay:
    """When a frame is shown: smoothed transit variation above its least (VCMTiming and JitterEstimator, simplified)."""

    def __init__(self) -> None:
        self.current_s = 0.0
        self._transits: deque[tuple[float, float]] = deque()
        self._mean = 0.0
        self._variance = 0.0
        self._moved_s = 0.0

    def show_at(self, now: float, media_s: float) -> float:
        """For a frame whose last packet is here `now`."""
        transits = self._transits
        transit = now - media_s
        while transits and transits[-1][1] >= transit:
            transits.pop()
        transits.append((now, transit))
        while transits[0][0] < now - 10:
            transits.popleft()
        least = transits[0][1]
        excess = min(transit - least, DELAY_MAX_S)
        self._variance += JITTER_GAIN * ((excess - self._mean) ** 2 - self._variance)
        self._mean += JITTER_GAIN * (excess - self._mean)
        target = min(self._mean + DEVIATIONS * math.sqrt(self._variance), DELAY_MAX_S)
        step = DELAY_STEP * min(now - self._moved_s, 1.0)
        self._moved_s = now
        self.current_s += min(max(target - self.current_s, -step), step)
        return max(now, media_s + least + self.current_s)


class PictureReceiver:
    """One video stream. `nack(sequences)` and `pli()` send."""

    def __init__(self, clock: Clock, nack: Callable[[list[int]], None], pli: Callable[[], None]) -> None:
        self.shown: list[Shown] = []
        self.freezes: list[tuple[float, float]] = []
        """(begin, seconds)"""
        self.bytes = 0
        """Payload of frames that were shown."""
        self.plis = 0
        self.height = 0
        self.nacks = _Nacks()
        self._clock = clock
        self._send_nack = nack
        self._send_pli = pli
        self._sequences = Unwrapper16()
        self._times = Unwrapper32()
        self._highest = -1
        self._picture = -1
        self._frames: dict[int, _Frame] = {}
        self._decoded: set[int] = set()
        self._last_decoded = -1
        self._delay = _RenderDelay()
        self._packet_s = -math.inf
        self._progress_s = clock.now
        self._seen: dict[int, None] = {}

    # ------------------------------------------------------------ packets

    def receive(self, sequence: int, rtp_time: int, part: Part | None, size: int) -> None:
        """A media packet, first sent or again; `part` None: nothing but padding."""
        number = self._sequences.unwrap(sequence)
        if number in self._seen:
            return
        self._seen[number] = None
        if len(self._seen) > 4 * NACK_MAX:
            del self._seen[next(iter(self._seen))]
        self._packet_s = self._clock.now
        if 0 <= self._highest < number - 1:
            self.nacks.gap(self._highest + 1, number)
        self._highest = max(self._highest, number)
        self.nacks.arrived(number)
        if part is not None:
            self._part(number, rtp_time, part, size)
        self.ask()

    def _part(self, number: int, rtp_time: int, part: Part, size: int) -> None:
        picture = self._unwrap_picture(part.picture)
        if picture <= self._last_decoded:
            return
        frame = self._frames.get(picture)
        if frame is None:
            media = self._times.unwrap(rtp_time)
            frame = self._frames[picture] = _Frame(part.temporal, part.back, media)
        frame.packets += 1
        frame.bytes += size
        if part.first:
            frame.first, frame.height = number, part.height
        if part.last:
            frame.last = number
        if frame.whole and frame.shown_s == math.inf:
            frame.shown_s = self._delay.show_at(self._clock.now, frame.rtp_time / 90_000)
            self._clock.at(frame.shown_s, self._show)

    def _unwrap_picture(self, picture: int) -> int:
        if self._picture < 0:
            self._picture = picture + PICTURES
        ahead = (picture - self._picture + PICTURES // 2) % PICTURES - PICTURES // 2
        unwrapped = self._picture + ahead
        self._picture = max(self._picture, unwrapped)
        return unwrapped

    # ------------------------------------------------------------ frames

    def _decodable(self, picture: int, frame: _Frame) -> bool:
        return frame.whole and (frame.back == 0 or picture - frame.back in self._decoded)

    def _show(self) -> None:
        """Decode and show what is due."""
        now = self._clock.now
        while True:
            ready = [picture for picture, frame in self._frames.items() if self._decodable(picture, frame)]
            if not ready:
                return
            picture = min(ready)
            frame = self._frames[picture]
            if frame.shown_s > now + 1e-9:
                return
            self._decode(picture, frame, now)

    def _decode(self, picture: int, frame: _Frame, now: float) -> None:
        if frame.back == 0:
            self.height = frame.height
            self._decoded.clear()
        self._decoded.add(picture)
        self._decoded = {each for each in self._decoded if each > picture - 16}
        self._last_decoded = picture
        self._progress_s = now
        self.nacks.clear_up_to(frame.first)
        for old in [each for each in self._frames if each <= picture]:
            del self._frames[old]
        self.bytes += frame.bytes
        self._count_freeze(now)
        self.shown.append(Shown(now, self.height, frame.temporal))

    def _count_freeze(self, now: float) -> None:
        """W3C webrtc-stats: freezeCount."""
        recent = self.shown[-FREEZE_WINDOW - 1 :]
        if len(recent) < 2:
            return
        average = (recent[-1].at - recent[0].at) / (len(recent) - 1)
        gap = now - recent[-1].at
        if gap >= max(3 * average, average + 0.15):
            self.freezes.append((recent[-1].at, gap))

    def finish(self) -> None:
        """A freeze that has not ended counts as well."""
        self._count_freeze(self._clock.now)

    # ------------------------------------------------------------ what it asks for

    def ask(self) -> None:
        """To be called often: repeats NACKs."""
        missing = self.nacks.due(self._clock.now)
        if missing:
            self._send_nack([number & 0xFFFF for number in missing])

    def check(self) -> None:
        """To be called every KEYFRAME_WAIT_S: asks for a keyframe where pictures come that cannot be shown."""
        now = self._clock.now
        if now - self._packet_s > ACTIVE_S:
            return
        wait = KEYFRAME_WAIT_S if self._last_decoded < 0 else STALL_WAIT_S
        if now - self._progress_s >= wait:
            self.plis += 1
            self._send_pli()
            if self._last_decoded >= 0:
                self._progress_s = now - STALL_WAIT_S + KEYFRAME_WAIT_S
