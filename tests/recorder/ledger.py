"""A store, a catalog and an assembler in little, which live in files, so that a recorder can be killed and what it had
done be looked at. The assembler makes a segment of every `PER_SEGMENT` packets: their numbers, in order."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path

from archive.errors import StoreError
from archive.media import Gap, Init, Made, RenditionKey, Segment
from archive.recordings import Checkpoint, Stored
from archive.store import ObjectInfo, check_key
from streaming.tap_records import LostRecord, PacketRecord, Record

PER_SEGMENT = 50
KEY = RenditionKey("teacher_audio", 0)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_bytes(data)
    os.replace(new, path)


class FolderStore:
    """`away` makes every put fail; `wrote_twice` names keys whose content changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.away = False
        self.wrote_twice: list[str] = []

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        if self.away:
            raise StoreError("the test's store is away")
        path = self.root / check_key(key)
        if path.exists() and path.read_bytes() != data:
            self.wrote_twice.append(key)
        _write(path, data)
        return ObjectInfo(key, len(data), hashlib.sha256(data).hexdigest())

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        return await self.put(key, await asyncio.to_thread(path.read_bytes))

    async def info(self, key: str) -> ObjectInfo:
        data = (self.root / key).read_bytes()
        return ObjectInfo(key, len(data), hashlib.sha256(data).hexdigest())

    async def read(self, key: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        data = (self.root / key).read_bytes()[start:]
        yield data if length is None else data[:length]

    async def delete(self, key: str) -> None:
        (self.root / key).unlink(missing_ok=True)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        for path in sorted(self.root.rglob("*")):
            key = path.relative_to(self.root).as_posix()
            if path.is_file() and key.startswith(prefix):
                yield await self.info(key)

    async def close(self) -> None: ...


class FolderLog:
    """One JSON file for each recording."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def row(self, recording_id: str) -> dict[str, object]:
        path = self.root / f"{recording_id}.json"
        return json.loads(path.read_bytes()) if path.exists() else {}

    def _keep(self, recording_id: str, row: dict[str, object]) -> None:
        _write(self.root / f"{recording_id}.json", json.dumps(row).encode())

    async def begin(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        row = self.row(recording_id)
        if not row:
            first = {"lesson": lesson_id, "started_at": started_at, "objects": {}, "gaps": [], "finished": None}
            self._keep(recording_id, first)

    async def add(self, checkpoint: Checkpoint, pieces: Sequence[Stored], gaps: Sequence[Gap]) -> None:
        row = self.row(checkpoint.recording_id)
        objects = row["objects"]
        assert isinstance(objects, dict)
        for stored in pieces:
            objects[stored.object.key] = stored.object.sha256
        row["gaps"] = [*list(row["gaps"]), *[gap.reason for gap in gaps]]  # type: ignore[call-overload]
        row["state"] = checkpoint.state.hex()
        self._keep(checkpoint.recording_id, row)

    async def checkpoint(self, recording_id: str) -> Checkpoint | None:
        state = self.row(recording_id).get("state")
        return Checkpoint(recording_id, bytes.fromhex(state)) if isinstance(state, str) else None

    async def finish(self, recording_id: str, ended_at: float, duration_s: float) -> None:
        self._keep(recording_id, {**self.row(recording_id), "finished": [ended_at, duration_s]})

    async def unfinished(self) -> list[str]:
        names = [path.stem for path in self.root.glob("*.json")]
        return [name for name in names if self.row(name)["finished"] is None]


class CountingAssembler:
    """State: how many segments there are, the packets of the open one, and where it began."""

    def __init__(self, state: bytes | None) -> None:
        known = json.loads(state) if state else {}
        self._segments: int = known.get("segments", 0)
        self._next: int = known.get("next", 0)
        self.replay_from: int = self._next
        self._open: list[int] = []

    def take(self, record: Record, position: int) -> list[Made]:
        if position < self._next:
            return []
        self._next = position + 1
        made: list[Made] = []
        if isinstance(record, LostRecord):
            made.append(Gap("teacher_audio", record.t, 0.0, f"lost {record.records}"))
        if isinstance(record, PacketRecord):
            self._open.append(record.number)
        if len(self._open) == PER_SEGMENT:
            made += self._cut()
        return made

    def _cut(self) -> list[Made]:
        data = json.dumps(self._open).encode()
        index, self._segments, self._open = self._segments, self._segments + 1, []
        self.replay_from = self._next
        head: list[Made] = [Init(KEY, 0, "opus", 0, 0, b"init")] if index == 0 else []
        return [*head, Segment(KEY, 0, index, float(index), 1.0, 0.0, len(data), data)]

    def finish(self) -> list[Made]:
        return self._cut() if self._open else []

    def state(self) -> bytes:
        return json.dumps({"segments": self._segments, "next": self.replay_from}).encode()


def numbers_stored(log: FolderLog, store: FolderStore, recording_id: str) -> list[int]:
    """The numbers of all packets in the segments that have rows, in the segments' order."""
    objects = log.row(recording_id)["objects"]
    assert isinstance(objects, dict)
    keys = [key for key in objects if key.endswith(".m4s")]
    numbers: list[int] = []
    for key in sorted(keys, key=lambda key: int(key.rsplit("-", 1)[1].removesuffix(".m4s"))):
        data = (store.root / key).read_bytes()
        assert hashlib.sha256(data).hexdigest() == objects[key]
        numbers += json.loads(data)
    return numbers
