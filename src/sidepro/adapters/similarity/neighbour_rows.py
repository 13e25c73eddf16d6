"""A person's neighbours as stored: for each the id (16 bytes) and the skills."""

import json
from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID

from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.packed import ID_SIZE, neighbours_of


def entries(nearest: bytes, width: int) -> Iterator[bytes]:
    """The bytes of each neighbour; `width` is the number of bytes of the skills."""
    size = ID_SIZE + width
    return (nearest[start : start + size] for start in range(0, len(nearest), size))


def decoded(
    names: str | bytes, user_id: UserId, skills: bytes, nearest: bytes
) -> tuple[Neighbour, ...]:
    """The neighbours of a person with these skills; `names` is a JSON list."""
    found = (
        (UserId(UUID(bytes=entry[:ID_SIZE])), entry[ID_SIZE:])
        for entry in entries(nearest, len(skills))
    )
    return neighbours_of(_names_in(names), user_id, skills, found)


@lru_cache(maxsize=2)
def _names_in(names: str | bytes) -> tuple[str, ...]:
    """The names, which are the same for everybody in one result."""
    return tuple(json.loads(names))


def encoded_names(names: tuple[str, ...]) -> str:
    """The names as JSON, for `decoded`."""
    return json.dumps(names, ensure_ascii=False)
