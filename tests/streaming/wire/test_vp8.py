from __future__ import annotations

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire.descriptor import rewrite_picture_id
from streaming.wire.errors import WireError
from streaming.wire.vp8 import parse
from tests.streaming.wire.encoded import keyframe

STEADY = settings(derandomize=True, deadline=None)


@given(
    st.booleans(),
    st.integers(0, 7),
    st.none() | st.integers(0, 2**15 - 1),
    st.none() | st.integers(0, 255),
    st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    st.none() | st.integers(0, 31),
)
@STEADY
def test_descriptors_that_aiortc_packs(
    start: bool,
    partition: int,
    picture_id: int | None,
    tl0picidx: int | None,
    layer: tuple[int, int] | None,
    keyidx: int | None,
) -> None:
    packed = bytes(VpxPayloadDescriptor(int(start), partition, picture_id, tl0picidx, layer, keyidx))
    packet = b"head" + packed + b"\x01"
    found = parse(packet, 4, len(packet), False)
    assert found.begin_of_frame == (start and partition == 0)
    assert not found.keyframe
    assert found.picture_id == (-1 if picture_id is None else picture_id)
    assert found.picture_id_bits == (0 if picture_id is None else 15)
    assert found.tl0picidx == (-1 if tl0picidx is None else tl0picidx)
    assert (found.temporal_id, found.switching_up) == ((layer[0], layer[1] == 1) if layer else (0, False))
    if tl0picidx is not None:
        assert packet[found.tl0picidx_offset] == tl0picidx


@pytest.mark.parametrize("field", ["05", "7f", "8000", "92f4", "ffff"])
@pytest.mark.parametrize("picture_id", [0, 127, 128, 32767, 65535])
def test_rewriting_keeps_the_width_of_the_fields(field: str, picture_id: int) -> None:
    packet = bytearray(b"head" + bytes.fromhex("90 e0" + field + "fe a0 01"))
    before = parse(packet, 4, len(packet), False)
    assert before.picture_id == int(field, 16) & 0x7FFF
    assert before.picture_id_bits == (15 if len(field) == 4 else 7)
    assert (before.tl0picidx, before.temporal_id, before.switching_up) == (254, 2, True)
    rewrite_picture_id(memoryview(packet), before, picture_id, 255 + 1)
    after = parse(packet, 4, len(packet), False)
    mask = (1 << before.picture_id_bits) - 1
    assert after == before._replace(picture_id=picture_id & mask, tl0picidx=0)


def test_rewriting_leaves_absent_fields_absent() -> None:
    packet = bytearray(b"\x10\x01")
    rewrite_picture_id(packet, parse(packet, 0, 2, False), 77, 88)
    assert packet == b"\x10\x01"


@pytest.mark.parametrize(("width", "height"), [(320, 180), (642, 362)])
def test_keyframe_of_a_real_encoder(width: int, height: int) -> None:
    payload = b"\x10" + keyframe("libvpx", width, height)
    found = parse(payload, 0, len(payload), True)
    assert found.begin_of_frame
    assert found.keyframe
    assert (found.width, found.height) == (width, height)
    later = b"\x00" + payload[1:]
    assert not parse(later, 0, len(later), True).keyframe


def test_non_reference_frame() -> None:
    assert parse(b"\x30\x01", 0, 2, True).discardable
    assert not parse(b"\x10\x01", 0, 2, True).discardable


@pytest.mark.parametrize("payload", [b"", b"\x10", b"\x80", b"\x90\x80", b"\x90\x80\x80\x01", b"\x90\xf0\x01\x02\x03"])
def test_truncated(payload: bytes) -> None:
    for data in (payload, payload + bytes(50)):  # the same in a longer buffer
        with pytest.raises(WireError) as caught:
            parse(data, 0, len(payload), True)
        assert caught.value.kind == "vp8_truncated"
