"""Progress: how far a recording is. The assembler's state with what the recorder itself must remember of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from archive.media import Made
from recorder.errors import RecorderError
from streaming.tap_records import Record, RecordingState, StateRecord


class Assembler(Protocol):
    """Turns a recording's records into pieces of media, without I/O. A new one given `state()` must be fed again from
    `replay_from` on; it leaves out what it does not need of that."""

    @property
    def replay_from(self) -> int: ...

    def take(self, record: Record, position: int) -> list[Made]: ...

    def finish(self) -> list[Made]: ...

    def state(self) -> bytes: ...


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    replay_from: int
    duration_s: float
    last_wall: float
    finished: bool


@dataclass(slots=True)
class Progress:
    """`duration_s`: recorded time so far; `last_wall`: Unix time of the last record; `finished`: every piece
    is made."""

    duration_s: float = 0.0
    last_wall: float = 0.0
    finished: bool = False
    ended: bool = False
    """The last state that was read is the end."""
    replay_from: int = 0
    assembler_state: bytes | None = None
    _at: tuple[float, float] = field(default=(0.0, 0.0))

    def saw(self, record: Record) -> None:
        if isinstance(record, StateRecord):
            self._at = (record.t, record.wall)
            self.last_wall = max(self.last_wall, record.wall)
            self.ended = record.state is RecordingState.ENDED
        elif self._at[1]:
            self.last_wall = max(self.last_wall, self._at[1] + record.t - self._at[0])

    def encode(self) -> bytes:
        head = _Head(
            replay_from=self.replay_from,
            duration_s=self.duration_s,
            last_wall=self.last_wall,
            finished=self.finished,
        )
        return head.model_dump_json().encode() + b"\n" + (self.assembler_state or b"")

    @classmethod
    def decode(cls, state: bytes) -> Progress:
        """Raises `RecorderError`."""
        line, _, assembler = state.partition(b"\n")
        try:
            head = _Head.model_validate_json(line)
        except ValidationError as error:
            raise RecorderError("a recording's checkpoint cannot be read") from error
        return cls(
            duration_s=head.duration_s,
            last_wall=head.last_wall,
            finished=head.finished,
            replay_from=head.replay_from,
            assembler_state=assembler,
        )
