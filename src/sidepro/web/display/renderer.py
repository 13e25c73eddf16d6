"""Jinja2, set up for the templates of this package.

A language has a renderer of its own: its texts are globals, so files of macros are evaluated once
and not for each page.

Not through Litestar's `TemplateConfig`: the middleware around the application renders its
rejections too, and Jinja2 is imported when the first page is rendered, not when a server starts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidepro.domain.language import Language
from sidepro.domain.text import normalize
from sidepro.web.display.devices import device_of
from sidepro.web.display.fragments import Fragments
from sidepro.web.display.links import linked
from sidepro.web.display.numbers import data_size, short
from sidepro.web.display.placeholders import initial, sheet, tone
from sidepro.web.language import lang_attribute
from sidepro.web.messages.catalogue import CATALOGUES
from sidepro.web.texts import fill

if TYPE_CHECKING:
    from sidepro.web.display.environment import Environment

FOLDER = Path(__file__).parents[1] / "templates"


def without(texts: Iterable[str], left_out: Collection[str]) -> tuple[str, ...]:
    """The texts but some. Jinja2's `reject` costs a microsecond for each."""
    return tuple(text for text in texts if text not in left_out)


class Renderer:
    """Renders templates in one language. Each is compiled on first use."""

    def __init__(
        self, language: Language, folders: Sequence[Path] = (FOLDER,), **global_values: object
    ) -> None:
        """`global_values` are the same for all pages, so imported macros see them too."""
        self._language = language
        self._folders = folders
        self._globals = global_values

    @cached_property
    def _environment(self) -> "Environment":
        from jinja2 import FileSystemLoader, StrictUndefined  # noqa: PLC0415 - lazy
        from jinja2.utils import url_quote  # noqa: PLC0415 - lazy

        from sidepro.web.display.environment import Environment  # noqa: PLC0415 - lazy

        environment = Environment(
            {
                "initial": initial,
                "sheet": sheet,
                "tone": tone,
                "language": self._language,
                "t": CATALOGUES[self._language],
                "lang_of": partial(lang_attribute, page=self._language),
                "short": partial(short, language=self._language),
                **self._globals,
            },
            loader=FileSystemLoader(self._folders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters["data_size"] = data_size
        environment.filters["device"] = device_of
        environment.filters["fill"] = fill
        environment.filters["linked"] = linked
        environment.filters["normalize"] = normalize
        environment.filters["without"] = without
        # Names of people and the address of the page, again and again.
        environment.filters["urlencode"] = lru_cache(maxsize=1_000)(url_quote)
        environment.globals["cached"] = Fragments()
        return environment

    def render(self, name: str, context: Mapping[str, Any]) -> str:
        """A template with these values.

        Raises:
            jinja2.UndefinedError: the template uses a value that is missing.
        """
        template = self._environment.get_template(name)
        values = template.new_context(dict(context))
        try:
            return "".join(template.root_render_func(values))
        except Exception:  # of any kind; Jinja2 raises it again, with the lines of templates
            self._environment.handle_exception()
        finally:
            # Macros of a page refer to its values, which contain the macros. This cycle would keep
            # all that the page shows until the next search for garbage.
            values.vars.clear()
