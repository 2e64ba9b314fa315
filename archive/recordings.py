"""Recordings as rows: what the recorder writes while a lesson runs, and what replay reads.

An object is stored first, its row written afterwards: a row never names an object that is not there. `now` and all
`…_at` are Unix time in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from archive.media import Gap, Init, Segment
from archive.store import ObjectInfo


@dataclass(frozen=True, slots=True)
class Stored:
    """A piece and the object that holds it."""

    piece: Init | Segment
    object: ObjectInfo


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the recorder is with a recording: an opaque state from which it can go on after a crash."""

    recording_id: str
    state: bytes


class RecordingLog(Protocol):
    """What the recorder needs of the catalog. Every method is idempotent, and raises `ArchiveError`."""

    async def begin(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        """The recording's row, titled as its lesson."""

    async def add(self, checkpoint: Checkpoint, pieces: Sequence[Stored], gaps: Sequence[Gap]) -> None:
        """All rows and the checkpoint in one transaction."""

    async def checkpoint(self, recording_id: str) -> Checkpoint | None: ...

    async def finish(self, recording_id: str, ended_at: float, duration_s: float) -> None:
        """Everything is stored: the recording can be replayed from beginning to end."""

    async def unfinished(self) -> list[str]:
        """Recordings that were begun and not finished."""
