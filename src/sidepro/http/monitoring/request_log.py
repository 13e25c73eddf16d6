"""What the log says about a request or a socket: its path without personal data, and ids.

Ids of people, sessions and rooms are in the log; names, email addresses and contents are not.
Usernames and the secret names of images are parts of paths, so only known parts are logged.
"""

import re
from collections.abc import Iterable

from litestar import Litestar
from litestar.types import ASGIApp, Scope

from sidepro.domain.identity import Caller

MASK = "…"
"""Stands for a part of a path that is neither a literal of a route nor an id."""


IS_ID = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch


class PathMask:
    """Masks the parts of paths that clients choose."""

    def __init__(self, app: ASGIApp) -> None:
        routes = app.routes if isinstance(app, Litestar) else ()
        self._literals = _literals(route.path for route in routes)

    def __call__(self, path: str) -> str:
        return "/".join(
            [part if part in self._literals or IS_ID(part) else MASK for part in path.split("/")]
        )


def request_ids(scope: Scope) -> dict[str, str]:
    """The ids of the authenticated caller and of the room in the path, as far as known."""
    room = scope.get("path_params", {}).get("room_id")
    ids = caller_ids(scope.get("user"))
    if room is not None and IS_ID(str(room)):
        ids["room"] = str(room)
    return ids


def caller_ids(caller: Caller | None) -> dict[str, str]:
    """The ids of a caller, for the log."""
    if caller is None:
        return {}
    return {"user": str(caller.id), "session": str(caller.session_id)}


def _literals(paths: Iterable[str]) -> frozenset[str]:
    parts = (part for path in paths for part in path.split("/"))
    return frozenset(["", *(part for part in parts if not part.startswith("{"))])
