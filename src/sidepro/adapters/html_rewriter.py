"""Rewrites rendered Markdown, which may contain any HTML, to well-formed HTML of allowed tags.

- Tags of other elements become text; comments are dropped.
- Every element is closed inside its parent, and the depth is bounded: HTML parsers take
  quadratic time and space for deep or overlapping elements. Beyond the depth, text is kept
  without its tags.
- Images of other hosts become links; URLs of our own images become `/media/<key>`.
- Headings get ids. These ids, and the text's own ids and links to them, get GitHub's prefix.
- Links end before a Korean particle.

One pass over the tags; linear in time.
"""

import re
from collections import Counter
from collections.abc import Mapping
from html import escape, unescape
from typing import Final
from urllib.parse import unquote

from sidepro.domain.images.urls import LOCAL_BASE, ImageUrls

ID_PREFIX: Final = "user-content-"
MAX_DEPTH: Final = 100

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_VOID = frozenset({"br", "hr", "img", "input"})
_BLOCKS = _HEADINGS | {
    *("blockquote", "details", "div", "hr", "li", "ol", "p", "pre", "section", "summary"),
    *("table", "ul"),
}
_INLINE = frozenset(
    {
        *("a", "b", "br", "code", "del", "em", "i", "img", "input", "ins", "kbd", "mark", "s"),
        *("samp", "small", "strong", "sub", "sup", "u", "var"),
    }
)
_TABLE_PARENTS: Mapping[str, frozenset[str]] = {
    "thead": frozenset({"table"}),
    "tbody": frozenset({"table"}),
    "tr": frozenset({"table", "thead", "tbody"}),
    "td": frozenset({"tr"}),
    "th": frozenset({"tr"}),
}
_TABLE_PARTS = frozenset({"table", "thead", "tbody", "tr"})
ELEMENTS: Final = _BLOCKS | _INLINE | _TABLE_PARENTS.keys()

_ATTRIBUTE = r"""\s++([a-zA-Z_:][\w.:-]*+)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'=<>`]++))?+"""
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_MARKUP = re.compile(
    rf"<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*+)"
    rf"(?P<attributes>(?:{_ATTRIBUTE})*+)\s*+/?>"
    r"|<!--(?P<comment>-?>)?|<"
)
_TRANSPARENT = frozenset(
    {"center", "figcaption", "figure", "font", "nobr", "picture", "source", "span", "tt", "wbr"}
)
"""Tags that are dropped instead of shown as text."""

_NUMBER = re.compile(r"[0-9]{1,9}")
_PERCENT_OR_NUMBER = re.compile(r"[0-9]{1,4}%?")
_LANGUAGE = re.compile(r"language-\S+")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")

_HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
_BEFORE_PARTICLE = re.compile(
    # A URL up to its non-Korean host, or text that ends in a Latin letter, digit or bracket.
    rf"(?:https?://|www\.)[^/?#{_HANGUL}]*[a-z0-9](?=[{_HANGUL}]+(?:$|[^.{_HANGUL}]))"
    rf"|.*?[a-zA-Z0-9)](?=[{_HANGUL}]+$)",
    re.IGNORECASE,
)
_WWW_IN_WORD = re.compile(
    rf"""(?<=[{_HANGUL}])www(?:\.[a-z0-9-]++)++\b(?:/[^\s<>"'&{_HANGUL}]*+)?""", re.ASCII
)
"""GitHub's autolinks need a blank before `www.`."""


