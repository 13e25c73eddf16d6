"""Web addresses in plain texts become links. `static/js/room.js/links.js` does the same."""

import re

from markupsafe import Markup, escape

_ADDRESS = re.compile(
    r"https?://[\w\-.~:/?#@!$&*+,;=%()\[\]]*[\w/=#&%~+*-]", re.ASCII | re.IGNORECASE
)
"""ASCII, as browsers copy addresses, so a Korean particle may follow. Ends before punctuation."""


def linked(text: str) -> Markup:
    """The text as HTML, with links that open in another tab."""
    out: list[Markup] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        address = match.group()
        out.append(escape(text[end : match.start()]))
        out.append(_LINK.format(address, address))
        end = match.end()
    return Markup("").join([*out, escape(text[end:])])


_LINK = Markup('<a href="{}" target="_blank" rel="nofollow ugc noopener">{}</a>')
