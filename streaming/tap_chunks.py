"""What goes over the tap's socket. Bytes <-> values, no state.

The media process sends *chunks*: some records of one recording, framed as in `tap_records`, behind the position of the
first. Positions count a stream's records from 0; a stream is one recording in one epoch (`StateRecord.epoch`). The
recorder sends *lines* of JSON, `Positions`: the first line of a connection says where each stream goes on, every later
one acknowledges what is on its disk. Numbers are big-endian.
"""

from __future__ import annotations

import struct
from struct import Struct
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streaming.tap_records import BODY_MAX_BYTES, FRAME_BYTES
from streaming.wire.buffer import Buffer
from streaming.wire.errors import WireError

_CHUNK: Final = Struct("!IQIBB")
BLOCK_BYTES: Final = 64 * 1024
"""A chunk is sent once it holds so much, or sooner."""
NAME_MAX_BYTES: Final = 64
CHUNK_MAX_BYTES: Final = BLOCK_BYTES + FRAME_BYTES + BODY_MAX_BYTES + 2 * NAME_MAX_BYTES + _CHUNK.size
LINE_MAX_BYTES: Final = 1 << 20


class Chunk(NamedTuple):
    """So many framed `records` in `data`, the first of them at `position`."""

    recording_id: str
    epoch: str
    position: int
    records: int
    data: Buffer


class Positions(BaseModel):
    """By epoch: every record of the stream before this position is on the recorder's disk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    positions: dict[str, Annotated[int, Field(ge=0)]]


def encode_chunk(chunk: Chunk) -> bytes:
    """Raises ValueError for names that are too long."""
    recording, epoch = chunk.recording_id.encode(), chunk.epoch.encode()
    if max(len(recording), len(epoch)) > NAME_MAX_BYTES:
        raise ValueError("the name of a recording is too long")
    size = _CHUNK.size - 4 + len(recording) + len(epoch) + len(chunk.data)
    head = _CHUNK.pack(size, chunk.position, chunk.records, len(recording), len(epoch))
    return b"".join((head, recording, epoch, chunk.data))


def chunk_at(data: Buffer, start: int) -> tuple[Chunk, int] | None:
    """The chunk that begins at `start` and where the next one does; None where `data` ends too early. The chunk's data
    stay a view. Raises `WireError("chunk_bad")`; what follows cannot be read then."""
    view = memoryview(data)
    try:
        size, position, count, recording, epoch = _CHUNK.unpack_from(view, start)
    except struct.error:
        return None
    if not recording + epoch + _CHUNK.size - 4 <= size <= CHUNK_MAX_BYTES:
        raise WireError("chunk_bad")
    end = start + 4 + size
    if end > len(view):
        return None
    names = start + _CHUNK.size
    body = names + recording + epoch
    try:
        recording_id = bytes(view[names : names + recording]).decode()
        epoch_id = bytes(view[names + recording : body]).decode()
    except UnicodeDecodeError as error:
        raise WireError("chunk_bad") from error
    return Chunk(recording_id, epoch_id, position, count, view[body:end]), end


def encode_positions(positions: Positions) -> bytes:
    return positions.model_dump_json().encode() + b"\n"


def decode_positions(line: Buffer) -> Positions:
    """Raises `WireError("positions_bad")`."""
    try:
        return Positions.model_validate_json(bytes(line))
    except ValidationError as error:
        raise WireError("positions_bad") from error
