"""What schools' links have proven to carry, so that the next lesson need not begin from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.tables import LinkCapacity

KEPT_DAYS = 30
LINKS_MAX = 10_000


class LinkCapacities:
    """By link key (a hash that says nothing of the address it was made from), in bit/s, with the day it was seen."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def all(self, today: date) -> dict[str, int]:
        """What is known and not too old, the latest last."""
        query = select(LinkCapacity).where(LinkCapacity.seen_on > _oldest(today)).order_by(LinkCapacity.seen_on)
        async with self._sessions() as session:
            return {known.link: known.bps for known in await session.scalars(query)}

    async def keep(self, proven: Mapping[str, int], today: date) -> None:
        """Put down what was proven today; forget what is too old and, beyond `LINKS_MAX`, the oldest."""
        async with self._sessions.begin() as session:
            for link, bps in proven.items():
                await session.merge(LinkCapacity(link=link, bps=bps, seen_on=today))
            await session.flush()
            surplus = select(LinkCapacity.link).order_by(LinkCapacity.seen_on.desc()).offset(LINKS_MAX).limit(LINKS_MAX)
            await session.execute(delete(LinkCapacity).where(LinkCapacity.seen_on <= _oldest(today)))
            await session.execute(delete(LinkCapacity).where(LinkCapacity.link.in_(surplus)))


def _oldest(today: date) -> date:
    return today - timedelta(days=KEPT_DAYS)
