"""The texts: both languages have the same, and Korean particles fit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from markupsafe import Markup

from sidepro import web
from sidepro.adapters.mail import composer as mails
from sidepro.adapters.sql import schema
from sidepro.domain import errors
from sidepro.domain.language import Language
from sidepro.domain.violations import FieldCode
from sidepro.http.mail_pages import texts as mail_pages
from sidepro.web.addresses import local_address
from sidepro.web.display.dates import SEOUL, Dates, time_zone
from sidepro.web.display.particles import particle
from sidepro.web.forms import wait_text
from sidepro.web.language import choose_language
from sidepro.web.messages.catalogue import CATALOGUES, Texts
from sidepro.web.texts import Plural, fill, placeholders

WEB = Path(web.__file__).parent
LINES = {"editor.sending", "editor.uploads_first", "editor.saved", "editor.wrong_kind"}
"""Texts that the template of the editor finds by their names."""

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def texts(node: object, place: str = "") -> Iterator[tuple[str, str | Plural]]:
    """All texts below a node, with their places."""
    if isinstance(node, (str, Plural)):
        yield place, node
    elif is_dataclass(node):
        for each in fields(node):
            yield from texts(getattr(node, each.name), f"{place}/{each.name}")
    elif isinstance(node, Mapping):
        for name, value in node.items():
            yield from texts(value, f"{place}/{name}")
    elif isinstance(node, tuple):
        for index, value in enumerate(node):
            yield from texts(value, f"{place}/{index}")


def test_both_languages_have_the_same_texts_and_placeholders() -> None:
    korean, english = (
        {place: placeholders(text) for place, text in texts(CATALOGUES[language])}
        for language in Language
    )
    assert korean == english


def test_no_text_is_empty() -> None:
    for catalogue in CATALOGUES.values():
        assert [place for place, text in texts(catalogue) if not str(text).strip()] == []


@pytest.mark.parametrize(
    ("language", "other_word"),
    [(Language.KOREAN, r"(?<!이)메일"), (Language.ENGLISH, r"\b[Mm]ails?\b")],
)
def test_pages_and_mails_call_an_email_by_one_word(language: Language, other_word: str) -> None:
    everything = (CATALOGUES[language], mail_pages.TEXTS[language], mails.TEXTS[language])
    found = {str(text) for node in everything for _, text in texts(node)}
    assert {text for text in found if re.search(other_word, text)} == set()


def test_every_text_is_used() -> None:
    sources = "\n".join(
        path.read_text()
        for pattern in ("routes/**/*.py", "templates/**/*.*", "*.py")
        for path in WEB.glob(pattern)
    )
    # A template or a function may know its group as `texts`.
    used = set(re.findall(r"\b(\w+)(?=\.(\w+))", sources))
    unused = {
        f"{group.name}.{text.name}"
        for group in fields(Texts)
        for text in fields(getattr(CATALOGUES[Language.KOREAN], group.name))
        if used.isdisjoint([(group.name, text.name), ("texts", text.name)])
    }
    assert unused == LINES


@pytest.mark.parametrize("language", Language)
def test_every_field_code_has_a_text(language: Language) -> None:
    assert CATALOGUES[language].errors.fields.keys() == set(FieldCode)


def leaves(kind: type[errors.SideProError]) -> Iterator[type[errors.SideProError]]:
    for subclass in kind.__subclasses__():
        if subclass.__module__.startswith("sidepro."):
            yield subclass
            yield from leaves(subclass)


@pytest.mark.parametrize("language", Language)
def test_every_error_of_the_domain_has_a_text(language: Language) -> None:
    codes = {kind.code for kind in leaves(errors.SideProError)} - {errors.SideProError.code}
    assert codes <= CATALOGUES[language].errors.problems.keys()


@pytest.mark.parametrize(
    ("word", "kind", "expected"),
    [
        ("하늘", "이/가", "이"),
        ("바다", "이/가", "가"),
        ("하늘", "을/를", "을"),
        ("바다", "을/를", "를"),
        ("하늘", "으로/로", "로"),
        ("산", "으로/로", "으로"),
        ("바다", "으로/로", "로"),
        ("산", "과/와", "과"),
        ("Django", "이/가", "이(가)"),
        ("v2", "은/는", "은(는)"),
        ("‘하늘’", "은/는", "은"),
        ("하\u1102\u1173\u11af", "이/가", "이"),
        ("", "이/가", "이(가)"),
    ],
)
def test_a_particle_follows_the_final_consonant(word: str, kind: str, expected: str) -> None:
    assert particle(word, kind) == expected


def test_a_placeholder_may_have_a_particle() -> None:
    assert fill("{name:이/가} {count}개를 올렸어요", name="하늘", count=1234) == (
        "하늘이 1,234개를 올렸어요"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "Try again in 1 second."),
        (119, "Try again in 119 seconds."),
        (121, "Try again in 3 minutes."),
        (3_600, "Try again in 60 minutes."),
        (86_400, "Try again in 24 hours."),
        (30 * 86_400, "Try again in 30 days."),
        (30 * 86_400 - 1e-6, "Try again in 30 days."),
        (2 * 86_400 + 20, "Try again in 3 days."),
    ],
)
def test_a_wait_is_told_in_a_unit_for_people(seconds: float, text: str) -> None:
    assert wait_text(seconds, CATALOGUES[Language.ENGLISH].errors) == text


def test_english_counts_in_two_forms() -> None:
    text = Plural("{count} comments", "{count} comment")
    assert [fill(text, count=number) for number in (0, 1, 2)] == [
        "0 comments",
        "1 comment",
        "2 comments",
    ]


def test_values_beside_markup_are_escaped() -> None:
    assert fill("{a} & {b}", a="<", b=Markup("<b>x</b>")) == "&lt; &amp; <b>x</b>"


@pytest.mark.parametrize(
    ("cookie", "header", "expected"),
    [
        (None, "", "ko"),
        (None, "en", "en"),
        (None, "en-US,en;q=0.9,ko;q=0.8", "en"),
        (None, "fr, en;q=0.2, ko;q=0.7", "ko"),
        (None, "ko;q=0, en;q=0.1", "en"),
        (None, "ko;q=.1, en;level=1;q=.2", "en"),
        (None, "en;q=nan, *", "ko"),
        ("en", "ko", "en"),
        ("ko", "en", "ko"),
        ("xx", "en", "en"),
    ],
)
def test_a_cookie_decides_before_the_browser(
    cookie: str | None, header: str, expected: str
) -> None:
    assert choose_language(cookie, header) == expected


@pytest.mark.parametrize(
    ("age", "korean", "english"),
    [
        (timedelta(seconds=3), "방금", "just now"),
        (timedelta(minutes=1), "1분 전", "1 min ago"),
        (timedelta(hours=5), "5시간 전", "5 hours ago"),
        (timedelta(days=6), "6일 전", "6 days ago"),
        (timedelta(days=8), "11월 21일", "Nov 21"),
        (timedelta(days=332, hours=20), "1월 1일", "Jan 1"),
        (timedelta(days=333), "2025년 12월 31일", "Dec 31, 2025"),
    ],
)
def test_times_are_relative_for_a_week(age: timedelta, korean: str, english: str) -> None:
    moment = NOW - age
    for language, text in ((Language.KOREAN, korean), (Language.ENGLISH, english)):
        shown = Dates(language, SEOUL, NOW).ago(moment)
        assert f">{text}</time>" in shown
        assert f'datetime="{moment.isoformat(timespec="seconds")}"' in shown


@pytest.mark.parametrize("name", [None, "Nowhere/Else", "../etc/passwd", "/etc", "x" * 100, "\0"])
def test_an_unknown_time_zone_is_seouls(name: str | None) -> None:
    assert time_zone(name) is SEOUL


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "x",
        "",
        "/\t/evil",
        "/\r\nA: b",
    ],
)
def test_an_address_elsewhere_leads_to_the_board(address: str) -> None:
    assert local_address(address) == "/"


def test_a_local_address_is_kept() -> None:
    assert local_address("/projects/1?q=%EA%B0%80#x") == "/projects/1?q=%EA%B0%80#x"


def test_every_region_and_time_of_the_catalogue_has_a_name() -> None:
    path = Path(schema.__file__).parent / "migrations" / "data" / "catalogue_2026_11.json"
    data = json.loads(path.read_text())
    assert CATALOGUES[Language.KOREAN].people.choices.keys() == {
        *data["regions"],
        *data["meet_times"],
    }
