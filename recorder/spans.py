"""Spans of recorded time, in ticks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]


def common(lists: Sequence[Sequence[Span]]) -> list[Span]:
    """What lies in a span of every list; each list is in order and its spans do not overlap."""
    if not lists:
        return []
    found = list(lists[0])
    for spans in lists[1:]:
        found = [
            (max(begin, other), min(until, over))
            for begin, until in found
            for other, over in spans
            if max(begin, other) < min(until, over)
        ]
    return found
