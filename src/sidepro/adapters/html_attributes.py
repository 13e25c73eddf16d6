"""Attributes of HTML tags and ends of URLs, for `HtmlRewriter`."""

import re
from collections.abc import Mapping
from html import escape, unescape

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})

ATTRIBUTE = r"""\s++([a-zA-Z_:][\w.:-]*+)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'=<>`]++))?+"""
"""An attribute with the blank before it."""

_ATTRIBUTES = re.compile(ATTRIBUTE)
_WITH_ALIGN = HEADINGS | {"div", "img", "p", "td", "th"}
_SIZE = re.compile(r"([0-9]{1,4}%?)(?:px)?;?")


def alignment(name: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """The `align` of an element that may have one."""
    value = attributes.get("align", "").lower()
    is_allowed = name in _WITH_ALIGN and value in ("left", "center", "right")
    return {"align": value} if is_allowed else {}


def sizes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Width and height: pixels or percent."""
    found = {name: _SIZE.fullmatch(attributes.get(name, "")) for name in ("width", "height")}
    return {name: size[1] for name, size in found.items() if size}


def parse_attributes(text: str) -> dict[str, str]:
    """The attributes of a tag. If a name repeats, the first one counts, as in HTML."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTES.findall(text):
        bare = value[1:-1] if value[:1] in ('"', "'") else value
        found.setdefault(name.lower(), unescape(bare))
    return found


def as_text(attributes: Mapping[str, str]) -> str:
    """Attributes as a part of a tag, with a blank before each."""
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())


def balanced(url: str) -> str:
    """The URL without closing brackets that it does not open."""
    surplus = url.count(")") - url.count("(")
    while surplus > 0 and url.endswith(")"):
        url, surplus = url[:-1], surplus - 1
    return url
