from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.stems import QUERY_MAX_WORDS, WORD_MAX_CHARS, query_stems, stem, stems, words


@pytest.mark.parametrize(
    "forms",
    [
        ("уравнение", "уравнения", "уравнений", "Уравнениями", "УРАВНЕНИЮ"),
        ("физика", "физики", "физикой"),
        ("производная", "производной", "производные"),
        ("ёмкость", "ёмкости", "емкостью"),
        ("lesson", "lessons"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({tuple(stems(form)) for form in forms}) == 1


def test_words_are_told_apart() -> None:
    assert stem("физика") != stem("физкультура")
    assert stems("логарифм") != stems("алгоритм")


def test_stress_marks_and_case_are_no_difference() -> None:
    assert words("Уро\u0301к ФИЗИКИ, 10-й класс: «ёмкость»") == ["урок", "физики", "10", "й", "класс", "емкость"]


@pytest.mark.parametrize("word", ["һахтар", "үөрэх", "課程", "10а"])
def test_words_without_a_stemmer_stay_as_they_are(word: str) -> None:
    assert stems(word) == [word]


def test_a_query_is_bounded_and_says_each_stem_once() -> None:
    assert query_stems("физика Физики и физике") == ["физик", "и"]
    assert len(query_stems(" ".join(f"слово{number}" for number in range(100)))) == QUERY_MAX_WORDS


@given(st.text(max_size=300))
def test_any_text_becomes_plain_words(text: str) -> None:
    for word in query_stems(text):
        assert 0 < len(word) <= WORD_MAX_CHARS
        assert word.replace("_", "").isalnum() or not word.isascii()
        assert not set(word) & set("\"'()*:^&|!<> ")
