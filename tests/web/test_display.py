"""How values are shown: numbers, languages, and what stands in for pictures."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from sidepro.domain.language import Language
from sidepro.web.display.devices import device_of
from sidepro.web.display.fragments import MAX_CHARACTERS, Fragments
from sidepro.web.display.numbers import data_size, short
from sidepro.web.display.placeholders import MAX_CELLS, RINGS, TONES, cells, initial, sheet, tone
from sidepro.web.language import text_language


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
        ("ㅋㅋㅋ lol", Language.KOREAN),
        ("ㅠㅠ", Language.KOREAN),
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


def test_the_fragments_of_each_kind_are_bounded() -> None:
    cached = Fragments()
    part = Markup("x" * (MAX_CHARACTERS // 4))
    cached("card", caller=lambda: part)
    for number in range(6):
        cached("room", number, caller=lambda: part)
    assert cached.characters == 3 * len(part)


MOZILLA = "Mozilla/5.0"
ANDROID = f"{MOZILLA} (Linux; Android 14; SM-S911N) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = f"{MOZILLA} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
WINDOWS = f"{MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36", ("Chrome", "Windows")),
        (f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 Edg/126.0", ("Edge", "Windows")),
        (f"{WINDOWS} Chrome/126.0.0.0 Whale/3.26 Safari/537.36", ("Whale", "Windows")),
        (f"{ANDROID} SamsungBrowser/25.0 Chrome/121.0 Mobile", ("Samsung Internet", "Android")),
        (f"{ANDROID} Version/4.0 Chrome/126.0 Mobile KAKAOTALK 10", ("KakaoTalk", "Android")),
        (f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", ("Safari", "iPhone")),
        (f"{IPHONE} CriOS/126.0 Mobile/15E148 Safari/604.1", ("Chrome", "iPhone")),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/2010 Firefox/127.0",
            ("Firefox", "Linux"),
        ),
        ("python-httpx/0.27", ("python-httpx", None)),
        ("Mozilla/5.0", (None, None)),
        ("<script>", (None, None)),
        (None, (None, None)),
    ],
)
def test_a_device_is_named_by_its_browser_and_system(
    user_agent: str | None, device: tuple[str | None, str | None]
) -> None:
    assert device_of(user_agent) == device


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0\N{NO-BREAK SPACE}B"),
        (2_000, "1.9\N{NO-BREAK SPACE}KB"),
        (340 * 1024, "340\N{NO-BREAK SPACE}KB"),
        (500 * 2**20, "500\N{NO-BREAK SPACE}MB"),
        (2**30, "1\N{NO-BREAK SPACE}GB"),
    ],
)
def test_a_size_of_data_is_rounded_down_to_few_digits(size: int, text: str) -> None:
    assert data_size(size) == text
