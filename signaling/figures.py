"""How a lesson reaches its viewers, in sums and distributions: nobody's name, nobody's own course.

Viewers are put together by link (`link_keys`), of which only the beginning of the key is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from signaling.messages import ReportPlayback
from streaming.control import LinkReport

LINKS_MAX = 500
OTHER_LINKS = "other"
LABEL_CHARS = 8
FRESH_S = 10.0
"""Link reports come every 2 s: who has not been heard of for so long is gone."""


@dataclass(slots=True)
class Playback:
    """What pages measured, since the lesson was opened here."""

    freezes: int = 0
    frozen_s: float = 0.0
    samples: int = 0
    concealed_samples: int = 0
    frames: int = 0


@dataclass(slots=True)
class LessonFigures:
    """`playback` by link; `reports` by media peer: the last, with its link and when it came (monotonic seconds)."""

    playback: dict[str, Playback] = field(default_factory=dict)
    reports: dict[str, tuple[LinkReport, str, float]] = field(default_factory=dict)

    def played(self, report: ReportPlayback, link_key: str) -> None:
        link = _label(link_key)
        if link not in self.playback and len(self.playback) >= LINKS_MAX:
            link = OTHER_LINKS
        sums = self.playback.setdefault(link, Playback())
        sums.freezes += report.freezes
        sums.frozen_s += report.frozen_s
        sums.samples += report.samples
        sums.concealed_samples += min(report.concealed_samples, report.samples)
        sums.frames += report.frames_decoded

    def reported(self, report: LinkReport, link_key: str, now: float) -> None:
        if len(self.reports) > 64 and report.peer_id not in self.reports:
            self._forget_the_gone(now)
        self.reports[report.peer_id] = (report, _label(link_key), now)

    def present(self, now: float) -> list[tuple[LinkReport, str]]:
        """The last reports of those who are here, each with its link."""
        self._forget_the_gone(now)
        return [(report, link) for report, link, _ in self.reports.values()]

    def _forget_the_gone(self, now: float) -> None:
        self.reports = {peer: kept for peer, kept in self.reports.items() if now - kept[2] < FRESH_S}


def _label(link_key: str) -> str:
    return link_key[:LABEL_CHARS] or "local"
