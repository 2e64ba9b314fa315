"""From a link report to a word that a teacher can act on."""

from __future__ import annotations

from signaling.messages import Link
from streaming.control import LinkReport, Slot

_POOR_LOSS, _FAIR_LOSS = 0.10, 0.03
_POOR_RTT_MS, _FAIR_RTT_MS = 800.0, 400.0


def grade(report: LinkReport, wanted: frozenset[Slot] = frozenset()) -> Link:
    """`wanted`: video slots that the page shows now and that are fed. All of them without a picture means sound only;
    all of them on the lowest encoding is at best fair."""
    pictures = [link.encoding for link in report.slots if link.slot in wanted]
    if pictures and max(pictures) < 0:
        return Link.SOUND_ONLY
    if report.loss > _POOR_LOSS or report.rtt_ms > _POOR_RTT_MS:
        return Link.POOR
    if report.loss > _FAIR_LOSS or report.rtt_ms > _FAIR_RTT_MS:
        return Link.FAIR
    return Link.GOOD
