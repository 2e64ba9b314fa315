"""The demonstration's picture: a blackboard with a travelling wave, a title and a clock, drawn as I420 planes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

# Five by seven dots, a row per string; only the letters that the demonstration writes.
_GLYPHS: Final = {
    "0": ".###. #...# #..## #.#.# ##..# #...# .###.",
    "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    "2": ".###. #...# ....# ..##. .#... #.... #####",
    "3": ".###. #...# ....# ..##. ....# #...# .###.",
    "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
    "5": "##### #.... ####. ....# ....# #...# .###.",
    "6": ".###. #.... ####. #...# #...# #...# .###.",
    "7": "##### ....# ...#. ..#.. .#... .#... .#...",
    "8": ".###. #...# #...# .###. #...# #...# .###.",
    "9": ".###. #...# #...# .#### ....# ....# .###.",
    ":": "..... ..#.. ..#.. ..... ..#.. ..#.. .....",
    " ": "..... ..... ..... ..... ..... ..... .....",
    "А": "..#.. .#.#. #...# #...# ##### #...# #...#",
    "В": "####. #...# #...# ####. #...# #...# ####.",
    "З": ".###. #...# ....# ..##. ....# #...# .###.",
    "И": "#...# #...# #..## #.#.# ##..# #...# #...#",
    "К": "#...# #..#. #.#.. ##... #.#.. #..#. #...#",
    "Л": "..### .#..# .#..# .#..# .#..# .#..# #...#",
    "Н": "#...# #...# #...# ##### #...# #...# #...#",
    "О": ".###. #...# #...# #...# #...# #...# .###.",
    "С": ".###. #...# #.... #.... #.... #...# .###.",
    "Ф": ".###. #.#.# #.#.# #.#.# .###. ..#.. ..#..",
    "Ы": "#...# #...# #...# ###.# #.#.# #.#.# ###.#",
}
_CHALK: Final = 225


@dataclass(frozen=True, slots=True)
class Board:
    """What is written on a board and its colour: chroma around 128."""

    title: str
    chroma: tuple[int, int]
    width: int = 640
    height: int = 360


TEACHERS_BOARD = Board(title="ФИЗИКА 10 КЛАСС ВОЛНЫ", chroma=(118, 112))
CLASSROOM = Board(title="КЛАСС", chroma=(108, 150))


class Painter:
    """Draws a board at any time. What does not move is drawn once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        rows, columns = board.height, board.width
        self._still: Plane = np.full((rows * 3 // 2, columns), 64, np.uint8)
        shade = np.linspace(16, -8, rows).astype(np.int16)[:, None]
        self._still[:rows] = np.clip(self._still[:rows] + shade, 16, 235).astype(np.uint8)
        quarter = rows // 4
        self._still[rows : rows + quarter] = board.chroma[0]
        self._still[rows + quarter :] = board.chroma[1]
        write(self._still, board.title, top=20, left=24, dot=3)
        self._columns = np.arange(24, columns - 24)

    def frame(self, lesson_time: float, clock: str) -> av.VideoFrame:
        """The board `lesson_time` seconds into the lesson with `clock` (digits and colons) written on it."""
        planes = self._still.copy()
        rows = self._board.height
        phase = self._columns / 40 - lesson_time * 2.5
        middle = (rows * 0.55 + np.sin(phase) * rows * 0.16).astype(np.intp)
        for thickness in range(-2, 3):
            planes[middle + thickness, self._columns] = _CHALK
        write(planes, clock, top=rows - 84, left=24, dot=8)
        return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def write(planes: Plane, text: str, *, top: int, left: int, dot: int) -> None:
    """Write `text` in chalk, `dot` pixels a dot, into the brightness plane. `KeyError`: a letter without a glyph."""
    for place, letter in enumerate(text):
        rows = _GLYPHS[letter].split()
        dots = np.array([[mark == "#" for mark in row] for row in rows])
        letter_area = np.kron(dots, np.ones((dot, dot), dtype=bool))
        start = left + place * 6 * dot
        area = planes[top : top + 7 * dot, start : start + 5 * dot]
        area[letter_area[:, : area.shape[1]]] = _CHALK
