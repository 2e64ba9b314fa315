"""Where a fan-out puts finished packets: arrays to fill and two ways to send them. The network layer provides it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class PacketSink(Protocol):
    """`slots` packets side by side. Fill `packets` and `lengths`, then deliver; encryption happens in place, so the
    contents are gone afterwards. Sessions and streams are opaque values out of `Viewers`."""

    slots: int
    packets: npt.NDArray[np.uint8]
    """(slots, PACKET_BYTES)"""
    view: memoryview
    """The same bytes, flat."""
    lengths: npt.NDArray[np.int32]
    """Bytes of each packet before encryption."""

    def deliver(
        self, sessions: list[Any], addresses: npt.NDArray[np.uint64], rows: int, per_row: int, equal: int
    ) -> None:
        """Encrypt and send `rows * per_row` packets, row by row, to UDP addresses (pointers to sockaddr_in6).

        `equal`: length of each packet of a row but its last, before encryption, where they may go as one segmented
        message; else 0.
        """

    def deliver_streams(self, sessions: list[Any], streams: list[Any]) -> None:
        """Encrypt and send one packet to each stream."""
