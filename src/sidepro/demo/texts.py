"""The texts of demo people: bios, projects, comments and chats, built from templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sidepro.demo.words import Dialogue, Kind, Templates, WordBank, code_samples
from sidepro.domain.projects.project import MAX_SUMMARY, MAX_TITLE

CODE_HOST = "https://github.example.com"
"""A name reserved by RFC 2606: a made-up URL must not lead to a real page."""

_SLUGS = ("tiny", "daily", "weekend", "open", "little", "hello", "plain", "simple", "next")

ChatLine = tuple[int, str]
"""The sender and text of a chat line. Sender 0 asked for the chat, 1 was asked."""


class _Writer:
    """Fills in the templates of one word bank."""

    def __init__(self, rng: Random, bank: WordBank, words: Mapping[str, str]) -> None:
        self._rng = rng
        self._bank = bank
        self._words = {key: bank.word(value) for key, value in words.items()}

    def fill(self, template: str, **more: str) -> str:
        number = str(self._rng.randint(2, 9))
        words = {key: self._bank.word(value) for key, value in more.items()}
        return template.format_map({**self._words, "number": number, **words})

    def one(self, templates: Templates, **more: str) -> str:
        return self.fill(self._rng.choice(templates), **more)

    def some(self, templates: Templates, low: int, high: int, **more: str) -> list[str]:
        count = self._rng.randint(low, high)
        return [self.fill(template, **more) for template in self._rng.sample(templates, count)]


def bio(rng: Random, bank: WordBank, kind: Kind, skills: Sequence[str]) -> str:
    """A few words about oneself; empty for some people."""
    if rng.random() < 0.06:
        return ""
    words = {
        "role": rng.choice(bank.roles[kind.name]),
        "years": str(rng.randint(2, 15)),
        "skill": skills[0],
        "other": skills[-1],
        "hobby": rng.choice(bank.hobbies),
    }
    return _Writer(rng, bank, words).one(bank.bios)


# ------------------------------------------------------------------------------------ projects


@dataclass(frozen=True, slots=True)
class ProjectText:
    """The text of a project, and the words that comments refer to.

    Each of `blocks` is Markdown that stands alone. Joined by blank lines they are the content.
    """

    bank: WordBank
    words: Mapping[str, str]
    title: str
    summary: str
    blocks: tuple[str, ...]
    repository_url: str | None
    caption: str

    def blocks_with_picture(self, url: str) -> tuple[str, ...]:
        """The blocks with a picture after the first paragraph."""
        after = 1 + self.blocks[0].startswith("#")
        return (*self.blocks[:after], f"![{self.caption}]({url})", *self.blocks[after:])


def project_text(
    rng: Random, bank: WordBank, kind: Kind, skills: Sequence[str], handle: str
) -> ProjectText:
    """A project of a kind, built with these skills, the leading one first. `handle` is the
    author's name at the code host.
    """
    group = rng.choice(kind.groups)
    noun, root, does = rng.choice(bank.topics[group])
    words = {
        "name": root + rng.choice(bank.suffixes),
        "topic": noun,
        "does": does,
        "form": rng.choice(bank.forms[kind.name]),
        "skill": skills[0],
    }
    url = None
    if rng.random() < 0.85:
        url = f"{CODE_HOST}/{handle}/{rng.choice(_SLUGS)}-{kind.name}"
    writer = _Writer(rng, bank, words)

    def headline(templates: Templates, max_length: int) -> str:
        """A line of at most `max_length`. Every bank has templates for one."""
        while True:
            line = writer.one(
                templates,
                audience=rng.choice(bank.audiences[group]),
                effort=rng.choice(bank.efforts),
                pain=rng.choice(bank.pains),
                state=rng.choice(bank.states),
                tail=writer.one(bank.tails),
            )
            if len(line) <= max_length:
                return line

    return ProjectText(
        bank=bank,
        words=words,
        title=headline(bank.titles, MAX_TITLE),
        summary=headline(bank.summaries, MAX_SUMMARY),
        blocks=_blocks(rng, bank, writer, group, skills, url),
        repository_url=url,
        caption=bank.caption.format_map(words),
    )


def _blocks(
    rng: Random,
    bank: WordBank,
    writer: _Writer,
    group: str,
    skills: Sequence[str],
    url: str | None,
) -> tuple[str, ...]:
    """The required sections, and optional ones until the text is long enough, in fixed order."""
    sections = _sections(rng, bank, writer, group, skills, url)
    target = min(4_000.0, max(400.0, rng.gauss(1_500, 450)))
    chosen = {"intro", "features", "stack"}
    optional = [name for name, blocks in sections.items() if blocks and name not in chosen]
    rng.shuffle(optional)
    while optional and sum(len(block) for name in chosen for block in sections[name]) < target:
        chosen.add(optional.pop())
    blocks: list[str] = []
    for name, contents in sections.items():
        if name in chosen:
            blocks += [f"## {rng.choice(bank.headings[name])}", *contents]
    starts_without_heading = rng.random() < 0.4
    return tuple(blocks[starts_without_heading:])


def _sections(
    rng: Random,
    bank: WordBank,
    writer: _Writer,
    group: str,
    skills: Sequence[str],
    url: str | None,
) -> dict[str, list[str]]:
    audience = rng.choice(bank.audiences[group])
    effort, pain = rng.choice(bank.efforts), rng.choice(bank.pains)
    intro = writer.one(bank.intros, audience=audience, effort=effort, pain=pain)
    features = (*bank.group_features[group], *bank.features)
    stories = writer.some(bank.stories, 2, 4)
    if len(skills) > 1:
        stories.insert(1, writer.one(bank.pairs, other=rng.choice(skills[1:])))
    calls = writer.some(bank.calls, 1, 2)
    if url:
        calls.append(writer.one(bank.links, url=url))
    return {
        "intro": [intro],
        "reasons": writer.some(bank.reasons, 1, 3),
        "features": [_bullets(writer.some(features, 4, 6, audience=audience))],
        "stack": [_bullets(_stack(rng, bank, skills))],
        "stories": stories,
        "starts": _code(writer, bank, skills),
        "lessons": [_bullets(writer.some(bank.lessons, 3, 5))],
        "figures": [writer.one(bank.figures)],
        "plans": [_bullets(writer.some(bank.plans, 3, 5), "- [ ] ")],
        "calls": calls,
    }


def _stack(rng: Random, bank: WordBank, skills: Sequence[str]) -> list[str]:
    items = rng.sample(bank.skill_items, len(skills))
    return [item.format(skill=skill) for item, skill in zip(items, skills, strict=True)]


def _code(writer: _Writer, bank: WordBank, skills: Sequence[str]) -> list[str]:
    """The code sample of the first skill that has one."""
    for skill in skills:
        if sample := code_samples().get(skill):
            code = f"```{sample.language}\n{sample.text.strip()}\n```"
            return [writer.one(bank.starts), code]
    return []


def _bullets(items: Sequence[str], mark: str = "- ") -> str:
    return "\n".join(f"{mark}{item}" for item in items)


# ------------------------------------------------------------------------- comments and chats


def comment(rng: Random, text: ProjectText, *, by_author: bool) -> str:
    """A comment on a project in its language, of about 80 characters."""
    bank = text.bank
    writer = _Writer(rng, bank, text.words)
    if by_author:
        return writer.one(bank.replies)
    target = rng.gauss(70, 35)
    groups = [bank.remarks, bank.questions, bank.wishes]
    rng.shuffle(groups)
    sentences = [writer.one(bank.praises)]
    while groups and sum(map(len, sentences)) < target:
        sentences.append(writer.one(groups.pop()))
    return rng.choice((" ", " ", "\n")).join(sentences)


def chat(
    rng: Random, bank: WordBank, length: int, *, skill: str, project: str | None
) -> list[ChatLine]:
    """A chat of `length` lines, about a skill or a project of the person who was asked."""
    writer = _Writer(rng, bank, {"skill": skill, "name": project or ""})
    opening = rng.choice(bank.project_openings if project else bank.openings)
    closing = rng.choice(bank.closings)
    lines = _alternating(opening)
    exchanges: list[Dialogue] = []
    while (left := length - len(lines) - len(closing)) > 0:
        if not exchanges:
            exchanges = rng.sample(bank.exchanges, len(bank.exchanges))
        exchange = next((dialogue for dialogue in exchanges if len(dialogue) <= left), None)
        if exchange:
            exchanges.remove(exchange)
        else:
            exchange = (rng.choice(bank.nods),)
        lines += _alternating(exchange, first=rng.randrange(2))
    lines += _alternating(closing)
    return [(sender, writer.fill(line)) for sender, line in lines[:length]]


def _alternating(lines: Dialogue, first: int = 0) -> list[ChatLine]:
    return [((first + index) % 2, line) for index, line in enumerate(lines)]
