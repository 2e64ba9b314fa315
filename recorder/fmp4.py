"""Fragmented MP4 with one track a file (ISO/IEC 14496-12, CMAF: ISO/IEC 23000-19). Values -> bytes, no state."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from sys import byteorder
from typing import Final, NamedTuple

TRACK_ID: Final = 1
_MATRIX: Final = struct.pack("!9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SYNC: Final = 0x0200_0000
_NOT_SYNC: Final = 0x0101_0000
_DEFAULT_BASE_IS_MOOF: Final = 0x02_0000
_DEFAULT_FLAGS: Final = 0x20
_TRUN: Final = 0x0701  # data offset; duration, size and flags of each sample
_TRUN_COMPOSITION: Final = 0x0800


class Sample(NamedTuple):
    """`duration` and `composition` (shown this much later than decoded) in the track's timescale."""

    data: bytes
    duration: int
    sync: bool = True
    composition: int = 0


def box(kind: bytes, *contents: bytes) -> bytes:
    """ISO/IEC 14496-12 section 4.2."""
    body = b"".join(contents)
    return struct.pack("!I", 8 + len(body)) + kind + body


def full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    return box(kind, struct.pack("!I", version << 24 | flags), *contents)


def video_entry(kind: bytes, width: int, height: int, configuration: bytes) -> bytes:
    """VisualSampleEntry around the codec's configuration box."""
    head = bytes(6) + struct.pack("!H", 1) + bytes(16) + struct.pack("!HHIIIH", width, height, 0x480000, 0x480000, 0, 1)
    return box(kind, head, bytes(32), struct.pack("!Hh", 24, -1), configuration)


def opus_entry() -> bytes:
    """Stereo Opus at 48 kHz (Encapsulation of Opus in ISO Base Media File Format, section 4.3)."""
    head = bytes(6) + struct.pack("!H", 1) + bytes(8) + struct.pack("!HHII", 2, 16, 0, 48_000 << 16)
    specific = struct.pack("!BBHIhB", 0, 2, 0, 48_000, 0, 0)
    return box(b"Opus", head, box(b"dOps", specific))


def initialisation(entry: bytes, timescale: int, width: int = 0, height: int = 0) -> bytes:
    """The boxes ftyp and moov of a track with this sample entry; sound has no size."""
    video = width > 0
    media = full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4))
    kind, name = (b"vide", b"video\0") if video else (b"soun", b"sound\0")
    tables = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack("!I", 1), entry),
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )
    references = box(b"dinf", full_box(b"dref", 0, 0, struct.pack("!I", 1), full_box(b"url ", 0, 1)))
    header = full_box(b"mdhd", 0, 0, struct.pack("!IIIIHH", 0, 0, timescale, 0, 0x55C4, 0))  # language und
    handler = full_box(b"hdlr", 0, 0, bytes(4), kind, bytes(12), name)
    track = box(
        b"trak",
        full_box(
            b"tkhd",
            0,
            7,
            struct.pack("!IIIII", 0, 0, TRACK_ID, 0, 0),
            bytes(8),
            struct.pack("!hhHH", 0, 0, 0 if video else 0x100, 0),
            _MATRIX,
            struct.pack("!II", width << 16, height << 16),
        ),
        box(b"mdia", header, handler, box(b"minf", media, references, tables)),
    )
    movie = full_box(
        b"mvhd",
        0,
        0,
        struct.pack("!IIIIIH", 0, 0, timescale, 0, 0x10000, 0x100),
        bytes(10),
        _MATRIX,
        bytes(24),
        struct.pack("!I", TRACK_ID + 1),
    )
    extends = box(b"mvex", full_box(b"trex", 0, 0, struct.pack("!IIIII", TRACK_ID, 1, 0, 0, 0)))
    return box(b"ftyp", b"iso6", bytes(4), b"iso6cmfcmp41") + box(b"moov", movie, track, extends)


def media_segment(number: int, decode_time: int, samples: Sequence[Sample]) -> bytes:
    """styp, moof and mdat; `decode_time` (tfdt) in the track's timescale."""
    composed = any(sample.composition for sample in samples)
    fields = array("I")
    assert fields.itemsize == 4
    for sample in samples:
        fields.append(sample.duration)
        fields.append(len(sample.data))
        fields.append(_SYNC if sample.sync else _NOT_SYNC)
        if composed:
            fields.append(sample.composition & 0xFFFF_FFFF)
    if byteorder == "little":
        fields.byteswap()
    header = full_box(b"tfhd", 0, _DEFAULT_BASE_IS_MOOF | _DEFAULT_FLAGS, struct.pack("!II", TRACK_ID, _NOT_SYNC))
    time = full_box(b"tfdt", 1, 0, struct.pack("!Q", decode_time))
    sequence = full_box(b"mfhd", 0, 0, struct.pack("!I", number))
    run_bytes = 20 + 4 * len(fields)
    fragment_bytes = 8 + len(sequence) + 8 + len(header) + len(time) + run_bytes
    flags = _TRUN | (_TRUN_COMPOSITION if composed else 0)
    run = full_box(b"trun", 1, flags, struct.pack("!II", len(samples), fragment_bytes + 8), fields.tobytes())
    fragment = box(b"moof", sequence, box(b"traf", header, time, run))
    assert len(fragment) == fragment_bytes
    brands = box(b"styp", b"cmfs", bytes(4), b"cmfsiso6")
    return b"".join((brands, fragment, box(b"mdat", *(sample.data for sample in samples))))
