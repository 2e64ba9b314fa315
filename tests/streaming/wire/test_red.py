"""Redundant audio (RFC 2198): the primary block is found; anything else is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.wire.errors import WireError
from streaming.wire.red import AGE_MAX, LENGTH_MAX, pack, primary_start


def red_payload(repeated: list[bytes], primary: bytes) -> bytes:
    heads = b"".join(bytes((0x80 | 111, 0, len(block) >> 8 & 3, len(block) & 0xFF)) for block in repeated)
    return heads + bytes((111,)) + b"".join(repeated) + primary


@given(st.lists(st.binary(max_size=300), max_size=4), st.binary(min_size=1, max_size=200), st.integers(0, 40))
def test_primary_block_is_what_was_sent_last(repeated: list[bytes], primary: bytes, offset: int) -> None:
    data = bytes(offset) + red_payload(repeated, primary)
    start = primary_start(data, offset, len(data))
    assert data[start:] == primary


@given(
    st.integers(0, 127), st.binary(max_size=LENGTH_MAX), st.integers(1, AGE_MAX), st.binary(min_size=1, max_size=200)
)
def test_what_is_packed_is_what_the_rfc_says(payload_type: int, repeated: bytes, age: int, newest: bytes) -> None:
    packed = pack(payload_type, repeated, age, newest)
    assert packed[primary_start(packed, 0, len(packed)) :] == newest
    if not repeated:
        assert packed == bytes((payload_type,)) + newest
        return
    assert packed[0] == 0x80 | payload_type
    assert int.from_bytes(packed[1:4], "big") == age << 10 | len(repeated)
    assert packed[4] == payload_type
    assert packed[5:] == repeated + newest


@given(st.binary(max_size=64))
def test_any_input_is_read_or_refused(data: bytes) -> None:
    with suppress(WireError):
        assert 0 < primary_start(data, 0, len(data)) <= len(data)


@pytest.mark.parametrize("data", [b"", b"\xef\x00\x00", b"\xef\x00\x03\xff\x6f", b"\xef\x00\x00\x00" * 20])
def test_truncated_blocks_are_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        primary_start(data, 0, len(data))
