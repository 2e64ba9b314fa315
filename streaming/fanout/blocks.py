"""A block: the packets of a run for all rows of a chunk, written into the sink and numbered by whole columns."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.batch import Batch
from streaming.fanout.chunks import Chunk
from streaming.fanout.profiles import MARKER_BIT, NUMBER_WORD, PADDING_BIT, SEQUENCE_WORD
from streaming.fanout.runs import Run
from streaming.fanout.sink import PacketSink
from streaming.fanout.viewers import HISTORY, Viewers
from streaming.uptrack.cache import HEADER_BYTES
from streaming.wire.slab import PACKET_BYTES

FEW_ROWS: Final = 3
_WORD: Final = struct.Struct(">H")


def write_headers(chunk: Chunk, run: Run, ssrc: int, batch: Batch) -> None:
    """Write the header that all rows of a profile share in front of each cell's payload."""
    cache, view = batch.source.cache, batch.source.cache.view
    header, packed_time = b"", -1
    for cell, size in zip(run.cells, run.sizes, strict=True):
        rtp_time = batch.rtp_time(cell)
        if rtp_time != packed_time:  # once for a frame: its packets differ in the two bits below only
            header = chunk.profile.header(chunk.payload_type, False, rtp_time, ssrc, batch.now)
            packed_time = rtp_time
        start = cell * PACKET_BYTES
        view[start : start + HEADER_BYTES] = header
        if cache.marker[cell]:
            view[start + 1] |= MARKER_BIT
        if size != cache.length[cell]:
            view[start] |= PADDING_BIT


def write_block(chunk: Chunk, run: Run, numbers: list[int], viewers: Viewers, batch: Batch) -> None:
    """Copy a run, whose headers are written, for each row of the chunk. `numbers`: outgoing, without the rows' base."""
    cache, sink = batch.source.cache, batch.sink
    if len(chunk.rows) <= FEW_ROWS:
        _fill_few(chunk, cache.view, run, numbers, viewers, sink)
        return
    cells, slab = run.cells, cache.slab
    used = HEADER_BYTES + max(run.sizes)
    adjacent = cells[-1] - cells[0] == len(cells) - 1
    content = slab[cells[0] : cells[-1] + 1, :used] if adjacent else slab[cells, :used]
    fill(chunk, content, numbers, run.send, viewers, sink)
    chunk.layout(len(cells), sink).lengths[:] = [size + HEADER_BYTES for size in run.sizes]


def fill(
    chunk: Chunk, content: npt.NDArray[np.uint8], numbers: list[int], send: int, viewers: Viewers, sink: PacketSink
) -> None:
    """Copy (packets, bytes) `content` into the sink for each row of the chunk and number the copies by columns."""
    per_row, used = content.shape
    layout, index = chunk.layout(per_row, sink), chunk.index
    layout.block[:, :, :used] = content
    layout.sequences[:] = chunk.base + np.array(numbers, np.uint16)
    wide = viewers.number[index][:, None] + layout.steps
    if chunk.profile.number_id:
        layout.numbers[:] = wide
    viewers.number[index] += np.uint16(per_row)
    place = chunk.history_rows + (wide & (HISTORY - 1))
    viewers.history.reshape(-1)[place] = send if per_row == 1 else np.arange(send, send + per_row, dtype=np.uint32)


def _fill_few(
    chunk: Chunk, cache: memoryview, run: Run, numbers: list[int], viewers: Viewers, sink: PacketSink
) -> None:
    """What `fill` does, packet by packet: for a row or two columns cost more than they save."""
    view, target = sink.view, 0
    numbered = chunk.profile.number_id
    for row, base in zip(chunk.rows.tolist(), chunk.base[:, 0].tolist(), strict=True):
        wide = int(viewers.number[row])
        for place, (cell, size, number) in enumerate(zip(run.cells, run.sizes, numbers, strict=True)):
            start, used = cell * PACKET_BYTES, size + HEADER_BYTES
            view[target : target + used] = cache[start : start + used]
            _WORD.pack_into(view, target + 2 * SEQUENCE_WORD, (base + number) & 0xFFFF)
            if numbered:
                _WORD.pack_into(view, target + 2 * NUMBER_WORD, wide)
            viewers.history[row, wide & (HISTORY - 1)] = run.send + place
            sink.lengths[target // PACKET_BYTES] = used
            wide = (wide + 1) & 0xFFFF
            target += PACKET_BYTES
        viewers.number[row] = wide


def deliver(chunk: Chunk, per_row: int, equal: int, sink: PacketSink) -> None:
    """Send the block that lies in the sink; `equal` as in `PacketSink.deliver`."""
    layout = chunk.layout(per_row, sink)
    if chunk.streams is None:
        sink.deliver(layout.sessions, layout.addresses, len(chunk.rows), per_row, equal)
    else:
        sink.deliver_streams(layout.sessions, [stream for stream in chunk.streams for _ in range(per_row)])
