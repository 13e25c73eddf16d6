"""The words of the demo data (`data/*.toml`) and the grammar of their templates.

Sentences are templates for `str.format`. In a Korean template `{name:을}` is the name with the
right one of 을 and 를; in an English one `{form:a}` is the word after "a" or "an".
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from sidepro.domain.catalogue.catalogue import Catalogue

Templates = tuple[str, ...]
Dialogue = tuple[str, ...]
"""Lines of a chat. The two people take turns."""


@dataclass(frozen=True, slots=True)
class WordBank:
    """The words of one language. The data files list the placeholders of each template."""

    language: str
    families: tuple[tuple[str, str], ...]
    given_names: tuple[tuple[str, str], ...]
    full_names: Templates
    nicknames: tuple[Templates, Templates]
    hobbies: Templates
    bios: Templates
    suffixes: Templates
    efforts: Templates
    pains: Templates
    states: Templates
    tails: Templates
    titles: Templates
    summaries: Templates
    intros: Templates
    reasons: Templates
    features: Templates
    skill_items: Templates
    stories: Templates
    pairs: Templates
    starts: Templates
    lessons: Templates
    figures: Templates
    plans: Templates
    calls: Templates
    links: Templates
    caption: str
    praises: Templates
    remarks: Templates
    questions: Templates
    wishes: Templates
    replies: Templates
    openings: tuple[Dialogue, ...]
    project_openings: tuple[Dialogue, ...]
    exchanges: tuple[Dialogue, ...]
    nods: Templates
    closings: tuple[Dialogue, ...]
    forms: Mapping[str, Templates]
    roles: Mapping[str, Templates]
    topics: Mapping[str, tuple[tuple[str, str, str], ...]]
    audiences: Mapping[str, Templates]
    group_features: Mapping[str, Templates]
    headings: Mapping[str, Templates]

    def word(self, text: str) -> str:
        """The text as a word with its grammar."""
        return KoreanWord(text) if self.language == "ko" else EnglishWord(text)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of developer and of project. People of a kind share its skills, so the similarity
    job finds neighbours among them.
    """

    name: str
    share: int
    groups: tuple[str, ...]
    leads: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeSample:
    language: str
    text: str


@cache
def word_banks() -> tuple[WordBank, WordBank]:
    """The Korean words and the English ones."""
    korean, english = (
        msgspec.convert(
            {name: _templates(value) for name, value in _read(f"{language}.toml").items()},
            WordBank,
        )
        for language in ("korean", "english")
    )
    return korean, english


def kinds_in(catalogue: Catalogue) -> tuple[Kind, ...]:
    """The kinds with the skills that the catalogue offers; at least one kind."""
    offered = set(catalogue.skills)
    kinds = (
        replace(
            kind,
            leads=tuple(skill for skill in kind.leads if skill in offered),
            others=tuple(skill for skill in kind.others if skill in offered),
        )
        for kind in msgspec.convert(_read("kinds.toml")["kinds"], tuple[Kind, ...])
    )
    fallback = Kind("frontend", 1, ("life", "tool"), catalogue.skills, ())
    return tuple(kind for kind in kinds if kind.leads) or (fallback,)


@cache
def code_samples() -> Mapping[str, CodeSample]:
    """Code that starts or shows a project, by its skill."""
    return msgspec.convert(_read("kinds.toml")["code_samples"], dict[str, CodeSample])


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("sidepro.demo").joinpath("data", name).read_text("utf-8"))


def _templates(value: Any) -> Any:
    """A long text as a list of its paragraphs, each on one line. Other values unchanged."""
    if not isinstance(value, str) or "\n" not in value:
        return value
    return [" ".join(paragraph.split()) for paragraph in value.strip().split("\n\n")]


class KoreanWord(str):
    """A word that takes its particle: `f"{word:을}"` is 책을 or 나무를. `f"{word:-을}"` is the
    particle alone, for use after markup.
    """

    __slots__ = ()

    def __format__(self, particle: str) -> str:
        if not particle:
            return str(self)
        bare = particle.removeprefix("-")
        fitting = particle_after(self, bare)
        return fitting if bare != particle else f"{self!s}{fitting}"


class EnglishWord(str):
    """A word that takes its article (`f"{word:a}"`), a capital (`f"{word:W}"`) or both
    (`f"{word:A}"`).
    """

    __slots__ = ()

    def __format__(self, form: str) -> str:
        text = str(self)
        if form.lower() == "a":
            article = "an" if text[:1].lower() in "aeio" else "a"
            text = f"{article} {text}"
        return text[:1].upper() + text[1:] if form in ("A", "W") else text


_AFTER_VOWEL = {
    "은": "는",
    "이": "가",
    "을": "를",
    "과": "와",
    "으로": "로",
    "이라는": "라는",
    "이에요": "예요",
    "이나": "나",
    "이랑": "랑",
}

# How the Korean readings of Latin words end: 파이썬, 웹팩, 톰캣, 닷넷, 깃, 하둡, C샵 …
_CLOSED = ("n", "m", "ng", "ck", "ic", "ap", "ab", "op", "cat", "let", "net", "git", "#")


def particle_after(word: str, particle: str) -> str:
    """The form of a particle that follows `word`.

    `particle` is the form after a consonant; after ㄹ, 으로 becomes 로. The final consonant of a
    Hangul syllable follows from its code point (Unicode 15, section 3.12).
    """
    last = word[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        is_closed, is_liquid = final > 0, final == 8
    else:
        is_liquid = word == "R" or last in "lL"
        is_closed = is_liquid or word.lower().endswith(_CLOSED)
    if is_closed and not (is_liquid and particle == "으로"):
        return particle
    return _AFTER_VOWEL[particle]
