"""RTCP packets <-> values (RFC 3550 section 6, RFC 4585, RFC 5104, draft-alvestrand-rmcat-remb, feedback.py).

Reduced-size packets (RFC 5506) are welcome; types nobody here needs (SDES, APP, XR …) are skipped over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, TypeAlias

from streaming.wire.buffer import Buffer
from streaming.wire.errors import WireError
from streaming.wire.feedback import build_fcis

MAX_COMPOUND_BYTES: Final = 2048
"""More than a datagram carries on any real path; bounds the work that one input can cause."""

MAX_FEEDBACK_BYTES: Final = 1200
"""What each transport-wide feedback packet of ours keeps within."""

_SENDER_REPORT, _RECEIVER_REPORT, _SDES, _BYE, _TRANSPORT, _PAYLOAD = 200, 201, 202, 203, 205, 206
_FEEDBACK_TYPES = frozenset((_TRANSPORT, _PAYLOAD))
_NACK, _TRANSPORT_WIDE = 1, 15  # feedback message types of _TRANSPORT
_PLI, _FIR, _APPLICATION = 1, 4, 15  # and of _PAYLOAD
_SDES_CNAME = 1
_FEEDBACK_HEAD_BYTES = 12  # packet header and the two SSRCs

_HEAD = Struct("!BBH")
_U16_PAIR = Struct("!HH")
_SSRC = Struct("!I")
_SSRC_PAIR = Struct("!II")
_SENDER_INFO = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_FIR_ENTRY = Struct("!IBxxx")
_REMB = Struct("!4sBBH")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """`fraction_lost` in 1/256; `cumulative_lost` signed 24 bits; `jitter` in RTP units; `last_sr` the middle 32 bits
    of an NTP time; `delay_since_last_sr` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """`ntp` is the 64-bit NTP time at which the stream's clock shows `rtp_time`."""

    ssrc: int
    ntp: int
    rtp_time: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Generic NACK with its bit masks spelt out; numbers may repeat when the peer repeats them."""

    sender_ssrc: int
    media_ssrc: int
    sequences: list[int]


@dataclass(frozen=True, slots=True)
class Pli:
    sender_ssrc: int
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class Fir:
    """`entries`: (media SSRC, command number); a repeated number repeats the same request."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Remb:
    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """`packet` is the whole RTCP packet, for `feedback.parse_reports`, which reads many at once."""

    sender_ssrc: int
    media_ssrc: int
    packet: bytes


RtcpPacket: TypeAlias = SenderReport | ReceiverReport | Bye | Nack | Pli | Fir | Remb | TransportFeedback


# ---------------------------------------------------------------- bytes -> values


def parse_compound(data: Buffer) -> list[RtcpPacket]:
    """All packets of a compound in order; one broken packet refuses the whole compound.

    Raises `WireError`: rtcp_long, rtcp_version, rtcp_padding, rtcp_truncated (a length beyond the input, or a body
    shorter than its counts say). What a transport-wide feedback says is not looked at.
    """
    length = len(data)
    if length > MAX_COMPOUND_BYTES:
        raise WireError("rtcp_long")
    packets: list[RtcpPacket] = []
    position = 0
    while position < length:
        if position + 4 > length:
            raise WireError("rtcp_truncated")
        first, packet_type, words = _HEAD.unpack_from(data, position)
        if first >> 6 != 2:
            raise WireError("rtcp_version")
        start = position + 4
        position = end = start + 4 * words
        if end > length:
            raise WireError("rtcp_truncated")
        if first & 0x20:
            padding = data[end - 1]
            if padding == 0 or padding > end - start:
                raise WireError("rtcp_padding")
            end -= padding
        packet = _parse_packet(packet_type, first & 0x1F, data, start, end)
        if packet is not None:
            packets.append(packet)
    return packets


def is_sole_feedback(data: Buffer) -> bool:
    """Whether a packet is one transport-wide feedback and nothing else, as nearly all of a browser's are."""
    if len(data) < _FEEDBACK_HEAD_BYTES or data[1] != _TRANSPORT or data[0] & 0xDF != 0x80 | _TRANSPORT_WIDE:
        return False
    return len(data) == 4 + 4 * (data[2] << 8 | data[3])


