"""Keeps parts of pages that many pages share, such as the text of a project's card.

{% call cached("card", project.title) %}<h3>…</h3>{% endcall %}
"""

from collections.abc import Callable, Hashable

from markupsafe import Markup

MAX_FRAGMENTS = 1_000
"""A fragment has some kilobytes."""


class Fragments:
    """Rendered parts of one language by their keys. A key holds all that the part depends on."""

    def __init__(self) -> None:
        self._fragments: dict[tuple[Hashable, ...], Markup] = {}

    def __call__(self, *key: Hashable, caller: Callable[[], Markup]) -> Markup:
        """The part with this key; `caller` renders it the first time."""
        fragment = self._fragments.get(key)
        if fragment is None:
            if len(self._fragments) >= MAX_FRAGMENTS:
                self._fragments.clear()
            fragment = self._fragments[key] = caller()
        return fragment

    def __len__(self) -> int:
        return len(self._fragments)
