"""Rewrites rendered Markdown, which may contain any HTML, to well-formed HTML of allowed tags.

- Tags of other elements become text; comments are dropped.
- Every element is closed inside its parent, and the depth is bounded: HTML parsers take
  quadratic time and space for deep or overlapping elements. Beyond the depth, text is kept
  without its tags.
- Images of other hosts become links; URLs of our own images become `/media/<key>`.
- A checkbox of a task list gets its text as its label; without a text it becomes a sign.
- Headings get ids. These ids, and the text's own ids and links to them, get GitHub's prefix.
- Bare URLs become links, also next to Hangul, and end before a closing quote and a particle.

One pass over the tags; linear in time.
"""

import re
from collections import Counter
from collections.abc import Mapping
from html import escape, unescape
from typing import Final
from urllib.parse import unquote, urlsplit

from sidepro.adapters.html_attributes import (
    ATTRIBUTE,
    HEADINGS,
    alignment,
    as_text,
    balanced,
    parse_attributes,
    sizes,
)
from sidepro.domain.images.urls import LOCAL_BASE, ImageUrls

ID_PREFIX: Final = "user-content-"
MAX_DEPTH: Final = 100

_VOID = frozenset({"br", "hr", "img", "input"})
_BLOCKS = HEADINGS | {
    *("blockquote", "dd", "details", "div", "dl", "dt", "hr", "li", "ol", "p", "pre"),
    *("section", "summary", "table", "ul"),
}
_INLINE = frozenset(
    {
        *("a", "b", "br", "code", "del", "em", "i", "img", "input", "ins", "kbd", "mark", "s"),
        *("q", "rp", "rt", "ruby", "samp", "small", "strike", "strong", "sub", "sup", "u", "var"),
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
LABEL: Final = "label"
"""The element around a checkbox and its text. Only the rewriter writes it."""

_BOXES = {False: "\u2610", True: "\u2611"}  # ☐ ☑: what stands for a box without a text

_MARKUP = re.compile(
    rf"<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*+)"
    rf"(?P<attributes>(?:{ATTRIBUTE})*+)\s*+/?>"
    r"|<!--(?P<comment>-?>)?|<"
)
_TRANSPARENT = frozenset(
    {
        *("center", "figcaption", "figure", "font", "label", "nobr", "picture", "source", "span"),
        *("tt", "wbr"),
    }
)
"""Tags that are dropped instead of shown as text."""

_WITH_ID = frozenset({"a", "details", "div", "li", "p", "section", "table"})

_NUMBER = re.compile(r"[0-9]{1,9}")
_SPAN = re.compile(r"[0-9]{1,3}")
_LANGUAGE = re.compile(r"language-\S+")
_TAG = re.compile(r"<[^<>]*+>")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")

_HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
_BEFORE_PARTICLE = re.compile(
    # A URL up to its non-Korean host, or text that ends in a Latin letter, digit or bracket.
    rf"(?:https?://|www\.)[^/?#{_HANGUL}]*[a-z0-9](?=[{_HANGUL}]+(?:$|[^.{_HANGUL}]))"
    rf"|.*?[a-zA-Z0-9)](?=[{_HANGUL}]+$)",
    re.IGNORECASE,
)
_BARE_URL = re.compile(
    r"(?<![a-z0-9._/@-])(?:https?://|www\.)[a-z0-9-]++(?:\.[a-z0-9-]++)*+(?::[0-9]++)?+"
    rf"""(?:[/?#](?:&amp;|[^\s<>"'&\[\]{{}}{_HANGUL}])*+)?+""",
    re.ASCII | re.IGNORECASE,
)
"""URLs that comrak leaves as text: in brackets, in capitals, after Hangul or a colon."""

_TRAILING = ".,:;!?*_~"
"""Punctuation that ends a sentence, not a URL."""

_CLOSING_MARK = re.compile(rf"""["“”‘’「」『』《》〈〉【】（）。、，…\\]|'(?=[{_HANGUL}]|$)""")
"""What ends a URL. comrak ends it at a blank."""

_EMPHASIS = {
    "*": ("em", re.compile(r"(?<!\*)\*(?![\s*])")),
    "**": ("strong", re.compile(r"(?<!\*)\*\*(?![\s*])")),
    "~~": ("del", re.compile(r"(?<!~)~~(?![\s~])")),
}
"""The element of a marker, and the beginning of its emphasis."""

_EMPHASIS_END = re.compile(rf"(?:(?<!\*)\*\*?|(?<!~)~~)(?=[{_HANGUL}])")


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
        self._label: tuple[int, bool] | None = None
        """The place of the open label in `_out`, and whether its box is checked."""

    def rewrite(self, html: str) -> str:
        """The HTML, rewritten."""
        place = 0
        ends_comment = True
        while found := _MARKUP.search(html, place):
            self._text(html[place : found.start()])
            place = found.end()
            if found["name"]:
                self._tag(found)
            elif not found[0].startswith("<!--"):
                self._out.append("&lt;")
            elif not found["comment"]:
                end = html.find("-->", place) if ends_comment else -1
                if end < 0:  # an open comment would hide the rest
                    ends_comment = False
                    self._out.append(escape(found[0]))
                else:
                    place = end + 3
        self._text(html[place:])
        self._close_to(0)
        return "".join(self._out)

    def _text(self, text: str) -> None:
        if not (self._open["a"] or self._open["code"] or self._open["pre"]):
            text = self._with_links(text)
        self._out.append(text)

    def _with_links(self, text: str) -> str:
        """Escaped text with links for its bare URLs."""

        def anchor(found: re.Match[str]) -> str:
            url = found[0].rstrip(_TRAILING)
            address = unescape(url if "://" in url else f"http://{url}")
            if "." not in (urlsplit(address).hostname or ""):
                return found[0]
            start = f"<a{as_text({'href': self._url(address)})}>"
            return f"{start}{url}</a>{found[0][len(url) :]}"

        return _BARE_URL.sub(anchor, text)

    def _tag(self, found: re.Match[str]) -> None:
        name = found["name"].lower()
        if name in _TRANSPARENT:
            return
        if name not in ELEMENTS:
            self._out.append(escape(found[0]))
        elif found["close"] and name != "br":  # as in HTML, `</br>` is a line break
            self._end(name)
        else:
            self._start(name, parse_attributes(found["attributes"]))

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        box = self._take_bare_box() if name == "p" else None
        if name in _BLOCKS or name == "input":
            self._end(LABEL)
        if name in _BLOCKS and self._open["p"]:
            self._end("p")
        if name in HEADINGS or name == "a":
            for other in HEADINGS if name in HEADINGS else ("a",):
                self._end(other)
        if not self._fits(name) or (name == "input" and attributes.get("type") != "checkbox"):
            if name not in _VOID:
                self._push(name, "")
            return
        if name == "img":
            self._image(attributes)
            return
        if name == "input":
            self._checkbox("checked" in attributes)
            return
        if name == "a":
            self._open_link = (len(self._out), attributes.get("href", ""))
        allowed = self._allowed(name, attributes)
        if name in HEADINGS:
            self._heading = (len(self._out), allowed)
        self._out.append(f"<{name}{allowed}>")
        if name in HEADINGS and attributes.get("id"):
            self._out.append(f"<a{as_text({'id': _prefixed(attributes['id'])})}></a>")
        if name not in _VOID:
            self._push(name, f"</{name}>")
        if box is not None:
            self._checkbox(box)

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
            elif end_tag and name in HEADINGS:
                self._finish_heading(name)
            elif name == LABEL:
                end_tag = self._finish_label(end_tag)
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
        if name in _WITH_ID:
            identity = attributes.get("id") or (attributes.get("name", "") if name == "a" else "")
            if identity:
                allowed["id"] = _prefixed(identity)
        if name in ("td", "th"):
            for span in ("colspan", "rowspan"):
                if _SPAN.fullmatch(attributes.get(span, "")):
                    allowed[span] = attributes[span]
            allowed |= sizes(attributes)
        allowed |= alignment(name, attributes)
        if _NUMBER.fullmatch(attributes.get("start", "")):
            allowed["start"] = attributes["start"]
        if name == "code" and _LANGUAGE.fullmatch(attributes.get("class", "")):
            allowed["class"] = attributes["class"]
        if name == "details" and "open" in attributes:
            allowed["open"] = ""
        return as_text(allowed)

    def _url(self, url: str) -> str:
        if url.startswith("#") and len(url) > 1:
            return "#" + _prefixed(url[1:])
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
            allowed |= sizes(attributes) | alignment("img", attributes)
            self._out.append(f"<img{as_text(allowed)}>")
            return
        text = escape(attributes.get("alt") or url)
        if self._open["a"] or not url:  # links cannot be nested
            self._out.append(text)
        else:
            self._out.append(f"<a{as_text({'href': url})}>{text}</a>")

    def _finish_link(self, end_tag: str) -> str:
        """End the link of a bare URL before a closing quote, emphasis and a Korean particle."""
        if self._open_link is None:
            return end_tag
        (place, url), self._open_link = self._open_link, None
        if len(self._out) != place + 2:
            return end_tag
        text = unescape(self._out[-1])
        if unquote(url).removeprefix("http://") != unquote(text).removeprefix("http://"):
            return end_tag
        mark = _CLOSING_MARK.search(text)
        marker = _EMPHASIS_END.search(text, 0, mark.start() if mark else len(text))
        is_emphasis = bool(marker and self._begin_emphasis(place, marker[0]))
        stop = marker or mark
        url_text = text[: stop.start()].rstrip(_TRAILING) if stop else text
        found = _BEFORE_PARTICLE.match(url_text)
        if found:
            url_text = balanced(found[0])
        if url_text == text:
            return end_tag
        address = url_text if "://" in url_text else f"http://{url_text}"
        self._out[place] = f"<a{as_text({'href': self._url(address)})}>"
        self._out[-1] = escape(url_text)
        if is_emphasis and marker:
            end_tag += escape(text[len(url_text) : marker.start()])
            end_tag += f"</{_EMPHASIS[marker[0]][0]}>"
            return end_tag + self._with_links(escape(text[marker.end() :]))
        return end_tag + self._with_links(escape(text[len(url_text) :]))

    def _begin_emphasis(self, place: int, marker: str) -> bool:
        """Begin emphasis at the last marker in the text before a link, if there is one.

        comrak takes the end marker into the link, so it leaves the first one as text.
        """
        before = self._out[place - 1] if place else "<"
        element, beginning = _EMPHASIS[marker]
        starts = [] if before.startswith("<") else [*beginning.finditer(before)]
        if not starts:
            return False
        start, end = starts[-1].span()
        self._out[place - 1] = f"{before[:start]}<{element}>{before[end:]}"
        return True

    # --------------------------------------------------------------------------- checkboxes

    def _checkbox(self, is_checked: bool) -> None:
        """A box that cannot be changed. The text up to the next block is its label."""
        if len(self._stack) >= MAX_DEPTH:
            self._out.append(_BOXES[is_checked])
            return
        self._label = (len(self._out), is_checked)
        checked = ' checked=""' if is_checked else ""
        self._out.append(f'<{LABEL}><input type="checkbox" disabled=""{checked}>')
        self._push(LABEL, f"</{LABEL}>")

    def _take_bare_box(self) -> bool | None:
        """Remove a checkbox without a text so far, for the paragraph that begins now. Returns
        whether it is checked; `None` if there is none.
        """
        if self._label is None or self._stack[-1][0] != LABEL:
            return None
        place, is_checked = self._label
        if "".join(self._out[place + 1 :]).strip():
            return None
        self._stack.pop()
        self._open[LABEL] -= 1
        self._label = None
        del self._out[place:]
        return is_checked

    def _finish_label(self, end_tag: str) -> str:
        if self._label is None:
            return end_tag
        (place, is_checked), self._label = self._label, None
        text = "".join(part for part in self._out[place + 1 :] if not part.startswith("<"))
        if text.strip():
            return end_tag
        self._out[place] = _BOXES[is_checked]
        return ""

    # ----------------------------------------------------------------------------- headings

    def _finish_heading(self, name: str) -> None:
        if self._heading is None:
            return
        (place, allowed), self._heading = self._heading, None
        text = _TAG.sub("", "".join(self._out[place + 1 :]))
        slug = _NOT_IN_SLUG.sub("", unescape(text).strip().lower()).replace(" ", "-")
        identity = self._unique(slug)
        if identity:
            self._out[place] = f"<{name}{allowed}{as_text({'id': ID_PREFIX + identity})}>"

    def _unique(self, slug: str) -> str:
        """The slug, numbered as on GitHub if there was an equal one before."""
        identity = slug
        while identity in self._ids:
            self._slugs[slug] += 1
            identity = f"{slug}-{self._slugs[slug]}"
        self._ids.add(identity)
        return identity


def _prefixed(identity: str) -> str:
    return ID_PREFIX + unquote(identity).removeprefix(ID_PREFIX)
