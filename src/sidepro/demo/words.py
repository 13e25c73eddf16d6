"""The shape of a word bank: what the Korean and the English one both provide.

Sentences are templates for `str.format`. The words that go into them know their own grammar: in
a Korean template `{name:을}` is the name with the right one of 을 and 를, in an English one
`{form:a}` is the word after "a" or "an".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Templates = tuple[str, ...]


def paragraphs(text: str) -> Templates:
    """The paragraphs of a text, which blank lines part, each on a line of its own."""
    return tuple(" ".join(block.split()) for block in text.split("\n\n"))


@dataclass(frozen=True, slots=True)
class Topic:
    """What a project is about: a noun phrase, the beginning of product names, and what such a
    project does, as a phrase that goes with a noun.
    """

    noun: str
    root: str
    does: str


@dataclass(frozen=True, slots=True)
class Subjects:
    """What projects are about. Forms (what a project is: an app, a tool) go by a kind's name, the
    rest by its group.
    """

    topics: Mapping[str, tuple[Topic, ...]]
    forms: Mapping[str, Templates]
    audiences: Mapping[str, Templates]
    features: Mapping[str, Templates]


@dataclass(frozen=True, slots=True)
class Prose:
    """How authors present their projects.

    Templates know `name`, `topic`, `does`, `form`, `audience`, `skill`, `effort`, `pain`, `state`,
    `tail` and `number` (2 to 9); those in `pairs` also `other`, a second skill, and `links` also
    `url`. What only knows `number` and `skill` comes out the same in many projects.
    """

    suffixes: Templates
    efforts: Templates
    pains: Templates
    states: Templates
    tails: Templates
    titles: Templates
    summaries: Templates
    headings: Mapping[str, Templates]
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


@dataclass(frozen=True, slots=True)
class PeopleWords:
    """What people are called and what they say.

    Names are pairs of how they are written and how they look in an address; full names know
    `family`, `given`, `family_latin`, `latin` and `number`. Comments know `topic`, `form`, `skill`
    and `number`, chats `name` (of a project), `skill` and `number`, bios `role`, `years`, `skill`,
    `other` and `hobby`. An exchange is a few lines of a chat, the two people taking turns; a nod
    is a line that fits anywhere.
    """

    families: tuple[tuple[str, str], ...]
    givens: tuple[tuple[str, str], ...]
    full_names: Templates
    nicknames: tuple[Templates, Templates]
    roles: Mapping[str, Templates]
    hobbies: Templates
    bios: Templates
    praises: Templates
    remarks: Templates
    questions: Templates
    wishes: Templates
    replies: Templates
    openings: tuple[Templates, ...]
    project_openings: tuple[Templates, ...]
    exchanges: tuple[Templates, ...]
    nods: Templates
    closings: tuple[Templates, ...]


@dataclass(frozen=True, slots=True)
class Bank:
    """One language's words. `word` makes a word that knows its grammar."""

    word: Callable[[str], str]
    subjects: Subjects
    prose: Prose
    people: PeopleWords


class KoreanWord(str):
    """A word that takes its particle: `f"{word:을}"` is 책을 or 나무를. With a dash before it
    (`f"{word:-을}"`) the particle comes alone, for where something stands between the two.
    """

    __slots__ = ()

    def __format__(self, particle: str) -> str:
        if not particle:
            return str(self)
        bare = particle.removeprefix("-")
        fitting = particle_after(self, bare)
        return fitting if bare != particle else f"{self!s}{fitting}"


class EnglishWord(str):
    """A word that takes its article (`f"{word:a}"`) or a capital (`f"{word:A}"` for both,
    `f"{word:W}"` for the capital alone).
    """

    __slots__ = ()

    def __format__(self, form: str) -> str:
        text = str(self)
        if form.lower() == "a":
            article = "an" if text[:1].lower() in "aeio" else "a"
            text = f"{article} {text}"
        return text[:1].upper() + text[1:] if form in ("A", "W") else text


# The particle after a consonant, and the one after a vowel.
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
    """The form of a particle that follows a word, by the word's final sound.

    `particle` is the form after a consonant. After ㄹ, 으로 is 로 as after a vowel. The finals of
    Hangul syllables follow from their code points (Unicode 15, section 3.12).
    """
    closed, liquid = _final(word)
    if closed and not (liquid and particle == "으로"):
        return particle
    return _AFTER_VOWEL[particle]


def _final(word: str) -> tuple[bool, bool]:
    """Whether the word ends in a consonant, and whether that is ㄹ."""
    last = word[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return final > 0, final == 8
    liquid = word == "R" or last in "lL"
    return liquid or word.lower().endswith(_CLOSED), liquid
