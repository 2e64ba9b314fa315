"""Sending a run to chunks of rows: as it is, as a gap filler, as sound's other form, or into the queue of slow rows."""

from __future__ import annotations

from collections import Counter

import numpy as np

from streaming.fanout import sound
from streaming.fanout.batch import Batch
from streaming.fanout.blocks import deliver, fill, write_block, write_headers
from streaming.fanout.chunks import Chunk
from streaming.fanout.downtracks import DownTracks
from streaming.fanout.profiles import PADDING_BIT, WireProfile
from streaming.fanout.queue import Queue
from streaming.fanout.runs import Run, equal_size, equalise
from streaming.fanout.viewers import Viewers, mark_slow
from streaming.uptrack.cache import HEADER_BYTES, OVERHEAD_BYTES
from streaming.uptrack.uptrack import Arrival
from streaming.wire.errors import WireError


class Sender:
    """Sends the packets of one slot. `counts`: drops by kind."""

    def __init__(
        self,
        ssrc: int,
        audio: bool,
        downtracks: DownTracks,
        viewers: Viewers,
        queue: Queue,
        counts: Counter[str],
    ) -> None:
        self._ssrc = ssrc
        self._audio = audio
        self._downtracks = downtracks
        self._viewers = viewers
        self._queue = queue
        self._counts = counts
        self.fillers = 0
        """Padding packets sent in the place of late ones."""

    def send(self, chunks: list[Chunk], arrivals: list[Arrival], batch: Batch) -> None:
        """Send a run (see `run_end`) to the rows of `chunks` that take it; the chunks are all of its encoding."""
        source, first = batch.source, arrivals[0]
        cells = [arrival.cell for arrival in arrivals]
        cache = source.cache
        sizes = [cache.length[cell] for cell in cells] if self._audio else equalise(cache, cells)
        run = Run(cells, sizes, equal_size(sizes), self._viewers.record(sizes, batch.now))
        encoding = source.encodings[first.encoding]
        headed: WireProfile | None = None  # whose headers lie in the cache
        for chunk in chunks:
            if chunk.temporal < first.temporal:
                if first.late:
                    self._send_filler(chunk, first, batch)
            elif chunk.codec[0] != source.codec:
                for arrival in arrivals:
                    self._send_other_form(chunk, arrival, batch)
            else:
                temporal = chunk.temporal
                numbers = [(each.number - encoding.above(each.number, temporal)) & 0xFFFF for each in arrivals]
                if chunk.profile is not headed:
                    write_headers(chunk, run, self._ssrc, batch)
                    headed = chunk.profile
                self._send_run(chunk, arrivals, run, numbers, batch)

    def _send_run(self, whole: Chunk, arrivals: list[Arrival], run: Run, numbers: list[int], batch: Batch) -> None:
        viewers, chunk = self._viewers, whole
        if arrivals[0].late:
            chunk = self._since(whole, arrivals[0])
        run_bytes = sum(run.sizes)
        wire_bytes = run_bytes + OVERHEAD_BYTES * len(run.cells)
        if not self._audio and wire_bytes + whole.uncharged_bytes > viewers.least_credit:
            viewers.least_credit -= whole.charge(viewers)
            mark_slow(viewers, chunk.rows, wire_bytes)
        if viewers.any_slow and not self._audio:
            slow = viewers.slow[chunk.rows]
            if slow.any():
                self._queue.put(chunk, slow, arrivals, numbers, batch.now)
                chunk = chunk.subset(~slow)
        if not len(chunk.rows):
            return
        per_row = len(run.cells)
        write_block(chunk, run, numbers, viewers, batch)
        deliver(chunk, per_row, run.equal and run.equal + HEADER_BYTES, batch.sink)
        chunk.sent_packets += per_row
        chunk.sent_bytes += run_bytes
        if chunk is not whole:
            chunk.account(self._downtracks, viewers)

    def _since(self, chunk: Chunk, arrival: Arrival) -> Chunk:
        """The rows to which a late arrival's number belongs: they were there before it."""
        return chunk.subset(self._downtracks.start[chunk.rows] <= arrival.number)

    def _send_filler(self, chunk: Chunk, arrival: Arrival, batch: Batch) -> None:
        """A late packet of a layer these rows don't take: close the gap that was left for it with a padding packet. Not
        where others wait: when those are given up, their numbers are used again."""
        late = self._since(chunk, arrival)
        late = late.subset(~self._queue.waiting()[late.rows])
        self._send_made(late, arrival, b"\x01", True, batch)
        self.fillers += len(late.rows)

    def _send_other_form(self, chunk: Chunk, arrival: Arrival, batch: Batch) -> None:
        """Sound that comes plain to rows that get it redundant, or the other way round."""
        try:
            if chunk.codec[0] == "red":
                payload = sound.redundant(batch.source, arrival, chunk.profile.codec("opus", "")[0])
            else:
                payload = sound.plain(batch.source, arrival)
        except WireError as error:
            self._counts[error.kind] += 1
            return
        rows = self._since(chunk, arrival) if arrival.late else chunk
        self._send_made(rows, arrival, payload, False, batch)
        if rows is not chunk:
            rows.account(self._downtracks, self._viewers)

    def _send_made(self, chunk: Chunk, arrival: Arrival, payload: bytes, padding: bool, batch: Batch) -> None:
        """Send another payload in the place of an arrival's own; `padding`: it is nothing but RTP padding."""
        if not len(chunk.rows):
            return
        source, viewers = batch.source, self._viewers
        used = HEADER_BYTES + len(payload)
        content = np.zeros((1, used), np.uint8)
        content[0, HEADER_BYTES:] = np.frombuffer(payload, np.uint8)
        view = content.data.cast("B")
        marker = source.cache.marker[arrival.cell] and not padding
        chunk.profile.pack(view, 0, chunk.payload_type, marker, batch.rtp_time(arrival.cell), self._ssrc, batch.now)
        if padding:
            view[0] |= PADDING_BIT
        number = arrival.number - source.encodings[arrival.encoding].above(arrival.number, chunk.temporal)
        fill(chunk, content, [number & 0xFFFF], viewers.record([len(payload)], batch.now), viewers, batch.sink)
        chunk.layout(1, batch.sink).lengths[:] = used
        deliver(chunk, 1, 0, batch.sink)
        chunk.sent_packets += 1
        chunk.sent_bytes += len(payload)
