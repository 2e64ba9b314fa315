"""Named numpy columns with one row per viewer, which grow and are cleared together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


class Columns:
    """Attributes named in `initial` become arrays; a row is reset to those values by `clear`."""

    def __init__(self, initial: Mapping[str, float | int | bool]) -> None:
        self.rows = 0
        self._initial = dict(initial)
        for name, value in self._initial.items():
            setattr(self, name, np.full(0, value))

    def reserve(self, rows: int) -> None:
        """Have `rows` rows; columns are replaced, not resized in place."""
        for name, value in self._initial.items():
            setattr(self, name, np.concatenate([getattr(self, name), np.full(rows - self.rows, value)]))
        self.rows = rows

    def clear(self, row: int) -> None:
        """Give a row back its initial values."""
        for name, value in self._initial.items():
            getattr(self, name)[row] = value
