"""The viewers of one room as rows: what belongs to a connection, whatever it watches.

A viewer keeps its row while it is there; every FanOut of the room uses the same row numbers. Arrays are never resized
in place: growing swaps them for larger copies, so pointers into them are only kept together with `generation`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streaming.uptrack.cache import OVERHEAD_BYTES

HISTORY: Final = 1024
"""Transport-wide numbers remembered per viewer; a power of two."""
NOT_SENT: Final = 0xFFFF_FFFF
"""In the history: a number under which nothing was sent, or whose receipt has been counted."""
SENDS: Final = 1 << 16
"""Sends remembered per room (a packet to any number of viewers at one time is one send)."""
ADDRESS_BYTES: Final = 28
INITIAL_ROWS: Final = 16
_COLUMNS: Final = (
    "used",
    "number",
    "reported",
    "history",
    "credit",
    "repair_credit",
    "slow",
    "round_trip_s",
    "connected",
    "address",
    "packets",
    "bytes",
)


class Viewers:
    """Columns by row. Times in seconds, sizes in bytes on the wire, all headers included."""

    def __init__(self) -> None:
        self.rows = 0
        self.generation = 0
        self.used: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.number: npt.NDArray[np.uint16] = np.zeros(0, np.uint16)
        """Next transport-wide sequence number."""
        self.history: npt.NDArray[np.uint32] = np.zeros((0, HISTORY), np.uint32)
        """Send of each transport-wide number."""
        self.reported: npt.NDArray[np.uint16] = np.zeros(0, np.uint16)
        """First transport-wide number of which no feedback has spoken yet."""
        self.credit: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        """Bytes this viewer may be sent at once; filled by the pacer."""
        self.repair_credit: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        """Bytes this viewer may be sent again at once; filled by the pacer."""
        self.slow: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        """Out of credit or with packets queued: its video goes through the queue. Cleared at ticks only."""
        self.any_slow = False
        self.least_credit = float("inf")
        """Of all rows at the latest tick: a run of packets with fewer bytes than this passes everybody."""
        self.round_trip_s: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        """As the viewer's receiver reports tell; 0 while that is not known."""
        self.address: npt.NDArray[np.uint8] = np.zeros((0, ADDRESS_BYTES), np.uint8)
        """struct sockaddr_in6 of viewers on UDP."""
        self.connected: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.session: list[Any] = []
        """SRTP sending session, opaque here; None while the viewer is not connected."""
        self.stream: list[Any] = []
        """Path of viewers on TCP, opaque here; None for UDP."""
        self.packets: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.bytes: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.send_time = np.zeros(SENDS, np.float64)
        self.send_size = np.zeros(SENDS, np.int32)
        self._next_send = 0
        self._grow(INITIAL_ROWS)

    def _grow(self, rows: int) -> None:
        added = rows - self.rows
        for name in _COLUMNS:
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros((added, *column.shape[1:]), column.dtype)]))
        self.session += [None] * added
        self.stream += [None] * added
        self.rows = rows
        self.generation += 1

    def add(self) -> int:
        """A free row, cleared."""
        free = np.flatnonzero(~self.used)
        if not len(free):
            self._grow(self.rows * 2)
            return self.add()
        row = int(free[0])
        self.used[row] = True
        self.number[row] = self.reported[row] = 1
        self.history[row] = NOT_SENT
        self.credit[row] = self.repair_credit[row] = 0
        self.slow[row] = False
        self.round_trip_s[row] = 0
        self.packets[row] = self.bytes[row] = 0
        return row

    def remove(self, row: int) -> None:
        self.used[row] = False
        self.slow[row] = self.connected[row] = False
        self.session[row] = self.stream[row] = None
        self.generation += 1

    def connect(self, row: int, session: Any, address: bytes | None, stream: Any) -> None:
        """Where and under which keys a viewer is sent to: `address` for UDP, else `stream`."""
        self.session[row] = session
        self.stream[row] = stream
        self.connected[row] = True
        if address is not None:
            self.address[row] = np.frombuffer(address, np.uint8)
        self.generation += 1

    def record(self, sizes: list[int], now: float) -> int:
        """Remember sends of payloads of these `sizes`; returns the first's index, the others follow (modulo SENDS)."""
        first = self._next_send
        count = len(sizes)
        if first + count > SENDS:
            first = 0
        for send, size in enumerate(sizes, first):  # a handful: quicker than slices
            self.send_time[send] = now
            self.send_size[send] = size + OVERHEAD_BYTES
        self._next_send = (first + count) % SENDS
        return first


def mark_slow(viewers: Viewers, rows: npt.NDArray[np.int64], wanted_bytes: int = 0) -> None:
    """Rows with credit for no more than `wanted_bytes` go through the queue from now on."""
    spent = viewers.credit[rows] <= wanted_bytes
    if spent.any():
        viewers.slow[rows[spent]] = True
        viewers.any_slow = True
