"""Ids in paths: only their canonical spelling is accepted."""

from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.params import FromPath

from sidepro.domain.errors import NotFound

PathId = FromPath[UUID]
"""The type of an id in the path."""


def reject_other_spellings(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Python parses more spellings of a UUID (`urn:uuid:…`, `{…}`) than the routes accept.

    Raises:
        NotFound: an id in the path is not in canonical form.
    """
    segments = connection.scope["path"].lower().split("/")
    for value in connection.path_params.values():
        if isinstance(value, UUID) and str(value) not in segments:
            raise NotFound
