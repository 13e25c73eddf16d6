"""Keeps parts of pages that many pages share, such as the text of a project's card.

{% call cached("card", project.title) %}<h3>…</h3>{% endcall %}
"""

from collections import defaultdict
from collections.abc import Callable, Hashable

from markupsafe import Markup

MAX_CHARACTERS = 300_000
"""Of the fragments of a kind, some 1.2 MB with their keys. A card has a thousand."""


class Fragments:
    """Rendered parts of one language by their keys. A key holds all that the part depends on."""

    def __init__(self) -> None:
        self._kinds: defaultdict[str, _Kind] = defaultdict(_Kind)

    def __call__(self, kind: str, *key: Hashable, caller: Callable[[], Markup]) -> Markup:
        """The part of this kind with this key; `caller` renders it the first time."""
        return self._kinds[kind].fragment(key, caller)

    @property
    def characters(self) -> int:
        """The length of all that is kept."""
        return sum(kind.characters for kind in self._kinds.values())


class _Kind:
    def __init__(self) -> None:
        self._fragments: dict[tuple[Hashable, ...], Markup] = {}
        self.characters = 0

    def fragment(self, key: tuple[Hashable, ...], render: Callable[[], Markup]) -> Markup:
        fragment = self._fragments.get(key)
        if fragment is None:
            fragment = render()
            self.characters += len(fragment)
            if self.characters > MAX_CHARACTERS:
                self._fragments.clear()
                self.characters = len(fragment)
            self._fragments[key] = fragment
        return fragment
