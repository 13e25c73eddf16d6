"""The rules of texts: their stored and compared forms, their lengths, what they may hold."""

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
from tests.domain.strategies import texts

DECOMPOSED = unicodedata.normalize("NFD", "한글")
SKILLS = ("AWS", "C언어", "Django", "Python", "iOS")


def faults_of(text: str, longest: int = 10, *, shortest: int = 1, one_line: bool = False) -> int:
    rules = Validator()
    rules.text(text, "title", longest, shortest=shortest, one_line=one_line)
    assert all(fault.pointer == "/title" for fault in rules.errors)
    return len(rules.errors)


# ---------------------------------------------------------------------------------- two forms


def test_hangul_is_stored_composed() -> None:
    assert len(DECOMPOSED) == 6
    assert normalize(DECOMPOSED) == "한글"


def test_what_is_stored_keeps_case_and_width() -> None:
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
def test_texts_that_fold_alike(one: str, other: str) -> None:
    assert casefold_key(one) == casefold_key(other)


@pytest.mark.parametrize(("one", "other"), [("한", "하"), ("e", "é"), ("ı", "i"), ("a b", "ab")])
def test_texts_that_do_not_fold_alike(one: str, other: str) -> None:
    assert casefold_key(one) != casefold_key(other)


# Letters with marks that move, compose and fold in turn.
LETTERS = "aσςßİıſﬁΐᾳǰ가각각ｶﾞÅK①℡ŉ\u0300\u0307\u0308\u0345\u0323"
awkward = st.text(st.sampled_from(LETTERS)) | texts()


@given(awkward)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert casefold_key(casefold_key(text)) == casefold_key(text)


@given(awkward)
def test_the_stored_form_folds_as_the_typed_one(text: str) -> None:
    assert (
        casefold_key(normalize(text))
        == casefold_key(unicodedata.normalize("NFD", text))
        == casefold_key(text)
    )


# ------------------------------------------------------------------------------ length and content


@pytest.mark.parametrize(("length", "faults"), [(1, 0), (10, 0), (11, 1), (1_000, 1)])
def test_length_is_counted_in_code_points(length: int, faults: int) -> None:
    assert faults_of("\N{ROCKET}" * length) == faults


@pytest.mark.parametrize("letter", ["각", "é", "\N{GREEK SMALL LETTER ALPHA}\u0313\u0300\u0345"])
def test_length_is_counted_after_composition(letter: str) -> None:
    rules = Validator()
    typed = unicodedata.normalize("NFD", letter * 10)
    assert rules.text(typed, "title", 10) == unicodedata.normalize("NFC", typed)
    assert not rules.errors
    assert faults_of(unicodedata.normalize("NFD", letter * 11)) == 1


def test_a_character_that_nfc_takes_apart_counts_as_its_parts() -> None:
    assert faults_of("\N{DEVANAGARI LETTER QA}" * 5) == 0
    assert faults_of("\N{DEVANAGARI LETTER QA}" * 6) == 1


def test_a_text_is_given_back_in_its_stored_form() -> None:
    assert Validator().text(f" {DECOMPOSED} ", "title", 10) == " 한글 "


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\N{IDEOGRAPHIC SPACE}\N{NO-BREAK SPACE}"])
def test_a_blank_text_is_refused(text: str) -> None:
    assert faults_of(text) == 1


@pytest.mark.parametrize("text", ["", "  "])
def test_a_text_that_may_be_empty_may_be_blank(text: str) -> None:
    assert faults_of(text, shortest=0) == 0


@pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800", "a\udfffb", "\udc00\ud800"])
@pytest.mark.parametrize("one_line", [True, False])
def test_nul_and_lone_surrogates_are_refused_everywhere(text: str, one_line: bool) -> None:
    assert faults_of(text, shortest=0, one_line=one_line) == 1


@pytest.mark.parametrize("control", ["\n", "\r", "\t", "\x1b", "\x7f", "\x85"])
def test_control_characters_are_refused_in_one_line_alone(control: str) -> None:
    assert faults_of(f"a{control}b", one_line=True) == 1
    assert faults_of(f"a{control}b") == 0


@given(texts(min_size=1, max_size=30))
def test_what_passes_can_be_stored(text: str) -> None:
    rules = Validator()
    stored = rules.text(text, "title", 20, one_line=True)
    if rules.errors:
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
def test_more_marks_on_a_letter_than_any_language_has_are_refused(mark: str, before: int) -> None:
    text = "x" * before + "a" + mark * MAX_MARKS
    assert not has_excessive_marks(text + "a" + mark)
    assert has_excessive_marks(text + mark)
    assert faults_of(text + mark, 1_000) == 1
    assert faults_of(text, 1_000) == 0