def _parse_packet(packet_type: int, count: int, data: Buffer, start: int, end: int) -> RtcpPacket | None:
    if packet_type in _FEEDBACK_TYPES:
        return _parse_feedback(packet_type, count, data, start, end)
    if packet_type == _RECEIVER_REPORT:
        _need(4 + 24 * count, start, end)
        return ReceiverReport(_SSRC.unpack_from(data, start)[0], _read_blocks(data, start + 4, count))
    if packet_type == _SENDER_REPORT:
        _need(24 + 24 * count, start, end)
        ssrc, ntp, rtp_time, packets, octets = _SENDER_INFO.unpack_from(data, start)
        return SenderReport(ssrc, ntp, rtp_time, packets, octets, _read_blocks(data, start + 24, count))
    if packet_type == _BYE:
        _need(4 * count, start, end)
        return Bye(tuple(_SSRC.unpack_from(data, start + 4 * index)[0] for index in range(count)))
    return None


def _parse_feedback(packet_type: int, kind: int, data: Buffer, start: int, end: int) -> RtcpPacket | None:
    """RFC 4585 section 6.1: `kind` is the FMT field."""
    _need(8, start, end)
    sender_ssrc, media_ssrc = _SSRC_PAIR.unpack_from(data, start)
    start += 8
    if packet_type == _TRANSPORT:
        if kind == _TRANSPORT_WIDE:
            return TransportFeedback(sender_ssrc, media_ssrc, _whole(data, start - _FEEDBACK_HEAD_BYTES))
        return Nack(sender_ssrc, media_ssrc, _read_nack(data, start, end)) if kind == _NACK else None
    if kind == _PLI:
        return Pli(sender_ssrc, media_ssrc)
    if kind == _FIR:
        return Fir(sender_ssrc, _read_fir(data, start, end))
    return _read_remb(sender_ssrc, data, start, end) if kind == _APPLICATION else None


def _whole(data: Buffer, head: int) -> bytes:
    """The packet at `head`, with its padding."""
    _, _, words = _HEAD.unpack_from(data, head)
    return bytes(data[head : head + 4 + 4 * words])


def _need(length: int, start: int, end: int) -> None:
    if end - start < length:
        raise WireError("rtcp_truncated")


def _read_blocks(data: Buffer, start: int, count: int) -> tuple[ReportBlock, ...]:
    return tuple(_read_block(data, start + 24 * index) for index in range(count))


def _read_block(data: Buffer, start: int) -> ReportBlock:
    ssrc, lost, highest_sequence, jitter, last_sr, delay = _BLOCK.unpack_from(data, start)
    cumulative_lost = ((lost & 0xFFFFFF) ^ 0x800000) - 0x800000  # sign of 24 bits
    return ReportBlock(ssrc, lost >> 24, cumulative_lost, highest_sequence, jitter, last_sr, delay)


def _read_nack(data: Buffer, start: int, end: int) -> list[int]:
    """RFC 4585 section 6.2.1: a number and a mask of the sixteen behind it."""
    if start == end or (end - start) % 4:
        raise WireError("rtcp_truncated")
    sequences = []
    for place in range(start, end, 4):
        sequence, mask = _U16_PAIR.unpack_from(data, place)
        sequences.append(sequence)
        while mask:
            sequence += 1
            if mask & 1:
                sequences.append(sequence & 0xFFFF)
            mask >>= 1
    return sequences


