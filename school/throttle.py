"""How often a password may be guessed: a core without clock or I/O."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from school.errors import TooManyGuesses

FREE_FAILURES = 5
FIRST_DELAY_S = 2.0
MAX_DELAY_S = 300.0
FORGET_AFTER_S = 3600.0
MAX_KEYS = 10_000


@dataclass(slots=True)
class _Failures:
    count: int
    last_at: float

    def open_again_at(self) -> float:
        """After `FREE_FAILURES` the wait doubles with every further failure."""
        if self.count < FREE_FAILURES:
            return self.last_at
        # The exponent is capped so that a long attack cannot overflow the float.
        return self.last_at + min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(self.count - FREE_FAILURES, 16))


class GuessThrottle:
    """Counts failures by key (an account's name, a remote address). At most `MAX_KEYS` keys are remembered: the one
    that failed longest ago is forgotten first."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def check(self, keys: list[str], now: float) -> None:
        """Raises `TooManyGuesses` while one of the keys has to wait."""
        wait_s = max((self._wait_s(key, now) for key in keys), default=0.0)
        if wait_s > 0:
            raise TooManyGuesses(wait_s)

    def _wait_s(self, key: str, now: float) -> float:
        failures = self._failures.get(key)
        return 0.0 if failures is None else max(0.0, failures.open_again_at() - now)

    def failed(self, keys: list[str], now: float) -> None:
        for key in keys:
            failures = self._failures.pop(key, None)
            if failures is None or now - failures.last_at > FORGET_AFTER_S:
                failures = _Failures(0, now)
            failures.count += 1
            failures.last_at = now
            self._failures[key] = failures
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, keys: list[str]) -> None:
        for key in keys:
            self._failures.pop(key, None)
