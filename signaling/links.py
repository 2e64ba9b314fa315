"""From a link report to a word that a teacher can act on."""

from __future__ import annotations

from collections.abc import Iterable

from signaling.messages import Link
from streaming.control import LinkReport, Slot

_POOR_LOSS, _FAIR_LOSS = 0.10, 0.03
_POOR_RTT_MS, _FAIR_RTT_MS = 800.0, 400.0
_AMPLE_BPS = 1_300_000
"""All that one camera is sent at: a link that carries it is not what makes a picture small."""
_SCANTY_BPS = 350_000
"""Up: sound and a small picture, no more."""
_SMALLER = 0.75
"""Of the height that a page could show: below it the picture is seen to be smaller. Encodings differ by 2."""


def grade(
    report: LinkReport, wanted: frozenset[Slot] = frozenset(), *, smaller: bool = False, still: bool = False
) -> Link:
    """`wanted`: video slots that the page shows now and that are fed. All of them without a picture means sound only.
    Nothing but keyframes means still pictures. `smaller` and `still` are what the page itself says of its pictures;
    smaller is at best fair where the link carries little."""
    pictures = [link for link in report.slots if link.slot in wanted]
    sent = [link for link in pictures if link.encoding >= 0]
    if pictures and not sent:
        return Link.SOUND_ONLY
    if sent and (still or all(link.temporal < 0 for link in sent)):
        return Link.STILL
    if report.loss > _POOR_LOSS or report.rtt_ms > _POOR_RTT_MS:
        return Link.POOR
    if report.short:
        return Link.POOR if report.estimate_bps < _SCANTY_BPS else Link.FAIR
    if smaller and report.estimate_bps < _AMPLE_BPS:
        return Link.FAIR
    if report.loss > _FAIR_LOSS or report.rtt_ms > _FAIR_RTT_MS:
        return Link.FAIR
    return Link.GOOD


def is_smaller(shown_height: int, possible: Iterable[int]) -> bool:
    """Whether a page shows less than it could. `possible`: the height of each picture it asks for, at most that which
    is sent; 0 where that is not known."""
    return 0 < shown_height < _SMALLER * max(possible, default=0)
