"""What flows between the recorder's cores: parts of frames, and frames.

A part knows its record's position in the spool. The recorder's state names positions only; payloads are filled in again
when those records are fed after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(slots=True)
class Part:
    """One packet's payload, or a piece of it: `offset` is where the codec's own data begin, `end` where they end (0:
    with the payload)."""

    position: int
    offset: int = 0
    end: int = 0
    payload: Annotated[bytes, Field(exclude=True)] = b""

    @property
    def data(self) -> bytes:
        return self.payload[self.offset : self.end or None]


@dataclass(slots=True)
class Packet:
    """A part on its way through the reordering. `t`: when it arrived."""

    part: Part
    rtp_time: int
    marker: bool
    t: float


@dataclass(slots=True)
class Frame:
    """A picture that can be decoded, or a packet of sound. `ticks`: its RTP time, which never wraps.

    `after_loss`: something before it could not be kept. `duration` is that of sound, in ticks.
    """

    ticks: int
    t: float
    parts: list[Part]
    keyframe: bool = False
    after_loss: bool = False
    duration: int = 0

    @property
    def complete(self) -> bool:
        """False where the spool could not give back what the state names."""
        return all(part.payload for part in self.parts)


def all_parts(frames: Iterable[Frame]) -> Iterable[Part]:
    for frame in frames:
        yield from frame.parts
