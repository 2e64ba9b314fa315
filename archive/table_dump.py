"""All rows of the database as JSON lines, one file for each table: the same for SQLite and PostgreSQL."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Integer, LargeBinary, MetaData, Table, delete, func, insert, inspect, select, text

from archive.errors import ArchiveError
from archive.search_tables import DATABASES_OWN

PAGE: Final = 500
_VERSION: Final = "alembic_version"


class UnknownTable(ArchiveError):
    """The database has a table that this program does not know."""


def dump_tables(connection: Connection, metadata: MetaData, folder: Path) -> dict[str, int]:
    """Number of rows by table. The connection's transaction sees one state of the database (SQLite: `BEGIN` was sent).
    Raises `UnknownTable` and OSError."""
    unknown = set(inspect(connection).get_table_names()) - set(metadata.tables) - DATABASES_OWN - {_VERSION}
    if unknown:
        raise UnknownTable(f"this version of webclass does not know the table {min(unknown)}")
    counts: dict[str, int] = {}
    for table in metadata.sorted_tables:
        counts[table.name] = 0
        with table_file(folder, table.name).open("w", encoding="utf-8") as file:
            for row in connection.execute(select(table), execution_options={"yield_per": PAGE}).mappings():
                file.write(json.dumps({name: _encoded(value) for name, value in row.items()}, ensure_ascii=False))
                file.write("\n")
                counts[table.name] += 1
    return counts


def load_tables(connection: Connection, metadata: MetaData, folder: Path) -> None:
    """Into empty tables. Raises OSError, ValueError."""
    for table in metadata.sorted_tables:
        rows = read_rows(folder, table)
        while page := list(islice(rows, PAGE)):
            connection.execute(insert(table), page)
        _count_on(connection, table)


def is_empty(connection: Connection, metadata: MetaData) -> bool:
    return not any(connection.scalar(select(select(table).exists())) for table in metadata.sorted_tables)


def clear_tables(connection: Connection, metadata: MetaData) -> None:
    for table in reversed(metadata.sorted_tables):
        connection.execute(delete(table))


def read_rows(folder: Path, table: Table) -> Iterator[dict[str, Any]]:
    binary = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
    with table_file(folder, table.name).open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield {name: _decoded(value) if name in binary else value for name, value in row.items()}


def table_file(folder: Path, table: str) -> Path:
    return folder / f"{table}.jsonl"


def _encoded(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _decoded(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL's counters go on after the rows that came with numbers of their own; SQLite's do so by themselves."""
    (key, *more) = table.primary_key.columns
    if connection.dialect.name != "postgresql" or more or not isinstance(key.type, Integer):
        return
    counter = connection.scalar(select(func.pg_get_serial_sequence(table.name, key.name)))
    last = connection.scalar(select(func.max(key)))
    if counter is not None and last is not None:
        connection.execute(text("SELECT setval(:counter, :last)"), {"counter": counter, "last": last})
