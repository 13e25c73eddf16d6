"""Markdown to HTML that is safe on any page.

Two walls: the parser is told to take raw HTML as text, and what it makes is cleaned by a list of
allowed elements, attributes and address schemes.
"""

import nh3
from markdown_it import MarkdownIt

ELEMENTS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr"),
    *("li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}, "th": {"align"}}
SCHEMES = {"http", "https", "mailto"}
RELATION = "nofollow ugc noopener"

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render(text: str) -> str:
    """See `sidepro.domain.projects.ports.Markdown`. Pictures are left out."""
    return nh3.clean(
        _parser.render(text),
        tags=ELEMENTS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel=RELATION,
        strip_comments=True,
    )
