"""Entity tags in `If-Match` and `If-None-Match` (RFC 9110, section 8.8.3)."""

import re
from collections.abc import Iterable

ANY = "*"

_TAG = re.compile(r'"([^"]*)"')
_SUFFIX = re.compile(r"[-;:]{1,2}[a-z]+\Z")
"""A suffix that proxies append to the tag of a compressed response: `-gzip`, `--gzip`, `;br`."""


def entity_tags(headers: Iterable[str]) -> frozenset[str]:
    """The tags in the lines of a header, without quotes; `*` as it is.

    A `W/` before a tag and a suffix such as `-gzip` are dropped: proxies add them, and tags of
    this service have neither. Other text is ignored.
    """
    lines = list(headers)
    if any(line.strip() == ANY for line in lines):
        return frozenset([ANY])
    return frozenset(_SUFFIX.sub("", tag) for line in lines for tag in _TAG.findall(line))


def matches(tag: str, headers: Iterable[str]) -> bool:
    """Whether the lines of an `If-None-Match` header name this tag (without quotes) or any."""
    return not entity_tags(headers).isdisjoint((tag, ANY))
