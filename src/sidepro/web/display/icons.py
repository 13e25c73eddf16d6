"""The icons of `static/icons/sprite.svg` as HTML."""

from markupsafe import Markup

_ICON = Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>')


class Icons(dict[str, Markup]):
    """Icons by name. Each is made once. Only templates name them, so there are few."""

    def __init__(self, sprite: str) -> None:
        """`sprite` is the address of the file."""
        super().__init__()
        self._sprite = sprite

    def __missing__(self, name: str) -> Markup:
        self[name] = _ICON.format(self._sprite, name)
        return self[name]
