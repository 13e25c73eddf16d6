"""Markdown to HTML that is safe on any page.

Two layers of defence: the parser treats raw HTML as text, and its output is sanitized by a list of
allowed elements, attributes and URL schemes.

Only images of the platform's own store are shown. Others become links, so that other hosts do not
learn who reads a page.
"""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakValueDictionary

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import LOCAL_BASE, ImageUrls

ELEMENTS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr"),
    *("img", "li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr"),
    "ul",
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "th": {"align"},
}
SCHEMES = {"http", "https", "mailto"}
RELATION = "nofollow ugc noopener"

MAX_REFERENCE_EXPANSION = 100_000
"""Characters of URLs and titles that a text may expand from its link reference definitions. Later
references stay text. Each look-up counts; nested brackets need two. cmark has such a limit too.
"""


class SafeMarkdown:
    """See `sidepro.domain.projects.ports.Markdown`."""

    def __init__(self, images: ImageUrls) -> None:
        self._images = images
        self._parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
        self._parser.core.ruler.push("own_images", self._replace_foreign_images)
        # One thread: more would only compete for the GIL.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="markdown")
        self._locks: WeakValueDictionary[UserId, asyncio.Lock] = WeakValueDictionary()

    async def in_thread(self, text: str, writer: UserId | None = None) -> str:
        """Render off the event loop, one text per writer at a time: a malicious text takes
        seconds.
        """
        lock = asyncio.Lock() if writer is None else self._locks.setdefault(writer, asyncio.Lock())
        async with lock:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self, text)

    def close(self) -> None:
        """Finish the waiting texts and stop the thread."""
        self._thread.shutdown()

    def __call__(self, text: str) -> str:
        return nh3.clean(
            self._parser.render(text, {"references": _References()}),
            tags=ELEMENTS,
            attributes=ATTRIBUTES,
            attribute_filter=self._filtered,
            url_schemes=SCHEMES,
            link_rel=RELATION,
            strip_comments=True,
        )

    def _replace_foreign_images(self, state: StateCore) -> None:
        for block in state.tokens:
            if block.children:
                block.children = list(self._with_links_for_images(block.children))

    def _with_links_for_images(self, tokens: Sequence[Token]) -> Iterator[Token]:
        links = 0
        for token in tokens:
            if token.type in ("link_open", "link_close"):
                links += token.nesting
            if token.type != "image":
                yield token
                continue
            url = str(token.attrGet("src"))
            key = self._images.key_of(url)
            if key is not None:
                token.attrSet("src", LOCAL_BASE + key)
                yield token
                continue
            text = Token("text", "", 0, content=token.content or url)
            if links:  # links cannot be nested
                yield text
            else:
                yield Token("link_open", "a", 1, attrs={"href": url})
                yield text
                yield Token("link_close", "a", -1)

    def _filtered(self, element: str, attribute: str, value: str) -> str | None:
        """The second layer for images: only URLs of the own store."""
        is_source = element == "img" and attribute == "src"
        return None if is_source and self._images.key_of(value) is None else value


class _References(dict[str, Any]):
    """The link reference definitions of a text, until `MAX_REFERENCE_EXPANSION` is used up."""

    def __init__(self) -> None:
        super().__init__()
        self._left = MAX_REFERENCE_EXPANSION

    def get(self, label: str, default: Any = None) -> Any:
        found = super().get(label)
        if found is None:
            return default
        self._left -= len(found["href"]) + len(found["title"])
        return found if self._left >= 0 else default
