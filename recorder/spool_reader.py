"""SpoolReader: a recording's records in order, while others are still being written. Blocking; one thread at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from recorder.spool_files import SpoolFile, files_in
from streaming.tap_records import LostRecord, Record, body_at, decode
from streaming.wire.errors import WireError

READ_BYTES: Final = 256 * 1024


class SpoolReader:
    """Begins at `position`. What cannot be read, or is not there any more, becomes a `LostRecord`."""

    def __init__(self, directory: Path, position: int = 0) -> None:
        self.position = position
        """Of the record that is read next."""
        self._directory = directory
        self._file: SpoolFile | None = None
        self._offset = 0
        self._data = b""
        self._start = 0
        self._at = 0  # position of the record at `_start`; before `position` while it is being looked for
        self._broken = False
        self._last_s = 0.0

    def read(self, until: int, most: int) -> Iterator[tuple[int, Record]]:
        """At most so many records before position `until`, each with its position. Raises OSError."""
        files = files_in(self._directory)
        for _ in range(most):
            if self.position >= until:
                return
            found = self._next(files)
            if found is None:
                return
            yield found

    def _next(self, files: list[SpoolFile]) -> tuple[int, Record] | None:
        while True:
            self._choose(files)
            if self._file is None:
                return None
            following = _after(files, self._file)
            body = None if following is not None and self._at >= following.position else self._body()
            if body is not None:
                self._at += 1
                if self._at <= self.position:
                    continue
                self.position = self._at
                try:
                    record = decode(body)
                except WireError:
                    record = LostRecord(1, self._last_s)
                self._last_s = getattr(record, "t", self._last_s)
                return self.position - 1, record
            if following is None:
                return None
            if following.position > self.position:
                lost = following.position - self.position
                self.position = following.position
                return self.position - 1, LostRecord(lost, self._last_s)
            self._open(following)

    def _choose(self, files: list[SpoolFile]) -> None:
        """Open the file where `position` lies, unless one is open."""
        if self._file is None and files:
            before = [file for file in files if file.position <= self.position]
            self._open(before[-1] if before else files[0])

    def _open(self, file: SpoolFile) -> None:
        self._file, self._offset, self._data, self._start, self._at = file, 0, b"", 0, file.position
        self._broken = False
        # What lay before the first file was deleted, since it is not needed any more.
        self.position = max(self.position, file.position)

    def _body(self) -> bytes | None:
        """The next body of the open file; None at its end, for now or for ever."""
        while not self._broken:
            try:
                found = body_at(self._data, self._start)
            except WireError:
                self._broken = True
                break
            if found is not None:
                body, self._start = found
                return bytes(body)
            assert self._file is not None, "opened before it is read"
            with self._file.path.open("rb") as file:
                file.seek(self._offset)
                more = file.read(READ_BYTES)
            if not more:
                break
            self._offset += len(more)
            self._data = self._data[self._start :] + more
            self._start = 0
        return None


def _after(files: list[SpoolFile], file: SpoolFile) -> SpoolFile | None:
    return next((each for each in files if each.position > file.position), None)
