"""One Encoding (simulcast stream) of an UpTrack: its numbering, where its packets are, what it costs.

Viewers who take fewer temporal layers must see no gap where layers were left out. How many packets above a temporal
layer came before a sequence number is the same for every viewer, so it is counted here once: a viewer's outgoing number
is `sequence - above(sequence, temporal) + base`, with one `base` per viewer.

Below temporal layer 0 lies one more class, KEYFRAMES: all packets of keyframes, each of which is a still picture.
"""

from __future__ import annotations

from typing import Final

from streaming.uptrack.cache import OVERHEAD_BYTES
from streaming.uptrack.keyframes import STILL_INTERVAL_S
from streaming.wire.sequence import diff16

WINDOW: Final = 2048
"""Sequence numbers remembered; a power of two."""
TEMPORAL_LAYERS: Final = 3
KEYFRAMES: Final = -1
"""The temporal class of a keyframe's packets. Lists by class hold it last, where Python's -1 finds it."""
CLASSES: Final = range(KEYFRAMES, TEMPORAL_LAYERS)
JUMP: Final = 1000
"""A step of more packets than this, either way, is a new numbering, not loss."""
RATE_WINDOW_S: Final = 1.0
FIRST_RATE_WINDOW_S: Final = 0.25
SMOOTHING: Final = 0.3
STILL_SMOOTHING: Final = 0.5
STILL_INTERVAL_LEAST_S: Final = 0.3
ABSENT: Final = -1
SKIPPED: Final = -2
"""The number belongs to a packet which this temporal class does not take, but which came too late to close the gap."""


