"""Jinja2's environment with cheap imports."""

from collections.abc import MutableMapping
from typing import Any

import jinja2


class Environment(jinja2.Environment):
    """Copies the globals into each template when it is loaded.

    Jinja2 layers them in a `ChainMap`, which every import of macros reads key by key.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}
