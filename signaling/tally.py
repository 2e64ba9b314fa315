"""Counts of what went wrong by kind; the first of each kind is logged."""

from __future__ import annotations

from collections import Counter

import structlog

_log = structlog.get_logger()


class Tally:
    """`counts` is read by the metrics page; kinds are a small fixed set of words, never client input."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, kind: str, **details: object) -> None:
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            _log.warning("first of its kind", kind=kind, **details)
