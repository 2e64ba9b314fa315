from __future__ import annotations

import pytest

from streaming.wire.av1 import parse
from streaming.wire.errors import WireError
from tests.streaming.wire.encoded import keyframe


def sequence_header(width: int, height: int) -> bytes:
    """The sequence header OBU out of a real temporal unit, with its size field."""
    unit = keyframe("libsvtav1", width, height, preset="12")
    assert unit[:2] == b"\x12\x00"  # temporal delimiter, which RTP leaves out
    assert unit[2] >> 3 == 1
    return unit[2 : 4 + unit[3]]


@pytest.fixture(scope="module")
def header() -> bytes:
    return sequence_header(642, 362)


def test_size_of_a_real_encoder(header: bytes) -> None:
    for payload in (
        b"\x18" + header,  # W 1: the element's length is the packet's
        b"\x28" + bytes([len(header)]) + header + b"\x32\x00",  # W 2
        b"\x08" + bytes([len(header)]) + header,  # W 0: every length is told
        b"\x18" + bytes([header[0] & ~2]) + header[2:],  # without the OBU's own size
        b"\x18" + bytes([header[0] | 4, 0x20]) + header[1:],  # with layer numbers
    ):
        found = parse(payload, 0, len(payload), True)
        assert (found.begin_of_frame, found.keyframe) == (True, True)
        assert (found.width, found.height) == (642, 362)


def test_a_sequence_begins_only_with_its_first_packet(header: bytes) -> None:
    payload = b"\x18" + header
    later = parse(payload, 0, len(payload), False)
    assert (later.begin_of_frame, later.keyframe, later.width) == (False, False, 0)


def test_frames_and_continuations() -> None:
    first = parse(b"\x50\x30\x01", 0, 3, True)
    assert (first.begin_of_frame, first.keyframe) == (True, False)
    continued = parse(b"\x90\x01\x02", 0, 3, True)
    assert (continued.begin_of_frame, continued.keyframe) == (False, False)


@pytest.mark.parametrize("cut", [2, 3, 5, 8])
def test_a_cut_sequence_header_tells_no_size(header: bytes, cut: int) -> None:
    payload = (b"\x18" + header)[:cut]
    found = parse(payload, 0, len(payload), True)
    assert (found.keyframe, found.width, found.height) == (True, 0, 0)


@pytest.mark.parametrize("payload", ["28ffffffffffffffffff01", "280501", "0800"])
def test_lengths_that_lie_tell_no_size(payload: str) -> None:
    data = bytes.fromhex(payload)
    found = parse(data, 0, len(data), True)
    assert (found.width, found.height) == (0, 0)


@pytest.mark.parametrize(("payload", "kind"), [("", "av1_truncated"), ("10", "av1_truncated"), ("88 0a", "av1_header")])
def test_broken(payload: str, kind: str) -> None:
    data = bytes.fromhex(payload)
    for longer in (data, data + bytes(20)):
        with pytest.raises(WireError) as caught:
            parse(longer, 0, len(data), True)
        assert caught.value.kind == kind
