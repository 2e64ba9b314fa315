"""What each link has proven lately: where its next viewers begin.

The sum of what a link's viewers have at the same time counts, and a newcomer begins with its part of it. Little traffic
proves nothing: an estimate counts up to twice what was really sent, and not at all where that is less than anybody
begins with. Time is passed in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

LINKS_MAX = 10_000
START_SHARE = 0.7
START_MOST_BPS = 3_000_000
COUNTS_FROM_BPS = 300_000
"""What a viewer of an unknown link begins with."""
PRESENT_S = 10.0
"""A viewer of whom nothing was heard for so long is gone."""
WINDOW_S = 180.0
"""The highest sum of the present window and of the one before counts; what was kept stands for the first one before."""


@dataclass(slots=True)
class _Link:
    window_began_s: float
    former_bps: int
    highest_bps: int = 0
    viewers: dict[str, tuple[float, int]] = field(default_factory=dict)
    """By media peer: when it was last heard of, and what it has proven."""

    def note(self, peer_id: str, bps: int, now: float) -> None:
        self.viewers = {peer: seen for peer, seen in self.viewers.items() if now - seen[0] < PRESENT_S}
        self.viewers[peer_id] = (now, bps)
        if now - self.window_began_s >= WINDOW_S and self.highest_bps:
            self.window_began_s, self.former_bps, self.highest_bps = now, self.highest_bps, 0
        self.highest_bps = max(self.highest_bps, sum(proven for _, proven in self.viewers.values()))

    @property
    def proven_bps(self) -> int:
        return max(self.highest_bps, self.former_bps)


class LinkMemory:
    """`known`: what was kept from before, the latest last. Bounded: what was not used for longest is forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, int] = OrderedDict()
        self._links: OrderedDict[str, _Link] = OrderedDict()
        self._changed: set[str] = set()

    def remember(self, known: Mapping[str, int]) -> None:
        """What was kept from before, the latest last."""
        self._kept.update(known)

    def start_bps(self, link: str, peer_id: str, now: float) -> int:
        """What a new viewer of this link may begin with, who from now on counts among its viewers; 0: not known."""
        if not link:
            return 0
        found = self._link(link, now)
        found.note(peer_id, 0, now)
        return min(START_MOST_BPS, int(START_SHARE * found.proven_bps / len(found.viewers)))

    def observe(self, link: str, peer_id: str, estimate_bps: int, sent_bps: int, now: float) -> None:
        """A viewer's link report."""
        if not link:
            return
        proven = min(estimate_bps, 2 * sent_bps)
        if proven < min(estimate_bps, COUNTS_FROM_BPS):
            proven = 0
        found = self._link(link, now)
        found.note(peer_id, proven, now)
        if found.proven_bps != self._kept.get(link, 0):
            self._kept[link] = found.proven_bps
            self._kept.move_to_end(link)
            self._changed.add(link)
            while len(self._kept) > LINKS_MAX:
                self._changed.discard(self._kept.popitem(last=False)[0])

    def take_changed(self) -> dict[str, int]:
        """What is to be kept, each once."""
        changed = {link: self._kept[link] for link in self._changed}
        self._changed.clear()
        return changed

    def _link(self, link: str, now: float) -> _Link:
        if link not in self._links:
            self._links[link] = _Link(now, self._kept.get(link, 0))
        self._links.move_to_end(link)
        if len(self._links) > LINKS_MAX:
            self._links.popitem(last=False)
        return self._links[link]
