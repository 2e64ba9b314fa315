from __future__ import annotations

import pytest

from streaming.wire.descriptor import VideoDescriptor, rewrite_picture_id
from streaming.wire.errors import WireError
from streaming.wire.vp9 import parse
from tests.streaming.wire.encoded import keyframe


def described(text: str) -> VideoDescriptor:
    payload = bytes.fromhex(text)
    packet = b"head" + payload
    in_slab = parse(memoryview(packet + b"\xff" * 40), 4, len(packet), False)
    assert parse(packet, 4, len(packet), False) == in_slab
    return in_slab


def test_non_flexible_mode_with_layers() -> None:
    # I P L B; picture id 0x1234 of 15 bits; TID 2, U; TL0PICIDX 9
    found = described("e8 9234 50 09 00")
    assert found == VideoDescriptor(True, False, 2, 0, True, 0x1234, 5, 15, 9, 8, payload_offset=9)


def test_flexible_mode_has_references_instead_of_tl0picidx() -> None:
    # I P L F B; seven-bit picture id; TID 1, SID 1, D; three references
    found = described("f8 7f 23 03 05 06 00")
    assert found == VideoDescriptor(True, False, 1, 1, False, 127, 5, 7, payload_offset=10, references=(1, 2, 3))


def test_flexible_mode_without_prediction_has_no_references() -> None:
    found = described("98 05 00")
    assert found.keyframe
    assert found.picture_id == 5


def test_only_the_lowest_spatial_layers_first_packet_is_a_keyframe() -> None:
    assert described("a8 01 00 05 00").keyframe
    upper = described("a8 01 03 05 00")
    assert (upper.begin_of_frame, upper.keyframe, upper.spatial_id) == (True, False, 1)
    later = described("a0 01 00 05 00")
    assert (later.begin_of_frame, later.keyframe) == (False, False)


def test_scalability_structure() -> None:
    # V B, three layers, Y and G: two pictures, the second with two references
    found = described("0a 58 0140 00b4 0280 0168 0500 02d0 02 00 28 01 02 aa")
    assert (found.keyframe, found.width, found.height) == (True, 0x500, 0x2D0)
    without_sizes = described("0a 08 01 04 01 aa")
    assert (without_sizes.width, without_sizes.height) == (0, 0)


@pytest.mark.parametrize(("width", "height"), [(320, 180), (642, 362)])
def test_keyframe_of_a_real_encoder(width: int, height: int) -> None:
    frame = keyframe("libvpx-vp9", width, height, deadline="realtime", **{"lag-in-frames": "0"})
    found = described("8c 8001" + frame.hex())
    assert (found.keyframe, found.width, found.height) == (True, width, height)
    # one layer's structure that tells the source's size does not win over the frame's own
    found = described("8e 8001 10 0500 02d0" + frame.hex())
    assert (found.width, found.height) == (width, height)
    predicted = described("cc 8001" + frame.hex())
    assert (predicted.keyframe, predicted.width) == (False, 0)


@pytest.mark.parametrize(
    ("profile", "color", "width"),
    [("00", "001" + "0", 640), ("10", "001" + "0110", 640), ("01", "0" + "001" + "0", 640), ("10", "111" + "0", 640)],
)
def test_profiles_place_the_size_differently(profile: str, color: str, width: int) -> None:
    bits = "10" + profile + "00" + "10" + f"{0x498342:024b}" + color + f"{width - 1:016b}" + f"{360 - 1:016b}"
    header = int(bits.ljust(128, "0"), 2).to_bytes(16, "big")
    found = described("08" + header.hex())
    assert (found.width, found.height) == (width, 360)
    cut = described("08" + header[:8].hex())
    assert (cut.keyframe, cut.width) == (True, 0)


def test_rewriting() -> None:
    packet = bytearray.fromhex("e8 9234 50 09 00")
    before = parse(packet, 0, len(packet), False)
    rewrite_picture_id(packet, before, 0x8001, 300)
    assert parse(packet, 0, len(packet), False) == before._replace(picture_id=1, tl0picidx=300 & 0xFF)
    assert packet[1] & 0x80


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ("", "vp9_truncated"),
        ("08", "vp9_truncated"),  # nothing behind the descriptor
        ("88 80", "vp9_truncated"),
        ("a8 01 00", "vp9_truncated"),
        ("d8 01 03 03", "vp9_truncated"),
        ("d8 01 03 03 03 02 aa", "vp9_references"),
        ("0a 58 0140 00b4", "vp9_truncated"),
        ("0a 08 ff 0c 0c", "vp9_truncated"),
    ],
)
def test_broken(payload: str, kind: str) -> None:
    data = bytes.fromhex(payload)
    for longer in (data, data + bytes(2000)):
        with pytest.raises(WireError) as caught:
            parse(longer, 0, len(data), True)
        assert caught.value.kind == kind
