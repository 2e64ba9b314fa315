"""What all packets that a slot sends at one moment have in common."""

from __future__ import annotations

from typing import NamedTuple

from streaming.fanout.sink import PacketSink
from streaming.uptrack.uptrack import UpTrack


class Batch(NamedTuple):
    """`now` in seconds, monotonic; `shift`: from the source's timestamps to the slot's."""

    source: UpTrack
    shift: int
    now: float
    sink: PacketSink

    def rtp_time(self, cell: int) -> int:
        """Outgoing timestamp of a cached packet."""
        return (self.source.cache.rtp_time[cell] + self.shift) & 0xFFFF_FFFF
