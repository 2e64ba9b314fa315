"""Search in the archive: by words in any form, narrowed by facets, paged.

What has all the words in its title comes first, then what has them anywhere; among those the latest added comes first.
That order can be read off the index, so a search takes as long for a common word as for a rare one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from archive.stems import query_stems, stems, words

PAGE_MAX: Final = 100
OFFSET_MAX: Final = 10_000
COUNT_MAX: Final = 1000
"""Beyond this many it is only said that there are more."""
_TITLE: Final = "title"
_EVERYTHING: Final = "=everything"


class Facet(StrEnum):
    """By what a search may be narrowed."""

    PROFILE = "profile"
    COURSE = "course"
    TOPIC = "topic"
    SUBJECT = "subject"
    GRADE = "grade"
    AUTHOR = "author"
    ORGANISATION = "organisation"
    LANGUAGE = "language"
    LICENCE = "licence"
    ACCESS = "access"
    LESSON = "lesson"
    STATE = "state"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a person may find: everything, or what is open and what was recorded of these lessons."""

    everything: bool = False
    lesson_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """`narrowed`: each facet must have one of its values. `offset` up to OFFSET_MAX, `limit` up to PAGE_MAX."""

    text: str = ""
    narrowed: tuple[tuple[Facet, tuple[str, ...]], ...] = ()
    offset: int = 0
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Found:
    """One page. `total` is at most COUNT_MAX; `more` tells that there are still more than that."""

    recording_ids: list[str]
    total: int
    more: bool


def document(title: str, rest: str, facets: Iterable[tuple[Facet, str]]) -> str:
    """The words of a recording's document: stems of everything, those of the title once more and marked, and one token
    for each facet's value."""
    in_title = stems(title)
    marked = [f"{_TITLE}={stem}" for stem in in_title]
    tokens = [token(facet, value) for facet, value in facets if value]
    return " ".join(dict.fromkeys([_EVERYTHING, *in_title, *stems(rest), *marked, *tokens]))


def token(facet: Facet, value: str) -> str:
    """The index's word for a value of a facet; no text makes it by chance, since no word holds an equals sign."""
    return f"{facet}={'_'.join(words(value)) or value.encode().hex()}"


async def find(session: AsyncSession, query: Query, sight: Sight) -> Found:
    """Recordings that this person may see, the best first."""
    wanted = query_stems(query.text)
    conditions = [[token(facet, value) for value in values] for facet, values in query.narrowed]
    if not sight.everything:
        lessons = [token(Facet.LESSON, lesson_id) for lesson_id in sight.lesson_ids]
        conditions.append([token(Facet.ACCESS, "open"), *lessons])
    limit, offset = max(0, min(query.limit, PAGE_MAX)), max(0, min(query.offset, OFFSET_MAX))
    index = _PostgresIndex(session) if session.get_bind().dialect.name == "postgresql" else _SqliteIndex(session)
    condition = _Condition(wanted, conditions)
    count = await index.count(condition, COUNT_MAX + 1)
    if wanted and not count:
        condition = replace(condition, beginning=True)
        count = await index.count(condition, COUNT_MAX + 1)
    found = await _page(index, condition, offset, limit) if count else []
    return Found(found, min(count, COUNT_MAX), count > COUNT_MAX)


@dataclass(frozen=True, slots=True)
class _Condition:
    """All `stems`, and of each of `tokens` at least one. `title`: all stems in the title; `but_title`: not all of them.
    `beginning`: the last stem may be a word's beginning."""

    stems: Sequence[str]
    tokens: Sequence[Sequence[str]]
    beginning: bool = False
    title: bool = False
    but_title: bool = False


async def _page(index: _Index, condition: _Condition, offset: int, limit: int) -> list[str]:
    if not condition.stems:
        return await index.latest(condition, offset, limit)
    in_title = replace(condition, title=True)
    found = await index.latest(in_title, offset, limit)
    if len(found) < limit:
        skipped = await index.count(in_title, OFFSET_MAX) if offset else len(found)
        elsewhere = replace(condition, but_title=True)
        found += await index.latest(elsewhere, max(0, offset - skipped), limit - len(found))
    return found


class _Index:
    """A database's full-text index. What is put into its expressions holds letters, digits, `_` and `=` only."""

    _and: str
    _or: str
    _but: str
    _beginning: str
    _quote: str
    _count: str
    _latest: str

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, condition: _Condition, limit: int) -> int:
        """How many there are, counted up to `limit`."""
        values = {"expression": self._expression(condition), "limit": limit}
        return await self._session.scalar(text(self._count), values) or 0

    async def latest(self, condition: _Condition, offset: int, limit: int) -> list[str]:
        """Ids of recordings, the latest added first."""
        values = {"expression": self._expression(condition), "offset": offset, "limit": limit}
        return list(await self._session.scalars(text(self._latest), values))

    def _expression(self, condition: _Condition) -> str:
        parts = [f"({self._or.join(self._quoted(each) for each in tokens)})" for tokens in condition.tokens]
        if condition.stems:
            parts.insert(0, self._all(condition, f"{_TITLE}=" if condition.title else ""))
        expression = self._and.join(parts or [self._quoted(_EVERYTHING)])
        if condition.but_title:
            expression = f"({expression}) {self._but} ({self._all(condition, f'{_TITLE}=')})"
        return expression

    def _all(self, condition: _Condition, mark: str) -> str:
        quoted = [self._quoted(mark + stem) for stem in condition.stems]
        if condition.beginning:
            quoted[-1] += self._beginning
        return self._and.join(quoted)

    def _quoted(self, word: str) -> str:
        return f"{self._quote}{word}{self._quote}"


class _SqliteIndex(_Index):
    """https://sqlite.org/fts5.html#full_text_query_syntax"""

    _and, _or, _but, _beginning, _quote = " AND ", " OR ", "NOT", " *", '"'
    _count = "SELECT count(*) FROM (SELECT 1 FROM search_index WHERE search_index MATCH :expression LIMIT :limit)"
    _latest = (
        "SELECT recording_id FROM search_document WHERE id IN (SELECT rowid FROM search_index "
        "WHERE search_index MATCH :expression ORDER BY rowid DESC LIMIT :limit OFFSET :offset) ORDER BY id DESC"
    )


class _PostgresIndex(_Index):
    """https://www.postgresql.org/docs/current/datatype-textsearch.html"""

    _and, _or, _but, _beginning, _quote = " & ", " | ", "& !", ":*", "'"
    _count = (
        "SELECT count(*) FROM "
        "(SELECT 1 FROM search_document WHERE vector @@ CAST(:expression AS tsquery) LIMIT :limit) AS matching"
    )
    _latest = (
        "SELECT recording_id FROM search_document WHERE vector @@ CAST(:expression AS tsquery) "
        "ORDER BY id DESC LIMIT :limit OFFSET :offset"
    )
