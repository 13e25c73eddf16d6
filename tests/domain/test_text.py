"""Text rules: stored and compared forms, lengths and allowed characters."""

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.text import (
    MAX_MARKS,
    casefold_key,
    has_excessive_marks,
    is_mark,
    normalize,
)
from sidepro.domain.validation import Validator
from sidepro.domain.violations import WRONG
from tests.domain.strategies import texts

DECOMPOSED = unicodedata.normalize("NFD", "한글")
SKILLS = ("AWS", "C언어", "Django", "Python", "iOS")


def error_count(
    text: str, max_length: int = 10, *, min_length: int = 1, one_line: bool = False
) -> int:
    validator = Validator()
    validator.text(text, "title", max_length, min_length=min_length, one_line=one_line)
    assert all(error.pointer == "/title" for error in validator.errors)
    return len(validator.errors)


# ---------------------------------------------------------------------------------- two forms


def test_hangul_is_stored_composed() -> None:
    assert len(DECOMPOSED) == 6
    assert normalize(DECOMPOSED) == "한글"


def test_the_stored_form_keeps_case_and_width() -> None:
    assert normalize("Ａbc ① ﬁ") == "Ａbc ① ﬁ"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("한글", DECOMPOSED),
        ("ｓｉｄｅ", "SIDE"),
        ("ｶﾌｪ", "カフェ"),
        ("Straße", "STRASSE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ﬁne", "FINE"),
        ("①", "1"),
        ("é", "E\u0301"),
        ("㈜카페", "(주)카페"),
    ],
)
def test_texts_with_equal_keys(one: str, other: str) -> None:
    assert casefold_key(one) == casefold_key(other)


@pytest.mark.parametrize(("one", "other"), [("한", "하"), ("e", "é"), ("ı", "i"), ("a b", "ab")])
def test_texts_with_different_keys(one: str, other: str) -> None:
    assert casefold_key(one) != casefold_key(other)


# Letters whose marks are reordered, composed and folded.
LETTERS = "aσςßİıſﬁΐᾳǰ가각각ｶﾞÅK①℡ŉ\u0300\u0307\u0308\u0345\u0323"
awkward = st.text(st.sampled_from(LETTERS)) | texts()


@given(awkward)
def test_folding_is_idempotent(text: str) -> None:
    assert casefold_key(casefold_key(text)) == casefold_key(text)


@given(awkward)
def test_the_stored_form_has_the_key_of_the_input(text: str) -> None:
    assert (
        casefold_key(normalize(text))
        == casefold_key(unicodedata.normalize("NFD", text))
        == casefold_key(text)
    )


# ------------------------------------------------------------------------------ length and content


@pytest.mark.parametrize(("length", "errors"), [(1, 0), (10, 0), (11, 1), (1_000, 1)])
def test_length_is_counted_in_code_points(length: int, errors: int) -> None:
    assert error_count("\N{ROCKET}" * length) == errors


@pytest.mark.parametrize("letter", ["각", "é", "\N{GREEK SMALL LETTER ALPHA}\u0313\u0300\u0345"])
def test_length_is_counted_after_composition(letter: str) -> None:
    validator = Validator()
    decomposed = unicodedata.normalize("NFD", letter * 10)
    assert validator.text(decomposed, "title", 10) == unicodedata.normalize("NFC", decomposed)
    assert not validator.errors
    assert error_count(unicodedata.normalize("NFD", letter * 11)) == 1


def test_a_character_that_nfc_decomposes_counts_as_its_parts() -> None:
    assert error_count("\N{DEVANAGARI LETTER QA}" * 5) == 0
    assert error_count("\N{DEVANAGARI LETTER QA}" * 6) == 1


def test_text_is_returned_in_its_stored_form() -> None:
    assert Validator().text(f" {DECOMPOSED} ", "title", 10) == " 한글 "


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\N{IDEOGRAPHIC SPACE}\N{NO-BREAK SPACE}"])
def test_a_blank_text_is_refused(text: str) -> None:
    assert error_count(text) == 1


@pytest.mark.parametrize("text", ["", "  "])
def test_text_without_a_minimum_length_may_be_blank(text: str) -> None:
    assert error_count(text, min_length=0) == 0


@pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800", "a\udfffb", "\udc00\ud800"])
@pytest.mark.parametrize("one_line", [True, False])
def test_nul_and_lone_surrogates_are_refused_everywhere(text: str, one_line: bool) -> None:
    assert error_count(text, min_length=0, one_line=one_line) == 1


@pytest.mark.parametrize("control", ["\n", "\r", "\t", "\x1b", "\x7f", "\x85"])
def test_control_characters_are_refused_in_one_line_only(control: str) -> None:
    assert error_count(f"a{control}b", one_line=True) == 1
    assert error_count(f"a{control}b") == 0


@given(texts(min_size=1, max_size=30))
def test_accepted_text_can_be_stored(text: str) -> None:
    validator = Validator()
    stored = validator.text(text, "title", 20, one_line=True)
    if validator.errors:
        return
    assert stored == unicodedata.normalize("NFC", text)
    assert 1 <= len(stored) <= 20
    assert stored.strip()
    assert stored.encode()


# ---------------------------------------------------------------------------------------- marks

HALF_WIDTH_MARK = "\N{HALFWIDTH KATAKANA VOICED SOUND MARK}"


@pytest.mark.parametrize(
    "mark", ["\u0301", "\u0323", "\N{TIBETAN VOWEL SIGN II}", HALF_WIDTH_MARK], ids=ascii
)
@pytest.mark.parametrize("before", range(3))
def test_excessive_marks_are_refused(mark: str, before: int) -> None:
    text = "x" * before + "a" + mark * MAX_MARKS
    assert not has_excessive_marks(text + "a" + mark)
    assert has_excessive_marks(text + mark)
    assert error_count(text + mark, 1_000) == 1
    assert error_count(text, 1_000) == 0


