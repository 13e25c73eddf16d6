"""Texts with placeholders: `{name}` shows a value, `{name:을/를}` a value with its particle.

    fill("{name:이/가} 댓글을 남겼어요", name="하늘")        하늘이 댓글을 남겼어요
    fill(Plural("{count} comments", "{count} comment"), count=1)

Whole numbers get thousands separators.
"""

from functools import lru_cache
from string import Formatter
from typing import NamedTuple

from markupsafe import Markup, escape

from sidepro.web.display.particles import PARTICLES, particle


class Plural(NamedTuple):
    """A text that depends on `count`. Korean has one form, so `one` may be missing."""

    other: str
    one: str | None = None


Text = str | Plural


@lru_cache(maxsize=2_000)
def _parsed(pattern: str) -> tuple[tuple[str, str | None, str], ...]:
    """Pairs of a literal text and the placeholder after it: its name and particle."""
    parts = tuple(
        (literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(pattern)
    )
    for _, name, spec in parts:
        if spec and spec not in PARTICLES:
            raise ValueError(f"{spec} of {name} is not a particle")
    return parts


def placeholders(text: Text) -> frozenset[str]:
    """The names of the placeholders of a text."""
    forms = [form for form in text if form is not None] if isinstance(text, Plural) else [text]
    return frozenset(name for form in forms for _, name, _ in _parsed(form) if name is not None)


def fill(text: Text, **values: object) -> str:
    """The text with these values. Markup among the values makes the result markup.

    Raises:
        KeyError: a value is missing.
    """
    if isinstance(text, Plural):
        pattern = text.one if text.one is not None and values["count"] == 1 else text.other
    else:
        pattern = text
    is_markup = Markup in map(type, values.values())
    out: list[str] = []
    for literal, name, spec in _parsed(pattern):
        out.append(escape(literal) if is_markup else literal)
        if name is not None:
            value = values[name]
            shown = f"{value:,}" if isinstance(value, int) else value
            out.append(escape(shown) if is_markup else str(shown))
            if spec:
                out.append(particle(str(shown), spec))
    joined = "".join(out)
    # Every part was escaped above.
    return Markup(joined) if is_markup else joined  # noqa: S704
