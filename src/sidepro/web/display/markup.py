"""Markup of texts that are safe already."""

from markupsafe import Markup


def new_markup(text: str) -> Markup:
    """A text that is HTML, all of whose parts are escaped, as markup.

    `Markup()` takes objects of all kinds, and three times as long.
    """
    return str.__new__(Markup, text)
