from __future__ import annotations

import struct

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire import rtcp
from streaming.wire.errors import WireError

STEADY = settings(derandomize=True, deadline=None)
U8, U16, U32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
BLOCKS = st.lists(
    st.builds(rtcp.ReportBlock, U32, U8, st.integers(-(2**23), 2**23 - 1), U32, U32, U32, U32), max_size=31
).map(tuple)
STARTS = (0, 127, 32767, 65534, 65535)


def theirs(block: rtcp.ReportBlock) -> RtcpReceiverInfo:
    return RtcpReceiverInfo(
        block.ssrc,
        block.fraction_lost,
        block.cumulative_lost,
        block.highest_sequence,
        block.jitter,
        block.last_sr,
        block.delay_since_last_sr,
    )


@given(st.builds(rtcp.SenderReport, U32, st.integers(0, 2**64 - 1), U32, U32, U32, BLOCKS), st.text(max_size=20))
@STEADY
def test_sender_report_with_its_cname(report: rtcp.SenderReport, cname: str) -> None:
    packed = rtcp.sender_report(report, cname)
    assert rtcp.parse_compound(packed) == [report]
    sent, described = RtcpPacket.parse(packed)
    info = RtcpSenderInfo(report.ntp, report.rtp_time, report.packets, report.octets)
    assert sent == RtcpSrPacket(report.ssrc, info, [theirs(block) for block in report.blocks])
    assert isinstance(described, RtcpSdesPacket)
    assert [(chunk.ssrc, chunk.items) for chunk in described.chunks] == [(report.ssrc, [(1, cname.encode())])]


@given(U32, BLOCKS)
@STEADY
def test_receiver_report(ssrc: int, blocks: tuple[rtcp.ReportBlock, ...]) -> None:
    packed = rtcp.receiver_report(ssrc, blocks)
    assert rtcp.parse_compound(packed) == [rtcp.ReceiverReport(ssrc, blocks)]
    assert RtcpPacket.parse(packed) == [RtcpRrPacket(ssrc, [theirs(block) for block in blocks])]


def test_cumulative_loss_is_clamped() -> None:
    for lost, written in ((2**24, 2**23 - 1), (-(2**24), -(2**23))):
        (report,) = rtcp.parse_compound(rtcp.receiver_report(1, [rtcp.ReportBlock(2, 255, lost, 0, 0, 0, 0)]))
        assert isinstance(report, rtcp.ReceiverReport)
        assert report.blocks[0].cumulative_lost == written


@pytest.mark.parametrize("start", STARTS)
@given(gaps=st.lists(st.integers(1, 40), max_size=60))
@STEADY
def test_nack_round_trip(start: int, gaps: list[int]) -> None:
    sequences = [start]
    for gap in gaps:
        sequences.append((sequences[-1] + gap) & 0xFFFF)
    packed = rtcp.nack(7, 8, sequences)
    assert rtcp.parse_compound(packed) == [rtcp.Nack(7, 8, sequences)]
    (other,) = RtcpPacket.parse(packed)
    assert isinstance(other, RtcpRtpfbPacket)
    assert [sequence & 0xFFFF for sequence in other.lost] == sequences


def test_nack_mask_across_the_wrap() -> None:
    assert rtcp.nack(1, 2, [65535, 0, 15, 16]).hex() == "81cd00040000000100000002ffff800100100000"


@given(st.lists(U16, min_size=1, max_size=40))
@STEADY
def test_nack_of_any_order_names_all(sequences: list[int]) -> None:
    (parsed,) = rtcp.parse_compound(rtcp.nack(1, 2, sequences))
    assert isinstance(parsed, rtcp.Nack)
    assert set(parsed.sequences) == set(sequences)


def test_keyframe_requests() -> None:
    packed = rtcp.pli(1, 2) + rtcp.fir(1, [(3, 4), (5, 256)])
    assert rtcp.parse_compound(packed) == [rtcp.Pli(1, 2), rtcp.Fir(1, ((3, 4), (5, 0)))]
    assert RtcpPacket.parse(packed) == [
        RtcpPsfbPacket(1, 1, 2),
        RtcpPsfbPacket(4, 1, 0, struct.pack("!IBxxxIBxxx", 3, 4, 5, 0)),
    ]


