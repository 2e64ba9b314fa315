"""Answering a viewer's NACKs from the cache (RFC 4588)."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Final

from streaming.fanout.batch import Batch
from streaming.fanout.downtracks import NONE, DownTracks
from streaming.fanout.single import SingleSender
from streaming.fanout.viewers import Viewers
from streaming.uptrack.cache import OVERHEAD_BYTES
from streaming.uptrack.encoding import Encoding
from streaming.uptrack.uptrack import UpTrack

NACK_MAX: Final = 64
ROUND_TRIP_LEAST_S: Final = 0.05
ANSWERS_REMEMBERED: Final = 4096
REPEATED: Final = 16
"""Of the latest packets, those that fill probes in turn."""


class Retransmitter:
    """`counts`: drops by kind."""

    def __init__(self, downtracks: DownTracks, viewers: Viewers, single: SingleSender, counts: Counter[str]) -> None:
        self._downtracks = downtracks
        self._viewers = viewers
        self._single = single
        self._counts = counts
        self._repeated = 0
        self._answered: OrderedDict[tuple[int, int], float] = OrderedDict()  # (row, number) -> when

    def answer(self, row: int, sequences: list[int], batch: Batch) -> int:
        """Send again what went to a row under these outgoing numbers; returns how many packets were sent.

        Nothing is sent again of a layer the viewer has left, and no more than its share of the viewer's pace.
        """
        encoding = self._encoding(row, batch.source)
        if encoding is None:
            return 0
        sent = 0
        round_trip_s = max(float(self._viewers.round_trip_s[row]), ROUND_TRIP_LEAST_S)
        for sequence in sequences[:NACK_MAX]:
            if batch.now - self._answered.get((row, sequence), float("-inf")) < round_trip_s:
                self._counts["nack_repeated"] += 1  # the answer is on its way
                continue
            cell = self._find(row, sequence, encoding, batch.source)
            if cell < 0 or self._viewers.repair_credit[row] < 0:
                self._counts["nack_missed"] += 1
                continue
            self._single.send_again(row, cell, sequence, batch)
            self._viewers.repair_credit[row] -= batch.source.cache.length[cell] + OVERHEAD_BYTES
            self._remember(row, sequence, batch.now)
            sent += 1
        return sent

    def _remember(self, row: int, sequence: int, now: float) -> None:
        self._answered[(row, sequence)] = now
        self._answered.move_to_end((row, sequence))
        if len(self._answered) > ANSWERS_REMEMBERED:
            self._answered.popitem(last=False)

    def pad(self, row: int, wanted_bytes: int, batch: Batch) -> int:
        """Send one packet that fills a probe: one of the latest once more, else nothing but padding. Returns its bytes
        on the wire, 0: not possible."""
        source = batch.source
        encoding = self._encoding(row, source)
        if encoding is not None:
            temporal, base = int(self._downtracks.temporal[row]), int(self._downtracks.base[row])
            self._repeated += 1
            number = encoding.highest - self._repeated % REPEATED
            sent = self._downtracks.queue_head[row] == self._downtracks.queue_tail[row]
            if sent and number >= self._downtracks.start[row]:
                sequence = (number - encoding.above(number, temporal) + base) & 0xFFFF
                cell = self._find(row, sequence, encoding, source)
                if cell >= 0 and source.cache.length[cell] + OVERHEAD_BYTES <= 2 * wanted_bytes:
                    self._single.send_again(row, cell, sequence, batch)
                    return source.cache.length[cell] + 2 + OVERHEAD_BYTES
        if not self._repairs(row, source):
            return 0
        size = min(255, max(1, wanted_bytes - OVERHEAD_BYTES))
        self._single.send_padding(row, size, batch)
        return size + OVERHEAD_BYTES

    def _encoding(self, row: int, source: UpTrack) -> Encoding | None:
        """What is forwarded to a row, if that row is there and negotiated retransmission of it."""
        return self._downtracks.forwarded(row, source) if self._repairs(row, source) else None

    def _repairs(self, row: int, source: UpTrack) -> bool:
        """Whether a row is there and has negotiated retransmission of what the source sends."""
        tracks = self._downtracks
        profile = tracks.profiles[row] if row < tracks.rows else None
        if profile is None or self._viewers.session[row] is None or not profile.takes(source.codec):
            return False
        return profile.codec(source.codec, source.profile)[1] >= 0

    def _find(self, row: int, sequence: int, encoding: Encoding, source: UpTrack) -> int:
        """Cell of the packet that went to `row` under an outgoing number; NONE when it is gone or never was."""
        tracks = self._downtracks
        begun = int(tracks.start[row])
        for temporal, base, start, end in (
            (int(tracks.temporal[row]), int(tracks.base[row]), begun, encoding.highest + 1),
            (int(tracks.former_temporal[row]), int(tracks.former_base[row]), int(tracks.former_start[row]), begun),
        ):
            cell = encoding.cell(sequence - base, temporal)
            if cell < 0 or source.cache.encoding[cell] != encoding.index:
                continue
            number = source.cache.sequence[cell]
            if source.cache.temporal[cell] > temporal:
                continue  # the place of a number that is still to come holds what was there before
            if start <= number < end and (number - encoding.above(number, temporal) + base) & 0xFFFF == sequence:
                return cell
        return NONE
