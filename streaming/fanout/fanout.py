"""FanOut: everything that one UpTrack sends into one slot of a room's viewers.

The data's way: arrivals -> runs of packets of one frame -> chunks of rows -> one block of packets, numbered by whole
columns, handed to the sink. Rows change layers here, and only where a decoder can follow.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.chunks import RUN_PACKETS, Chunk, chunks_of
from streaming.fanout.downtracks import NONE, QUEUE, DownTracks
from streaming.fanout.profiles import NUMBER_WORD, PADDING_BIT, SEQUENCE_WORD, WireProfile
from streaming.fanout.sink import PacketSink
from streaming.fanout.viewers import ADDRESS_BYTES, HISTORY, Viewers, mark_slow
from streaming.uptrack.cache import HEADER_BYTES
from streaming.uptrack.encoding import TEMPORAL_LAYERS, Encoding
from streaming.uptrack.uptrack import AUDIO_CLOCK, VIDEO_CLOCK, Arrival, UpTrack
from streaming.wire import red
from streaming.wire.errors import WireError
from streaming.wire.slab import PACKET_BYTES

EQUALISE_MAX_BYTES: Final = 32
"""Packets of one frame are padded to one length, for segmentation, when that costs at most this much each."""
NACK_MAX: Final = 64
CHARGE_BYTES: Final = 3_000
"""A burst of more than this (a keyframe) is taken off the viewers' credit at once, not at the next tick."""
TOP_TEMPORAL: Final = TEMPORAL_LAYERS - 1
FEW_ROWS: Final = 3
_WORD: Final = struct.Struct(">H")


