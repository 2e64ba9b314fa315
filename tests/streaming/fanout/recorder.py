"""A sink that keeps what it was given, for each viewer in the order of sending."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.chunks import CHUNK_ROWS, RUN_PACKETS
from streaming.fanout.viewers import ADDRESS_BYTES
from streaming.wire import extensions, rtp
from streaming.wire.slab import packet_slab

NUMBER_ID: Final = 3
SEND_TIME_ID: Final = 5


@dataclass(slots=True)
class Received:
    """One packet; `number` and `send_time` are None where the extension is not there."""

    header: rtp.RtpHeader
    payload: bytes
    number: int | None
    send_time: int | None


@dataclass(eq=False)
class Screen:
    """A viewer: stands for its SRTP session and, on TCP, its stream."""

    address: bytes = b""
    packets: list[Received] = field(default_factory=list)

    def take(self, data: bytes) -> None:
        header = rtp.parse_header(data, len(data))
        elements = extensions.find(data, header)
        number = extensions.read_u16(data, *elements[NUMBER_ID]) if NUMBER_ID in elements else None
        send_time = extensions.read_u24(data, *elements[SEND_TIME_ID]) if SEND_TIME_ID in elements else None
        self.packets.append(Received(header, data[header.payload_start : header.payload_end], number, send_time))


class Recorder:
    """Implements `streaming.fanout.sink.PacketSink`."""

    def __init__(self) -> None:
        self.slots = CHUNK_ROWS * RUN_PACKETS
        self.packets = packet_slab(self.slots)
        self.view = self.packets.data.cast("B")
        self.lengths: npt.NDArray[np.int32] = np.zeros(self.slots, np.int32)
        self.segmented = 0

    def _take(self, slot: int, screen: Screen) -> None:
        screen.take(self.packets[slot, : self.lengths[slot]].tobytes())
        self.packets[slot] = 0xAA  # encryption in place leaves nothing legible

    def deliver(
        self, sessions: list[Any], addresses: npt.NDArray[np.uint64], rows: int, per_row: int, equal: int
    ) -> None:
        assert len(sessions) == len(addresses) == rows * per_row <= self.slots
        if equal:
            self.segmented += rows
            lengths = self.lengths[: rows * per_row].reshape(rows, per_row)
            assert (lengths[:, :-1] == equal).all()
            assert (lengths[:, -1] <= equal).all()
        for slot, (screen, pointer) in enumerate(zip(sessions, addresses.tolist(), strict=True)):
            assert ctypes.string_at(pointer, ADDRESS_BYTES) == screen.address
            self._take(slot, screen)

    def deliver_streams(self, sessions: list[Any], streams: list[Any]) -> None:
        assert sessions == streams
        for slot, screen in enumerate(sessions):
            self._take(slot, screen)
