from __future__ import annotations

import pytest
from aiortc.codecs.h264 import H264Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire.errors import WireError
from streaming.wire.h264 import parse
from streaming.wire.h264_sps import frame_size
from tests.streaming.wire.encoded import keyframe, nal_units


@pytest.mark.parametrize(("width", "height"), [(320, 180), (642, 362), (1920, 1080)])
@pytest.mark.parametrize("profile", ["baseline", "high"])
def test_keyframe_of_a_real_encoder(width: int, height: int, profile: str) -> None:
    units = nal_units(keyframe("libx264", width, height, profile=profile, preset="ultrafast"))
    payloads = H264Encoder._packetize(units)
    first = parse(payloads[0], 0, len(payloads[0]), True)
    assert (first.begin_of_frame, first.keyframe) == (True, True)
    assert (first.width, first.height) == (width, height)
    for payload in payloads[1:]:
        later = parse(payload, 0, len(payload), False)
        assert (later.begin_of_frame, later.keyframe) == (False, False)


@pytest.mark.parametrize("options", [{"x264-params": "interlaced=1"}, {"x264-params": "cqm=jvt"}])
def test_sizes_behind_rare_fields(options: dict[str, str]) -> None:
    units = nal_units(keyframe("libx264", 720, 576, profile="high", **options))
    sps = next(unit for unit in units if unit[0] & 0x1F == 7)
    assert frame_size(sps, 1, len(sps)) == (720, 576)
    assert frame_size(sps, 1, 5) is None


def test_an_sps_in_its_own_packet_behind_a_delimiter_begins_the_frame() -> None:
    delimiter = parse(b"\x09\xf0", 0, 2, True)
    assert (delimiter.begin_of_frame, delimiter.keyframe) == (True, False)
    sps = bytes.fromhex("6742c01fd900a0")
    found = parse(sps, 0, len(sps), False)
    assert (found.begin_of_frame, found.keyframe) == (True, True)
    picture_parameters = parse(b"\x68\xce\x3c\x80", 0, 4, False)
    assert (picture_parameters.begin_of_frame, picture_parameters.keyframe) == (False, False)


@pytest.mark.parametrize(
    ("payload", "begin", "key"),
    [
        ("65 88", True, True),  # IDR slice from the first macroblock
        ("65 48", False, False),  # a later slice of it: the first was lost
        ("41 9a", True, False),
        ("41 5a", False, False),
        ("7c 85 88", True, True),  # first fragment of an IDR slice
        ("7c 05 88", False, False),
        ("7c 45 88", False, False),  # last fragment
        ("78 0002 09f0 0002 6588", True, True),
    ],
)
def test_begin_and_key(payload: str, begin: bool, key: bool) -> None:
    data = bytes.fromhex(payload)
    found = parse(data, 0, len(data), True)
    assert (found.begin_of_frame, found.keyframe) == (begin, key)
    found = parse(data, 0, len(data), False)
    assert (found.begin_of_frame, found.keyframe) == (False, False)


def test_a_slice_nobody_refers_to() -> None:
    assert parse(b"\x01\x9a", 0, 2, True).discardable
    assert not parse(b"\x41\x9a", 0, 2, True).discardable
    assert parse(b"\x1c\x81\x9a", 0, 3, True).discardable


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ("", "h264_truncated"),
        ("65", "h264_truncated"),
        ("7c 85", "h264_truncated"),
        ("78 00", "h264_truncated"),
        ("78 0002", "h264_truncated"),
        ("78 0003 6588", "h264_truncated"),
        ("78 0002 6588 00", "h264_truncated"),
        ("78 0000 0002 6588", "h264_truncated"),
        ("79 0002 6588", "h264_type"),  # STAP-B
        ("7d 85 88", "h264_type"),  # FU-B
        ("60 88", "h264_type"),
    ],
)
def test_broken(payload: str, kind: str) -> None:
    data = bytes.fromhex(payload)
    for longer in (data, data + bytes(300)):
        with pytest.raises(WireError) as caught:
            parse(longer, 0, len(data), True)
        assert caught.value.kind == kind


@given(st.binary(max_size=64))
@settings(derandomize=True, deadline=None)
def test_no_sps_gives_an_absurd_size(sps: bytes) -> None:
    size = frame_size(sps, 0, len(sps))
    assert size is None or (0 < size[0] <= 16384 and 0 < size[1] <= 16384)
