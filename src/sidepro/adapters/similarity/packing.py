"""The skills of people, packed as bits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sidepro.domain.recommendations.packed import Population, width_of

BATCH_SIZE = 50_000
"""People whose skills are packed at once. Packing needs a byte for each bit."""


def population_of(rows: Sequence[Any], names: Mapping[int, str]) -> Population:
    """The people of some rows with `user_id`, `skill_ids` and `has_published`, ordered by id."""
    order = sorted(names)
    bit_of = np.full(max(order, default=0) + 1, -1, np.int16)
    bit_of[order] = np.arange(len(order))
    width = width_of(len(order))
    return Population(
        tuple(names[number] for number in order),
        b"".join(row.user_id.bytes for row in rows),
        b"".join(
            _skills(rows[start : start + BATCH_SIZE], bit_of, width)
            for start in range(0, len(rows), BATCH_SIZE)
        ),
        bytes(row.has_published for row in rows),
    )


def _skills(rows: Sequence[Any], bit_of: npt.NDArray[np.int16], width: int) -> bytes:
    """The packed skills of these people: `width` bytes each, a bit for each skill."""
    lists = [row.skill_ids or "" for row in rows]
    lengths = np.array([text.count(",") + 1 if text else 0 for text in lists], np.intp)
    person = np.repeat(np.arange(len(rows)), lengths)
    numbers = np.array(",".join(filter(None, lists)).split(",") if person.size else [], np.int64)
    # Skills that a newer process has just added are left out until the catalogue is read again.
    known = (numbers < bit_of.size) & (bit_of[np.minimum(numbers, bit_of.size - 1)] >= 0)
    person, bits = person[known], bit_of[numbers[known]].astype(np.intp)
    flags = np.zeros((len(rows), width * 8), np.uint8)
    flags[person, bits] = 1
    return np.packbits(flags, axis=1, bitorder="little").tobytes()
