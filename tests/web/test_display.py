"""How values are shown: numbers, languages, and what stands in for pictures."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from sidepro.web.display.fragments import MAX_FRAGMENTS, Fragments
from sidepro.web.display.numbers import short
from sidepro.web.display.placeholders import MAX_CELLS, RINGS, TONES, cells, initial, sheet, tone
from sidepro.web.language import Language, text_language


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("책이음", ("책", "이", "음")),
        ("러닝 메이트", ("러", "닝", " ", "메", "이", "트")),
        ("Deploy v10", ("D", "ep", "lo", "y", " ", "v", "10")),
        ("API 2개", ("A", "P", "I", " ", "2", "개")),
        ("👩‍💻코더", ("👩‍💻", "코", "더")),
        ("한글", ("한", "글")),
        ("", ()),
    ],
)
def test_a_cell_holds_a_syllable_or_two_small_letters_or_digits(
    text: str, filled: tuple[str, ...]
) -> None:
    assert cells(text) == filled


def test_a_decomposed_syllable_fills_one_cell() -> None:
    assert cells("\u1112\u1161\u11ab") == ("한",)


@given(st.text(max_size=60), st.uuids())
def test_a_sheet_is_within_what_the_styles_know(title: str, project: UUID) -> None:
    html = sheet(project, title)
    made = re.fullmatch(
        '<div class="sheet tone-(.) ring-(.)" aria-hidden="true">(.*)</div>', html, re.DOTALL
    )
    assert made is not None
    assert int(made[1]) in range(1, TONES + 1)
    assert int(made[2]) in range(1, RINGS + 1)
    assert made[3].count("<") == 2 * len(cells(title)) <= 2 * MAX_CELLS


def test_a_sheet_has_its_last_cell_when_the_title_is_longer() -> None:
    assert len(cells("가" * 50)) == MAX_CELLS
    assert len(cells("a" * 50)) == MAX_CELLS


@pytest.mark.parametrize(
    ("name", "letter"), [("김서연", "김"), ("dev_minjun", "D"), ("_라떼", "_"), ("", "?")]
)
def test_an_initial_is_the_first_syllable_or_capital(name: str, letter: str) -> None:
    assert initial(name) == letter


def test_the_tone_of_a_person_stays_the_same() -> None:
    assert (tone("김서연"), tone("dev_minjun")) == (8, 5)
    assert {tone(f"person-{number}") for number in range(100)} == set(range(1, TONES + 1))


@pytest.mark.parametrize(
    ("number", "korean", "english"),
    [
        (0, "0", "0"),
        (9_999, "9,999", "9,999"),
        (10_000, "1만", "10K"),
        (12_999, "1.2만", "12K"),
        (109_999, "10만", "109K"),
        (1_290_000, "129만", "1.2M"),
        (12_345_678_901, "123억", "12B"),
    ],
)
def test_large_numbers_are_rounded_down_to_units(number: int, korean: str, english: str) -> None:
    assert short(number, Language.KOREAN) == korean
    assert short(number, Language.ENGLISH) == english


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Kotlin으로 만든 앱", Language.KOREAN),
        ("Deploybox: one-command deploys", Language.ENGLISH),
        ("Überblick", None),
        ("学习", None),
        ("2026", None),
    ],
)
def test_letters_tell_the_language_of_a_text(text: str, language: Language | None) -> None:
    assert text_language(text) == language


def test_a_fragment_is_rendered_once_for_each_key() -> None:
    cached = Fragments()
    texts = iter([Markup("first"), Markup("second")])
    shown = [cached("card", key, caller=lambda: next(texts)) for key in (1, 2, 1)]
    assert shown == ["first", "second", "first"]


def test_fragments_are_bounded() -> None:
    cached = Fragments()
    for number in range(MAX_FRAGMENTS + 1):
        cached(number, caller=Markup)
    assert len(cached) == 1
