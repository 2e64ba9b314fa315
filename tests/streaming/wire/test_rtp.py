from __future__ import annotations

import pytest
from aiortc.rtp import RtpPacket
from aiortc.rtp import is_rtcp as aiortc_is_rtcp
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.net.demultiplex import PacketKind, kind_of
from streaming.wire.errors import WireError
from streaming.wire.rtp import original_sequence, pack_header, parse_header

STEADY = settings(derandomize=True, deadline=None)
U16 = st.integers(0, 2**16 - 1)
U32 = st.integers(0, 2**32 - 1)


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    extension = draw(st.none() | st.integers(0, 5).map(lambda words: bytes(4 * words)))
    padding = draw(st.integers(0, 20))
    return (
        pack_header(
            draw(st.integers(0, 127)),
            draw(U16),
            draw(U32),
            draw(U32),
            marker=draw(st.booleans()),
            padded=padding > 0,
            csrcs=draw(st.lists(U32, max_size=15)),
            extension_profile=0 if extension is None else 0xBEDE,
            extension=extension or b"",
        )
        + draw(st.binary(max_size=40))
        + (bytes(padding - 1) + bytes([padding]) if padding else b"")
    )


@given(packets())
@STEADY
def test_agrees_with_aiortc(packet: bytes) -> None:
    header = parse_header(memoryview(packet + b"\xff" * 50), len(packet))
    theirs = RtpPacket.parse(packet)
    assert (header.payload_type, header.marker) == (theirs.payload_type, bool(theirs.marker))
    assert (header.sequence, header.timestamp, header.ssrc) == (theirs.sequence_number, theirs.timestamp, theirs.ssrc)
    assert packet[header.payload_start : header.payload_end] == theirs.payload
    assert header.padding == theirs.padding_size
    assert header.payload_end + header.padding == len(packet)


@given(st.binary(max_size=80))
@STEADY
def test_refuses_what_aiortc_refuses(data: bytes) -> None:
    data = b"\xb0" + data[1:]
    try:
        expected = RtpPacket.parse(data).payload
    except (ValueError, IndexError):
        with pytest.raises(WireError):
            parse_header(data, len(data))
    else:
        header = parse_header(data, len(data))
        assert data[header.payload_start : header.payload_end] == expected


def test_positions() -> None:
    packet = pack_header(96, 65535, 2**32 - 1, 1, csrcs=[7], extension_profile=0xBEDE, extension=bytes(8)) + b"video"
    header = parse_header(packet, len(packet))
    assert (header.extension_profile, header.extension_start, header.extension_end) == (0xBEDE, 20, 28)
    assert (header.payload_start, header.payload_end, header.padding) == (28, 33, 0)
    plain = parse_header(pack_header(96, 0, 0, 1), 12)
    assert (plain.extension_profile, plain.extension_start, plain.extension_end) == (0, 12, 12)


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (b"", "rtp_short"),
        (bytes(11), "rtp_short"),
        (b"\x40" + bytes(20), "rtp_version"),
        (b"\x8f" + bytes(70), "rtp_truncated"),  # fifteen CSRCs
        (b"\x90" + bytes(14), "rtp_truncated"),  # no room for the extension's head
        (b"\x90" + bytes(13) + b"\x00\x01" + bytes(3), "rtp_truncated"),
        (b"\xa0" + bytes(20), "rtp_padding"),  # no padding at all
        (b"\xa0" + bytes(12) + b"\x03", "rtp_padding"),  # reaches into the header
        (b"\xa0" + bytes(10) + b"\x01", "rtp_padding"),  # its count is a header byte
    ],
)
def test_kinds_of_broken_headers(packet: bytes, kind: str) -> None:
    with pytest.raises(WireError) as caught:
        parse_header(packet, len(packet))
    assert caught.value.kind == kind


def test_bytes_behind_the_length_are_not_read() -> None:
    packet = pack_header(96, 1, 2, 3, extension_profile=0xBEDE, extension=bytes(4))
    with pytest.raises(WireError):
        parse_header(packet, len(packet) - 1)


def is_rtcp(data: bytes) -> bool:
    return kind_of(data) is PacketKind.RTCP


def test_rtcp_is_told_by_its_second_byte() -> None:
    for second in range(256):
        data = bytes([0x80, second])
        assert is_rtcp(data) == (192 <= second <= 223)
        if second <= 208:
            assert is_rtcp(data) == aiortc_is_rtcp(data)


def test_rtcp_needs_two_bytes() -> None:
    assert not is_rtcp(b"")
    assert not is_rtcp(b"\x80")


def test_retransmission_and_its_probes() -> None:
    head = pack_header(97, 1, 2, 3)
    packet = head + b"\xff\xfepayload"
    assert original_sequence(packet, parse_header(packet, len(packet))) == 65534
    probe = pack_header(97, 1, 2, 3, padded=True) + bytes(254) + b"\xff"
    assert original_sequence(probe, parse_header(probe, len(probe))) is None
    assert original_sequence(head, parse_header(head, len(head))) is None
    short = head + b"\x00"
    with pytest.raises(WireError) as caught:
        original_sequence(short, parse_header(short, len(short)))
    assert caught.value.kind == "rtx_short"


def test_an_extension_is_whole_words() -> None:
    with pytest.raises(ValueError, match="words"):
        pack_header(96, 0, 0, 0, extension_profile=0xBEDE, extension=b"abc")
