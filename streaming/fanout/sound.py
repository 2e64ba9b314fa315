"""The two forms of sound, each made of the other: plain Opus, and redundant Opus (RFC 2198), which repeats the frame
before, so that a single lost packet is not heard."""

from __future__ import annotations

from typing import Final

from streaming.uptrack.cache import HEADER_BYTES, PAYLOAD_MAX_BYTES
from streaming.uptrack.encoding import TEMPORAL_LAYERS
from streaming.uptrack.uptrack import Arrival, UpTrack
from streaming.wire import red
from streaming.wire.slab import PACKET_BYTES

_TOP: Final = TEMPORAL_LAYERS - 1


def plain(source: UpTrack, arrival: Arrival) -> bytes:
    """The newest frame of a redundant packet. Raises WireError."""
    payload = _payload(source, arrival.cell)
    return bytes(payload[red.primary_start(payload, 0, len(payload)) :])


def redundant(source: UpTrack, arrival: Arrival, payload_type: int) -> bytes:
    """A plain packet's frame with the one before it, where that is there. `payload_type`: the viewer's for Opus."""
    newest, former = _payload(source, arrival.cell), _before(source, arrival)
    if former >= 0:
        repeated, times = _payload(source, former), source.cache.rtp_time
        age = (times[arrival.cell] - times[former]) & 0xFFFF_FFFF
        fits = len(repeated) <= red.LENGTH_MAX and len(repeated) + len(newest) + 5 <= PAYLOAD_MAX_BYTES
        if fits and 0 < age <= red.AGE_MAX:
            return red.pack(payload_type, repeated, age, newest)
    return red.pack(payload_type, b"", 0, newest)


def _before(source: UpTrack, arrival: Arrival) -> int:
    """Cell of the packet before an arrival; negative where it has not come or is gone."""
    encoding, cache, number = source.encodings[arrival.encoding], source.cache, arrival.number - 1
    cell = encoding.cell(number - encoding.above(number, _TOP), _TOP) if number >= 0 else -1
    return cell if cell >= 0 and (cache.encoding[cell], cache.sequence[cell]) == (encoding.index, number) else -1


def _payload(source: UpTrack, cell: int) -> memoryview:
    start = cell * PACKET_BYTES + HEADER_BYTES
    return source.cache.view[start : start + source.cache.length[cell]]
