"""What link tests found, place by place, so that a region sees which school needs help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.tables import LinkTest
from school.text import LABEL_MAX_CHARS, clean_line

KEPT_S = 30 * 24 * 3600.0
TESTS_MAX = 10_000
HISTORY_MAX = 8
"""Latest tests shown of a place."""


class Verdict(StrEnum):
    """What of a lesson a link carries in one direction, worst first."""

    NO_MEDIA = "no_media"
    TOO_LITTLE = "too_little"
    SOUND_ONLY = "sound_only"
    SMALL_PICTURE = "small_picture"
    SMALLER_PICTURE = "smaller_picture"
    GOOD = "good"


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; zeros where nothing could be. Losses as shares, `queue_ms` beside a full link."""

    transport: Literal["udp", "tcp", ""] = ""
    down_bps: int = 0
    up_bps: int = 0
    loss_down: float = 0.0
    loss_up: float = 0.0
    rtt_ms: float = 0.0
    queue_ms: float = 0.0
    jitter_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkTestRecord:
    """One test; `at` in Unix seconds."""

    receiving: Verdict
    sending: Verdict
    figures: Figures
    at: float


@dataclass(frozen=True, slots=True)
class PlaceTests:
    """One place's latest tests, the newest first; `link` where nobody has named the place."""

    place: str
    link: str
    tests: tuple[LinkTestRecord, ...]


class LinkTests:
    """By place as people name it, else by link key; `now` is Unix time in seconds."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def keep(self, link: str, place: str, tested: LinkTestRecord) -> None:
        """Put a test down; forget what is too old and, beyond `TESTS_MAX`, the oldest. Raises `BadText`."""
        row = LinkTest(
            link=link,
            place=clean_line(place, "place", LABEL_MAX_CHARS, min_chars=0),
            receiving=tested.receiving,
            sending=tested.sending,
            tested_at=tested.at,
            **asdict(tested.figures),
        )
        async with self._sessions.begin() as session:
            session.add(row)
            await session.flush()
            surplus = select(LinkTest.id).order_by(LinkTest.tested_at.desc()).offset(TESTS_MAX).limit(TESTS_MAX)
            await session.execute(delete(LinkTest).where(LinkTest.tested_at <= tested.at - KEPT_S))
            await session.execute(delete(LinkTest).where(LinkTest.id.in_(surplus)))

    async def by_place(self, now: float) -> list[PlaceTests]:
        """Whose latest test was worst comes first."""
        query = select(LinkTest).where(LinkTest.tested_at > now - KEPT_S).order_by(LinkTest.tested_at.desc())
        async with self._sessions() as session:
            return _grouped(await session.scalars(query))


def _grouped(rows: Iterable[LinkTest]) -> list[PlaceTests]:
    """`rows` come with the newest first."""
    places: dict[tuple[str, str], list[LinkTest]] = {}
    for row in rows:
        name = row.place.casefold()
        places.setdefault((name, "" if name else row.link), []).append(row)
    found = [
        PlaceTests(tests[0].place, link, tuple(_tested(row) for row in islice(tests, HISTORY_MAX)))
        for (_, link), tests in places.items()
    ]
    return sorted(found, key=lambda place: _how_bad(place.tests[0]))


def _how_bad(latest: LinkTestRecord) -> tuple[int, int, int]:
    return _RANK[latest.receiving], _RANK[latest.sending], latest.figures.down_bps


def _tested(row: LinkTest) -> LinkTestRecord:
    transport: Literal["udp", "tcp", ""] = "udp" if row.transport == "udp" else "tcp" if row.transport == "tcp" else ""
    figures = Figures(
        transport=transport,
        down_bps=row.down_bps,
        up_bps=row.up_bps,
        loss_down=row.loss_down,
        loss_up=row.loss_up,
        rtt_ms=row.rtt_ms,
        queue_ms=row.queue_ms,
        jitter_ms=row.jitter_ms,
    )
    return LinkTestRecord(Verdict(row.receiving), Verdict(row.sending), figures, row.tested_at)
