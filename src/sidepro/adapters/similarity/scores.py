"""Scores as small whole numbers, so that ranking people is sorting numbers.

A place in somebody's ranking is a key: the number of the score (0 for the highest there is), and
below it the place of the person. Keys order people as the product does: by similarity, and equally
similar ones by their ids.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.intp]

PLACE_BITS = np.uint64(32)
PLACE_MASK = np.uint64(0xFFFF_FFFF)
SCORES = 1 << 16
"""So many different scores find room in a key, beside a place and a row of 16 bits."""

LAST_KEY = np.uint64((SCORES << 32) - 1)
"""Behind every key that there is."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of sets of up to `largest` skills that are near: 10 × shared ≥ union.

    `number[shared, union]` is that of a score, and `far` where it is not near. `shared_at` and
    `union_at` are its fraction.
    """

    number: npt.NDArray[np.uint32]
    far: int
    shared_at: Counts
    union_at: Counts

    @classmethod
    def up_to(cls, largest: int) -> "Scores":
        """Raises ValueError when there are too many different ones: above 250 skills or so."""
        shared, union = np.meshgrid(
            np.arange(largest + 1), np.arange(2 * largest + 1), indexing="ij"
        )
        is_near = (shared > 0) & (shared <= union) & (10 * shared >= union)
        # Quotients of numbers as small as these are equal exactly when their fractions are.
        quotients = shared[is_near] / union[is_near]
        _, first, number = np.unique(-quotients, return_index=True, return_inverse=True)
        if first.size >= SCORES:
            raise ValueError(f"sets of {largest} skills are too large")
        numbers = np.full(shared.shape, first.size, np.uint32)
        numbers[is_near] = number
        return cls(numbers, first.size, shared[is_near][first], union[is_near][first])

    def least_shared(self, sizes: Counts, limit: Counts) -> npt.NDArray[np.uint8]:
        """How many skills sets of these sizes share at least with one of size 0, 1, 2, … that has
        a score of the number `limit` or a better one: a row for each. 255 where that cannot be.
        """
        limit = np.minimum(limit, self.far - 1)
        shared, union = self.shared_at[limit][:, None], self.union_at[limit][:, None]
        others = np.arange(self.number.shape[0])
        both = sizes[:, None] + others
        # shared / union ≤ least / (both - least)
        least = np.maximum(-(-shared * both // (shared + union)), 1)
        is_impossible = least > np.minimum(sizes[:, None], others)
        return np.where(is_impossible, 255, least).astype(np.uint8)
