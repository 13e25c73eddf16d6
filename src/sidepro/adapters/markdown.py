"""Markdown to HTML that is safe on any page.

Two walls: the parser is told to take raw HTML as text, and what it makes is cleaned by a list of
allowed elements, attributes and address schemes.

Pictures are shown when they are images of the platform's own store; one from elsewhere becomes a
link, so that nobody's reading is told to another host.
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

REFERRED_MOST = 100_000
"""Characters of addresses and titles that a text takes from its link reference definitions, which
it may name again and again; a reference beyond that is text. Each look-up counts, and inside of
brackets there are two. cmark has such a limit too.
"""


class SafeMarkdown:
    """See `sidepro.domain.projects.ports.Markdown`."""

    def __init__(self, images: ImageUrls) -> None:
        self._images = images
        self._parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
        self._parser.core.ruler.push("own_pictures", self._own_pictures_alone)
        # One at a time: two would only take turns at the interpreter.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="markdown")
        self._turns: WeakValueDictionary[UserId, asyncio.Lock] = WeakValueDictionary()

    async def in_thread(self, text: str, writer: UserId | None = None) -> str:
        """The same, while the event loop goes on: a text that is made for it takes seconds."""
        turn = asyncio.Lock() if writer is None else self._turns.setdefault(writer, asyncio.Lock())
        async with turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self, text)

    def close(self) -> None:
        """End the thread, after the texts that wait for it."""
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

    def _own_pictures_alone(self, state: StateCore) -> None:
        for block in state.tokens:
            if block.children:
                block.children = list(self._with_links_for_pictures(block.children))

    def _with_links_for_pictures(self, tokens: Sequence[Token]) -> Iterator[Token]:
        links = 0
        for token in tokens:
            if token.type in ("link_open", "link_close"):
                links += token.nesting
            if token.type != "image":
                yield token
                continue
            address = str(token.attrGet("src"))
            key = self._images.key_of(address)
            if key is not None:
                token.attrSet("src", LOCAL_BASE + key)
                yield token
                continue
            words = Token("text", "", 0, content=token.content or address)
            if links:  # there are no links in links
                yield words
            else:
                yield Token("link_open", "a", 1, attrs={"href": address})
                yield words
                yield Token("link_close", "a", -1)

    def _filtered(self, element: str, attribute: str, value: str) -> str | None:
        """The second wall for pictures: no address but one of ours."""
        is_source = element == "img" and attribute == "src"
        return None if is_source and self._images.key_of(value) is None else value


class _References(dict[str, Any]):
    """The link reference definitions of a text, found until their use has become too long."""

    def __init__(self) -> None:
        super().__init__()
        self._left = REFERRED_MOST

    def get(self, label: str, default: Any = None) -> Any:
        found = super().get(label)
        if found is None:
            return default
        self._left -= len(found["href"]) + len(found["title"])
        return found if self._left >= 0 else default
