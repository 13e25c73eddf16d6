"""Keeps parts of pages that many pages share, such as the text of a project's card.

{% call cached("card", project.title) %}<h3>…</h3>{% endcall %}
"""

from collections import defaultdict
from collections.abc import Callable, Hashable

from markupsafe import Markup

MAX_FRAGMENTS = 1_000
"""Of each kind. A fragment has some kilobytes."""


class Fragments:
    """Rendered parts of one language by their keys. A key holds all that the part depends on."""

    def __init__(self) -> None:
        self._kinds: defaultdict[str, dict[tuple[Hashable, ...], Markup]] = defaultdict(dict)

    def __call__(self, kind: str, *key: Hashable, caller: Callable[[], Markup]) -> Markup:
        """The part of this kind with this key; `caller` renders it the first time."""
        fragments = self._kinds[kind]
        fragment = fragments.get(key)
        if fragment is None:
            if len(fragments) >= MAX_FRAGMENTS:
                fragments.clear()
            fragment = fragments[key] = caller()
        return fragment

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))