class Encoding:
    """State of one SSRC. `index` is its place in the UpTrack's list, in the order of the offer."""

    def __init__(self, index: int, rid: str, ssrc: int) -> None:
        self.index = index
        self.rid = rid
        self.ssrc = ssrc
        self.rtx_ssrc = 0
        self.highest = -1
        """Highest number so far; -1 before the first packet, which gets 0."""
        self.restarts = 0
        """Times the numbering began anew; a viewer's selection is void after one."""
        self._offset = 0  # number - sequence, modulo 2**16
        self._resume_at = 0
        self._seen = [-1] * WINDOW
        self._above = (0, 0, 0, 0)  # by class; replaced, never changed: the window below holds it many times
        self._above_at = [self._above] * WINDOW
        self._cell_at = [[ABSENT] * WINDOW for _ in CLASSES]
        self.rtp_shift: int | None = None
        """Added to this encoding's timestamps to reach the UpTrack's common timeline."""
        self.picture_shift = 0
        self.tl0_shift = 0
        self._former_shifts: tuple[int | None, int, int] = (None, 0, 0)
        self.width = 0
        self.height = 0
        self.keyframe_at = -1
        """First sequence number of the latest keyframe; -1 when none is known."""
        self.keyframe_s = float("-inf")
        """When that came."""
        self._keyframe_time = 0  # its RTP timestamp, by which its further packets are known
        self._keyframe_bytes = 0
        self._still_bytes = 0.0
        self._still_interval_s = STILL_INTERVAL_S
        self.resting = False
        """Its publisher has been told that nobody needs it now."""
        self.withheld = False
        """Its publisher has been told to leave it out, since its uplink does not carry it."""
        self.told_bps = 0.0
        """What it may cost at most, as its publisher has been told or will be when it is woken; 0: no limit known."""
        self.ceiling_bps = 0.0
        """What more of it could be asked for, 0: not known."""
        self.last_packet_s = float("-inf")
        self.last_rtp_time = -1
        self.packets = 0
        self.bytes = 0
        self.bitrate_bps = [0.0] * TEMPORAL_LAYERS
        """Measured rate of each temporal layer by itself, as it would be on a viewer's wire; the lowest with the
        keyframes."""
        self._window_bytes = [0] * TEMPORAL_LAYERS
        self._window_start_s = 0.0
        self._rates_due_s = FIRST_RATE_WINDOW_S

    def restart(self, ssrc: int) -> None:
        """Another SSRC or numbering begins: numbers go on rising here, but decoders need a keyframe first."""
        self.ssrc = ssrc
        self.restarts += 1
        self.rtp_shift = None
        self.keyframe_at = -1
        self.last_rtp_time = -1
        self._resume_at = self.highest + 1

    def begin_group(self, number: int, timestamp: int, now: float) -> None:
        """A keyframe begins at `number`. Shifts may change with it; what is late from before keeps the former ones."""
        self._learn_still(now)
        self.keyframe_at = number
        self.keyframe_s = now
        self._keyframe_time = timestamp
        self._former_shifts = (self.rtp_shift, self.picture_shift, self.tl0_shift)

    def in_keyframe(self, number: int, timestamp: int) -> bool:
        """Whether a packet belongs to the latest keyframe."""
        return timestamp == self._keyframe_time and 0 <= self.keyframe_at <= number

    def _learn_still(self, now: float) -> None:
        """Before another keyframe begins: how large they are, and how often they come."""
        size, self._keyframe_bytes = self._keyframe_bytes, 0
        if size:
            self._still_bytes += (STILL_SMOOTHING if self._still_bytes else 1.0) * (size - self._still_bytes)
            gap_s = min(now - self.keyframe_s, STILL_INTERVAL_S)
            self._still_interval_s += STILL_SMOOTHING * (gap_s - self._still_interval_s)

    def still_bps(self, now: float) -> float:
        """What a viewer of nothing but keyframes costs; 0 before the first keyframe. More than one in STILL_INTERVAL_S
        while others ask for keyframes more often."""
        interval_s = max(self._still_interval_s, min(now - self.keyframe_s, STILL_INTERVAL_S), STILL_INTERVAL_LEAST_S)
        return (self._still_bytes or self._keyframe_bytes) * 8 / interval_s

    def shifts(self, number: int) -> tuple[int, int, int]:
        """Shifts of timestamp, picture id and tl0picidx that hold for a packet."""
        rtp_shift, picture_shift, tl0_shift = (
            self._former_shifts if number < self.keyframe_at else (self.rtp_shift, self.picture_shift, self.tl0_shift)
        )
        return rtp_shift or 0, picture_shift, tl0_shift

    def unwrap(self, sequence: int) -> int:
        """Rising number of a 16-bit sequence number; restarts the numbering after a jump."""
        step = ((sequence + self._offset - self.highest + 0x8000) & 0xFFFF) - 0x8000
        if self._resume_at < 0 and not -JUMP <= step <= JUMP:
            self.restart(self.ssrc)
        if self._resume_at >= 0:
            number, self._resume_at = self._resume_at, -1
            self._offset = (number - sequence) & 0xFFFF
            return number
        return self.highest + step

    def sequence(self, number: int) -> int:
        """The publisher's own 16-bit sequence number of a rising number."""
        return (number - self._offset) & 0xFFFF

    def repairable(self, sequence: int) -> bool:
        """Whether a retransmission of this 16-bit number belongs to the present numbering; one never begins another."""
        return self.highest >= 0 and self._resume_at < 0 and abs(diff16(sequence, self.sequence(self.highest))) <= JUMP

    def known(self, number: int) -> bool:
        """True for a duplicate, and for what is older than the window."""
        return number <= self.highest - WINDOW or self._seen[number % WINDOW] == number

    def insert(self, number: int, temporal: int, cell: int) -> bool:
        """Record a packet that is not `known`; True when it came late (behind a higher number).

        `temporal` TEMPORAL_LAYERS: no viewer takes it (padding only; `cell` SKIPPED).
        """
        place = number % WINDOW
        self._seen[place] = number
        highest = self.highest
        if number <= highest:
            before = self._above_at[place]
            for layer in CLASSES:
                self._cell_at[layer][(number - before[layer]) % WINDOW] = cell if temporal <= layer else SKIPPED
            return True
        if number > highest + 1 and highest >= 0:
            for missing in range(highest + 1, number):
                self._place(missing, KEYFRAMES, ABSENT)  # it may still come, so it takes a number in every class
        self._place(number, temporal, cell)
        self.highest = number
        return False

    def _place(self, number: int, temporal: int, cell: int) -> None:
        above = self._above
        self._above_at[number % WINDOW] = above
        for layer in range(temporal, TEMPORAL_LAYERS):
            self._cell_at[layer][(number - above[layer]) % WINDOW] = cell
        if temporal != KEYFRAMES:
            base, middle, top, keyframes = above
            self._above = (base + (temporal > 0), middle + (temporal > 1), top + (temporal > 2), keyframes + 1)

    def above(self, number: int, temporal: int) -> int:
        """Packets left out of class `temporal` before `number`, which lies in the window or just ahead of it."""
        if number > self.highest:
            return self._above[temporal]
        return self._above_at[number % WINDOW][temporal]

    def cell(self, compacted: int, temporal: int) -> int:
        """Cell of the packet whose number is `compacted` (modulo the window) among those up to `temporal`."""
        return self._cell_at[temporal][compacted % WINDOW]

    def count(self, now: float, temporal: int, size: int) -> None:
        """Account one packet of `size` bytes; rates are renewed about once a second, the first time sooner."""
        self.packets += 1
        self.bytes += size
        if temporal == KEYFRAMES:
            temporal = 0
            self._keyframe_bytes += size + OVERHEAD_BYTES
        self._window_bytes[temporal] += size + OVERHEAD_BYTES
        self.last_packet_s = now
        if now >= self._rates_due_s:
            self._renew_rates(now)

    def _renew_rates(self, now: float) -> None:
        elapsed = now - self._window_start_s
        smooth = any(self.bitrate_bps)
        if elapsed < 3 * RATE_WINDOW_S:
            measured = [octets * 8 / elapsed for octets in self._window_bytes]
            self.bitrate_bps = [
                old + SMOOTHING * (new - old) if smooth else new
                for new, old in zip(measured, self.bitrate_bps, strict=True)
            ]
        self._window_bytes = [0] * TEMPORAL_LAYERS
        self._window_start_s = now
        self._rates_due_s = now + (RATE_WINDOW_S if any(self.bitrate_bps) else FIRST_RATE_WINDOW_S)

    def expect(self, told_bps: float, ceiling_bps: float) -> None:
        """Its publisher has been told this limit: what is measured soon fits, and is taken to fit until then."""
        measured = sum(self.bitrate_bps)
        if told_bps != self.told_bps and measured > told_bps > 0:
            self.bitrate_bps = [rate * told_bps / measured for rate in self.bitrate_bps]
            self._window_bytes = [0] * TEMPORAL_LAYERS
            self._window_start_s, self._rates_due_s = self.last_packet_s, self.last_packet_s + RATE_WINDOW_S
        self.told_bps, self.ceiling_bps = told_bps, ceiling_bps

    @property
    def asleep(self) -> bool:
        """Its publisher has been told to leave it out, for one reason or the other."""
        return self.resting or self.withheld

    def available(self, now: float) -> bool:
        """Flows, or would if its publisher were asked."""
        return not self.withheld and (self.resting or self.flowing(now))

    def flowing(self, now: float) -> bool:
        """Packets came within the last second."""
        return now - self.last_packet_s < 1.0
