"""Markdown to HTML that is safe on any page.

Three steps: comrak renders GitHub's Markdown, with raw HTML unchanged; `HtmlRewriter` keeps the
allowed tags and closes open elements; nh3 sanitizes the result by a list of elements, attributes
and URL schemes.

Only images of the platform's own store are shown. Others become links, so that other hosts do not
learn who reads a page.
"""

from typing import Final

import comrak
import nh3

from sidepro.adapters.fair_threads import FairThreads
from sidepro.adapters.html_rewriter import ELEMENTS, ID_PREFIX, LABEL, HtmlRewriter
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrls

ATTRIBUTES = {
    **{name: {"id", "align"} for name in ("h1", "h2", "h3", "h4", "h5", "h6", "p", "div")},
    **{name: {"align", "colspan", "rowspan", "width", "height"} for name in ("td", "th")},
    "section": {"id"},
    "table": {"id", "tabindex"},
    "a": {"href", "title", "id"},
    "code": {"class"},
    "details": {"open", "id"},
    "img": {"src", "alt", "title", "width", "height", "align"},
    "input": {"disabled", "checked"},
    "li": {"id"},
    "ol": {"start"},
    "pre": {"tabindex"},
}
ALWAYS = {
    "input": {"disabled": ""},
    # People who use a keyboard scroll what is wider than the page.
    "pre": {"tabindex": "0"},
    "table": {"tabindex": "0"},
}
"""Attributes that every such element has."""

SCHEMES = {"http", "https", "mailto"}
RELATION = "nofollow ugc noopener"

MAX_TABLE_CELLS: Final = 65_536
"""A short row is filled up with empty cells, so the length of a text does not bound its cells."""

MAX_REFERENCE_EXPANSION: Final = 100_000
"""Bytes of URLs and titles that every text may expand from its link reference definitions. Later
references stay text.
"""

_BYTE_ORDER_MARK = "\ufeff"
# Prepended to every text: comrak expands only as many bytes as it reads, too few for a short text.
_BLANK_LINE = " " * MAX_REFERENCE_EXPANSION + "\n"

_DELIMITER_ROW = frozenset(" \t|:->*+.)0123456789")
"""The characters of the second line of a table, also inside of quotes and lists."""


class SafeMarkdown:
    """See `sidepro.domain.projects.ports.Markdown`."""

    def __init__(self, images: ImageUrls) -> None:
        self._images = images
        # One thread: more would only compete for the GIL.
        self._thread = FairThreads(1, "markdown")

    async def in_thread(self, text: str, writer: UserId | None = None) -> str:
        """Render off the event loop, one text per writer at a time."""
        return await self._thread.run(writer, self, text)

    def close(self) -> None:
        """Finish the waiting texts and stop the thread."""
        self._thread.close()

    def __call__(self, text: str) -> str:
        render = comrak.RenderOptions()
        render.unsafe_ = True  # the next two steps make it safe
        padded = f"{_BLANK_LINE}{text.lstrip(_BYTE_ORDER_MARK)}"
        html = comrak.render_markdown(padded, _extensions(text), None, render)
        return nh3.clean(
            HtmlRewriter(self._images).rewrite(html),
            tags={*ELEMENTS, LABEL},
            attributes=ATTRIBUTES,
            attribute_filter=self._filtered,
            tag_attribute_values={"input": {"type": {"checkbox"}}},
            set_tag_attribute_values=ALWAYS,
            url_schemes=SCHEMES,
            link_rel=RELATION,
            strip_comments=True,
        )

    def _filtered(self, element: str, attribute: str, value: str) -> str | None:
        """Keeps only images of our own store, and only prefixed ids."""
        if element == "img" and attribute == "src":
            return value if self._images.key_of(value) else None
        if attribute == "id":
            return value if value.startswith(ID_PREFIX) else None
        return value


def _extensions(text: str) -> comrak.ExtensionOptions:
    options = comrak.ExtensionOptions()
    options.autolink = True
    options.cjk_friendly_emphasis = True
    options.footnotes = True
    options.strikethrough = True
    options.table = _table_cells(text) <= MAX_TABLE_CELLS
    options.tasklist = True
    return options


def _table_cells(text: str) -> int:
    """An upper bound of the cells of all tables."""
    lines = text.splitlines()
    delimiters = (line for line in lines if "-" in line and _DELIMITER_ROW.issuperset(line))
    return len(lines) * max((line.count("|") + 1 for line in delimiters), default=0)
