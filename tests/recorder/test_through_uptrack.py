"""Packets whose times and picture ids the UpTrack has moved, as the tap takes them from its cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from streaming.tap_records import KEYFRAME, MARKER, PacketRecord, Record, TrackRecord
from streaming.uptrack.cache import HEADER_BYTES
from streaming.uptrack.encoding import TEMPORAL_LAYERS
from streaming.uptrack.uptrack import UpTrack
from streaming.wire.slab import PACKET_BYTES
from tests.recorder import lesson
from tests.recorder.lesson import FPS
from tests.recorder.watching import assemble, check_order, gaps, pictures, segments
from tests.streaming.packets import give, padding, rtp

SIZES = ((160, 90), (320, 180))
BASES: Final = (77, 2**32 - 400_000)
SEQUENCES: Final = (65_500, 300)
PADDED_EVERY: Final = 25
"""Frames after which the publisher sends nothing but padding in a packet."""


def through_uptrack(records: Iterable[Record]) -> Iterator[Record]:
    """Track 1 as its publisher's encodings: each with its own times, numbers and padding between frames."""
    track: UpTrack | None = None
    padded, frames = [0, 0], [0, 0]
    for record in records:
        if isinstance(record, TrackRecord) and record.track == 1:
            track = UpTrack("camera", record.codec)
            for index, rid in enumerate(record.rids):
                track.encoding_for(rid, 10 + index)
        if not isinstance(record, PacketRecord) or record.track != 1:
            yield record
            continue
        assert track is not None
        index = record.encoding
        encoding = track.encodings[index]
        sequence, time = SEQUENCES[index] + record.number, record.rtp_time + BASES[index]
        marker = bool(record.flags & MARKER)
        give(track, encoding, rtp(bytes(record.payload), sequence + padded[index], time, marker=marker), record.t)
        frames[index] += marker
        if marker and frames[index] % PADDED_EVERY == 0:
            padded[index] += 1
            give(track, encoding, padding(sequence + padded[index], time), record.t)
        yield from _taken(track, record.t)


def _taken(track: UpTrack, t: float) -> Iterator[PacketRecord]:
    cache = track.cache
    for arrival in track.fresh:
        encoding = track.encodings[arrival.encoding]
        number = arrival.number - encoding.above(arrival.number, TEMPORAL_LAYERS - 1)
        start = arrival.cell * PACKET_BYTES + HEADER_BYTES
        payload = bytes(cache.view[start : start + cache.length[arrival.cell]])
        flags = cache.marker[arrival.cell] * MARKER | arrival.keyframe * KEYFRAME
        yield PacketRecord(1, arrival.encoding, flags, number, cache.rtp_time[arrival.cell], t, payload)
    track.fresh.clear()


@pytest.mark.parametrize("codec", ["vp9", "vp8", "h264", "av1"])
def test_nothing_is_lost_on_the_way(codec: str) -> None:
    made = assemble(through_uptrack(lesson.plain(14, SIZES, codec=codec)))
    check_order(made, 9.0)
    for encoding in (0, 1):
        seen = pictures(made, encoding=encoding)
        assert [each.number for each in seen] == list(range(14 * FPS))
        assert [each.at - seen[0].at for each in seen] == pytest.approx([n / FPS for n in range(14 * FPS)], abs=0.02)
        assert {each.run for each in segments(made, "teacher_video", encoding)} == {0}
    assert not gaps(made, "teacher_video")
