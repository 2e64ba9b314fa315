"""Frames of real encoders as RTP payloads, fragment by fragment as the codec's RFC says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from aiortc.codecs.h264 import H264Encoder

from tests.recorder.encoded import EncodedFrame

SIZE: Final = 1100


def packetize(codec: str, frame: EncodedFrame, picture_id: int, *, temporal: int = -1, back: int = 1) -> list[bytes]:
    """`picture_id` counts the encoding's frames; `temporal` -1: no layers are told; `back`: its reference (VP9)."""
    match codec:
        case "vp9":
            return _vp9(frame, picture_id & 0x7FFF, temporal, back)
        case "vp8":
            return _vp8(frame, picture_id & 0x7FFF)
        case "h264":
            return list(H264Encoder._packetize(H264Encoder._split_bitstream(frame.data)))
        case _:
            return _av1(frame)


def red(packet: bytes, before: Sequence[bytes]) -> bytes:
    """A packet of sound behind the ones `before` it (RFC 2198), 20 ms each."""
    heads = b""
    for back, old in zip(range(len(before), 0, -1), before, strict=True):
        heads += bytes((0x80 | 111,)) + ((back * 960) << 10 | len(old)).to_bytes(3, "big")
    return heads + bytes((111,)) + b"".join(before) + packet


def _chunks(data: bytes, size: int = SIZE) -> Iterator[tuple[bytes, bool, bool]]:
    """(bytes, first, last)."""
    for start in range(0, len(data), size):
        yield data[start : start + size], start == 0, start + size >= len(data)


def _vp9(frame: EncodedFrame, picture_id: int, temporal: int, back: int) -> list[bytes]:
    """Flexible mode (RFC 9628): I, P, L, F."""
    payloads = []
    for data, first, last in _chunks(frame.data):
        flags = 0x90 | (0x40 if not frame.keyframe else 0) | (0x20 if temporal >= 0 else 0)
        flags |= (8 if first else 0) | (4 if last else 0)
        head = bytes((flags,)) + (0x8000 | picture_id).to_bytes(2, "big")
        if temporal >= 0:
            head += bytes((temporal << 5,))
        if not frame.keyframe:
            head += bytes((back << 1,))
        payloads.append(head + data)
    return payloads


def _vp8(frame: EncodedFrame, picture_id: int) -> list[bytes]:
    return [
        bytes((0x80 | (0x10 if first else 0), 0x80)) + (0x8000 | picture_id).to_bytes(2, "big") + data
        for data, first, _ in _chunks(frame.data)
    ]


def _av1(frame: EncodedFrame) -> list[bytes]:
    """Every OBU without its size; a length before each (W = 0), an OBU that does not fit goes on in the next packet."""
    payloads: list[bytes] = []
    body, continued = b"", False
    for obu in _obus(frame.data):
        unit = obu
        while unit:
            room = SIZE - len(body)
            if room < 10:
                payloads.append(_aggregation(frame, payloads, continued, False) + body)
                body, continued, room = b"", False, SIZE
            piece, unit = unit[: room - 3], unit[room - 3 :]
            body += _leb128(len(piece)) + piece
            if unit:
                payloads.append(_aggregation(frame, payloads, continued, True) + body)
                body, continued = b"", True
    payloads.append(_aggregation(frame, payloads, continued, False) + body)
    return payloads


def _aggregation(frame: EncodedFrame, before: list[bytes], continued: bool, goes_on: bool) -> bytes:
    new = frame.keyframe and not before
    return bytes((continued << 7 | goes_on << 6 | new << 3,))


def _obus(data: bytes) -> Iterator[bytes]:
    """OBUs without size; temporal delimiters left out, as the RTP format wants."""
    position = 0
    while position < len(data):
        header = data[position]
        start = position + (2 if header & 4 else 1)
        length, shift, at = 0, 0, start
        while True:
            length |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                break
        if header >> 3 & 15 != 2:
            yield bytes((header & ~2,)) + data[position + 1 : start] + data[at : at + length]
        position = at + length


def _leb128(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))
