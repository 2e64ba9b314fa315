"""Backup and restore: all rows, the objects that they name, and the server's keys.

The rows are read in one transaction, then their objects are copied: whatever is recorded meanwhile is for the next
backup. `manifest.json` is written last, and only a backup with one can be restored.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from archive.digest import file_sha256
from archive.errors import ObjectMissing
from archive.object_copies import BadCopy, copy_in, copy_out, objects_of, prune
from archive.search_tables import SearchDocument  # with it, all tables of the archive
from archive.store import ObjectStore
from archive.table_dump import clear_tables, dump_tables, is_empty, load_tables
from infra.data_directory import make_data_directory, write_private
from infra.database import current_revision, open_database
from infra.errors import InfraError
from infra.object_store import open_store
from infra.preparation import prepare
from infra.settings import Settings

TABLES: MetaData = SearchDocument.metadata
ATTEMPTS: Final = 3


class BackupFailed(InfraError):
    """The database or a folder cannot be used."""


class CannotRestore(InfraError):
    """The backup is not whole, is another version's, or the place is taken."""


@dataclass
class Backup:
    """What a backup is: sums of its small files; those of objects stand in the rows. `missing`: keys of objects that
    the store did not have."""

    revision: str
    made_at: float
    objects: int = 0
    object_bytes: int = 0
    copied: int = 0
    missing: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


async def back_up(settings: Settings, folder: Path, advance: Callable[[], None] = lambda: None) -> Backup:
    """Into an empty folder, or onto a former backup, where only what is new is copied. Raises `InfraError` and
    `ArchiveError`."""
    async with _opened(settings) as (engine, store):
        await asyncio.to_thread(_begin, folder)
        for attempt in range(ATTEMPTS):
            backup = Backup(await _dump(engine, folder), time.time())
            await _copy_objects(store, folder, backup, advance)
            # A recording was deleted meanwhile: its rows go with the next try, which copies only what is new.
            if not backup.missing or attempt == ATTEMPTS - 1:
                break
        keys = [each.key for each in objects_of(folder / "tables", TABLES)]
        await asyncio.to_thread(prune, folder / "objects", keys)
        await asyncio.to_thread(_copy_secrets, settings.secrets_dir, folder / "secrets")
        backup.files = {path.relative_to(folder).as_posix(): file_sha256(path) for path in _small_files(folder)}
        write_private(folder / "manifest.json", json.dumps(asdict(backup), indent=2).encode())
    return backup


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[AsyncEngine, ObjectStore]]:
    try:
        await prepare(settings)
        engine, store = open_database(settings), open_store(settings)
        try:
            yield engine, store
        finally:
            await store.close()
            await engine.dispose()
    except (SQLAlchemyError, OSError) as error:
        reason = error if isinstance(error, OSError) else type(error).__name__
        raise BackupFailed(f"the database or a folder cannot be used: {reason}") from error


def _begin(folder: Path) -> None:
    """Until the new manifest is there, this is no backup."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    (folder / "tables").mkdir(mode=0o700, exist_ok=True)


async def _dump(engine: AsyncEngine, folder: Path) -> str:
    tables = folder / "tables"

    def dump(connection: Connection) -> str:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        dump_tables(connection, TABLES, tables)
        return current_revision(connection) or ""

    whole = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    async with engine.connect() as connection:
        await connection.execution_options(**whole)
        return await connection.run_sync(dump)


async def _copy_objects(store: ObjectStore, folder: Path, backup: Backup, advance: Callable[[], None]) -> None:
    for wanted in objects_of(folder / "tables", TABLES):
        try:
            backup.copied += await copy_out(store, wanted, folder / "objects")
            backup.objects += 1
            backup.object_bytes += wanted.size
        except ObjectMissing:
            backup.missing.append(wanted.key)
        advance()


async def restore(settings: Settings, folder: Path, *, force: bool, advance: Callable[[], None] = lambda: None) -> int:
    """How many objects were restored. The server must not run. Raises `InfraError` and `ArchiveError`."""
    backup = await asyncio.to_thread(_checked, folder)
    make_data_directory(settings)
    if not force and any(settings.secrets_dir.iterdir()):
        raise CannotRestore(f"{settings.secrets_dir} is not empty: choose another WEBCLASS_DATA_DIR, or --force")
    async with _opened(settings) as (engine, store):
        async with engine.connect() as connection:
            if await connection.run_sync(current_revision) != backup["revision"]:
                raise CannotRestore("another version of webclass made this backup: restore with that one, then update")
            if not force and not await connection.run_sync(is_empty, TABLES):
                raise CannotRestore("the database is not empty: choose another one, or --force")
        count, missing = 0, set(backup["missing"])
        for wanted in objects_of(folder / "tables", TABLES):
            if wanted.key not in missing:
                await copy_in(store, wanted, folder / "objects", replace=force)
                count += 1
            advance()
        async with engine.begin() as connection:
            await connection.run_sync(clear_tables, TABLES)
            await connection.run_sync(load_tables, TABLES, folder / "tables")
        await asyncio.to_thread(_copy_secrets, folder / "secrets", settings.secrets_dir)
    return count


def _checked(folder: Path) -> dict[str, Any]:
    """The manifest, once every small file is as it says."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
        for name, sha256 in manifest["files"].items():
            if file_sha256(folder / name) != sha256:
                raise BadCopy(f"the backup's {name} has changed")
    except (OSError, ValueError, KeyError) as error:
        raise CannotRestore(f"there is no whole backup in {folder}: {error}") from error
    return manifest


def _copy_secrets(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for path in source.iterdir():
        if path.is_file():
            write_private(target / path.name, path.read_bytes())
            shutil.copymode(path, target / path.name)


def _small_files(folder: Path) -> Iterator[Path]:
    for part in ("tables", "secrets"):
        yield from sorted(path for path in (folder / part).iterdir() if path.is_file())
