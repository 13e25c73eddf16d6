"""Putting words together: what people are called, write, comment and say to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sidepro.demo import (
    english_people,
    english_prose,
    english_subjects,
    korean_people,
    korean_prose,
    korean_subjects,
)
from sidepro.demo.kinds import STARTS, Kind
from sidepro.demo.words import (
    Bank,
    EnglishWord,
    KoreanWord,
    Templates,
)
from sidepro.domain.projects.project import MAX_SUMMARY, MAX_TITLE
from sidepro.domain.text import casefold_key

KOREAN = Bank(KoreanWord, korean_subjects.SUBJECTS, korean_prose.PROSE, korean_people.PEOPLE)
ENGLISH = Bank(EnglishWord, english_subjects.SUBJECTS, english_prose.PROSE, english_people.PEOPLE)

CODE_HOST = "https://github.example.com"
"""A name that RFC 2606 reserves: a made-up address must lead to nobody's real page."""

_SLUGS = ("tiny", "daily", "weekend", "open", "little", "hello", "plain", "simple", "next")


class _Pen:
    """Fills in the templates of one bank."""

    def __init__(self, rng: Random, bank: Bank, words: Mapping[str, str]) -> None:
        self._rng = rng
        self._word = bank.word
        self._words = {key: bank.word(value) for key, value in words.items()}

    def fill(self, template: str, **more: str) -> str:
        number = str(self._rng.randint(2, 9))
        more_words = {key: self._word(value) for key, value in more.items()}
        return template.format_map({**self._words, "number": number, **more_words})

    def one(self, templates: Sequence[str], **more: str) -> str:
        return self.fill(self._rng.choice(templates), **more)

    def some(self, templates: Sequence[str], count: int, **more: str) -> list[str]:
        drawn = self._rng.sample(templates, min(count, len(templates)))
        return [self.fill(template, **more) for template in drawn]


