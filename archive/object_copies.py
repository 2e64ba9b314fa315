"""Copies of the store's objects in a folder, each as a file of its key's name, checked when it is written."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import MetaData

from archive.digest import file_sha256
from archive.errors import ArchiveError, ObjectDiffers
from archive.store import ObjectInfo, ObjectStore, check_key
from archive.table_dump import read_rows


class BadCopy(ArchiveError):
    """A copy is not what was stored."""


def objects_of(tables: Path, metadata: MetaData) -> Iterator[ObjectInfo]:
    """What the rows of a dump name. Raises OSError."""
    for table in metadata.sorted_tables:
        if {"object_key", "size", "sha256"} <= set(table.columns.keys()):
            for row in read_rows(tables, table):
                yield ObjectInfo(check_key(row["object_key"]), row["size"], row["sha256"])


async def copy_out(store: ObjectStore, wanted: ObjectInfo, folder: Path) -> bool:
    """Whether it had to be copied. Raises `ObjectMissing`, `BadCopy`, `StoreError` and OSError."""
    path = folder / wanted.key
    if await asyncio.to_thread(_is_there, path, wanted):
        return False
    new, sha256 = path.with_name(f".{path.name}.new"), hashlib.sha256()
    file = await asyncio.to_thread(_begin, new)
    with file:
        async for chunk in store.read(wanted.key):
            sha256.update(chunk)
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(_sync, file)
    if sha256.hexdigest() != wanted.sha256:
        raise BadCopy(f"the object {wanted.key} has changed: run `webclass check`")
    new.replace(path)
    return True


async def copy_in(store: ObjectStore, wanted: ObjectInfo, folder: Path, *, replace: bool) -> None:
    """Raises `BadCopy`, `StoreError` and OSError."""
    path = folder / wanted.key
    if await asyncio.to_thread(file_sha256, path) != wanted.sha256:
        raise BadCopy(f"the backup's copy of {wanted.key} has changed")
    try:
        await store.put_file(wanted.key, path)
    except ObjectDiffers:
        if not replace:
            raise
        await store.delete(wanted.key)
        await store.put_file(wanted.key, path)


def prune(folder: Path, keep: Iterable[str]) -> int:
    """Delete the copies of what is no longer in the archive; how many."""
    kept, removed = {folder / key for key in keep}, 0
    for path in folder.rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()
            removed += 1
    return removed


def _is_there(path: Path, wanted: ObjectInfo) -> bool:
    """A copy appears whole or not at all, so that its length tells."""
    return path.is_file() and path.stat().st_size == wanted.size


def _begin(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.open("wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
