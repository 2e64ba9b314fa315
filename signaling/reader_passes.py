"""For a second, who was let to a recording needs no second look: a player asks for several segments at once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from archive.tables import Recording
from school.invitations import InvitationClaims
from school.tables import Administrator

VALID_S: Final = 1.0
"""So long, at most, a revoked invitation still opens what it has just opened."""
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class ReaderPass:
    recording: Recording
    bearer: InvitationClaims | None
    administrator: Administrator | None


class ReaderPasses:
    """By what was shown (a token or a cookie) and the recording. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._passes: OrderedDict[tuple[str, str], tuple[float, ReaderPass]] = OrderedDict()

    def find(self, shown: str, recording_id: str, now: float) -> ReaderPass | None:
        until, found = self._passes.get((shown, recording_id), (0.0, None))
        return found if now < until else None

    def keep(self, shown: str, recording_id: str, found: ReaderPass, now: float) -> None:
        self._passes[shown, recording_id] = (now + VALID_S, found)
        self._passes.move_to_end((shown, recording_id))
        while len(self._passes) > MOST:
            self._passes.popitem(last=False)
