"""How words are compared when a recording is looked for."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Without regard to case, accents and ё; й stays a letter of its own."""
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("й", "\ue000"))
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(plain.replace("\ue000", "й").split())
