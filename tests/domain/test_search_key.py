"""Search keys: which queries find which texts."""

import unicodedata

import pytest
from hypothesis import given

from sidepro.domain.projects.search_key import search_key, search_term
from sidepro.domain.text import is_invisible
from tests.domain.strategies import searchable_texts, texts


def finds(query: str, text: str) -> bool:
    return search_term(query) in search_key(text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        # letters that stand alone
        ("ㅋㅋ", "재밌어요ㅋㅋㅠㅠ"),
        ("ㅠㅠ", "재밌어요ㅋㅋㅠㅠ"),
        ("ㅋㅠ", "재밌어요ㅋㅋㅠㅠ"),
        ("ㅎㅎ", "좋아요ㅎㅎㅏ"),
        ("ㄱㅅ", "ㄳ합니다"),
        ("ㅀ", "ㄹㅎ"),
        ("ﾻﾻ", "굿ㅋㅋ"),
        ("ㅋㅋ", "굿\N{HANGUL CHOSEONG KHIEUKH}\N{HANGUL CHOSEONG KHIEUKH}"),
        # half-typed syllables: every state of the input method on the way to the text
        *(
            (query, "프로젝트")
            for query in ("ㅍ", "프", "플", "프로", "프롲", "프로제", "프로젝ㅌ")
        ),
        *(
            (query, "나와 값을")
            for query in ("나오", "나왁", "나와가", "나와 갑", "나와값", "나와 값으")
        ),
        ("한", "하나"),
        ("널", "넓이"),
        # blanks and invisible characters
        ("커피지도", "커피 지도"),
        ("커피 지도", "커피지도"),
        ("side project", "SideProject"),
        ("커피지도", "커피\N{ZERO WIDTH SPACE}지\N{SOFT HYPHEN}도"),
        ("커\N{WORD JOINER}피", "커피"),
        ("커피\N{NO-BREAK SPACE}지도", "커피\N{IDEOGRAPHIC SPACE}지도"),
        # emoji
        ("❤", "❤\N{VARIATION SELECTOR-16}"),
        ("❤\N{VARIATION SELECTOR-16}", "❤"),
        ("☕\N{VARIATION SELECTOR-15}지도", "☕지도"),
        ("👍지도", "👍🏽지도"),
        ("👨👩👧", "👨\N{ZERO WIDTH JOINER}👩\N{ZERO WIDTH JOINER}👧"),
        # typographic variants
        ("it's", "it’s"),
        ("it‘s", "it's"),
        ('"커피"', "“커피”"),
        ("«커피»", "＂커피＂"),
        ("co-op", "co\N{NON-BREAKING HYPHEN}op"),
        ("기획·개발", "기획ㆍ개발"),
        ("3~4명", "3〜4명"),
        # as before
        ("strasse", "Straße"),
        ("ＡＢＣ", "abc"),
        ("한글", unicodedata.normalize("NFD", "한글")),
        ("e\N{ZERO WIDTH JOINER}\u0301", "É"),
        ("100%", "100%"),
        ("a_b\\", "a_b\\"),
    ],
)
def test_a_query_finds_what_a_reader_would(query: str, text: str) -> None:
    assert finds(query, text)
    assert finds(f" {query}\t", f"before {text} after")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("ㅇㅇ", "강아지"),  # a final and an initial letter
        ("ㅠㅠ", "큐큐"),
        ("ㅋㅠ", "큐"),
        ("ㄱㅈ", "국장"),
        ("프로젝ㅍ", "프로젝트"),
        ("프ㄹ젝트", "프로젝트"),
        ("하글", "한글"),
        ("각아", "가까"),
        ("한\N{HANGUL JONGSEONG KIYEOK}", "한글"),
        ("%", "커피"),
        ("a_b", "axb"),
        ("e", "é"),
        ("커피.", "커피"),
    ],
)
def test_a_query_finds_nothing_else(query: str, text: str) -> None:
    assert not finds(query, text)


@given(searchable_texts(), searchable_texts(), searchable_texts())
def test_a_text_is_found_by_its_parts(before: str, part: str, after: str) -> None:
    assert finds(part, before + part + after)


@given(searchable_texts(min_size=1))
def test_a_text_is_found_by_its_beginning_half_typed(text: str) -> None:
    key = search_key(text)
    for end in range(1, len(text) + 1):
        assert key.startswith(search_term(text[:end]))


@given(searchable_texts() | texts())
def test_normal_forms_have_one_key(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert search_key(composed) == search_key(decomposed) == search_key(text)


@given(searchable_texts() | texts())
def test_a_visible_text_has_a_key_of_visible_and_filler_characters(text: str) -> None:
    key = search_key(text)
    assert bool(search_term(text)) == (
        not all(map(is_invisible, unicodedata.normalize("NFC", text)))
    )
    assert not any(is_invisible(char) for char in key if char not in "\u115f\u1160")
    assert "\n" not in key