def test_marks_of_all_kinds_are_counted_together() -> None:
    kinds = "\u0301\u0323\u0345" + HALF_WIDTH_MARK
    assert has_excessive_marks("a" + kinds * MAX_MARKS)


def test_all_characters_that_normalization_reorders_are_marks() -> None:
    everything = map(chr, range(sys.maxunicode + 1))
    # Unassigned, private and surrogate code points are the same in every form.
    letters = (one for one in everything if unicodedata.category(one) not in ("Cn", "Co", "Cs"))
    unknown = [
        letter
        for letter in letters
        if not is_mark(letter)
        and any(
            unicodedata.combining(unicodedata.normalize(form, letter)[0])
            for form in ("NFC", "NFKC", "NFD", "NFKD")
        )
    ]
    assert unknown == []


def test_a_long_text_of_marks_is_refused_before_normalization() -> None:
    began = time.monotonic()
    assert error_count("a" + "\u0301\u0323" * 100_000, 50_000) == 1
    assert time.monotonic() - began < 10, "putting them in order takes minutes"


# ---------------------------------------------------------------------------------- collecting


def test_all_errors_are_collected() -> None:
    validator = Validator()
    validator.text("", "title", 5)
    validator.text("far too long", "summary", 5)
    with pytest.raises(InvalidInput) as caught:
        validator.raise_errors()
    assert [error.pointer for error in caught.value.errors] == ["/title", "/summary"]


def test_nothing_is_raised_without_an_error() -> None:
    validator = Validator()
    validator.text("sound", "title", 5)
    validator.raise_errors()


def test_errors_of_query_parameters_name_them() -> None:
    validator = Validator(parameters=True)
    validator.add(WRONG, "q")
    assert validator.errors == [FieldError(WRONG, pointer=None, parameter="q")]


# ----------------------------------------------------------------------------------- choices


def choose(
    *values: str, minimum: int = 1, maximum: int = 3
) -> tuple[tuple[str, ...], list[FieldError]]:
    validator = Validator()
    chosen = validator.choices(values, "skills", SKILLS, minimum=minimum, maximum=maximum)
    return chosen, validator.errors


def test_choices_are_in_catalogue_order() -> None:
    assert choose("iOS", "C언어", "Python") == (("C언어", "Python", "iOS"), [])


def test_each_unknown_choice_is_reported() -> None:
    _, errors = choose("Cobol", "Python", "python")
    assert [error.pointer for error in errors] == ["/skills/0", "/skills/2"]


def test_the_second_of_two_equal_choices_is_reported() -> None:
    _, errors = choose("iOS", "AWS", "iOS")
    assert [error.pointer for error in errors] == ["/skills/2"]


@pytest.mark.parametrize("values", [(), SKILLS[:4]])
def test_too_few_and_too_many_choices_are_refused(values: tuple[str, ...]) -> None:
    _, errors = choose(*values)
    assert [error.pointer for error in errors] == ["/skills"]


@pytest.mark.parametrize("values", [SKILLS[:1], SKILLS[:3]])
def test_the_minimum_and_maximum_of_choices_are_accepted(values: tuple[str, ...]) -> None:
    assert choose(*values) == (values, [])


def test_a_single_choice_must_be_in_the_catalogue() -> None:
    validator = Validator()
    assert validator.choice("AWS", "region", SKILLS) == "AWS"
    assert validator.choice(None, "region", SKILLS) is None
    validator.raise_errors()
    validator.choice("aws", "region", SKILLS)
    assert [error.pointer for error in validator.errors] == ["/region"]


# ------------------------------------------------------------------------------- web addresses


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/someone/동네-카페",
        "HTTP://EXAMPLE.COM",
        "http://localhost:8000/?q=1#top",
        "https://[2001:db8::1]:8443/",
        "https://한국.kr/",
    ],
)
def test_valid_web_addresses(address: str) -> None:
    validator = Validator()
    assert validator.web_address(address, "repository_url", 200) == address
    assert not validator.errors


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JavaScript://example.com/%0aalert(1)",
        "data:text/html,x",
        "ftp://example.com",
        "//example.com/x",
        "/x",
        "example.com",
        "http:example.com",
        "http://",
        "http:///x",
        "http://:80/",
        "http://user@/",
        "http://[::1",
        "http://::1]/",
        "http://[zz]/",
        "http://exam ple.com",
        "https://example.com/a b",
        "https://exam\N{IDEOGRAPHIC SPACE}ple.com",
        "https://example.com\\@evil.example",
        'https://example.com/"onclick="x',
        "https://example.com/<script>",
        "https://example.com/\nx",
        "https://example.com/\x1b[31m",
        "java\tscript:alert(1)",
        "ht\ntps://example.com",
    ],
)
def test_invalid_web_addresses(address: str) -> None:
    validator = Validator()
    validator.web_address(address, "repository_url", 200)
    assert {error.pointer for error in validator.errors} == {"/repository_url"}


def test_the_length_of_a_web_address_is_limited() -> None:
    validator = Validator()
    address = "https://example.com/"
    validator.web_address(address.ljust(200, "x"), "repository_url", 200)
    assert not validator.errors
    validator.web_address(address.ljust(201, "x"), "repository_url", 200)
    assert len(validator.errors) == 1


def test_a_web_address_may_be_missing() -> None:
    validator = Validator()
    assert validator.web_address(None, "repository_url", 200) is None
    assert not validator.errors
