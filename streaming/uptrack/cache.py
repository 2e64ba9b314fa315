"""The packet cache of one UpTrack: each packet once, whatever the number of viewers.

A *cell* holds a payload behind room for the outgoing header, so that a fan-out copies header and payload in one go.
Cells are reused in order of arrival; `sequence[cell]` tells whether a cell still holds what an index promised.
"""

from __future__ import annotations

from typing import Final

from streaming.wire.slab import PACKET_BYTES, packet_slab

HEADER_BYTES: Final = 24
"""Outgoing header: RTP (12), one-byte extension block (4), transport-wide number (4), send time (4)."""
OUTSIDE_BYTES: Final = 28 + 16
"""Around an RTP packet on the wire: IPv4 and UDP, the SRTP tag."""
OVERHEAD_BYTES: Final = OUTSIDE_BYTES + HEADER_BYTES
"""What surrounds a payload on the wire: IPv4 and UDP, our header, the SRTP tag. Rates count it."""
PAYLOAD_MAX_BYTES: Final = PACKET_BYTES - HEADER_BYTES - 64
"""Leaves room for the retransmission header and the SRTP tag."""


class PacketCache:
    """`cells` must be a power of two."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.slab = packet_slab(cells)
        self.view = self.slab.data.cast("B")
        self.encoding = [-1] * cells
        self.sequence = [-1] * cells
        """Unwrapped sequence number of the packet in the cell."""
        self.length = [0] * cells
        """Payload bytes."""
        self.rtp_time = [0] * cells
        """Timestamp on the UpTrack's common timeline."""
        self.marker = [False] * cells
        self.temporal = [0] * cells
        self._next = 0

    def store(
        self, payload: memoryview, encoding: int, sequence: int, rtp_time: int, marker: bool, temporal: int
    ) -> int:
        """Copy `payload` (at most PAYLOAD_MAX_BYTES) into the oldest cell; returns the cell."""
        cell = self._next
        self._next = (cell + 1) % self.cells
        start = cell * PACKET_BYTES + HEADER_BYTES
        self.view[start : start + len(payload)] = payload
        self.encoding[cell] = encoding
        self.sequence[cell] = sequence
        self.length[cell] = len(payload)
        self.rtp_time[cell] = rtp_time
        self.marker[cell] = marker
        self.temporal[cell] = temporal
        return cell
