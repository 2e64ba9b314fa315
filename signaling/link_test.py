"""One link test: what has been measured so far, which phase it is in, and what the figures mean. Time is passed in.

First the page sends as much as its browser finds room for, then the server fills the link towards the page. What came
through in the best windows is what the link carries: no more can come through.
"""

from __future__ import annotations

from statistics import median
from typing import Final, Literal

from school.link_tests import Figures, Verdict
from signaling.link_test_messages import LinkNote, LinkObserved, LinkTestPhase
from signaling.seats import PeerKind
from streaming.control import LinkReport, PeerChanged, PeerState, SourceChanged

CONNECT_S: Final = 15.0
UP_S: Final = 13.0
DOWN_S: Final = 13.0
LAST_S: Final[dict[LinkTestPhase, float]] = {
    LinkTestPhase.CONNECTING: CONNECT_S,
    LinkTestPhase.UP: UP_S,
    LinkTestPhase.DOWN: DOWN_S,
    LinkTestPhase.DONE: 0.0,
}
BOTH: Final[set[PeerKind]] = {"publish", "subscribe"}
NEXT: Final = {LinkTestPhase.UP: LinkTestPhase.DOWN, LinkTestPhase.DOWN: LinkTestPhase.DONE}
WINDOW_S: Final = 2.0
"""A link report speaks of so long."""
PEAKS: Final = 3
DOWN_GOAL_BPS: Final = 2_500_000
"""More than a lesson ever needs is not tried."""

RECEIVING: Final = (
    (1_250_000, Verdict.GOOD),
    (450_000, Verdict.SMALLER_PICTURE),
    (180_000, Verdict.SMALL_PICTURE),
    (50_000, Verdict.SOUND_ONLY),
)
"""From so many bit/s on: sound with all of a camera, with its middle, with its smallest encoding; sound alone."""
SENDING: Final = (
    (1_200_000, Verdict.GOOD),
    (520_000, Verdict.SMALLER_PICTURE),
    (190_000, Verdict.SMALL_PICTURE),
    (50_000, Verdict.SOUND_ONLY),
)
LOSSY: Final = 0.03
BLOATED_MS: Final = 250.0
FAR_MS: Final = 400.0
UNSTEADY_MS: Final = 60.0


class LinkTest:
    """Raise `phase` by `tick`; the figures are those of all that was reported until then."""

    def __init__(self, now: float) -> None:
        self.phase = LinkTestPhase.CONNECTING
        self._since = now
        self._connected: set[PeerKind] = set()
        self._transports: set[str] = set()
        self._flows = False
        self._broken = False
        self._up_peaks_bps: list[int] = []
        self._down_bps: list[int] = []
        self._queue_ms = 0.0
        self._rtts_ms: list[float] = []
        self._jitters_ms: list[float] = []
        self._loss_up = self._loss_down = 0.0

    # ------------------------------------------------------------ what happens

    def peer_changed(self, kind: PeerKind, event: PeerChanged) -> None:
        if event.state is PeerState.CONNECTED:
            self._connected.add(kind)
            self._transports.add(event.transport)
        elif event.state is PeerState.CLOSED:
            self._broken = True

    def source_changed(self, event: SourceChanged) -> None:
        self._flows |= event.flowing

    def media_lost(self) -> None:
        self._broken = True

    def link_report(self, kind: PeerKind, report: LinkReport, now: float) -> None:
        """The page sends all it can from the beginning, so that each window counts; of what is received only those that
        began with the load."""
        if report.rtt_ms > 0:
            self._rtts_ms.append(report.rtt_ms)
        if kind == "publish":
            self._up_peaks_bps.append(report.peak_bps)
        elif self.phase is LinkTestPhase.DOWN and now - WINDOW_S >= self._since:
            self._down_bps.append(report.bitrate_bps)
            self._queue_ms = max(self._queue_ms, report.queue_ms)

    def observed(self, seen: LinkObserved) -> None:
        if seen.rtt_ms > 0:
            self._rtts_ms.append(seen.rtt_ms)
        if self.phase in NEXT:
            self._jitters_ms.append(seen.jitter_ms)
            self._loss_up, self._loss_down = seen.loss_up, seen.loss_down

    def tick(self, now: float) -> LinkTestPhase | None:
        """The phase that begins now, if one does."""
        following = self._following(now)
        if following is not None:
            self.phase, self._since = following, now
        return following

    def _following(self, now: float) -> LinkTestPhase | None:
        if self.phase is LinkTestPhase.DONE:
            return None
        if self._broken:
            return LinkTestPhase.DONE
        if self.phase is LinkTestPhase.CONNECTING and self._flows and self._connected == BOTH:
            return LinkTestPhase.UP
        return NEXT.get(self.phase, LinkTestPhase.DONE) if now - self._since >= LAST_S[self.phase] else None

    # ------------------------------------------------------------ what came of it

    def figures(self) -> Figures:
        """Of a test that broke off nothing is believed."""
        if self._broken or not self._down_bps:
            return Figures()
        transport: Literal["udp", "tcp"] = "tcp" if "tcp" in self._transports else "udp"
        return Figures(
            transport=transport,
            down_bps=min(DOWN_GOAL_BPS, int(max(self._down_bps) * (1 - self._loss_down))),
            up_bps=self._up_bps(),
            loss_down=self._loss_down,
            loss_up=self._loss_up,
            rtt_ms=min(self._rtts_ms, default=0.0),
            queue_ms=self._queue_ms,
            jitter_ms=median(self._jitters_ms) if self._jitters_ms else 0.0,
        )

    def _up_bps(self) -> int:
        """A browser hesitates after it has filled a link, but each filling shows what the link carries. One alone may
        be an accident: packets that were held up somewhere and came all at once."""
        highest = sorted(self._up_peaks_bps, reverse=True)[:PEAKS]
        return int(median(highest)) if highest else 0


def verdicts(figures: Figures) -> tuple[Verdict, Verdict]:
    """For receiving and for sending."""
    if not figures.transport:
        return Verdict.NO_MEDIA, Verdict.NO_MEDIA
    return _graded(figures.down_bps, RECEIVING), _graded(figures.up_bps, SENDING)


def _graded(bps: int, steps: tuple[tuple[int, Verdict], ...]) -> Verdict:
    return next((verdict for least, verdict in steps if bps >= least), Verdict.TOO_LITTLE)


def notes(figures: Figures) -> list[LinkNote]:
    """What stands out, what matters most first."""
    found = {
        LinkNote.TCP: figures.transport == "tcp",
        LinkNote.LOSSY: max(figures.loss_down, figures.loss_up) >= LOSSY,
        LinkNote.BLOATED: figures.queue_ms >= BLOATED_MS,
        LinkNote.FAR: figures.rtt_ms >= FAR_MS,
        LinkNote.UNSTEADY: figures.jitter_ms >= UNSTEADY_MS,
    }
    return [note for note, holds in found.items() if holds]
