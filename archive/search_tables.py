"""The search index: one document for each recording, indexed by the database's own full-text search.

A document is a set of words that need no further treatment (`archive/search.py` makes them), so the index holds neither
places nor weights: SQLite's is an FTS5 table kept in step by triggers, PostgreSQL's a GIN index over a tsvector.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, ForeignKey, String, Text, event
from sqlalchemy.orm import Mapped, mapped_column

from archive.tables import ID_CHARS
from school.tables import Base

_OF_OLD: Final = "INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words);"
_OF_NEW: Final = "INSERT INTO search_index(rowid, words) VALUES (new.id, new.words);"

SQLITE_INDEX: Final = (
    "CREATE VIRTUAL TABLE search_index USING fts5(words, content='search_document', content_rowid='id', detail=none, "
    "tokenize=\"unicode61 remove_diacritics 0 tokenchars '=_'\")",
    f"CREATE TRIGGER search_document_added AFTER INSERT ON search_document BEGIN {_OF_NEW} END",
    f"CREATE TRIGGER search_document_removed AFTER DELETE ON search_document BEGIN {_OF_OLD} END",
    f"CREATE TRIGGER search_document_changed AFTER UPDATE ON search_document BEGIN {_OF_OLD} {_OF_NEW} END",
)
POSTGRESQL_INDEX: Final = (
    "ALTER TABLE search_document ADD COLUMN vector tsvector "
    "GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED",
    "CREATE INDEX ix_search_document_vector ON search_document USING gin (vector)",
)
DATABASES_OWN: Final = frozenset(
    {
        "vector",
        "ix_search_document_vector",
        "search_index",
        *(f"search_index_{part}" for part in ("data", "idx", "docsize", "config")),
    }
)
"""What these statements make beside the tables of the code."""


class SearchDocument(Base):
    """`words`: what a recording is found by, each once, separated by one space. A higher `id` was added later."""

    __tablename__ = "search_document"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    recording_id: Mapped[str] = mapped_column(
        String(ID_CHARS), ForeignKey("recording.id", ondelete="CASCADE"), unique=True
    )
    words: Mapped[str] = mapped_column(Text)


@event.listens_for(SearchDocument.__table__, "after_create")
def _make_index(_table: object, connection: Connection, **_: object) -> None:
    for statement in SQLITE_INDEX if connection.dialect.name == "sqlite" else POSTGRESQL_INDEX:
        connection.exec_driver_sql(statement)
