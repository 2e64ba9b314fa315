"""The search index over recordings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_OF_OLD = "INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words);"
_OF_NEW = "INSERT INTO search_index(rowid, words) VALUES (new.id, new.words);"
_INDEX = {
    "sqlite": (
        "CREATE VIRTUAL TABLE search_index USING fts5(words, content='search_document', content_rowid='id', "
        "detail=none, tokenize=\"unicode61 remove_diacritics 0 tokenchars '=_'\")",
        f"CREATE TRIGGER search_document_added AFTER INSERT ON search_document BEGIN {_OF_NEW} END",
        f"CREATE TRIGGER search_document_removed AFTER DELETE ON search_document BEGIN {_OF_OLD} END",
        f"CREATE TRIGGER search_document_changed AFTER UPDATE ON search_document BEGIN {_OF_OLD} {_OF_NEW} END",
    ),
    "postgresql": (
        "ALTER TABLE search_document ADD COLUMN vector tsvector "
        "GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED",
        "CREATE INDEX ix_search_document_vector ON search_document USING gin (vector)",
    ),
}


def upgrade() -> None:
    op.create_table(
        "search_document",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("recording_id", sa.String(32), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name="fk_search_document_recording_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("recording_id", name="uq_search_document_recording_id"),
    )
    for statement in _INDEX[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
