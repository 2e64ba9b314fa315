"""Records: what the tap of a recorded room hands to the recorder, and what a spool holds. Bytes <-> values, no state.

A record is framed alike on the socket and on the disk: length of the body (u32), CRC-32 of the body (u32), body; all
numbers are big-endian. The body's first byte is its kind. Times `t` are seconds of the media process's monotonic clock.
A packet's payload is what the publisher sent in it, codec descriptor included; `rtp_time` and picture ids are on the
UpTrack's common timeline, so that all encodings of a track share one clock.
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum, StrEnum
from struct import Struct
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from streaming.control import Slot, Source
from streaming.wire.buffer import Buffer
from streaming.wire.errors import WireError

BODY_MAX_BYTES: Final = 16 * 1024
MARKER: Final = 1
KEYFRAME: Final = 2
LATE: Final = 4
FRAME: Final = Struct("!II")
"""Length and CRC-32 of a body."""
FRAME_BYTES: Final = FRAME.size
_PACKET: Final = Struct("!BHBBIId")
_CLOCK: Final = Struct("!BHQId")
_ENDED: Final = Struct("!BHd")
_LOST: Final = Struct("!BId")


class Kind(IntEnum):
    STATE = 1
    TRACK = 2
    PACKET = 3
    CLOCK = 4
    ENDED = 5
    LOST = 6


_PACKET_KIND: Final = int(Kind.PACKET)


class RecordingState(StrEnum):
    """`PAUSED`: nothing is recorded, and recorded time stands still."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class StateRecord(BaseModel):
    """The first record of a stream, and each change of state. `wall` is Unix time at `t`; `epoch` names the life of the
    media process that writes, whose monotonic clock says nothing about that of another life."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recording_id: str
    lesson_id: str
    epoch: str
    state: RecordingState
    t: float
    wall: float


class TrackRecord(BaseModel):
    """A track of the room begins, or its codec has changed; `track` numbers it from now on. `rids`: its encodings,
    lowest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    track: int
    slot: Slot
    peer_id: str
    source: Source
    codec: str
    profile: str
    rids: tuple[str, ...]
    t: float


class PacketRecord(NamedTuple):
    """One packet. `number` is the encoding's unwrapped sequence number modulo 2^32, closed over packets that carried no
    media (padding, a muted source), so that a missing number is a lost packet; `flags`: MARKER, KEYFRAME (the
    packet begins one), LATE (behind a higher number)."""

    track: int
    encoding: int
    flags: int
    number: int
    rtp_time: int
    t: float
    payload: Buffer


class ClockRecord(NamedTuple):
    """A sender report of the track's publisher: NTP time (32.32) of `rtp_time` on the common timeline, received at
    `t`."""

    track: int
    ntp: int
    rtp_time: int
    t: float


class EndedRecord(NamedTuple):
    """The track's publisher has gone, or its slot shows something else."""

    track: int
    t: float


class LostRecord(NamedTuple):
    """So many records were dropped here, since nobody took them in time."""

    records: int
    t: float


Record = StateRecord | TrackRecord | PacketRecord | ClockRecord | EndedRecord | LostRecord


def frame(body: bytes) -> bytes:
    """The body with its length and checksum."""
    return FRAME.pack(len(body), zlib.crc32(body)) + body


def encode_packet(
    track: int, encoding: int, flags: int, number: int, rtp_time: int, t: float, payload: Buffer
) -> bytes:
    """The body of a `PacketRecord`, which comes for every packet and is spared the making of one."""
    return _PACKET.pack(_PACKET_KIND, track, encoding, flags, number & 0xFFFF_FFFF, rtp_time, t) + bytes(payload)


def encode(record: Record) -> bytes:
    """A record's body."""
    match record:
        case PacketRecord():
            return encode_packet(*record)
        case ClockRecord(track, ntp, rtp_time, t):
            return _CLOCK.pack(Kind.CLOCK, track, ntp, rtp_time, t)
        case EndedRecord(track, t):
            return _ENDED.pack(Kind.ENDED, track, t)
        case LostRecord(records, t):
            return _LOST.pack(Kind.LOST, records, t)
        case StateRecord():
            return bytes([Kind.STATE]) + record.model_dump_json().encode()
        case TrackRecord():
            return bytes([Kind.TRACK]) + record.model_dump_json().encode()


def decode(body: Buffer) -> Record:
    """Raises `WireError`: record_short, record_kind or record_bad. A packet's payload stays a view into `body`."""
    view = memoryview(body)
    if not view:
        raise WireError("record_short")
    try:
        match view[0]:
            case Kind.PACKET:
                _, track, encoding, flags, number, rtp_time, t = _PACKET.unpack_from(view)
                return PacketRecord(track, encoding, flags, number, rtp_time, t, view[_PACKET.size :])
            case Kind.CLOCK:
                return ClockRecord(*_CLOCK.unpack_from(view)[1:])
            case Kind.ENDED:
                return EndedRecord(*_ENDED.unpack_from(view)[1:])
            case Kind.LOST:
                return LostRecord(*_LOST.unpack_from(view)[1:])
            case Kind.STATE:
                return StateRecord.model_validate_json(bytes(view[1:]))
            case Kind.TRACK:
                return TrackRecord.model_validate_json(bytes(view[1:]))
    except ValidationError as error:
        raise WireError("record_bad") from error
    except struct.error as error:
        raise WireError("record_short") from error
    raise WireError("record_kind")


def body_at(data: Buffer, start: int) -> tuple[memoryview, int] | None:
    """The framed body that begins at `start` and where the next one does; None where `data` ends too early.

    Raises `WireError`: record_length or record_checksum; what follows cannot be read then.
    """
    view = memoryview(data)
    if start + FRAME_BYTES > len(view):
        return None
    length, checksum = FRAME.unpack_from(view, start)
    if not 0 < length <= BODY_MAX_BYTES:
        raise WireError("record_length")
    end = start + FRAME_BYTES + length
    if end > len(view):
        return None
    body = view[start + FRAME_BYTES : end]
    if zlib.crc32(body) != checksum:
        raise WireError("record_checksum")
    return body, end
