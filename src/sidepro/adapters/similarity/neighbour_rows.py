"""Somebody's neighbours as they are stored: of each of them the id, and behind it the skills."""

import json
from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID

from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.packed import ID_SIZE, neighbours_of


def entries(nearest: bytes, width: int) -> Iterator[bytes]:
    """Each neighbour's, given how many bytes the skills take."""
    size = ID_SIZE + width
    return (nearest[start : start + size] for start in range(0, len(nearest), size))


def decoded(
    names: str | bytes, user_id: UserId, skills: bytes, nearest: bytes
) -> tuple[Neighbour, ...]:
    """The neighbours of somebody with these skills, whose names are a JSON list."""
    found = (
        (UserId(UUID(bytes=entry[:ID_SIZE])), entry[ID_SIZE:])
        for entry in entries(nearest, len(skills))
    )
    return neighbours_of(_names_in(names), user_id, skills, found)


@lru_cache(maxsize=2)
def _names_in(names: str | bytes) -> tuple[str, ...]:
    """Those of one result are the same for everybody."""
    return tuple(json.loads(names))


def encoded_names(names: tuple[str, ...]) -> str:
    """What `decoded` takes as names."""
    return json.dumps(names, ensure_ascii=False)
