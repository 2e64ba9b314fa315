"""What people type: cleaned, or refused with a sentence. Letters of every alphabet are welcome."""

from __future__ import annotations

import unicodedata

from school.errors import BadText

TITLE_MAX_CHARS = 200
LABEL_MAX_CHARS = 100

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of text round and so can make a line say something else than it does."""


def clean_line(text: str, what: str, max_chars: int, min_chars: int = 1) -> str:
    """One line of text without outer white space, in Unicode's composed form.

    Raises `BadText` when it is shorter or longer than allowed or holds control, bidirectional-override or unassigned
    characters; `what` names the field in the error.
    """
    line = unicodedata.normalize("NFC", text.strip())
    if len(line) < min_chars:
        raise BadText(f"{what} is empty" if min_chars == 1 else f"{what} is shorter than {min_chars} characters")
    _check(line, what, max_chars)
    return line


def clean_text(text: str, what: str, max_chars: int) -> str:
    """Like `clean_line` for text of any number of lines, which may be empty."""
    lines = [unicodedata.normalize("NFC", line.rstrip()) for line in text.strip().splitlines()]
    whole = "\n".join(lines)
    _check(whole.replace("\n", " ").replace("\t", " "), what, max_chars)
    return whole


def _check(line: str, what: str, max_chars: int) -> None:
    if len(line) > max_chars:
        raise BadText(f"{what} is longer than {max_chars} characters")
    for character in line:
        if character in _BIDI_CONTROLS:
            raise BadText(f"{what} holds a character that changes the direction of text (U+{ord(character):04X})")
        if unicodedata.category(character) in {"Cc", "Cs", "Cn", "Zl", "Zp"}:
            raise BadText(f"{what} holds a control character (U+{ord(character):04X})")
