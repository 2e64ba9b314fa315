"""Pieces of recorded media: where the recorder's assembler, the store and the catalog meet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RenditionKey:
    """One playable quality of one slot of a recording (glossary: Slot). `encoding` counts from 0, the lowest."""

    slot: str
    encoding: int


@dataclass(frozen=True, slots=True)
class Init:
    """The initialisation segment of a run. `codecs` as in RFC 6381; width and height are 0 for sound."""

    key: RenditionKey
    run: int
    codecs: str
    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """One CMAF segment, which begins with a keyframe.

    `run` rises where decoding cannot simply go on (another publisher, codec or size, or a gap); `index` counts the
    rendition's segments from 0 over all runs. `start_s` and `duration_s` are recorded time (pauses cut out), `wall`
    the Unix time of its beginning. `media_bytes` is the media without boxes.
    """

    key: RenditionKey
    run: int
    index: int
    start_s: float
    duration_s: float
    wall: float
    media_bytes: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of recorded time in which a slot had a publisher and yet nothing could be kept (loss, a restart)."""

    slot: str
    start_s: float
    duration_s: float
    reason: str


Made = Init | Segment | Gap
