from __future__ import annotations

from collections.abc import Callable

import pytest
from aiortc.rtp import pack_header_extensions, unpack_header_extensions
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire import extensions
from streaming.wire.errors import WireError
from streaming.wire.rtp import RtpHeader, pack_header, parse_header

STEADY = settings(derandomize=True, deadline=None)


def packet_with(profile: int, extension: bytes) -> tuple[bytes, RtpHeader]:
    padded = extension + bytes(-len(extension) % 4)
    packet = pack_header(96, 1, 2, 3, extension_profile=profile, extension=padded) + b"payload"
    return packet, parse_header(packet, len(packet))


def values(profile: int, extension: bytes) -> dict[int, bytes]:
    packet, header = packet_with(profile, extension)
    found = extensions.find(packet, header)
    return {number: packet[offset : offset + length] for number, (offset, length) in found.items()}


@given(st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=14))
@STEADY
def test_one_byte_form_as_aiortc_packs_it(elements: dict[int, bytes]) -> None:
    profile, block = pack_header_extensions(list(elements.items()))
    assert values(profile, block) == elements


@given(st.dictionaries(st.integers(1, 255), st.binary(max_size=255), max_size=4))
@STEADY
def test_two_byte_form(elements: dict[int, bytes]) -> None:
    block = b"".join(bytes([number, len(value)]) + value for number, value in elements.items())
    assert values(0x1000, block) == elements
    assert values(0x100F, block) == elements


def test_padding_between_elements() -> None:
    assert values(0xBEDE, b"\x00\x10a\x00\x00\x21bc") == {1: b"a", 2: b"bc"}
    assert values(0x1000, b"\x00\x01\x01a\x00\x02\x00") == {1: b"a", 2: b""}


def test_id_fifteen_and_a_padding_byte_with_a_length_end_the_block() -> None:
    assert values(0xBEDE, b"\x10a\xf0b\x20c") == {1: b"a"}
    assert values(0xBEDE, b"\x10a\x03b\x20c") == {1: b"a"}


def test_the_last_of_a_repeated_id_counts() -> None:
    assert values(0xBEDE, b"\x10a\x10b") == {1: b"b"}


def test_other_profiles_hold_nothing_for_us() -> None:
    assert values(0x1234, b"\x10a\x10b") == {}
    assert values(0, b"") == {}


@pytest.mark.parametrize(
    ("profile", "block"), [(0xBEDE, b"\x00\x00\x13a"), (0x1000, b"\x01\x03ab"), (0x1000, b"\x01\x01a\x02")]
)
def test_an_element_beyond_the_block(profile: int, block: bytes) -> None:
    with pytest.raises(WireError) as caught:
        values(profile, block)
    assert caught.value.kind == "extension_truncated"


@given(st.sampled_from([0xBEDE, 0x1000]), st.binary(max_size=40))
@STEADY
def test_refuses_no_less_than_aiortc(profile: int, block: bytes) -> None:
    block += bytes(-len(block) % 4)
    try:
        expected = unpack_header_extensions(profile, block)
    except ValueError:
        expected = []
    try:
        found = values(profile, block)
    except WireError:
        return
    assert set(found.items()) <= set(expected) or not expected


@given(st.sampled_from([0xBEDE, 0x1000]), st.binary(max_size=40))
@STEADY
def test_one_element_is_found_where_all_are(profile: int, block: bytes) -> None:
    packet, header = packet_with(profile, block)
    try:
        found = extensions.find(packet, header)
    except WireError:
        found = None
    for number in range(1, 15):
        try:
            one = extensions.find_one(packet, header, number)
        except WireError:
            assert found is None
            continue
        if found is not None:
            assert (one is None) == (number not in found)
            assert one is None or one[0] <= found[number][0]
        assert one is None or sum(one) <= header.extension_end


def test_of_a_repeated_element_the_first_is_found() -> None:
    packet, header = packet_with(0xBEDE, b"\x10a\x00\x10b")
    assert extensions.find_one(packet, header, 1) == (17, 1)
    assert extensions.find_one(packet, header, 2) is None


@pytest.mark.parametrize("block", [b"\x00\x00\x13a", b"\x20\x00\x13a"])
def test_looking_for_one_element_beyond_the_block(block: bytes) -> None:
    packet, header = packet_with(0xBEDE, block)
    for number in (0, 1, 3):
        with pytest.raises(WireError) as caught:
            extensions.find_one(packet, header, number)
        assert caught.value.kind == "extension_truncated"


def test_readers() -> None:
    data = b"..mid\x12\x34\x01\x02\x03\xff\x05"
    assert extensions.read_text(data, 2, 3) == "mid"
    assert extensions.read_u16(data, 5, 2) == 0x1234
    assert extensions.read_u24(data, 7, 3) == 0x010203
    assert extensions.read_audio_level(data, 10, 1) == (127, True)
    assert extensions.read_audio_level(data, 11, 1) == (5, False)


@pytest.mark.parametrize("value", [b"", b"a b", b"\x00", b"a\x7f", "ж".encode(), b"q\n"])
def test_a_mid_or_rid_is_visible_ascii(value: bytes) -> None:
    with pytest.raises(WireError) as caught:
        extensions.read_text(value, 0, len(value))
    assert caught.value.kind == "extension_text"


@pytest.mark.parametrize(
    ("reader", "right"),
    [(extensions.read_u16, 2), (extensions.read_u24, 3), (extensions.read_audio_level, 1)],
)
def test_wrong_lengths(reader: Callable[[bytes, int, int], object], right: int) -> None:
    for length in {0, 1, 2, 3, 4, 16} - {right}:
        with pytest.raises(WireError) as caught:
            reader(bytes(20), 0, length)
        assert caught.value.kind == "extension_length"


def test_send_time_is_fixed_point_modulo_64_seconds() -> None:
    assert extensions.send_time(1.5) == 3 << 17
    assert extensions.send_time(64.25) == 1 << 16
