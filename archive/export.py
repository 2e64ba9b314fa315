"""A recording as a folder that needs no webclass: HLS with relative addresses, what it is about, and sums of all files.

`index.m3u8` is the teacher's picture and sound, `<slot>/packed.m3u8` one slot without the time in which it was silent;
the layout is that of the server's own addresses. `metadata.json` uses the names of Dublin Core (DCMI Metadata Terms).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from archive.catalog import Catalog, Track
from archive.errors import ArchiveError, NotEmpty, StillRecording, StoreError
from archive.playlists import media_playlist, multivariant_playlist, packed_playlist, slot_playlist
from archive.store import ObjectInfo, ObjectStore
from archive.tables import MediaGap, Recording, RecordingState

MAIN_SOUND: Final = "teacher_audio"
MAIN_PICTURE: Final = "teacher_video"
SUMS: Final = "SHA256SUMS"


class ExportFailed(ArchiveError):
    """The folder cannot be written."""


class Export:
    """`folder` is made; `advance` is told of each object written."""

    def __init__(
        self, catalog: Catalog, store: ObjectStore, folder: Path, advance: Callable[[], None] = lambda: None
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._folder = folder
        self._advance = advance
        self._sums: dict[str, str] = {}

    async def run(self, recording: Recording) -> int:
        """How many files were written. Segments known to be damaged are left out, as gaps.

        Raises `StillRecording`, `NotEmpty` (the folder has something in it) and `ArchiveError`.
        """
        if recording.state != RecordingState.READY:
            raise StillRecording("the recording is not complete yet: end the lesson, then export it")
        try:
            await asyncio.to_thread(_make_empty, self._folder)
            tracks = await self._catalog.tracks(recording)
            for track in tracks:
                await self._track(recording, track)
            await self._playlist(recording, tracks)
            about = _metadata(recording, tracks, await self._catalog.gaps(recording.id))
            await self._write("metadata.json", json.dumps(about, ensure_ascii=False, indent=2).encode() + b"\n")
            sums = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(self._sums.items()))
            await self._write(SUMS, sums.encode())
        except OSError as error:
            raise ExportFailed(f"cannot write into {self._folder}: {error.strerror or error}") from error
        return len(self._sums)

    async def _playlist(self, recording: Recording, tracks: list[Track]) -> None:
        renditions = {track.slot: track.renditions for track in tracks}
        if sound := renditions.get(MAIN_SOUND):
            text = multivariant_playlist(renditions.get(MAIN_PICTURE, ()), sound[0], recording.language)
            await self._write("index.m3u8", text.encode())

    async def _track(self, recording: Recording, track: Track) -> None:
        for rendition in track.renditions:
            encoding = rendition.encoding
            runs, segments = await self._catalog.rendition(recording.id, track.slot, encoding)
            for run in runs:
                init = await self._catalog.init_object(recording.id, track.slot, encoding, run)
                await self._object(f"{track.slot}/{encoding}/init-{run}.mp4", init)
            for each in segments:
                segment = await self._catalog.segment_object(recording.id, track.slot, encoding, each.index)
                await self._object(f"{track.slot}/{encoding}/{each.index}.m4s", segment)
            whole = media_playlist(encoding, runs, segments, recording.duration_s)
            packed = packed_playlist(encoding, runs, segments, track.spans, grows=False)
            await self._write(f"{track.slot}/{encoding}.m3u8", whole.encode())
            await self._write(f"{track.slot}/packed-{encoding}.m3u8", packed.encode())
        await self._write(f"{track.slot}/packed.m3u8", slot_playlist(track.renditions).encode())

    async def _object(self, name: str, wanted: ObjectInfo) -> None:
        data = b"".join([chunk async for chunk in self._store.read(wanted.key)])
        await self._write(name, data)
        if self._sums[name] != wanted.sha256:
            raise StoreError(f"the object {wanted.key} is not what was stored: run `webclass check --repair`")
        self._advance()

    async def _write(self, name: str, data: bytes) -> None:
        self._sums[name] = hashlib.sha256(data).hexdigest()
        path = self._folder / name

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

        await asyncio.to_thread(write)


def _make_empty(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise NotEmpty(f"there is something in {folder} already: choose an empty folder")


def _metadata(recording: Recording, tracks: list[Track], gaps: list[MediaGap]) -> dict[str, Any]:
    return {
        "identifier": recording.id,
        "title": recording.title,
        "creator": recording.author,
        "language": recording.language,
        "rights": recording.licence,
        "created": datetime.fromtimestamp(recording.started_at, UTC).isoformat(timespec="seconds"),
        "extent": f"PT{recording.duration_s:.3f}S",
        "type": "MovingImage",
        "format": "application/vnd.apple.mpegurl",
        "hasPart": [{"title": track.slot, "spans_s": [list(span) for span in track.spans]} for track in tracks],
        "gaps": [
            {"slot": gap.slot, "start_s": gap.start_s, "duration_s": gap.duration_s, "reason": gap.reason}
            for gap in gaps
        ],
    }
