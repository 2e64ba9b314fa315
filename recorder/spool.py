"""Spool: records on disk, as they came from the taps. Append-only; `commit` is one fsync of each file that grew.

Blocking, and used from one thread. What `commit` has returned for is on the disk; what it raises for is not there at
all, so that the same chunks can be given again. Records that are there already are left out.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from recorder.errors import SpoolStuck
from recorder.spool_files import cut_front, directory_of, file_name, files_in, readable, recordings_in
from streaming.tap_chunks import Chunk, Positions

FILE_BYTES: Final = 16 * 1024 * 1024
FILE_S: Final = 30.0
"""A file is not written to for longer, so that what is stored elsewhere can soon be deleted."""


@dataclass(slots=True)
class _End:
    """Where a recording's spool goes on. `descriptor` -1: by a new file."""

    directory: Path
    position: int = 0
    taps: dict[str, int] = field(default_factory=dict)
    """By epoch: which record of its stream comes next."""
    epoch: str = ""
    """Of the open file."""
    descriptor: int = -1
    path: Path | None = None
    size: int = 0
    began_s: float = 0.0


class Spool:
    """`free_bytes` of the disk are left to others. Raises OSError where `root` cannot be used."""

    def __init__(self, root: Path, free_bytes: int = 0) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = root
        self.free_bytes = free_bytes
        self._ends: dict[str, _End] = {}
        for recording_id in recordings_in(root):
            self._ends[recording_id] = _last_end(directory_of(root, recording_id))

    def positions(self) -> Positions:
        """What is on the disk, in the taps' own counting."""
        return Positions(positions={epoch: at for end in self._ends.values() for epoch, at in end.taps.items()})

    def ends(self) -> dict[str, int]:
        """How many records there are of each recording."""
        return {recording_id: end.position for recording_id, end in self._ends.items()}

    def directory(self, recording_id: str) -> Path:
        """Raises `BadName`."""
        return directory_of(self.root, recording_id)

    # ------------------------------------------------------------ writing

    def commit(self, chunks: Sequence[Chunk], now: float) -> None:
        """Raises `SpoolStuck`, `BadName` for a chunk of a bad name, `WireError` for one that cannot be read."""
        former: dict[str, _End] = {}
        try:
            self._check_free(sum(len(chunk.data) for chunk in chunks))
            for chunk in chunks:
                end = self._ends.get(chunk.recording_id) or _End(self.directory(chunk.recording_id))
                former.setdefault(chunk.recording_id, replace(end, taps=dict(end.taps)))
                self._ends[chunk.recording_id] = end
                self._append(end, chunk, now)
            for recording_id in former:
                if self._ends[recording_id].descriptor >= 0:
                    os.fsync(self._ends[recording_id].descriptor)
        except BaseException as error:
            self._undo(former)
            if isinstance(error, OSError):
                raise SpoolStuck(f"the spool cannot be written: {error.strerror}") from error
            raise

    def _check_free(self, octets: int) -> None:
        disk = os.statvfs(self.root)
        if disk.f_bavail * disk.f_frsize < octets + self.free_bytes:
            raise SpoolStuck("the spool's disk is full")

    def _append(self, end: _End, chunk: Chunk, now: float) -> None:
        data, records, tap_position = bytes(chunk.data), chunk.records, chunk.position
        expected = end.taps.get(chunk.epoch, 0)
        if tap_position < expected:
            known = min(records, expected - tap_position)
            data, records, tap_position = cut_front(data, known), records - known, tap_position + known
        if not records:
            return
        goes_on = (chunk.epoch, tap_position) == (end.epoch, expected)
        if end.descriptor < 0 or not goes_on or end.size >= FILE_BYTES or now - end.began_s >= FILE_S:
            self._begin_file(end, chunk.epoch, tap_position, now)
        left = memoryview(data)
        while left:
            left = left[os.write(end.descriptor, left) :]
        end.size += len(data)
        end.position += records
        end.taps[chunk.epoch] = tap_position + records

    def _begin_file(self, end: _End, epoch: str, tap_position: int, now: float) -> None:
        path = end.directory / file_name(end.position, epoch, tap_position)
        if end.descriptor >= 0:
            os.fsync(end.descriptor)
            os.close(end.descriptor)
            end.descriptor = -1
        end.directory.mkdir(mode=0o700, exist_ok=True)
        end.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        end.path, end.size, end.epoch, end.began_s = path, 0, epoch, now
        _sync_directory(end.directory)
        _sync_directory(self.root)

    def _undo(self, former: dict[str, _End]) -> None:
        """As before; the next try begins new files, since a failed fsync says nothing about the old ones."""
        for recording_id, before in former.items():
            end = self._ends[recording_id]
            with suppress(OSError):
                if end.descriptor >= 0:
                    os.close(end.descriptor)
                for file in files_in(before.directory):
                    if file.position >= before.position and file.path != before.path:
                        file.path.unlink(missing_ok=True)
                if before.path is not None and before.path.exists():
                    os.truncate(before.path, before.size)
            self._ends[recording_id] = replace(before, descriptor=-1)

    # ------------------------------------------------------------ deleting

    def forget(self, recording_id: str, position: int) -> None:
        """Delete files that lie wholly before `position`; the newest one always stays. Raises OSError."""
        files = files_in(self.directory(recording_id))
        for file, following in itertools.pairwise(files):
            if following.position <= position:
                file.path.unlink(missing_ok=True)

    def remove(self, recording_id: str) -> None:
        """Delete everything of a recording that is stored completely. Raises OSError."""
        end = self._ends.pop(recording_id, None)
        if end is not None and end.descriptor >= 0:
            os.close(end.descriptor)
        with suppress(FileNotFoundError):
            shutil.rmtree(self.directory(recording_id))

    def close(self) -> None:
        for end in self._ends.values():
            if end.descriptor >= 0:
                os.close(end.descriptor)
                end.descriptor = -1


def _last_end(directory: Path) -> _End:
    end = _End(directory)
    files = files_in(directory)
    while files and not (last := readable(files[-1].path)):
        files.pop().path.unlink()  # torn at its very beginning; another file is going to begin here
    for file, following in itertools.zip_longest(files, files[1:]):
        end.position = following.position if following is not None else file.position + last
        end.taps[file.epoch] = file.tap_position + end.position - file.position
    return end


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
