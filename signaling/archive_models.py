"""Bodies of the archive's API. Times are Unix seconds; `…_s` are seconds of recorded time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from signaling.api_models import Body

RecordingState = Literal["recording", "finishing", "ready"]
"""Going on; the lesson is over, the last pieces are being stored; complete."""
RecordingAccess = Literal["open", "profile", "network", "named"]


class RecordingOut(Body):
    recording_id: str
    lesson_id: str | None
    title: str
    author: str
    """How the teacher was announced; may be empty."""
    language: str
    state: RecordingState
    access: RecordingAccess
    started_at: float
    duration_s: float


class Recordings(Body):
    recordings: list[RecordingOut]
    total: int
    """How many there are in all; counted up to 1,000."""
    more: bool
    """There are further ones: ask with a higher `offset`."""


class ChangeRecording(Body):
    """What is left out stays."""

    title: str | None = Field(default=None, min_length=1, max_length=400)
    access: RecordingAccess | None = None


class Keeping(Body):
    """How long a recording is kept; `retention_until` null: as the server's setting says. A legal hold keeps it
    whatever else is said."""

    legal_hold: bool
    retention_until: float | None = Field(ge=0, le=32503680000)


class RenditionOut(Body):
    encoding: int
    """Counts from 0, the lowest."""
    height: int
    """0 for sound."""
    bitrate_bps: int
    playlist: str
    """HLS media playlist."""


class TrackOut(Body):
    """What there is of one slot; `playlist` is the packed multivariant one: the time between the spans is left out."""

    slot: str
    playlist: str
    renditions: list[RenditionOut]
    spans: list[tuple[float, float]]
    """From and until, in seconds of recorded time: outside of them nothing was recorded in this slot."""


class RecordingDetail(RecordingOut):
    playlist: str
    """HLS multivariant playlist of the teacher's picture and sound, for standard players."""
    tracks: list[TrackOut]
