"""Files of the spool: how they are named, found and measured.

`<root>/<recording>/<position>-<epoch>-<tap position>.spool` holds framed records as they came from one stream of the
tap, without a gap. `position` counts the recording's records in the spool from 0 over all files; `tap position` is the
first record's in its stream. A file ends where the next one begins or where its bytes cannot be read any further: a
crash may leave a torn tail.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from recorder.errors import BadName
from streaming.tap_records import body_at
from streaming.wire.errors import WireError

_NAME: Final = re.compile(r"(\d{12})-([0-9a-z]{1,64})-(\d{12})\.spool")
_RECORDING: Final = re.compile(r"[a-z0-9_-]{1,64}")


class SpoolFile(NamedTuple):
    """Sorts by position."""

    position: int
    epoch: str
    tap_position: int
    path: Path


def directory_of(root: Path, recording_id: str) -> Path:
    """Raises `BadName`."""
    if _RECORDING.fullmatch(recording_id) is None:
        raise BadName("not the name of a recording")
    return root / recording_id


def recordings_in(root: Path) -> list[str]:
    """Recordings of which something lies in the spool."""
    return sorted(path.name for path in root.iterdir() if path.is_dir() and _RECORDING.fullmatch(path.name))


def file_name(position: int, epoch: str, tap_position: int) -> str:
    """Raises `BadName`."""
    name = f"{position:012d}-{epoch}-{tap_position:012d}.spool"
    if _NAME.fullmatch(name) is None:
        raise BadName("not the name of an epoch")
    return name


def files_in(directory: Path) -> list[SpoolFile]:
    """In order; none where there is no such directory."""
    found = []
    for path in directory.glob("*.spool"):
        match = _NAME.fullmatch(path.name)
        if match is not None:
            found.append(SpoolFile(int(match[1]), match[2], int(match[3]), path))
    return sorted(found)


def readable(path: Path) -> int:
    """How many records of a file can be read."""
    data = path.read_bytes()
    records, end = 0, 0
    try:
        while (found := body_at(data, end)) is not None:
            end = found[1]
            records += 1
    except WireError:
        pass  # a torn tail
    return records


def cut_front(data: bytes, records: int) -> bytes:
    """Framed records without the first so many. Raises `WireError`."""
    start = 0
    for _ in range(records):
        found = body_at(data, start)
        if found is None:
            raise WireError("record_short")
        start = found[1]
    return data[start:]
