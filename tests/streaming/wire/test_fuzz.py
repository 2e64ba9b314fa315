"""Every parser against noise and against damaged valid packets: nothing but `WireError` comes out, and soon."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire import extensions, rtcp, rtp
from streaming.wire.codecs import CODECS
from streaming.wire.errors import WireError

QUICK = settings(derandomize=True, deadline=None, max_examples=250)
SLOWEST_S = 0.05


def parse_rtp(data: bytes) -> None:
    header = rtp.parse_header(data, len(data))
    assert 12 <= header.payload_start <= header.payload_end <= len(data)
    assert 12 <= header.extension_start <= header.extension_end <= header.payload_start
    rtp.original_sequence(data, header)
    for offset, length in extensions.find(data, header).values():
        assert header.extension_start <= offset <= offset + length <= header.extension_end
        for reader in (extensions.read_text, extensions.read_u16, extensions.read_u24, extensions.read_audio_level):
            try:
                reader(data, offset, length)
            except WireError:
                continue


def parse_payload(codec: str) -> Callable[[bytes], None]:
    def parse(data: bytes) -> None:
        # as in a slab: other bytes lie before and behind the packet
        for new_timestamp in (True, False):
            found = CODECS[codec](memoryview(b"\xaa" * 8 + data + b"\xff" * 8), 8, 8 + len(data), new_timestamp)
            assert found == CODECS[codec](b"\xaa" * 8 + data, 8, 8 + len(data), new_timestamp)
            assert not found.keyframe or found.begin_of_frame
            for offset in (found.picture_id_offset, found.tl0picidx_offset):
                assert offset == -1 or 8 <= offset < 8 + len(data)

    return parse


def parse_rtcp(data: bytes) -> None:
    rtcp.parse_compound(data)


_BLOCK = rtcp.ReportBlock(1, 2, 3, 4, 5, 6, 7)
RTCP_SAMPLES = [
    rtcp.sender_report(rtcp.SenderReport(1, 2, 3, 4, 5, (_BLOCK,)), "cname"),
    rtcp.receiver_report(1, [_BLOCK, _BLOCK]),
    rtcp.nack(1, 2, [65530, 1, 2, 500]),
    rtcp.pli(1, 2) + rtcp.fir(1, [(2, 3)]),
    rtcp.remb(1, 500_000, [1, 2, 3]),
    *rtcp.transport_feedback(1, 2, 65530, 3, [(65530, 0), (65531, 4), (2, 3000), (3, 2999), (60, 4000)]),
    bytes.fromhex("82cb00020000000100000002"),
]
RTP_SAMPLES = [
    rtp.pack_header(96, 1, 2, 3) + b"payload",
    rtp.pack_header(
        96, 1, 2, 3, padded=True, csrcs=[1, 2], extension_profile=0xBEDE, extension=b"\x31\x00\x01\x10a\x52abc\0\0\0"
    )
    + b"payload\x00\x02",
    rtp.pack_header(96, 1, 2, 3, extension_profile=0x1000, extension=b"\x01\x02ab\x02\x00\x00\x00"),
]
PAYLOAD_SAMPLES = {
    "VP8": ["90f0 9234 09 a5 50 6101 9d012a 8002 6801", "10 01"],
    "VP9": [
        "ea 9234 50 09 38 0140 00b4 0280 0168 02 00 28 01 02 82498342001df00ef0",
        "f8 7f 23 03 05 06 00",
        "8c 8001 82 49 83 42 00 1df0 0ef0 00",
    ],
    "H264": [
        "78 0010 6764001facd940500 5bb011000000300 0004 68ce3c80 0002 6588",
        "7c85 88 44",
        "6742c01fd900a047fe88",
        "419a",
    ],
    "AV1": ["28 0b 0a0b000000243a7fe2fbda42 3200", "10 30 01", "90 01 02"],
}

PARSERS: list[tuple[str, Callable[[bytes], None], list[bytes]]] = [
    ("rtp", parse_rtp, RTP_SAMPLES),
    ("rtcp", parse_rtcp, RTCP_SAMPLES),
]
PARSERS += [
    (codec, parse_payload(codec), [bytes.fromhex(sample.replace(" ", "")) for sample in samples])
    for codec, samples in PAYLOAD_SAMPLES.items()
]


@pytest.mark.parametrize(("parse", "samples"), [row[1:] for row in PARSERS], ids=[row[0] for row in PARSERS])
def test_samples_are_valid(parse: Callable[[bytes], None], samples: list[bytes]) -> None:
    for sample in samples:
        parse(sample)


@pytest.mark.parametrize(("parse", "samples"), [row[1:] for row in PARSERS], ids=[row[0] for row in PARSERS])
@given(data=st.data())
@QUICK
def test_noise_and_damage(parse: Callable[[bytes], None], samples: list[bytes], data: st.DataObject) -> None:
    packet = bytearray(data.draw(st.sampled_from(samples) | st.binary(max_size=120)))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(packet)))
        kind = data.draw(st.sampled_from(["replace", "insert", "cut", "repeat"]))
        if kind == "replace":
            packet[place : place + 1] = data.draw(st.binary(min_size=1, max_size=2))
        elif kind == "insert":
            packet[place:place] = data.draw(st.binary(min_size=1, max_size=4))
        elif kind == "cut":
            del packet[place:]
        else:
            packet += packet[place:]
    try:
        parse(bytes(packet))
    except WireError as wrong:
        assert wrong.kind  # noqa: PT017 (most inputs are valid or not as it happens)


def worst_inputs() -> list[tuple[str, Callable[[bytes], None], bytes]]:
    """Inputs that ask for the most work in the fewest bytes."""
    words = rtcp.MAX_COMPOUND_BYTES // 4
    head = bytes.fromhex("00000001 00000002")

    def filled(first: int, packet_type: int, body: bytes, filler: bytes) -> bytes:
        body += filler * rtcp.MAX_COMPOUND_BYTES
        return bytes([first, packet_type]) + (words - 1).to_bytes(2, "big") + body[: 4 * (words - 1)]

    statuses = bytes.fromhex("0000ffff 00000000")
    inputs: list[tuple[str, Callable[[bytes], None], bytes]] = [
        ("nack", parse_rtcp, filled(0x81, 205, head, b"\x00\x01\xff\xff")),
        ("feedback of empty runs", parse_rtcp, filled(0x8F, 205, head + statuses, b"\x00\x00")),
        ("feedback of missing runs", parse_rtcp, filled(0x8F, 205, head + statuses, b"\x1f\xff")),
        ("feedback of received runs", parse_rtcp, filled(0x8F, 205, head + statuses + b"\x27\x00", b"\x00")),
        ("feedback of vectors", parse_rtcp, filled(0x8F, 205, head + b"\x00\x00\x12\x00" + bytes(4), b"\xda\x96")),
        ("tiny packets", parse_rtcp, b"\x80\xca\x00\x00" * words),
        ("extensions", parse_rtp, rtp.pack_header(1, 1, 1, 1, extension_profile=0x1000, extension=b"\x01\x00" * 700)),
    ]
    for codec in CODECS:
        for filler in (b"\x00", b"\xff", b"\x78\x00\x01", b"\x67\x00"):
            payload = b"\x78" + filler * (1400 // len(filler))
            inputs.append((f"{codec} of {filler.hex()}", parse_payload(codec), payload))
    return inputs


@pytest.mark.parametrize(
    ("parse", "packet"), [row[1:] for row in worst_inputs()], ids=[row[0] for row in worst_inputs()]
)
def test_no_input_takes_long(parse: Callable[[bytes], None], packet: bytes) -> None:
    def cpu_s() -> float:
        begun = time.thread_time()
        with contextlib.suppress(WireError):
            parse(packet)
        return time.thread_time() - begun

    assert min(cpu_s() for _ in range(3)) < SLOWEST_S
