"""The lesson's chat: the last lines, and who may read each."""

from __future__ import annotations

import unicodedata
from collections import deque
from dataclasses import dataclass

from signaling.limits import SlidingWindow
from signaling.messages import ChatLine

KEPT_LINES = 200
LINES_PER_WINDOW = 5
WINDOW_S = 10.0

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class KeptLine:
    """`had_floor`: the author had the floor when saying it, so everybody knew them."""

    line: ChatLine
    had_floor: bool


Chat = deque[KeptLine]


def new_chat() -> Chat:
    return deque(maxlen=KEPT_LINES)


def new_chat_limit() -> SlidingWindow:
    return SlidingWindow(LINES_PER_WINDOW, WINDOW_S)


def clean_chat(text: str) -> str:
    """The text without outer white space, control characters (line feeds stay) and marks that turn the direction of
    text; may come out empty."""
    kept = (
        c
        for c in unicodedata.normalize("NFC", text)
        if c == "\n" or (c not in _BIDI_CONTROLS and unicodedata.category(c) not in {"Cc", "Cs", "Cn"})
    )
    return "".join(kept).strip()
