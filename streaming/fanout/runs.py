"""Runs: packets of one frame that the same rows take, sent together."""

from __future__ import annotations

from typing import Final, NamedTuple

from streaming.fanout.chunks import RUN_PACKETS
from streaming.uptrack.cache import HEADER_BYTES, PacketCache
from streaming.uptrack.uptrack import Arrival
from streaming.wire.slab import PACKET_BYTES

EQUALISE_MAX_BYTES: Final = 32
"""Packets of one frame are padded to one length, for segmentation, when that costs at most this much each."""


class Run(NamedTuple):
    """A run as it lies in the cache; sizes are payload bytes with padding."""

    cells: list[int]
    sizes: list[int]
    equal: int
    """Size of every packet but the last, which is not larger; 0: they differ, or there is one only."""
    send: int
    """Index of the first packet's send in the viewers' history."""


def run_end(arrivals: list[Arrival], first: int, switching: bool) -> int:
    """Where the run ends that begins at `first`; with `switching` a new frame may change who takes it."""
    head = arrivals[first]
    end = first + 1
    if head.late:
        return end
    last = min(len(arrivals), first + RUN_PACKETS)
    while end < last:
        arrival = arrivals[end]
        if (
            arrival.encoding != head.encoding
            or arrival.temporal != head.temporal
            or arrival.late
            or (switching and arrival.begins_frame)
        ):
            break
        end += 1
    return end


def equalise(cache: PacketCache, cells: list[int]) -> list[int]:
    """Payload sizes, padded (RFC 3550 §5.1) to one length but for the last where that is cheap; writes the padding."""
    sizes = [cache.length[cell] for cell in cells]
    if len(cells) < 2:
        return sizes
    top = max(sizes)
    padded = len(cells) if sizes[-1] == top else len(cells) - 1
    if top - min(sizes[:padded]) > EQUALISE_MAX_BYTES:
        return sizes
    for index in range(padded):
        missing = top - sizes[index]
        if missing:
            start = cells[index] * PACKET_BYTES + HEADER_BYTES + sizes[index]
            cache.view[start : start + missing] = bytes(missing - 1) + bytes((missing,))
            sizes[index] = top
    return sizes


def equal_size(sizes: list[int]) -> int:
    """See `Run.equal`."""
    size = sizes[0]
    if len(sizes) < 2 or sizes[-1] > size:
        return 0
    return size if all(each == size for each in sizes[:-1]) else 0