@given(st.integers(0, 2**40), st.lists(U32, max_size=5))
@STEADY
def test_remb(bitrate_bps: int, ssrcs: list[int]) -> None:
    packed = rtcp.remb(9, bitrate_bps, ssrcs)
    (parsed,) = rtcp.parse_compound(packed)
    assert isinstance(parsed, rtcp.Remb)
    (other,) = RtcpPacket.parse(packed)
    assert isinstance(other, RtcpPsfbPacket)
    assert (parsed.bitrate_bps, list(parsed.ssrcs)) == unpack_remb_fci(other.fci)
    assert parsed.ssrcs == tuple(ssrcs)
    assert bitrate_bps * (1 - 2**-17) <= parsed.bitrate_bps <= bitrate_bps


def test_bye_with_a_reason() -> None:
    bye = bytes(RtcpByePacket([1, 2]))
    reason = b"\x03bye"
    longer = struct.pack("!BBH", 0x82, 203, 3) + bye[4:] + reason
    assert rtcp.parse_compound(bye + longer) == [rtcp.Bye((1, 2)), rtcp.Bye((1, 2))]


@pytest.mark.parametrize(
    "packet",
    [
        rtcp.description(1, "somebody"),
        bytes.fromhex("80cc000100000001"),  # APP
        bytes.fromhex("80cf000100000001"),  # XR
        bytes.fromhex("82cd00020000000100000002"),  # an unknown transport feedback
        bytes.fromhex("82ce00020000000100000002"),  # slice loss indication
        bytes.fromhex("8fce0003000000010000000251524d42"),  # application feedback that is not REMB
    ],
)
def test_what_nobody_needs_is_skipped(packet: bytes) -> None:
    assert rtcp.parse_compound(packet + rtcp.pli(1, 2)) == [rtcp.Pli(1, 2)]


def test_nothing_is_an_empty_compound() -> None:
    assert rtcp.parse_compound(b"") == []


def test_profile_extension_behind_the_blocks() -> None:
    packet = bytes.fromhex("80c9000200000001deadbeef")
    assert rtcp.parse_compound(packet) == [rtcp.ReceiverReport(1, ())]


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (b"\x80", "rtcp_truncated"),
        (bytes.fromhex("40c9000100000001"), "rtcp_version"),
        (bytes.fromhex("80c9000200000001"), "rtcp_truncated"),
        (bytes.fromhex("81c9000100000001"), "rtcp_truncated"),
        (bytes.fromhex("80c8000100000001"), "rtcp_truncated"),
        (bytes.fromhex("82cb000100000001"), "rtcp_truncated"),
        (bytes.fromhex("81ce000100000001"), "rtcp_truncated"),
        (bytes.fromhex("81cd00020000000100000002"), "rtcp_truncated"),
        (bytes.fromhex("84ce0003000000010000000200000003"), "rtcp_truncated"),
        (bytes.fromhex("8fce0003000000010000000252454d42"), "rtcp_truncated"),
        (bytes.fromhex("8fce0004000000010000000252454d4201000000"), "rtcp_truncated"),
        (bytes.fromhex("a0c9000100000000"), "rtcp_padding"),
        (bytes.fromhex("a0c9000100000005"), "rtcp_padding"),
        (bytes.fromhex("a0c90000"), "rtcp_padding"),
        (bytes(2049), "rtcp_long"),
    ],
)
def test_broken(packet: bytes, kind: str) -> None:
    for whole in (packet, memoryview(packet)):
        with pytest.raises(WireError) as caught:
            rtcp.parse_compound(whole)
        assert caught.value.kind == kind


def test_padding_is_no_content() -> None:
    padded = bytes.fromhex("a1cd000400000001000000020005000000000004")
    assert rtcp.parse_compound(padded) == [rtcp.Nack(1, 2, [5])]
