"""What the recorder counts and what it raises alarm about."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

import structlog

log = structlog.get_logger("recorder")


class Alarm(StrEnum):
    """`SPOOL_STUCK`: nothing can be written, so recordings wait in memory. `STORE_AWAY`: the object store or the
    database does not take what is made, so the spool grows."""

    SPOOL_STUCK = "spool_stuck"
    STORE_AWAY = "store_away"


class Tally:
    """`alarms`: what is wrong now, with a sentence."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.alarms: dict[Alarm, str] = {}

    def count(self, kind: str, by: int = 1) -> None:
        self.counts[kind] += by

    def raise_alarm(self, alarm: Alarm, text: str) -> None:
        """Log it once until it is cleared."""
        self.counts[alarm.value] += 1
        if alarm not in self.alarms:
            log.error("alarm", alarm=alarm.value, reason=text)
        self.alarms[alarm] = text

    def clear_alarm(self, alarm: Alarm) -> None:
        if self.alarms.pop(alarm, None) is not None:
            log.warning("alarm is over", alarm=alarm.value)
