"""Bounds the memory of Litestar's caches, whose keys are texts that clients send.

Litestar caches a thousand parsed query strings, cookies and paths of any length. A query string of
8 KiB takes 0.6 MB when it is parsed, so a client could fill a gigabyte.
"""

from litestar import Litestar
from litestar._asgi.routing_trie.traversal import parse_path_params
from litestar._kwargs.extractors import create_query_default_dict
from litestar._parsers import parse_cookie_string, parse_query_string
from litestar.types import ASGIApp, Scope

MAX_CACHED = 64 * 1024
"""Bytes of texts in the caches. The parsed values take up to eighty times as much."""


class ParserCaches:
    """Clears the caches of an application when they may exceed `MAX_CACHED`."""

    def __init__(self, app: ASGIApp) -> None:
        self._clear = [
            function.cache_clear
            for function in (
                parse_query_string,
                create_query_default_dict,
                parse_cookie_string,
                parse_path_params,
            )
        ]
        if isinstance(app, Litestar):
            self._clear.append(app.asgi_router.handle_routing.cache_clear)
        self._bytes = 0

    def count(self, scope: Scope) -> None:
        """Count the texts of a request, before it is handled."""
        self._bytes += len(scope["path"]) + len(scope["query_string"])
        for name, value in scope["headers"]:
            if name == b"cookie":
                self._bytes += len(value)
        if self._bytes > MAX_CACHED:
            self._bytes = 0
            for clear in self._clear:
                clear()
