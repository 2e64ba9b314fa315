"""The object store in a directory of this machine: `objects/` holds an object as a file of its key's name, with its
SHA-256 in a dot file beside it; `new/` what is just being written.

An object appears by the renaming of a file that is whole and synced, so that a crash or a full disk leaves either all
of it or nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from archive.digest import file_sha256
from archive.errors import ObjectDiffers, ObjectMissing, StoreError
from archive.store import CHUNK_BYTES, ObjectInfo, check_key, check_prefix

THREADS: Final = 8
PAGE: Final = 1000
ABANDONED_AFTER_S: Final = 24 * 3600.0
_T = TypeVar("_T")


class DirectoryStore:
    """Several processes may use one directory at once."""

    def __init__(self, root: Path) -> None:
        """The folders are made when first written to."""
        self._objects = root / "objects"
        self._new = root / "new"
        self._threads = ThreadPoolExecutor(THREADS, "store")

    def set_up(self, now: float) -> None:
        """Make the folders; remove what writers who were killed left half done. Blocking. Raises `StoreError`."""
        try:
            for folder in (self._objects, self._new):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self._new.iterdir():
                if path.stat().st_mtime < now - ABANDONED_AFTER_S:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise _told(error) from error

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        check_key(key)
        sha256 = await self._run(lambda: hashlib.sha256(data).hexdigest())
        return await self._run(lambda: self._put(key, len(data), sha256, lambda file: file.write(data)))

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        check_key(key)

        def put() -> ObjectInfo:
            sha256 = file_sha256(path)
            with path.open("rb") as source:
                size = os.fstat(source.fileno()).st_size
                return self._put(key, size, sha256, lambda file: shutil.copyfileobj(source, file, CHUNK_BYTES))

        return await self._run(put)

    async def info(self, key: str) -> ObjectInfo:
        check_key(key)
        return await self._run(lambda: self._info(key))

    async def read(self, key: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        check_key(key)
        end = (1 << 62) if length is None else start + length

        def part(file: BinaryIO, at: int) -> bytes:
            # At a place of its own: should the file be closed meanwhile, nobody else's is moved.
            return os.pread(file.fileno(), min(end - at, CHUNK_BYTES), at)

        def begin() -> tuple[BinaryIO, bytes]:
            file = self._path(key).open("rb", buffering=0)
            return file, part(file, start)

        file, chunk = await self._run(begin)
        at = start
        try:
            while chunk:
                yield chunk
                at += len(chunk)
                chunk = await self._run(partial(part, file, at)) if at < end else b""
        finally:
            file.close()

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._run(lambda: self._delete(key))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        check_prefix(prefix)
        found = self._infos(iter(await self._run(lambda: sorted(self._keys(prefix)))))
        while page := await self._run(lambda: tuple(islice(found, PAGE))):
            for info in page:
                yield info

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------ in the threads

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectMissing("there is no such object") from error
        except OSError as error:
            raise _told(error) from error

    def _path(self, key: str) -> Path:
        return self._objects / key

    def _sum_path(self, key: str) -> Path:
        path = self._path(key)
        return path.with_name(f".{path.name}.sha256")

    def _info(self, key: str) -> ObjectInfo:
        status = self._path(key).stat()
        return ObjectInfo(key, status.st_size, self._sum_path(key).read_text("ascii"), status.st_mtime)

    def _put(self, key: str, size: int, sha256: str, write: Callable[[BinaryIO], object]) -> ObjectInfo:
        path = self._path(key)
        if path.is_file():
            present = self._info(key)
            if (present.size, present.sha256) != (size, sha256):
                raise ObjectDiffers(f"the object {key} exists already with other content")
            return present
        self._new.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_folder(path.parent)
        # The sum goes first: it is the object's own renaming that makes both of them valid.
        self._write(self._sum_path(key), lambda file: file.write(sha256.encode()))
        self._write(path, write)
        _sync_folder(path.parent)
        return ObjectInfo(key, size, sha256)

    def _write(self, path: Path, write: Callable[[BinaryIO], object]) -> None:
        descriptor, name = tempfile.mkstemp(dir=self._new)
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).rename(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _make_folder(self, folder: Path) -> None:
        """Make it and its parents, each on the disk under its own parent before anything is put into it."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)

    def _delete(self, key: str) -> None:
        """The object first: a sum alone is nothing. Folders stay."""
        try:
            self._path(key).unlink(missing_ok=True)
            self._sum_path(key).unlink(missing_ok=True)
            _sync_folder(self._path(key).parent)
        except (FileNotFoundError, NotADirectoryError):
            return

    def _keys(self, prefix: str) -> Iterator[str]:
        """Walks only the folder that the prefix names wholly."""
        top = self._objects / prefix.rpartition("/")[0]
        for folder, _, names in os.walk(top):
            for name in names:
                key = (Path(folder) / name).relative_to(self._objects).as_posix()
                if not name.startswith(".") and key.startswith(prefix):
                    yield key

    def _infos(self, keys: Iterator[str]) -> Iterator[ObjectInfo]:
        """What is deleted meanwhile is left out."""
        for key in keys:
            with suppress(FileNotFoundError):
                yield self._info(key)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(error: OSError) -> StoreError:
    return StoreError(f"the store's directory: {error.strerror or error}")
