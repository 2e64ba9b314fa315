"""Answering a viewer's NACKs from the cache (RFC 4588)."""

from __future__ import annotations

from collections import Counter
from typing import Final

from streaming.fanout.batch import Batch
from streaming.fanout.downtracks import NONE, DownTracks
from streaming.fanout.single import SingleSender
from streaming.fanout.viewers import Viewers
from streaming.uptrack.encoding import Encoding
from streaming.uptrack.uptrack import UpTrack

NACK_MAX: Final = 64


class Retransmitter:
    """`counts`: drops by kind."""

    def __init__(self, downtracks: DownTracks, viewers: Viewers, single: SingleSender, counts: Counter[str]) -> None:
        self._downtracks = downtracks
        self._viewers = viewers
        self._single = single
        self._counts = counts

    def answer(self, row: int, sequences: list[int], batch: Batch) -> int:
        """Send again what went to a row under these outgoing numbers; returns how many packets were sent.

        Nothing is sent again of a layer the viewer has left, and nothing to a viewer that is far out of credit.
        """
        encoding = self._encoding(row, batch.source)
        if encoding is None:
            return 0
        sent = 0
        for sequence in sequences[:NACK_MAX]:
            cell = self._find(row, sequence, encoding, batch.source)
            if cell < 0 or self._viewers.credit[row] < 0:
                self._counts["nack_missed"] += 1
                continue
            self._single.send_again(row, cell, sequence, batch)
            sent += 1
        return sent

    def _encoding(self, row: int, source: UpTrack) -> Encoding | None:
        """What is forwarded to a row, if that row is there and negotiated retransmission of it."""
        tracks = self._downtracks
        profile = tracks.profiles[row] if row < tracks.rows else None
        if profile is None or self._viewers.session[row] is None or not profile.takes(source.codec):
            return None
        if profile.codec(source.codec, source.profile)[1] < 0:
            return None
        return tracks.forwarded(row, source)

    def _find(self, row: int, sequence: int, encoding: Encoding, source: UpTrack) -> int:
        """Cell of the packet that went to `row` under an outgoing number; NONE when it is gone or never was."""
        tracks = self._downtracks
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