def _read_fir(data: Buffer, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """RFC 5104 section 4.3.1."""
    if start == end or (end - start) % 8:
        raise WireError("rtcp_truncated")
    return tuple(_FIR_ENTRY.unpack_from(data, place) for place in range(start, end, 8))


def _read_remb(sender_ssrc: int, data: Buffer, start: int, end: int) -> Remb | None:
    """draft-alvestrand-rmcat-remb-03 section 2.2; other application-layer feedback is skipped."""
    if data[start : min(start + 4, end)] != b"REMB":
        return None
    _need(8, start, end)
    _, count, scale, low = _REMB.unpack_from(data, start)
    _need(8 + 4 * count, start, end)
    bitrate_bps = ((scale & 3) << 16 | low) << (scale >> 2)
    ssrcs = tuple(_SSRC.unpack_from(data, start + 8 + 4 * index)[0] for index in range(count))
    return Remb(sender_ssrc, bitrate_bps, ssrcs)


# ---------------------------------------------------------------- values -> bytes


def _pack(packet_type: int, count: int, body: bytes) -> bytes:
    """A packet of a body of any length: padded to whole words where needed, which only a compound's last may be."""
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes((padding,))
    return _HEAD.pack(0x80 | (padding > 0) << 5 | count, packet_type, len(body) // 4) + body


def _pack_block(block: ReportBlock) -> bytes:
    lost = max(-0x800000, min(block.cumulative_lost, 0x7FFFFF)) & 0xFFFFFF  # RFC 3550 section 6.4.1: clamped
    return _BLOCK.pack(
        block.ssrc,
        block.fraction_lost << 24 | lost,
        block.highest_sequence,
        block.jitter,
        block.last_sr,
        block.delay_since_last_sr,
    )


def sender_report(report: SenderReport, cname: str) -> bytes:
    """A compound of the report and the SDES CNAME that names its source."""
    info = _SENDER_INFO.pack(report.ssrc, report.ntp, report.rtp_time, report.packets, report.octets)
    body = info + b"".join(map(_pack_block, report.blocks))
    return _pack(_SENDER_REPORT, len(report.blocks), body) + description(report.ssrc, cname)


def description(ssrc: int, cname: str) -> bytes:
    """SDES with the CNAME (RFC 3550 section 6.5.1), at most 255 bytes of UTF-8."""
    name = cname.encode()
    chunk = _SSRC.pack(ssrc) + bytes((_SDES_CNAME, len(name))) + name
    return _pack(_SDES, 1, chunk + bytes(4 - len(chunk) % 4))  # the list of items ends with one to four zeros


def receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """At most 31 blocks; without any, it only says that `ssrc` is there."""
    return _pack(_RECEIVER_REPORT, len(blocks), _SSRC.pack(ssrc) + b"".join(map(_pack_block, blocks)))


def nack(sender_ssrc: int, media_ssrc: int, sequences: Sequence[int]) -> bytes:
    """Generic NACK for one or more numbers, shortest when they ascend modulo 2**16."""
    pairs: list[list[int]] = []
    for sequence in sequences:
        ahead = (sequence - pairs[-1][0]) & 0xFFFF if pairs else 0x10000
        if ahead == 0:
            continue
        if ahead <= 16:
            pairs[-1][1] |= 1 << (ahead - 1)
        else:
            pairs.append([sequence & 0xFFFF, 0])
    body = b"".join(_U16_PAIR.pack(sequence, mask) for sequence, mask in pairs)
    return _pack(_TRANSPORT, _NACK, _SSRC_PAIR.pack(sender_ssrc, media_ssrc) + body)


def pli(sender_ssrc: int, media_ssrc: int) -> bytes:
    """Picture loss indication: a request for a keyframe (RFC 4585 section 6.3.1)."""
    return _pack(_PAYLOAD, _PLI, _SSRC_PAIR.pack(sender_ssrc, media_ssrc))


def fir(sender_ssrc: int, entries: Iterable[tuple[int, int]]) -> bytes:
    """Full intra request for (media SSRC, command number) pairs (RFC 5104 section 4.3.1)."""
    body = b"".join(_FIR_ENTRY.pack(ssrc, number & 0xFF) for ssrc, number in entries)
    return _pack(_PAYLOAD, _FIR, _SSRC_PAIR.pack(sender_ssrc, 0) + body)


def remb(sender_ssrc: int, bitrate_bps: int, ssrcs: Sequence[int]) -> bytes:
    """Receiver's estimate for all of `ssrcs` together, rounded down to 18 significant bits."""
    exponent = max(0, bitrate_bps.bit_length() - 18)
    mantissa = bitrate_bps >> exponent
    body = _REMB.pack(b"REMB", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    body += b"".join(map(_SSRC.pack, ssrcs))
    return _pack(_PAYLOAD, _APPLICATION, _SSRC_PAIR.pack(sender_ssrc, 0) + body)


def transport_feedback(
    sender_ssrc: int,
    media_ssrc: int,
    base_sequence: int,
    feedback_count: int,
    arrivals: Iterable[tuple[int, int]],
) -> list[bytes]:
    """Transport-wide feedback about (sequence number, arrival in 250 µs ticks) pairs, see `feedback.build_fcis`.

    The reference time follows from the first arrival. Usually one packet, each of `MAX_FEEDBACK_BYTES` at most; the
    feedback count to go on with is `feedback_count` plus how many there are. No arrivals, no packet.
    """
    head = _SSRC_PAIR.pack(sender_ssrc, media_ssrc)
    # three bytes may be added to fill the last word
    fcis = build_fcis(base_sequence, feedback_count, arrivals, MAX_FEEDBACK_BYTES - _FEEDBACK_HEAD_BYTES - 3)
    return [_pack(_TRANSPORT, _TRANSPORT_WIDE, head + fci) for fci in fcis]
