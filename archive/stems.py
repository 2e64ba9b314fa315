"""Words as search sees them: folded and without their endings, so that «уравнений» finds «уравнение».

Stemming is ours (Snowball) rather than the database's, so that SQLite and PostgreSQL find the same, and words of
languages without a stemmer (Yakut, Buryat) are found as they are written.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import snowballstemmer

WORD_MAX_CHARS: Final = 40
QUERY_MAX_WORDS: Final = 12
_WORD: Final = re.compile(r"\w+")
_STRESS: Final = "\u0301"
_RUSSIAN: Final = re.compile(r"[а-я]+")
_ENGLISH: Final = re.compile(r"[a-z]+")
_russian: Final = snowballstemmer.stemmer("russian")
_english: Final = snowballstemmer.stemmer("english")


def words(text: str) -> list[str]:
    """The text's words in order: lower case, «ё» as «е», without stress marks, cut to `WORD_MAX_CHARS`."""
    folded = unicodedata.normalize("NFKC", text.replace(_STRESS, "")).casefold().replace("ё", "е").replace("_", " ")
    return [word[:WORD_MAX_CHARS] for word in _WORD.findall(folded)]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A folded word without its ending; a word of another alphabet is its own stem."""
    if _RUSSIAN.fullmatch(word):
        return str(_russian.stemWord(word))
    if _ENGLISH.fullmatch(word):
        return str(_english.stemWord(word))
    return word


def stems(text: str) -> list[str]:
    """Stems of the text's words, in order."""
    return [stem(word) for word in words(text)]


def query_stems(text: str) -> list[str]:
    """Stems that all must be found, each once. Empty where the text has no word; words after `QUERY_MAX_WORDS` are left
    out."""
    return list(dict.fromkeys(stems(text)[:QUERY_MAX_WORDS]))
