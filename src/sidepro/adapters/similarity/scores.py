"""Scores as small integers: people are ranked by sorting integers.

A ranking key is the number of a score (0 for the highest) in the upper bits and a person's place
in the lower 32. Keys sort people by similarity, ties by id.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.intp]

PLACE_BITS = np.uint64(32)
PLACE_MASK = np.uint64(0xFFFF_FFFF)
MAX_SCORES = 1 << 16
"""Different scores that fit into a key, beside a place (32 bits) and a row (16 bits)."""

LAST_KEY = np.uint64((MAX_SCORES << 32) - 1)
"""Higher than every key in use."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of at least 0.1 (10 × shared ≥ union) that sets of limited size can have.

    `number[shared, union]` is the number of a score, `far` for one below 0.1. Score n is the
    fraction `shared_at[n] / union_at[n]`.
    """

    number: npt.NDArray[np.uint32]
    far: int
    shared_at: Counts
    union_at: Counts

    @classmethod
    def up_to(cls, largest: int) -> "Scores":
        """The scores of sets of up to `largest` skills.

        Raises:
            ValueError: there are more than `MAX_SCORES`, for sets of about 250 skills or more.
        """
        shared, union = np.meshgrid(
            np.arange(largest + 1), np.arange(2 * largest + 1), indexing="ij"
        )
        is_similar = (shared > 0) & (shared <= union) & (10 * shared >= union)
        # Quotients of integers this small are equal as floats exactly if their fractions are.
        quotients = shared[is_similar] / union[is_similar]
        _, first, number = np.unique(-quotients, return_index=True, return_inverse=True)
        if first.size >= MAX_SCORES:
            raise ValueError(f"sets of {largest} skills are too large")
        numbers = np.full(shared.shape, first.size, np.uint32)
        numbers[is_similar] = number
        return cls(numbers, first.size, shared[is_similar][first], union[is_similar][first])

    def least_shared(self, sizes: Counts, limit: Counts) -> npt.NDArray[np.uint8]:
        """The fewest shared skills for which the score's number is at most `limit`.

        `sizes` and `limit` have the shape (rows,). The result has the shape (rows, sizes of the
        other set from 0 on), and 255 where no number of shared skills is enough.
        """
        limit = np.minimum(limit, self.far - 1)
        shared, union = self.shared_at[limit][:, None], self.union_at[limit][:, None]
        others = np.arange(self.number.shape[0])
        both = sizes[:, None] + others
        # shared / union ≤ least / (both - least)
        least = np.maximum(-(-shared * both // (shared + union)), 1)
        is_impossible = least > np.minimum(sizes[:, None], others)
        return np.where(is_impossible, 255, least).astype(np.uint8)
