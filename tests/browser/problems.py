"""Collects what goes wrong in a browser: every entry fails the test unless it was expected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, ConsoleMessage, Request, WebError

HARMLESS_FAILURE = "net::ERR_ABORTED"
"""A request that the page or a navigation cancelled, or a download."""


class Problems:
    """Console errors, uncaught exceptions, failed requests and requests to other hosts.

    Chromium reports a violation of the Content-Security-Policy as a console error, and so each
    answer with a status of 4xx or 5xx, that of the page itself included; both without JavaScript
    too. Each problem is a line such as

        console error: Failed to load resource: the server responded with a status of 422 () (URL)
    """

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self._origin = origin
        self._found: list[str] = []
        self._expected: list[str] = []
        self._allowed: list[str] = []
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)
        context.on("requestfailed", self._on_failure)

    def expect(self, pattern: str) -> None:
        """Allows problems that match this regular expression. At least one must occur."""
        self._expected.append(pattern)

    def allow(self, pattern: str) -> None:
        """Allows problems that match this regular expression, whether or not one occurs."""
        self._allowed.append(pattern)

    def report(self) -> list[str]:
        """The problems that nobody expected, and the expected ones that did not occur."""
        unexpected = [
            found
            for found in self._found
            if not any(re.search(each, found) for each in (*self._expected, *self._allowed))
        ]
        missing = [
            f"expected, and did not occur: {pattern}"
            for pattern in self._expected
            if not any(re.search(pattern, found) for found in self._found)
        ]
        return [*unexpected, *missing]

    def forget(self) -> None:
        """Drops the problems and expectations so far."""
        self._found.clear()
        self._expected.clear()
        self._allowed.clear()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            url = message.location["url"]
            self._found.append(f"console error: {message.text} ({url})")

    def _on_error(self, error: WebError) -> None:
        self._found.append(f"uncaught exception: {error.error}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:", "blob:")):
            self._found.append(f"request to another host: {request.url}")

    def _on_failure(self, request: Request) -> None:
        if request.failure != HARMLESS_FAILURE:
            self._found.append(f"failed request: {request.url}: {request.failure}")
