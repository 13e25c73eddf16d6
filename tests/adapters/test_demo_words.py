"""The words of the demo data: complete for every kind of project, and grammatical."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.demo.generator import Sizes, generate
from sidepro.demo.words import (
    EnglishWord,
    KoreanWord,
    code_samples,
    kinds_in,
    particle_after,
    word_banks,
)
from sidepro.domain.accounts.profile import PROFILE_SKILLS
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.images.urls import ImageUrls

NOW = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=UTC)
SHIPPED = Path(migrations.__file__).parent / "migrations" / "data" / "catalogue_2026_11.json"
ENTRIES = json.loads(SHIPPED.read_text("utf-8"))
CATALOGUE = Catalogue(*(tuple(ENTRIES[name]) for name in ("skills", "regions", "meet_times")))

# ----------------------------------------------------------------------------------- catalogue


def test_kinds_and_code_samples_use_the_names_of_the_catalogue() -> None:
    everything = set(CATALOGUE.skills)
    kinds = kinds_in(CATALOGUE)
    used = {skill for kind in kinds for skill in (*kind.leads, *kind.others)}
    assert used == everything
    assert code_samples().keys() <= everything


def test_both_banks_have_words_for_every_kind() -> None:
    for bank in word_banks():
        for kind in kinds_in(CATALOGUE):
            assert bank.forms[kind.name]
            assert bank.roles[kind.name]
            for group in kind.groups:
                assert bank.topics[group]
                assert bank.audiences[group]
                assert bank.group_features[group]


def test_every_topic_has_titles_and_summaries_that_fit() -> None:
    for bank in word_banks():
        for kind in kinds_in(CATALOGUE):
            for group in kind.groups:
                for noun, root, does in bank.topics[group]:
                    words = {
                        "name": root + max(bank.suffixes, key=len),
                        "topic": noun,
                        "does": does,
                        "form": max(bank.forms[kind.name], key=len),
                        "skill": max(kind.leads, key=len),
                        "audience": min(bank.audiences[group], key=len),
                        "effort": min(bank.efforts, key=len),
                        "pain": min(bank.pains, key=len),
                        "state": min(bank.states, key=len),
                        "tail": min(bank.tails, key=len),
                        "number": "9",
                    }
                    fillings = {key: bank.word(value) for key, value in words.items()}
                    for templates, longest in (
                        (bank.titles, 50),
                        (bank.summaries, 60),
                    ):
                        lines = [template.format_map(fillings) for template in templates]
                        assert sum(len(line) <= longest for line in lines) >= 3


def test_any_catalogue_works() -> None:
    small = Catalogue(("Knitting", "Python"), (), ("always",))
    for catalogue in (small, Catalogue(("Knitting",), ("here",), ())):
        data = generate(
            Sizes(users=9, projects=20), 1, catalogue, NOW, "hash", SafeMarkdown(ImageUrls())
        )
        assert len(data.projects) == 20
        least, _ = PROFILE_SKILLS
        for profile in data.profiles:
            assert least <= len(profile.skills) <= len(catalogue.skills)


# ------------------------------------------------------------------------------------- grammar


@pytest.mark.parametrize(
    ("word", "particle", "fitting"),
    [
        ("책", "을", "을"),
        ("지도", "을", "를"),
        ("모델", "으로", "로"),
        ("앱", "으로", "으로"),
        ("Python", "과", "과"),
        ("Java", "과", "와"),
        ("MySQL", "으로", "로"),
        ("MySQL", "은", "은"),
        ("R", "으로", "로"),
        ("C#", "으로", "으로"),
        ("Webpack", "이", "이"),
        ("Docker", "이", "가"),
        ("HTML5", "을", "를"),
        ("Verilog", "은", "는"),
        ("C언어", "은", "는"),
    ],
)
def test_korean_particles_follow_the_final_sound(word: str, particle: str, fitting: str) -> None:
    assert particle_after(word, particle) == fitting
    assert f"{KoreanWord(word):{particle}}" == word + fitting
    assert f"**{KoreanWord(word)}**{KoreanWord(word):-{particle}}" == f"**{word}**{fitting}"


def test_english_words_take_articles_and_capitals() -> None:
    word = EnglishWord("app")
    assert f"{word} {word:a} {word:A} {word:W}" == "app an app An app App"
    assert f"{EnglishWord('map'):a}" == "a map"