# ------------------------------------------------------------------------------------ projects


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author writes about a project, and the words that others will talk about it with.

    The blocks of the content are Markdown that stands alone, to be joined by blank lines.
    """

    bank: Bank
    words: Mapping[str, str]
    title: str
    summary: str
    blocks: tuple[str, ...]
    repository_url: str | None


def draft(rng: Random, bank: Bank, kind: Kind, skills: Sequence[str], handle: str) -> Draft:
    """A project of a kind that is built with these skills, the leading one first. `handle` is the
    author's name at the code host.
    """
    group = rng.choice(kind.groups)
    subjects = bank.subjects
    topic = rng.choice(subjects.topics[group])
    words = {
        "name": topic.root + rng.choice(bank.prose.suffixes),
        "topic": topic.noun,
        "does": topic.does,
        "form": rng.choice(subjects.forms[kind.name]),
        "skill": skills[0],
    }
    url = None
    if rng.random() < 0.85:
        url = f"{CODE_HOST}/{handle}/{rng.choice(_SLUGS)}-{kind.name}"
    pen = _Pen(rng, bank, words)
    audiences = subjects.audiences[group]
    return Draft(
        bank=bank,
        words=words,
        title=_headline(rng, bank, pen, audiences, bank.prose.titles, MAX_TITLE),
        summary=_headline(rng, bank, pen, audiences, bank.prose.summaries, MAX_SUMMARY),
        blocks=_content(rng, bank, pen, group, skills, url),
        repository_url=url,
    )


def _headline(
    rng: Random, bank: Bank, pen: _Pen, audiences: Templates, templates: Templates, longest: int
) -> str:
    """A line of at most so many characters. Every bank has templates that make one."""
    while True:
        line = pen.one(
            templates,
            audience=rng.choice(audiences),
            effort=rng.choice(bank.prose.efforts),
            pain=rng.choice(bank.prose.pains),
            state=rng.choice(bank.prose.states),
            tail=pen.one(bank.prose.tails),
        )
        if len(line) <= longest:
            return line


def _content(
    rng: Random, bank: Bank, pen: _Pen, group: str, skills: Sequence[str], url: str | None
) -> tuple[str, ...]:
    """The sections that every project has, and others until the text is as long as it should be,
    in a fixed order.
    """
    prose, subjects = bank.prose, bank.subjects
    audience = rng.choice(subjects.audiences[group])
    effort, pain = rng.choice(prose.efforts), rng.choice(prose.pains)
    intro = pen.one(prose.intros, audience=audience, effort=effort, pain=pain)
    features = [*subjects.features[group], *prose.features]
    stories = pen.some(prose.stories, rng.randint(2, 4))
    if len(skills) > 1:
        stories.insert(1, pen.one(prose.pairs, other=rng.choice(skills[1:])))
    calls = pen.some(prose.calls, rng.randint(1, 2))
    if url:
        calls.append(pen.one(prose.links, url=url))

    sections = {
        "intro": [intro],
        "reasons": pen.some(prose.reasons, rng.randint(1, 3)),
        "features": [_bullets(pen.some(features, rng.randint(4, 6), audience=audience))],
        "stack": [_bullets(_stack(rng, bank, skills))],
        "stories": stories,
        "starts": _start(pen, prose.starts, skills),
        "lessons": [_bullets(pen.some(prose.lessons, rng.randint(3, 5)))],
        "figures": [pen.one(prose.figures)],
        "plans": [_bullets(pen.some(prose.plans, rng.randint(3, 5)), "- [ ] ")],
        "calls": calls,
    }
    goal = min(4_000.0, max(400.0, rng.gauss(1_500, 450)))
    wanted = {"intro", "features", "stack"}
    others = [name for name, blocks in sections.items() if blocks and name not in wanted]
    rng.shuffle(others)
    while others and sum(len(block) for name in wanted for block in sections[name]) < goal:
        wanted.add(others.pop())

    written: list[str] = []
    for name, blocks in sections.items():
        if name in wanted:
            written += [f"## {rng.choice(prose.headings[name])}", *blocks]
    # Some begin without a heading.
    return tuple(written[1:] if rng.random() < 0.4 else written)


def _stack(rng: Random, bank: Bank, skills: Sequence[str]) -> list[str]:
    items = rng.sample(bank.prose.skill_items, len(skills))
    return [item.format(skill=skill) for item, skill in zip(items, skills, strict=True)]


def _start(pen: _Pen, starts: Templates, skills: Sequence[str]) -> list[str]:
    """How to run it, or a glance at its code; nothing where no skill has such a block."""
    for skill in skills:
        if skill in STARTS:
            language, code = STARTS[skill]
            return [pen.one(starts), f"```{language}\n{code}\n```"]
    return []


def _bullets(items: Sequence[str], mark: str = "- ") -> str:
    return "\n".join(f"{mark}{item}" for item in items)


# ------------------------------------------------------------------------- comments and chats


def comment(rng: Random, draft: Draft, *, by_author: bool) -> str:
    """What somebody says about a project, in its language: 80 characters or so."""
    people = draft.bank.people
    pen = _Pen(rng, draft.bank, draft.words)
    if by_author:
        return pen.one(people.replies)
    goal = rng.gauss(70, 35)
    kinds = [people.remarks, people.questions, people.wishes]
    rng.shuffle(kinds)
    sentences = [pen.one(people.praises)]
    while kinds and sum(map(len, sentences)) < goal:
        sentences.append(pen.one(kinds.pop()))
    return rng.choice((" ", " ", "\n")).join(sentences)


def chat(
    rng: Random, bank: Bank, length: int, *, skill: str, project: str | None
) -> list[tuple[int, str]]:
    """A chat of so many lines: who says it (0 asked for the chat, 1 was asked), and what.

    `skill` is something that the one who was asked knows, `project` what they have made.
    """
    people = bank.people
    pen = _Pen(rng, bank, {"skill": skill, "name": project or ""})
    opening = rng.choice(people.project_openings if project else people.openings)
    closing = rng.choice(people.closings)
    lines = _turns(opening)
    exchanges: list[Templates] = []
    while (left := length - len(lines) - len(closing)) > 0:
        if not exchanges:
            exchanges = rng.sample(people.exchanges, len(people.exchanges))
        exchange = next((some for some in exchanges if len(some) <= left), None)
        if exchange:
            exchanges.remove(exchange)
        else:
            exchange = (rng.choice(people.nods),)
        lines += _turns(exchange, first=rng.randrange(2))
    lines += _turns(closing)
    return [(who, pen.fill(line)) for who, line in lines[:length]]


def _turns(lines: Templates, first: int = 0) -> list[tuple[int, str]]:
    return [((first + turn) % 2, line) for turn, line in enumerate(lines)]


# -------------------------------------------------------------------------------------- people


def bio(rng: Random, bank: Bank, kind: Kind, skills: Sequence[str]) -> str:
    """A few words about oneself; now and then none."""
    if rng.random() < 0.06:
        return ""
    people = bank.people
    words = {
        "role": rng.choice(people.roles[kind.name]),
        "years": str(rng.randint(2, 15)),
        "skill": skills[0],
        "other": skills[-1],
        "hobby": rng.choice(people.hobbies),
    }
    return _Pen(rng, bank, words).one(people.bios)


@dataclass(frozen=True, slots=True)
class Name:
    """What somebody is called: on the platform, in their email, and at the code host."""

    username: str
    email: str
    handle: str


class Names:
    """Finds names that nobody has yet, by adding numbers where the words run out."""

    _HOSTS = ("example.com", "example.org", "example.net")  # reserved by RFC 2606

    def __init__(self, rng: Random, taken: Sequence[Name]) -> None:
        self._rng = rng
        self._usernames = {casefold_key(name.username) for name in taken}
        self._handles = {name.handle for name in taken}
        self._numbers: dict[str, int] = {}

    def next(self, bank: Bank) -> Name:
        """The name of another person who speaks the bank's language."""
        rng, people = self._rng, bank.people
        family, family_latin = rng.choice(people.families)
        given, latin = rng.choice(people.givens)
        if rng.random() < 0.55:
            username = rng.choice(people.full_names).format(
                family=family,
                given=given,
                family_latin=family_latin,
                latin=latin,
                number=rng.randint(1, 99),
            )
        else:
            username = "".join(map(rng.choice, people.nicknames))
        handle = self._free(f"{latin}-{family_latin}", self._handles)
        host = rng.choice(self._HOSTS)
        return Name(self._free(username, self._usernames), f"{handle}@{host}", handle)

    def _free(self, wanted: str, taken: set[str]) -> str:
        name = wanted
        while casefold_key(name) in taken:
            self._numbers[wanted] = self._numbers.get(wanted, 1) + 1
            name = f"{wanted}{self._numbers[wanted]}"
        taken.add(casefold_key(name))
        return name
