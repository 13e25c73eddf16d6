"""A result of the similarity job as rows of fixed length: people, and groups of people."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sidepro.adapters.similarity import arrays
from sidepro.adapters.similarity.arrays import column
from sidepro.domain.recommendations.packed import (
    ID_SIZE,
    STORED_NEIGHBOURS,
    Population,
    Similarities,
)

_GROUP = np.dtype([("complete", "u1"), ("nearest", arrays.PLACE, (STORED_NEIGHBOURS,))])


def person(width: int) -> np.dtype[Any]:
    """The row of a person whose skills take `width` bytes."""
    return np.dtype(
        [
            ("id", f"V{ID_SIZE}"),
            ("skills", f"V{width}"),
            ("group", arrays.PLACE),
            ("published", "u1"),
        ]
    )


def people(similarities: Similarities, block: int) -> list[memoryview]:
    """The rows of all people, in blocks of so many rows."""
    population = similarities.population
    rows = np.empty(len(population), person(population.width))
    rows["id"] = np.frombuffer(population.ids, f"V{ID_SIZE}")
    rows["skills"] = np.frombuffer(population.skills, f"V{population.width}")
    rows["group"] = arrays.groups(similarities)
    rows["published"] = arrays.published(population)
    return _split(rows, block)


def groups(similarities: Similarities, block: int) -> list[memoryview]:
    """The rows of all groups, in blocks of so many rows."""
    nearest = arrays.nearest(similarities)
    rows = np.empty(len(nearest), _GROUP)
    rows["complete"], rows["nearest"] = arrays.complete(similarities), nearest
    return _split(rows, block)


def similarities(names: tuple[str, ...], width: int, people: bytes, groups: bytes) -> Similarities:
    """The result of which these are the rows."""
    persons, sets = np.frombuffer(people, person(width)), np.frombuffer(groups, _GROUP)
    return Similarities(
        Population(
            names,
            column(persons["id"]),
            column(persons["skills"]),
            column(persons["published"]),
        ),
        column(persons["group"]),
        column(sets["nearest"]),
        column(sets["complete"]),
    )


def _split(rows: npt.NDArray[Any], block: int) -> list[memoryview]:
    return [column(rows[start : start + block]) for start in range(0, len(rows), block)]
