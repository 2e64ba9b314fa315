"""What a recorder would read from a tap's buffer."""

from __future__ import annotations

from typing import TypeVar

from streaming.tap_buffer import TapBuffer
from streaming.tap_chunks import Chunk
from streaming.tap_records import Record, body_at, decode

_R = TypeVar("_R")


def records_of(chunk: Chunk) -> list[tuple[int, Record]]:
    """Each record with its position."""
    found: list[tuple[int, Record]] = []
    start = 0
    while (read := body_at(chunk.data, start)) is not None:
        body, start = read
        found.append((chunk.position + len(found), decode(bytes(body))))
    assert start == len(chunk.data)
    assert len(found) == chunk.records
    return found


def drained(buffer: TapBuffer) -> list[tuple[int, Record]]:
    """Everything that is to be sent now."""
    return [each for chunk in buffer.chunks() for each in records_of(chunk)]


def of(records: list[tuple[int, Record]], kind: type[_R]) -> list[_R]:
    return [record for _, record in records if isinstance(record, kind)]