def test_marks_are_counted_of_whatever_kind_they_are() -> None:
    kinds = "\u0301\u0323\u0345" + HALF_WIDTH_MARK
    assert has_excessive_marks("a" + kinds * MAX_MARKS)


def test_whatever_normal_forms_put_in_order_is_known_as_a_mark() -> None:
    everything = map(chr, range(sys.maxunicode + 1))
    # Whatever is unassigned, private or a surrogate stays as it is in every form.
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


def test_a_long_text_of_marks_is_refused_before_they_are_put_in_order() -> None:
    began = time.monotonic()
    assert faults_of("a" + "\u0301\u0323" * 100_000, 50_000) == 1
    assert time.monotonic() - began < 10, "putting them in order takes minutes"


# ---------------------------------------------------------------------------------- collecting


def test_all_faults_are_told_at_once() -> None:
    rules = Validator()
    rules.text("", "title", 5)
    rules.text("far too long", "summary", 5)
    with pytest.raises(InvalidInput) as caught:
        rules.raise_errors()
    assert [fault.pointer for fault in caught.value.errors] == ["/title", "/summary"]


def test_nothing_is_raised_without_a_fault() -> None:
    rules = Validator()
    rules.text("sound", "title", 5)
    rules.raise_errors()


def test_faults_of_a_query_name_its_parameters() -> None:
    rules = Validator(parameters=True)
    rules.add("is wrong", "q")
    assert rules.errors == [FieldError("is wrong", pointer=None, parameter="q")]


# ----------------------------------------------------------------------------------- choices


def choose(
    *values: str, least: int = 1, most: int = 3
) -> tuple[tuple[str, ...], list[FieldError]]:
    rules = Validator()
    chosen = rules.choices(values, "skills", SKILLS, least=least, most=most)
    return chosen, rules.errors


def test_choices_come_in_the_order_of_the_catalogue() -> None:
    assert choose("iOS", "C언어", "Python") == (("C언어", "Python", "iOS"), [])


def test_each_unknown_choice_is_pointed_at() -> None:
    _, faults = choose("Cobol", "Python", "python")
    assert [fault.pointer for fault in faults] == ["/skills/0", "/skills/2"]


def test_the_second_of_two_equal_choices_is_pointed_at() -> None:
    _, faults = choose("iOS", "AWS", "iOS")
    assert [fault.pointer for fault in faults] == ["/skills/2"]


@pytest.mark.parametrize("values", [(), SKILLS[:4]])
def test_too_few_and_too_many_choices_are_refused(values: tuple[str, ...]) -> None:
    _, faults = choose(*values)
    assert [fault.pointer for fault in faults] == ["/skills"]


@pytest.mark.parametrize("values", [SKILLS[:1], SKILLS[:3]])
def test_the_least_and_the_most_choices_are_taken(values: tuple[str, ...]) -> None:
    assert choose(*values) == (values, [])


def test_one_choice_out_of_the_catalogue() -> None:
    rules = Validator()
    assert rules.choice("AWS", "region", SKILLS) == "AWS"
    assert rules.choice(None, "region", SKILLS) is None
    rules.raise_errors()
    rules.choice("aws", "region", SKILLS)
    assert [fault.pointer for fault in rules.errors] == ["/region"]


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
def test_web_addresses_that_are_taken(address: str) -> None:
    rules = Validator()
    assert rules.web_address(address, "repository_url", 200) == address
    assert not rules.errors


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
        " https://example.com",
        "https://example.com/\N{IDEOGRAPHIC SPACE}",
        "https://example.com\\@evil.example",
        'https://example.com/"onclick="x',
        "https://example.com/<script>",
        "https://example.com/\nx",
        "https://example.com/\x1b[31m",
        "java\tscript:alert(1)",
        "ht\ntps://example.com",
    ],
)
def test_web_addresses_that_are_refused(address: str) -> None:
    rules = Validator()
    rules.web_address(address, "repository_url", 200)
    assert {fault.pointer for fault in rules.errors} == {"/repository_url"}


def test_a_web_address_has_a_longest_length() -> None:
    rules = Validator()
    address = "https://example.com/"
    rules.web_address(address.ljust(200, "x"), "repository_url", 200)
    assert not rules.errors
    rules.web_address(address.ljust(201, "x"), "repository_url", 200)
    assert len(rules.errors) == 1


def test_a_web_address_may_be_left_out() -> None:
    rules = Validator()
    assert rules.web_address(None, "repository_url", 200) is None
    assert not rules.errors
