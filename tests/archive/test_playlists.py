"""Playlists as players need them, and fast enough."""

from __future__ import annotations

import re
import time

import pytest

from archive.playlists import (
    HOLE_S,
    Rendition,
    SegmentRow,
    media_playlist,
    multivariant_playlist,
    packed_playlist,
    slot_playlist,
)

WALL = 1_700_000_000.0


def rows(*spans: tuple[int, float, float]) -> list[SegmentRow]:
    """Each `(run, start, duration)`; wall time runs along."""
    return [SegmentRow(index, run, start, length, WALL + start) for index, (run, start, length) in enumerate(spans)]


def lines(text: str) -> list[str]:
    return text.splitlines()


def lengths(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"#EXTINF:([\d.]+),", text)]


def test_while_it_grows() -> None:
    text = media_playlist(1, [0], rows((0, 0.0, 6.0), (0, 6.0, 6.5)), None)
    assert lines(text) == [
        "#EXTM3U",
        "#EXT-X-VERSION:8",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-TARGETDURATION:12",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        '#EXT-X-MAP:URI="1/init-0.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z",
        "#EXTINF:6.000000,",
        "1/0.m4s",
        "#EXTINF:6.500000,",
        "1/1.m4s",
    ]


def test_it_only_grows_at_its_end() -> None:
    """What a growing playlist has said stays (RFC 8216bis section 6.2.1); only the last duration may gain a sliver."""
    all_rows = rows((0, 0.0, 6.0), (0, 6.0, 6.0), (1, 30.0, 6.0), (1, 36.0, 4.0), (2, 40.05, 6.0))
    former = ""
    for count in range(1, len(all_rows) + 1):
        text = media_playlist(0, [0, 1, 2], all_rows[:count], None)
        kept = lines(former)[:-2]
        assert lines(text)[: len(kept)] == kept
        former = text


def test_runs_gaps_and_the_end() -> None:
    text = media_playlist(0, [0, 3], rows((0, 0.0, 6.0), (2, 18.0, 6.0), (3, 24.0, 3.0)), 40.0)
    assert text.count("#EXT-X-DISCONTINUITY\n") == 2
    assert re.findall(r'MAP:URI="([^"]+)"', text) == ["0/init-0.mp4", "0/init-0.mp4", "0/init-3.mp4"]
    assert text.count("#EXT-X-GAP\n") == 2 + 3
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert sum(lengths(text)) == pytest.approx(40.0, abs=1e-5)
    target = int(re.findall(r"TARGETDURATION:(\d+)", text)[0])
    assert all(round(length) <= target for length in lengths(text))


def test_a_slot_that_begins_late_begins_with_a_gap() -> None:
    text = media_playlist(0, [0], rows((0, 20.0, 6.0)), None)
    assert text.index("#EXT-X-MAP") < text.index("#EXT-X-GAP") < text.index("0/0.m4s")
    assert lengths(text) == [5.0, 5.0, 5.0, 5.0, 6.0]
    assert "#EXT-X-DISCONTINUITY" not in text


