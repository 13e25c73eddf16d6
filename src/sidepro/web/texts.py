"""Texts with placeholders: `{name}` shows a value, `{name:을/를}` a value with its particle.

    fill("{name:이/가} 댓글을 남겼어요", name="하늘")        하늘이 댓글을 남겼어요
    fill(Plural("{count} comments", "{count} comment"), count=1)

Whole numbers get thousands separators.
"""

from functools import lru_cache
from string import Formatter
from typing import NamedTuple

from markupsafe import Markup, escape

from sidepro.web.display.markup import new_markup
from sidepro.web.display.particles import PARTICLES, particle


class Plural(NamedTuple):
    """A text that depends on `count`. Korean has one form, so `one` may be missing."""

    other: str
    one: str | None = None


Text = str | Plural


class _Pattern(NamedTuple):
    """A text with `%s` in place of its placeholders, plain and escaped, and what they are."""

    plain: str
    escaped: str
    fields: tuple[tuple[str, str], ...]
    """The name of each value, and the particle after it or an empty text."""


@lru_cache(maxsize=2_000)
def _parsed(pattern: str) -> _Pattern:
    plain, fields = "", []
    for literal, name, spec, _ in Formatter().parse(pattern):
        plain += literal.replace("%", "%%")
        if name is not None:
            if spec and spec not in PARTICLES:
                raise ValueError(f"{spec} of {name} is not a particle")
            plain += "%s%s" if spec else "%s"
            fields.append((name, spec or ""))
    return _Pattern(plain, str(escape(plain)), tuple(fields))


def placeholders(text: Text) -> frozenset[str]:
    """The names of the placeholders of a text."""
    forms = [form for form in text if form is not None] if isinstance(text, Plural) else [text]
    return frozenset(name for form in forms for name, _ in _parsed(form).fields)


def fill(text: Text, **values: object) -> str:
    """The text with these values. Markup among the values makes the result markup.

    Raises:
        KeyError: a value is missing.
    """
    if isinstance(text, Plural):
        pattern = text.one if text.one is not None and values["count"] == 1 else text.other
    else:
        pattern = text
    plain, escaped, fields = _parsed(pattern)
    is_markup = Markup in map(type, values.values())
    filled: list[object] = []
    for name, spec in fields:
        value = values[name]
        shown = f"{value:,}" if isinstance(value, int) else value
        filled.append(escape(shown) if is_markup else shown)
        if spec:
            filled.append(particle(str(shown), spec))
    # Markup has an operator of its own, which escapes again.
    return new_markup(escaped % tuple(filled)) if is_markup else plain % tuple(filled)