class HtmlRewriter:
    """Rewrites one text."""

    def __init__(self, images: ImageUrls) -> None:
        self._images = images
        self._out: list[str] = []
        self._stack: list[tuple[str, str]] = []
        """The open elements, each with its end tag; `""` if its tag was left out."""
        self._open: Counter[str] = Counter()
        self._slugs: Counter[str] = Counter()
        self._ids: set[str] = set()
        self._heading: tuple[int, str] | None = None
        """The place of the start tag in `_out`, and its attributes."""
        self._open_link: tuple[int, str] | None = None
        """The place of the start tag in `_out`, and the URL."""

    def rewrite(self, html: str) -> str:
        """The HTML, rewritten."""
        place = 0
        while found := _MARKUP.search(html, place):
            self._text(html[place : found.start()])
            place = found.end()
            if found["name"]:
                self._tag(found)
            elif not found[0].startswith("<!--"):
                self._out.append("&lt;")
            elif not found["comment"]:
                end = html.find("-->", place)
                if end < 0:  # an open comment would hide the rest
                    self._out.append(escape(html[found.start() :]))
                    place = len(html)
                else:
                    place = end + 3
        self._text(html[place:])
        self._close_to(0)
        return "".join(self._out)

    def _text(self, text: str) -> None:
        if not (self._open["a"] or self._open["code"] or self._open["pre"]):
            text = _WWW_IN_WORD.sub(r'<a href="http://\g<0>">\g<0></a>', text)
        self._out.append(text)

    def _tag(self, found: re.Match[str]) -> None:
        name = found["name"].lower()
        if name in _TRANSPARENT:
            return
        if name not in ELEMENTS:
            self._out.append(escape(found[0]))
        elif found["close"]:
            self._end(name)
        else:
            self._start(name, _attributes(found["attributes"]))

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in _BLOCKS and self._open["p"]:
            self._end("p")
        if name in _HEADINGS or name == "a":
            for other in _HEADINGS if name in _HEADINGS else ("a",):
                self._end(other)
        if not self._fits(name) or (name == "input" and attributes.get("type") != "checkbox"):
            if name not in _VOID:
                self._push(name, "")
            return
        if name == "img":
            self._image(attributes)
            return
        if name == "a":
            self._open_link = (len(self._out), attributes.get("href", ""))
        allowed = self._allowed(name, attributes)
        if name in _HEADINGS:
            self._heading = (len(self._out), allowed)
        self._out.append(f"<{name}{allowed}>")
        if name not in _VOID:
            self._push(name, f"</{name}>")

    def _fits(self, name: str) -> bool:
        if len(self._stack) >= MAX_DEPTH and name not in _VOID:
            return False
        parent = self._stack[-1][0] if self._stack else ""
        if name in _TABLE_PARENTS:
            return parent in _TABLE_PARENTS[name]
        return parent not in _TABLE_PARTS

    def _push(self, name: str, end_tag: str) -> None:
        self._stack.append((name, end_tag))
        self._open[name] += 1

    def _end(self, name: str) -> None:
        if not self._open[name]:
            return
        depth = len(self._stack) - 1
        while self._stack[depth][0] != name:
            depth -= 1
        self._close_to(depth)

    def _close_to(self, depth: int) -> None:
        while len(self._stack) > depth:
            name, end_tag = self._stack.pop()
            self._open[name] -= 1
            if end_tag and name == "a":
                end_tag = self._finish_link(end_tag)
            elif end_tag and name in _HEADINGS:
                self._finish_heading(name)
            self._out.append(end_tag)

    # --------------------------------------------------------------------------- attributes

    def _allowed(self, name: str, attributes: Mapping[str, str]) -> str:
        """The allowed attributes, as text."""
        allowed: dict[str, str] = {}
        if name == "a":
            if "href" in attributes:
                allowed["href"] = self._url(attributes["href"])
            if "title" in attributes:
                allowed["title"] = attributes["title"]
        if name in ("a", "li"):
            identity = attributes.get("id") or (attributes.get("name", "") if name == "a" else "")
            if identity:
                allowed["id"] = ID_PREFIX + unquote(identity).removeprefix(ID_PREFIX)
        if attributes.get("align", "").lower() in ("left", "center", "right"):
            allowed["align"] = attributes["align"].lower()
        if _NUMBER.fullmatch(attributes.get("start", "")):
            allowed["start"] = attributes["start"]
        if name == "code" and _LANGUAGE.fullmatch(attributes.get("class", "")):
            allowed["class"] = attributes["class"]
        if name == "details" and "open" in attributes:
            allowed["open"] = ""
        if name == "input":
            allowed = {"type": "checkbox", "disabled": ""}
            if "checked" in attributes:
                allowed["checked"] = ""
        return _as_text(allowed)

    def _url(self, url: str) -> str:
        if url.startswith("#") and len(url) > 1:
            return "#" + ID_PREFIX + unquote(url[1:]).removeprefix(ID_PREFIX)
        key = self._images.key_of(url)
        return url if key is None else LOCAL_BASE + key

    # --------------------------------------------------------------------- images and links

    def _image(self, attributes: Mapping[str, str]) -> None:
        url = attributes.get("src", "")
        key = self._images.key_of(url)
        if key is not None:
            allowed = {"src": LOCAL_BASE + key, "alt": attributes.get("alt", "")}
            if "title" in attributes:
                allowed["title"] = attributes["title"]
            for size in ("width", "height"):
                if _PERCENT_OR_NUMBER.fullmatch(attributes.get(size, "")):
                    allowed[size] = attributes[size]
            self._out.append(f"<img{_as_text(allowed)}>")
            return
        text = escape(attributes.get("alt") or url)
        if self._open["a"] or not url:  # links cannot be nested
            self._out.append(text)
        else:
            self._out.append(f"<a{_as_text({'href': url})}>{text}</a>")

    def _finish_link(self, end_tag: str) -> str:
        """Exclude the Korean particle after a bare URL from its link."""
        if self._open_link is None:
            return end_tag
        (place, url), self._open_link = self._open_link, None
        if len(self._out) != place + 2:
            return end_tag
        text = unescape(self._out[-1])
        if unquote(url).removeprefix("http://") != unquote(text).removeprefix("http://"):
            return end_tag
        found = _BEFORE_PARTICLE.match(text)
        if found is None:
            return end_tag
        url_text = found[0]
        surplus = url_text.count(")") - url_text.count("(")
        while surplus > 0 and url_text.endswith(")"):
            url_text, surplus = url_text[:-1], surplus - 1
        address = url_text if "://" in url_text else f"http://{url_text}"
        self._out[place] = f"<a{_as_text({'href': self._url(address)})}>"
        self._out[-1] = escape(url_text)
        return end_tag + escape(text[len(url_text) :])

    # ----------------------------------------------------------------------------- headings

    def _finish_heading(self, name: str) -> None:
        if self._heading is None:
            return
        (place, allowed), self._heading = self._heading, None
        text = "".join(part for part in self._out[place + 1 :] if not part.startswith("<"))
        slug = _NOT_IN_SLUG.sub("", unescape(text).strip().lower()).replace(" ", "-")
        identity = self._unique(slug)
        if identity:
            self._out[place] = f"<{name}{allowed}{_as_text({'id': ID_PREFIX + identity})}>"

    def _unique(self, slug: str) -> str:
        """The slug, numbered as on GitHub if there was an equal one before."""
        identity = slug
        while identity in self._ids:
            self._slugs[slug] += 1
            identity = f"{slug}-{self._slugs[slug]}"
        self._ids.add(identity)
        return identity


def _attributes(text: str) -> dict[str, str]:
    """The attributes of a tag. If a name repeats, the first one counts, as in HTML."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTES.findall(text):
        bare = value[1:-1] if value[:1] in ('"', "'") else value
        found.setdefault(name.lower(), unescape(bare))
    return found


def _as_text(attributes: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