class FanOut:
    """One slot. `now` in seconds, monotonic; nothing here blocks or reads a clock."""

    def __init__(self, slot: str, audio: bool, ssrc: int, rtx_ssrc: int, viewers: Viewers) -> None:
        self.slot = slot
        self.audio = audio
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.viewers = viewers
        self.downtracks = DownTracks()
        self.source: UpTrack | None = None
        self.counts: Counter[str] = Counter()
        """Drops by kind."""
        self.switches = 0
        self.retransmitted = 0
        self.fillers = 0
        self._rtp_shift: int | None = 0
        self._last_sent: tuple[float, int] | None = None  # (now, outgoing timestamp)
        self._picture_tops = (0, 0)
        self._unsent: list[Arrival] = []
        self._position = 0
        self._restarts: list[int] = []
        self._chunks: dict[int, list[Chunk]] = {}
        self._generation = -1
        self._waiting: set[int] = set()
        self._temporal_waiting: set[int] = set()

    # ------------------------------------------------------------ who takes what

    def add(self, row: int, profile: WireProfile, first_sequence: int) -> None:
        """A viewer negotiated this slot; it starts paused."""
        self.downtracks.reserve(self.viewers.rows)
        self.downtracks.add(row, profile, first_sequence)

    def remove(self, row: int) -> None:
        self.downtracks.remove(row)
        self._selection_changed()

    def set_resumed(self, row: int, resumed: bool) -> None:
        self.downtracks.resumed[row] = resumed
        self._apply_permission(row)

    def set_blocked(self, row: int, blocked: bool) -> None:
        self.downtracks.blocked[row] = blocked
        self._apply_permission(row)

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Rows that may be forwarded something."""
        tracks = self.downtracks
        return tracks.present & tracks.resumed & ~tracks.blocked

    def _apply_permission(self, row: int) -> None:
        tracks = self.downtracks
        if tracks.present[row] and tracks.resumed[row] and not tracks.blocked[row]:
            if self.audio and self.source is not None:
                self.aim(row, 0, TOP_TEMPORAL)
        else:
            self.aim(row, NONE, 0)

    def aim(self, row: int, encoding: int, temporal: int) -> None:
        self.aim_rows(np.array([row]), np.array([encoding]), np.array([temporal]))

    def aim_rows(
        self, rows: npt.NDArray[np.int64], encodings: npt.NDArray[np.int64], temporals: npt.NDArray[np.int64]
    ) -> None:
        """Set targets; pausing (NONE) acts at once, all else at the next place where a decoder can follow."""
        tracks = self.downtracks
        changed = (tracks.target_encoding[rows] != encodings) | (tracks.target_temporal[rows] != temporals)
        if not changed.any():
            return
        rows, encodings = rows[changed], encodings[changed]
        tracks.target_encoding[rows] = encodings
        tracks.target_temporal[rows] = temporals[changed]
        for row in rows[(encodings == NONE) & (tracks.encoding[rows] != NONE)].tolist():
            self._leave(row)
        self._selection_changed()

    def _leave(self, row: int) -> None:
        """Stop forwarding to a row, remembering how its numbers go on."""
        tracks = self.downtracks
        encoding = self._encoding(int(tracks.encoding[row]))
        if encoding is not None:
            tracks.next_sequence[row] = self._next_sequence(row, encoding)
        tracks.encoding[row] = NONE

    def _next_sequence(self, row: int, encoding: Encoding) -> int:
        tracks = self.downtracks
        ahead = self._next_number(encoding)
        return (ahead - encoding.above(ahead, int(tracks.temporal[row])) + int(tracks.base[row])) & 0xFFFF

    def _next_number(self, encoding: Encoding) -> int:
        """First number that has not been forwarded: packets that have arrived may still wait for it."""
        waiting = self._unsent[self._position :] if self._unsent else self.source.fresh if self.source else []
        for arrival in waiting:
            if arrival.encoding == encoding.index and not arrival.late:
                return arrival.number
        return encoding.highest + 1

    def _encoding(self, index: int) -> Encoding | None:
        if self.source is None or not 0 <= index < len(self.source.encodings):
            return None
        return self.source.encodings[index]

    def set_source(self, source: UpTrack | None) -> None:
        """Feed the slot from another UpTrack; viewers' numbers and timestamps go on."""
        if source is self.source:
            return
        tracks = self.downtracks
        for row in np.flatnonzero(tracks.encoding != NONE).tolist():
            self._leave(row)
        tracks.target_encoding[:] = NONE
        tracks.queue_head[:] = tracks.queue_tail
        if self.source is not None:
            self._picture_tops = (self.source.picture_top, self.source.tl0_top)
        if source is not None:
            source.continue_from(*self._picture_tops)
        self.source = source
        self._rtp_shift = None
        self._restarts = []
        if source is not None and self.audio:
            for row in np.flatnonzero(self.allowed()).tolist():
                self.aim(row, 0, TOP_TEMPORAL)
        self._selection_changed()

    def _selection_changed(self) -> None:
        """Chunks and the lists of who waits for what are stale."""
        self.account()
        self._chunks.clear()
        tracks = self.downtracks
        differs = (tracks.target_encoding != tracks.encoding) & (tracks.target_encoding != NONE)
        differs &= self.viewers.connected[: tracks.rows]
        self._waiting = set(np.unique(tracks.target_encoding[differs]).tolist())
        same = (tracks.target_encoding == tracks.encoding) & (tracks.encoding != NONE)
        same &= tracks.target_temporal != tracks.temporal
        self._temporal_waiting = set(np.unique(tracks.encoding[same]).tolist())

    def keyframes_wanted(self) -> set[int]:
        """Encodings that some row waits for."""
        return set() if self.audio else self._waiting

    # ------------------------------------------------------------ switching

    def _notice_restarts(self, source: UpTrack) -> None:
        """After a restart of an encoding its viewers' decoders need a keyframe before anything else."""
        restarts = [encoding.restarts for encoding in source.encodings]
        if restarts == self._restarts:
            return
        tracks = self.downtracks
        for index, count in enumerate(restarts):
            if index < len(self._restarts) and self._restarts[index] != count and not self.audio:
                for row in np.flatnonzero(tracks.encoding == index).tolist():
                    self._leave(row)
        self._restarts = restarts
        self._selection_changed()

    def _switch(self, arrival: Arrival, source: UpTrack) -> None:
        """Let the rows that wait for this very packet change over."""
        encoding = source.encodings[arrival.encoding]
        changed = False
        if arrival.encoding in self._waiting and arrival.keyframe:
            changed = self._switch_encoding(arrival, encoding)
        if arrival.encoding in self._temporal_waiting:
            changed |= self._switch_temporal(arrival, encoding, source.codec == "vp8")
        if changed:
            self._selection_changed()

    def _switch_encoding(self, arrival: Arrival, encoding: Encoding) -> bool:
        tracks = self.downtracks
        waiting = (tracks.target_encoding == arrival.encoding) & (tracks.encoding != arrival.encoding)
        rows = np.flatnonzero(waiting & self.viewers.connected[: tracks.rows])
        for row in rows.tolist():
            former = self._encoding(int(tracks.encoding[row]))
            going_on = int(tracks.next_sequence[row]) if former is None else self._next_sequence(row, former)
            temporal = int(tracks.target_temporal[row])
            tracks.encoding[row] = arrival.encoding
            tracks.temporal[row] = tracks.former_temporal[row] = temporal
            tracks.base[row] = going_on - (arrival.number - encoding.above(arrival.number, temporal))
            tracks.start[row] = tracks.former_start[row] = arrival.number
            tracks.former_base[row] = tracks.base[row]
            self.switches += 1
        return bool(len(rows))

    def _switch_temporal(self, arrival: Arrival, encoding: Encoding, vp8: bool) -> bool:
        """Down at the start of any frame; up at a base-layer frame, for VP8 at a layer-sync frame of the next layer."""
        tracks = self.downtracks
        mine = (tracks.encoding == arrival.encoding) & (tracks.target_encoding == arrival.encoding)
        rows = np.flatnonzero(mine & (tracks.target_temporal != tracks.temporal))
        changed = False
        for row in rows.tolist():
            current, target = int(tracks.temporal[row]), int(tracks.target_temporal[row])
            if target > current:
                if vp8:
                    if not (arrival.switching_up and arrival.temporal == current + 1):
                        continue
                    target = current + 1
                elif arrival.temporal != 0:
                    continue
            number = arrival.number
            tracks.former_temporal[row] = current
            tracks.former_base[row] = tracks.base[row]
            tracks.former_start[row] = tracks.start[row]
            tracks.base[row] += encoding.above(number, target) - encoding.above(number, current)
            tracks.start[row] = number
            tracks.temporal[row] = target
            changed = True
        return changed

    # ------------------------------------------------------------ forwarding

    def forward(self, arrivals: list[Arrival], now: float, sink: PacketSink) -> None:
        """Send new packets to every row that takes them."""
        source = self.source
        if source is None or not arrivals:
            return
        self._notice_restarts(source)
        if self._generation != self.viewers.generation:
            self._generation = self.viewers.generation
            self.downtracks.reserve(self.viewers.rows)
            self._selection_changed()
        if self._rtp_shift is None:
            self._rtp_shift = self._continue_time(source, arrivals[0], now)
        if len(source.encodings) > 1:
            arrivals = sorted(arrivals, key=lambda arrival: arrival.encoding)
        self._unsent = arrivals
        position = 0
        while position < len(arrivals):
            self._position = position
            first = arrivals[position]
            if first.begins_frame and not first.late and (self._waiting or self._temporal_waiting):
                self._switch(first, source)
            end = position + 1
            if not first.late:
                while end < len(arrivals) and end - position < RUN_PACKETS and self._joins(first, arrivals[end]):
                    end += 1
            self._send_run(source, arrivals[position:end], now, sink)
            position = end
        self._unsent = []

    def _joins(self, first: Arrival, arrival: Arrival) -> bool:
        """May be sent in one run with `first`: the same rows take both."""
        return (
            arrival.encoding == first.encoding
            and arrival.temporal == first.temporal
            and not arrival.late
            and not (arrival.begins_frame and (self._waiting or self._temporal_waiting))
        )

    def _continue_time(self, source: UpTrack, first: Arrival, now: float) -> int:
        rtp_time = source.cache.rtp_time[first.cell]
        if self._last_sent is None:
            return 0
        at, last = self._last_sent
        clock = AUDIO_CLOCK if self.audio else VIDEO_CLOCK
        return (last + max(1, int((now - at) * clock)) - rtp_time) & 0xFFFF_FFFF

    def _send_run(self, source: UpTrack, run: list[Arrival], now: float, sink: PacketSink) -> None:
        first = run[0]
        chunks = self._chunks.get(first.encoding)
        if chunks is None:
            chunks = self._chunks[first.encoding] = chunks_of(self.downtracks, self.viewers, first.encoding, source)
        if not chunks:
            return
        encoding = source.encodings[first.encoding]
        cells = [arrival.cell for arrival in run]
        sizes = self._equalise(source, cells)
        equal = sizes[0] if len(sizes) > 1 and all(size == sizes[0] for size in sizes[:-1]) else 0
        equal = equal if equal and sizes[-1] <= equal else 0
        send = self.viewers.record(sizes, now)
        if not first.late:
            self._last_sent = (now, (source.cache.rtp_time[cells[-1]] + (self._rtp_shift or 0)) & 0xFFFF_FFFF)
        for whole in chunks:
            if whole.temporal < first.temporal:
                if first.late:
                    self._send_filler(source, whole, first, now, sink)
                continue
            if whole.codec[0] != source.codec:
                for arrival in run:
                    self._send_plain(source, whole, arrival, now, sink)
                continue
            chunk = whole
            if first.late:
                chunk = whole.subset(self.downtracks.start[whole.rows] <= first.number)
            numbers = [(arrival.number - encoding.above(arrival.number, whole.temporal)) & 0xFFFF for arrival in run]
            if self.viewers.any_slow and not self.audio:
                slow = self.viewers.slow[chunk.rows]
                if slow.any():
                    self._enqueue(chunk, slow, run, numbers)
                    chunk = chunk.subset(~slow)
            if len(chunk.rows):
                self._headers(source, chunk.profile, cells, sizes, now)
                self._send_block(source, chunk, cells, sizes, equal, numbers, send, sink)
                if chunk is not whole:
                    self._account(chunk)

    def _equalise(self, source: UpTrack, cells: list[int]) -> list[int]:
        """Payload sizes, padded (RFC 3550 §5.1) to one length but for the last where that is cheap; writes the
        padding."""
        cache = source.cache
        sizes = [cache.length[cell] for cell in cells]
        if len(cells) < 2 or self.audio:
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

    def _headers(self, source: UpTrack, profile: WireProfile, cells: list[int], sizes: list[int], now: float) -> None:
        """Write the header that all rows of a profile share in front of each cell's payload."""
        cache = source.cache
        pt = profile.codec(source.codec, source.profile)[0]
        shift = self._rtp_shift or 0
        for cell, size in zip(cells, sizes, strict=True):
            rtp_time = (cache.rtp_time[cell] + shift) & 0xFFFF_FFFF
            profile.pack(cache.view, cell * PACKET_BYTES, pt, cache.marker[cell], rtp_time, self.ssrc, now)
            if size != cache.length[cell]:
                cache.view[cell * PACKET_BYTES] |= PADDING_BIT

    def _send_block(
        self,
        source: UpTrack,
        chunk: Chunk,
        cells: list[int],
        sizes: list[int],
        equal: int,
        numbers: list[int],
        send: int,
        sink: PacketSink,
    ) -> None:
        per_row = len(cells)
        if len(chunk.rows) <= FEW_ROWS:
            self._fill_few(chunk, source.cache.view, cells, sizes, numbers, send, sink)
        else:
            slab = source.cache.slab
            used = HEADER_BYTES + max(sizes)
            adjacent = cells[-1] - cells[0] == per_row - 1
            content = slab[cells[0] : cells[-1] + 1, :used] if adjacent else slab[cells, :used]
            self._fill(chunk, content, numbers, send, sink)
            chunk.layout(per_row, sink).lengths[:] = [size + HEADER_BYTES for size in sizes]
        self._deliver(chunk, per_row, equal and equal + HEADER_BYTES, sink)
        chunk.sent_packets += per_row
        chunk.sent_bytes += sum(sizes)
        if chunk.sent_bytes - chunk.charged_bytes > CHARGE_BYTES and not self.audio:
            self._charge(chunk)
            mark_slow(self.viewers, chunk.rows)

    def _fill(
        self, chunk: Chunk, content: npt.NDArray[np.uint8], numbers: list[int], send: int, sink: PacketSink
    ) -> None:
        """Copy (packets, bytes) `content` into the sink for each row of the chunk and number the copies by columns."""
        viewers = self.viewers
        per_row, used = content.shape
        layout = chunk.layout(per_row, sink)
        layout.block[:, :, :used] = content
        layout.sequences[:] = chunk.base + np.array(numbers, np.uint16)
        wide = viewers.number[chunk.rows][:, None] + layout.steps
        if chunk.profile.number_id:
            layout.numbers[:] = wide
        viewers.number[chunk.rows] = wide[:, -1] + np.uint16(1)
        place = chunk.history_rows + (wide & (HISTORY - 1))
        viewers.history.reshape(-1)[place] = send if per_row == 1 else np.arange(send, send + per_row, dtype=np.uint32)

    def _fill_few(
        self,
        chunk: Chunk,
        cache: memoryview,
        cells: list[int],
        sizes: list[int],
        numbers: list[int],
        send: int,
        sink: PacketSink,
    ) -> None:
        """What `_fill` does, packet by packet: for a row or two columns cost more than they save."""
        viewers, view, target = self.viewers, sink.view, 0
        numbered = chunk.profile.number_id
        for row, base in zip(chunk.rows.tolist(), chunk.base[:, 0].tolist(), strict=True):
            wide = int(viewers.number[row])
            for place, (cell, size, number) in enumerate(zip(cells, sizes, numbers, strict=True)):
                start, used = cell * PACKET_BYTES, size + HEADER_BYTES
                view[target : target + used] = cache[start : start + used]
                _WORD.pack_into(view, target + 2 * SEQUENCE_WORD, (base + number) & 0xFFFF)
                if numbered:
                    _WORD.pack_into(view, target + 2 * NUMBER_WORD, wide)
                viewers.history[row, wide & (HISTORY - 1)] = send + place
                sink.lengths[target // PACKET_BYTES] = used
                wide = (wide + 1) & 0xFFFF
                target += PACKET_BYTES
            viewers.number[row] = wide

    def _deliver(self, chunk: Chunk, per_row: int, equal: int, sink: PacketSink) -> None:
        layout = chunk.layout(per_row, sink)
        if chunk.streams is None:
            sink.deliver(layout.sessions, layout.addresses, len(chunk.rows), per_row, equal)
        else:
            sink.deliver_streams(layout.sessions, [stream for stream in chunk.streams for _ in range(per_row)])

    def _send_filler(self, source: UpTrack, chunk: Chunk, arrival: Arrival, now: float, sink: PacketSink) -> None:
        """A late packet of a layer these rows don't take: close the gap that was left for it with a padding packet."""
        late = chunk.subset(self.downtracks.start[chunk.rows] <= arrival.number)
        self._send_made(source, late, arrival, b"\x01", True, now, sink)
        self.fillers += len(late.rows)

    def _send_plain(self, source: UpTrack, chunk: Chunk, arrival: Arrival, now: float, sink: PacketSink) -> None:
        """Redundant sound to rows that take plain Opus only: the newest frame of the packet."""
        start = arrival.cell * PACKET_BYTES + HEADER_BYTES
        end = start + source.cache.length[arrival.cell]
        try:
            primary = red.primary_start(source.cache.view, start, end)
        except WireError as error:
            self.counts[error.kind] += 1
            return
        rows = chunk.subset(self.downtracks.start[chunk.rows] <= arrival.number) if arrival.late else chunk
        self._send_made(source, rows, arrival, bytes(source.cache.view[primary:end]), False, now, sink)
        if rows is not chunk:
            self._account(rows)

    def _send_made(
        self,
        source: UpTrack,
        chunk: Chunk,
        arrival: Arrival,
        payload: bytes,
        padding: bool,
        now: float,
        sink: PacketSink,
    ) -> None:
        """Send another payload in the place of an arrival's own; `padding`: it is nothing but RTP padding."""
        if not len(chunk.rows):
            return
        used = HEADER_BYTES + len(payload)
        content = np.zeros((1, used), np.uint8)
        content[0, HEADER_BYTES:] = np.frombuffer(payload, np.uint8)
        cache, view = source.cache, content.data.cast("B")
        rtp_time = (cache.rtp_time[arrival.cell] + (self._rtp_shift or 0)) & 0xFFFF_FFFF
        marker = cache.marker[arrival.cell] and not padding
        pt = chunk.profile.codec(*chunk.codec)[0]
        chunk.profile.pack(view, 0, pt, marker, rtp_time, self.ssrc, now)
        if padding:
            view[0] |= PADDING_BIT
        number = arrival.number - source.encodings[arrival.encoding].above(arrival.number, chunk.temporal)
        self._fill(chunk, content, [number & 0xFFFF], self.viewers.record([len(payload)], now), sink)
        chunk.layout(1, sink).lengths[:] = used
        self._deliver(chunk, 1, 0, sink)
        chunk.sent_packets += 1
        chunk.sent_bytes += len(payload)

    # ------------------------------------------------------------ one row at a time: queue and retransmission

    def _enqueue(self, chunk: Chunk, slow: npt.NDArray[np.bool_], run: list[Arrival], numbers: list[int]) -> None:
        """Keep packets of rows that are out of credit; a full queue drops its oldest."""
        tracks = self.downtracks
        rows = chunk.rows[slow]
        base = chunk.base[slow, 0]
        for arrival, number in zip(run, numbers, strict=True):
            place = tracks.queue_tail[rows] % QUEUE
            tracks.queue_cell[rows, place] = arrival.cell
            tracks.queue_number[rows, place] = _identity(arrival.encoding, arrival.number)
            tracks.queue_sequence[rows, place] = base + np.uint16(number)
            tracks.queue_tail[rows] += 1
        overfull = tracks.queue_tail[rows] - tracks.queue_head[rows] > QUEUE
        if overfull.any():
            full = rows[overfull]
            self.counts["queue_dropped"] += int((tracks.queue_tail[full] - tracks.queue_head[full] - QUEUE).sum())
            tracks.queue_head[full] = tracks.queue_tail[full] - QUEUE

    def queued(self) -> npt.NDArray[np.bool_]:
        return self.downtracks.queue_tail > self.downtracks.queue_head

    def drain(self, now: float, sink: PacketSink) -> None:
        """Send what waits to rows that have credit again, oldest first."""
        tracks, viewers, source = self.downtracks, self.viewers, self.source
        rows = np.flatnonzero(self.queued() & (viewers.credit[: tracks.rows] > 0))
        if source is None or not len(rows):
            return
        for row in rows.tolist():
            head, tail = int(tracks.queue_head[row]), int(tracks.queue_tail[row])
            while head < tail and viewers.credit[row] > 0:
                place = head % QUEUE
                cell = int(tracks.queue_cell[row, place])
                head += 1
                if (
                    _identity(source.cache.encoding[cell], source.cache.sequence[cell])
                    == tracks.queue_number[row, place]
                ):
                    self._send_one(source, row, cell, int(tracks.queue_sequence[row, place]), False, now, sink)
                else:
                    self.counts["queue_expired"] += 1
            tracks.queue_head[row] = head

    def retransmit(self, row: int, sequences: list[int], now: float, sink: PacketSink) -> int:
        """Answer a NACK from the cache (RFC 4588); returns how many packets were sent.

        Nothing is sent again of a layer the viewer has left, and nothing to a viewer that is far out of credit.
        """
        tracks, source = self.downtracks, self.source
        profile = tracks.profiles[row] if row < tracks.rows else None
        encoding = self._encoding(int(tracks.encoding[row])) if profile is not None else None
        if profile is None or encoding is None or source is None or self.viewers.session[row] is None:
            return 0
        if not profile.takes(source.codec):
            return 0
        if not profile.takes(source.codec) or profile.codec(source.codec, source.profile)[1] < 0:
            return 0
        sent = 0
        for sequence in sequences[:NACK_MAX]:
            cell = self._find(row, sequence, encoding, source)
            if cell < 0 or self.viewers.credit[row] < 0:
                self.counts["nack_missed"] += 1
                continue
            self._send_one(source, row, cell, sequence, True, now, sink)
            sent += 1
        self.retransmitted += sent
        return sent

    def _find(self, row: int, sequence: int, encoding: Encoding, source: UpTrack) -> int:
        """Cell of the packet that went to `row` under an outgoing number; NONE when it is gone or never was."""
        tracks = self.downtracks
        for temporal, base, start in (
            (int(tracks.temporal[row]), int(tracks.base[row]), int(tracks.start[row])),
            (int(tracks.former_temporal[row]), int(tracks.former_base[row]), int(tracks.former_start[row])),
        ):
            cell = encoding.cell(sequence - base, temporal)
            if cell < 0 or source.cache.encoding[cell] != encoding.index:
                continue
            number = source.cache.sequence[cell]
            if number >= start and (number - encoding.above(number, temporal) + base) & 0xFFFF == sequence:
                return cell
        return NONE

    def _send_one(
        self, source: UpTrack, row: int, cell: int, sequence: int, again: bool, now: float, sink: PacketSink
    ) -> None:
        """One packet to one row; `again`: as a retransmission, on its own SSRC and numbers."""
        tracks, viewers, cache = self.downtracks, self.viewers, source.cache
        profile, session = tracks.profiles[row], viewers.session[row]
        if profile is None or session is None or not profile.takes(source.codec):
            return
        pt, rtx_pt = profile.codec(source.codec, source.profile)
        size, start = cache.length[cell], cell * PACKET_BYTES + HEADER_BYTES
        target = sink.view
        rtp_time = (cache.rtp_time[cell] + (self._rtp_shift or 0)) & 0xFFFF_FFFF
        head = HEADER_BYTES
        if again:
            profile.pack(target, 0, rtx_pt, cache.marker[cell], rtp_time, self.rtx_ssrc, now)
            target[head : head + 2] = sequence.to_bytes(2, "big")
            head += 2
            sequence = int(tracks.rtx_sequence[row])
            tracks.rtx_sequence[row] = (sequence + 1) & 0xFFFF
        else:
            profile.pack(target, 0, pt, cache.marker[cell], rtp_time, self.ssrc, now)
        target[head : head + size] = cache.view[start : start + size]
        wide = int(viewers.number[row])
        target[2:4] = sequence.to_bytes(2, "big")
        if profile.number_id:
            target[18:20] = wide.to_bytes(2, "big")
        viewers.number[row] = (wide + 1) & 0xFFFF
        viewers.history[row, wide & (HISTORY - 1)] = viewers.record([size], now)
        sink.lengths[0] = head + size
        if viewers.stream[row] is None:
            address = np.array([viewers.address.ctypes.data + row * ADDRESS_BYTES], np.uint64)
            sink.deliver([session], address, 1, 1, 0)
        else:
            sink.deliver_streams([session], [viewers.stream[row]])
        viewers.credit[row] -= size
        viewers.packets[row] += 1
        viewers.bytes[row] += size
        if not again:
            tracks.packets[row] += 1
            tracks.octets[row] += size

    # ------------------------------------------------------------ accounts

    def _account(self, chunk: Chunk) -> None:
        """Book what a chunk has sent to its rows."""
        if not chunk.sent_packets:
            return
        self._charge(chunk)
        tracks, viewers, rows = self.downtracks, self.viewers, chunk.rows
        tracks.packets[rows] += chunk.sent_packets
        tracks.octets[rows] += chunk.sent_bytes
        viewers.packets[rows] += chunk.sent_packets
        viewers.bytes[rows] += chunk.sent_bytes
        chunk.sent_packets = chunk.sent_bytes = chunk.charged_bytes = 0

    def _charge(self, chunk: Chunk) -> None:
        uncharged = chunk.sent_bytes - chunk.charged_bytes
        if uncharged:
            self.viewers.credit[chunk.rows] -= uncharged
            chunk.charged_bytes = chunk.sent_bytes

    def charge(self) -> None:
        """Take what was sent off the viewers' credit; called each tick, so that a packet need not."""
        for chunks in self._chunks.values():
            for chunk in chunks:
                self._charge(chunk)

    def account(self) -> None:
        """Bring the viewers' packet and byte counts up to date."""
        for chunks in self._chunks.values():
            for chunk in chunks:
                self._account(chunk)

    def report(self, row: int) -> tuple[int, int, int, int] | None:
        """(NTP, RTP time, packets, octets) of a sender report for a row (RFC 3550 §6.4.1), None while nothing can be
        said.

        The publisher's own clock pair is passed on, in the timeline this viewer sees, so that lips stay in sync.
        """
        tracks, source = self.downtracks, self.source
        if source is None or row >= tracks.rows or tracks.encoding[row] == NONE or self._rtp_shift is None:
            return None
        clock = source.common_clock()
        if clock is None:
            return None
        ntp, common = clock
        rtp_time = (common + self._rtp_shift) & 0xFFFF_FFFF
        return ntp, rtp_time, int(tracks.packets[row]) & 0xFFFF_FFFF, int(tracks.octets[row]) & 0xFFFF_FFFF


def _identity(encoding: int, number: int) -> int:
    """Tells a cached packet from any other that later lies in its cell."""
    return number << 2 | encoding