def test_nothing_drifts_over_three_hours() -> None:
    """Frames are a third of a millisecond off each time; runs leave slivers and overlaps."""
    starts = [0.0]
    while starts[-1] < 3 * 3600:
        starts.append(starts[-1] + 6.0 + (len(starts) % 7 - 3) * 0.01)
    spans = [(number // 100, start, 6.0) for number, start in enumerate(starts)]
    text = media_playlist(0, list(range(20)), rows(*spans), None)
    at = 0.0
    for length, start in zip(lengths(text), starts, strict=True):
        assert at == pytest.approx(start, abs=0.001)
        at += length


SPANS = [(10.0, 22.0), (100.0, 112.0), (200.0, 206.0)]
FULL = ((0, 10.0, 6.0), (0, 16.0, 6.0), (1, 100.0, 6.0), (2, 106.0, 6.0), (3, 200.0, 6.0))
PAUSED = ((0, 10.0, 6.0), (2, 106.0, 6.0))


@pytest.mark.parametrize("spans", [FULL, PAUSED])
def test_packed_renditions_share_a_timeline_and_its_breaks(spans: tuple[tuple[int, float, float], ...]) -> None:
    text = packed_playlist(0, [0, 1, 2, 3], rows(*spans), SPANS, grows=False)
    parts = [lengths(part) for part in text.split("#EXT-X-DISCONTINUITY")]
    assert [sum(part) for part in parts] == pytest.approx([12.0, 12.0, 6.0])
    assert text.count(".m4s") == len(spans)


def test_packed_and_whole_nothing_is_a_gap() -> None:
    text = packed_playlist(0, [0, 1, 2, 3], rows(*FULL), SPANS, grows=False)
    assert "GAP" not in text
    assert text.count("#EXT-X-MAP") == 4, "a new run within a span is no break, and yet begins anew"


def test_packed_ones_only_grow_at_their_end() -> None:
    """Other renditions may be ahead: what is not there yet is no gap."""
    for segments in (rows(*FULL), rows(*PAUSED)):
        former = ""
        for count in range(1, len(segments) + 1):
            text = packed_playlist(0, [0, 1, 2, 3], segments[:count], SPANS, grows=True)
            kept = lines(former)[:-2]
            assert lines(text)[: len(kept)] == kept
            former = text
        whole = packed_playlist(0, [0, 1, 2, 3], segments, SPANS, grows=False)
        start = lines(former).index("#EXT-X-PLAYLIST-TYPE:EVENT") + 1
        assert lines(whole)[start : len(lines(former))] == lines(former)[start:]


def test_a_pause_of_the_recording_is_seen_in_the_civil_time_only() -> None:
    segments = [
        SegmentRow(0, 0, 0.0, 6.0, WALL),
        SegmentRow(1, 0, 6.0, 6.0, WALL + 600),
        SegmentRow(2, 0, 12.0, 6.0, WALL + 606),
    ]
    text = media_playlist(0, [0], segments, None)
    assert text.count("#EXT-X-PROGRAM-DATE-TIME") == 2
    assert "#EXT-X-GAP" not in text


def test_long_segments_raise_the_target() -> None:
    assert "TARGETDURATION:31" in media_playlist(0, [0], rows((0, 0.0, 30.4)), None)


def test_nothing_yet() -> None:
    assert "#EXTINF" not in media_playlist(0, [0], [], None)
    assert sum(lengths(media_playlist(0, [0], [], 10.0))) == pytest.approx(10.0)


def test_holes_are_told_apart_from_slivers() -> None:
    assert "GAP" not in media_playlist(0, [0], rows((0, 0.0, 6.0), (1, 6.0 + HOLE_S * 0.9, 6.0)), None)
    assert "GAP" in media_playlist(0, [0], rows((0, 0.0, 6.0), (1, 6.0 + HOLE_S * 1.1, 6.0)), None)


def test_the_variants() -> None:
    sound = Rendition("teacher_audio", 0, ("opus",), 0, 0, 32_000, 24_000)
    low = Rendition("teacher_video", 0, ("vp09.00.11.08",), 320, 180, 120_000, 100_000)
    high = Rendition("teacher_video", 2, ("vp09.00.31.08", "avc1.42c01f"), 1280, 720, 2_000_000, 1_500_000)
    text = multivariant_playlist([high, low], sound, "ru")
    assert 'TYPE=AUDIO,GROUP-ID="sound"' in text
    assert 'LANGUAGE="ru"' in text
    variants = re.findall(r"#EXT-X-STREAM-INF:(.*)\n(.*)\n", text)
    assert variants == [
        (
            'BANDWIDTH=152000,AVERAGE-BANDWIDTH=124000,CODECS="vp09.00.11.08,opus",RESOLUTION=320x180,AUDIO="sound"',
            "teacher_video/0.m3u8",
        ),
        (
            'BANDWIDTH=2032000,AVERAGE-BANDWIDTH=1524000,CODECS="vp09.00.31.08,avc1.42c01f,opus",RESOLUTION=1280x720,AUDIO="sound"',
            "teacher_video/2.m3u8",
        ),
        ('BANDWIDTH=32000,AVERAGE-BANDWIDTH=24000,CODECS="opus",AUDIO="sound"', "teacher_audio/0.m3u8"),
    ]
    assert "AUDIO" not in slot_playlist([high, low])
    assert slot_playlist([high, low]).splitlines()[-3::2] == ["packed-0.m3u8", "packed-2.m3u8"]


def test_a_language_cannot_break_out_of_its_quotes() -> None:
    sound = Rendition("teacher_audio", 0, ("opus",), 0, 0, 1, 1)
    assert "EVIL" not in multivariant_playlist([], sound, 'ru",URI="EVIL')


def test_three_hours_are_quick() -> None:
    segments = rows(*((0, number * 6.0, 6.0) for number in range(1800)))
    begun = time.process_time()
    media_playlist(0, [0], segments, 10_800.0)
    assert time.process_time() - begun < 0.02
