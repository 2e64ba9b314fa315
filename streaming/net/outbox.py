"""The fan-out's sink: SRTP in place over rows of packets, then one batched send."""

from __future__ import annotations

import socket
from collections import Counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.chunks import CHUNK_ROWS, RUN_PACKETS
from streaming.net.datagrams import SendBatch
from streaming.net.dtls import srtp, srtp_ffi

SLOTS: Final = CHUNK_ROWS * RUN_PACKETS
SEGMENTED_MIN: Final = 2


class Outbox:
    """Implements `streaming.fanout.sink.PacketSink` over one UDP socket. A packet that cannot be encrypted or sent is
    dropped and counted; nothing waits."""

    def __init__(self, sock: socket.socket) -> None:
        self._batch = SendBatch(sock, SLOTS)
        self.slots = SLOTS
        self.packets: npt.NDArray[np.uint8] = self._batch.packets
        self.view = self.packets.data.cast("B")
        self.lengths: npt.NDArray[np.int32] = self._batch.lengths
        self._pointers = [
            srtp_ffi.cast("void *", self.packets.ctypes.data + slot * self.packets.strides[0]) for slot in range(SLOTS)
        ]
        self._length_pointers = [
            srtp_ffi.cast("int *", self.lengths.ctypes.data + slot * self.lengths.strides[0]) for slot in range(SLOTS)
        ]
        self._protect = srtp.srtp_protect
        self.counts: Counter[str] = Counter()
        self.packets_sent = 0

    @property
    def segmentation(self) -> bool:
        """Whether packets of one frame leave as one UDP_SEGMENT message; turns false where the system refuses it."""
        return self._batch.segmentation

    @segmentation.setter
    def segmentation(self, on: bool) -> None:
        self._batch.segmentation = on

    def _encrypt(self, sessions: list[Any], count: int) -> list[int]:
        """Encrypt the first `count` slots in place; returns those that failed and must not be sent."""
        # All status codes are taken: stopping at the first error would leave the rest unencrypted.
        statuses = bytes(map(self._protect, sessions, self._pointers, self._length_pointers))
        if statuses.count(0) == count:
            return []
        failed = [slot for slot, status in enumerate(statuses) if status]
        self.counts["srtp_protect"] += len(failed)
        return failed

    def deliver(
        self, sessions: list[Any], addresses: npt.NDArray[np.uint64], rows: int, per_row: int, equal: int
    ) -> None:
        """Encrypt and send `rows * per_row` packets; see PacketSink."""
        count = rows * per_row
        failed = self._encrypt(sessions, count)
        batch = self._batch
        segmented = equal and per_row >= SEGMENTED_MIN and batch.segmentation and not failed
        if segmented and self._uniform(count, per_row):
            self._count(batch.send_segmented(addresses[::per_row], per_row, int(self.lengths[0])), count)
            return
        batch.names[:count] = addresses
        if failed:
            self._send_but(failed, count)
        else:
            self._count(batch.send(0, count), count)

    def _uniform(self, count: int, per_row: int) -> bool:
        """Sessions may have different tag lengths; the segments of one batch must not."""
        firsts = self.lengths[:count:per_row]
        return bool((firsts == firsts[0]).all())

    def _send_but(self, failed: list[int], count: int) -> None:
        first = 0
        for slot in [*failed, count]:
            if slot > first:
                self._count(self._batch.send(first, slot), slot - first)
            first = slot + 1

    def _count(self, sent: int, wanted: int) -> None:
        self.packets_sent += sent
        if sent < wanted:
            self.counts["not_sent"] += wanted - sent

    def deliver_streams(self, sessions: list[Any], streams: list[Any]) -> None:
        """Encrypt and hand one packet to each TCP path."""
        failed = self._encrypt(sessions, len(sessions))
        for slot, stream in enumerate(streams):
            if slot not in failed and stream.send(self.packets[slot, : self.lengths[slot]].tobytes()):
                self.packets_sent += 1
            else:
                self.counts["not_sent"] += 1
