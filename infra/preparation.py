"""What must be there before any process of the server works: folders, keys, the database's tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from infra.data_directory import make_data_directory
from infra.database import migrate, open_database, sessions_of
from infra.keys import load_keys
from infra.settings import Settings
from school.accounts import Accounts
from school.feed import FeedSpans
from school.invitations import Invitations
from school.lessons import Lessons


@dataclass(frozen=True, slots=True)
class School:
    """The school's records over one open database."""

    lessons: Lessons
    invitations: Invitations
    accounts: Accounts
    feed: FeedSpans


async def prepare(settings: Settings) -> None:
    """Idempotent and safe in several processes at once. Raises `InfraError`."""
    make_data_directory(settings)
    load_keys(settings)
    await migrate(settings)


@asynccontextmanager
async def open_school(settings: Settings) -> AsyncIterator[School]:
    """The records for a command that works beside the server or without it. Raises `InfraError`."""
    await prepare(settings)
    engine = open_database(settings)
    try:
        sessions = sessions_of(engine)
        yield School(
            Lessons(sessions),
            Invitations(sessions, load_keys(settings).invitations),
            Accounts(sessions),
            FeedSpans(sessions),
        )
    finally:
        await engine.dispose()
