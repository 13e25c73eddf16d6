"""The columns of `sidepro.domain.recommendations.packed` as NumPy arrays, without copies."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sidepro.domain.recommendations.jaccard import MAX_NEIGHBOURS
from sidepro.domain.recommendations.packed import (
    ID_SIZE,
    NO_NEIGHBOUR,
    STORED_NEIGHBOURS,
    Population,
    Similarities,
)

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.bytes_]

WORD = np.dtype("<u8")
PLACE = np.dtype("<u4")


def ids(population: Population) -> Ids:
    """The ids as strings of 16 bytes, which sort as the ids do. Shape: (people,)."""
    return np.frombuffer(population.ids, f"S{ID_SIZE}")


def skills(population: Population) -> Words:
    """The skills as bits in 64-bit words. Shape: (people, words)."""
    return np.frombuffer(population.skills, WORD).reshape(-1, population.width // 8)


def published(population: Population) -> Flags:
    return np.frombuffer(population.published, np.bool_)


def groups(similarities: Similarities) -> Places:
    return np.frombuffer(similarities.groups, PLACE)


def nearest(similarities: Similarities) -> Places:
    """The places of the nearest people. Shape: (groups, STORED_NEIGHBOURS)."""
    return np.frombuffer(similarities.nearest, PLACE).reshape(-1, STORED_NEIGHBOURS)


def complete(similarities: Similarities) -> Flags:
    return np.frombuffer(similarities.complete, np.bool_)


def column(array: npt.NDArray[Any]) -> memoryview:
    """The bytes of an array, without a copy if it is contiguous."""
    contiguous = np.ascontiguousarray(array).reshape(-1)
    return memoryview(contiguous.view(np.uint8).data)


class People:
    """Each person's id and skills as bytes, and the same of their neighbours."""

    def __init__(self, similarities: Similarities) -> None:
        population = similarities.population
        self.raw_ids = np.frombuffer(population.ids, f"V{ID_SIZE}")
        self._skills = np.frombuffer(population.skills, f"V{population.width}")
        record = np.dtype([("id", self.raw_ids.dtype), ("skills", self._skills.dtype)])
        self._records = np.empty(len(population), record)
        self._records["id"], self._records["skills"] = self.raw_ids, self._skills
        self._groups = groups(similarities)
        self._nearest = nearest(similarities)

    def skills(self, place: int) -> bytes:
        return bytes(self._skills[place].tobytes())

    def neighbours(self, place: int) -> bytes:
        """Id and skills of each neighbour of the person at `place`, the most similar first."""
        places = self._nearest[self._groups[place]]
        places = places[(places != NO_NEIGHBOUR) & (places != place)][:MAX_NEIGHBOURS]
        return bytes(self._records[places].tobytes())
