"""The nearest people of many sets of skills, collected while they are compared."""

import numpy as np
import numpy.typing as npt

from sidepro.adapters.similarity.scores import (
    LAST_KEY,
    PLACE_BITS,
    PLACE_MASK,
    Counts,
    Keys,
    Scores,
)
from sidepro.domain.recommendations.packed import NO_NEIGHBOUR, STORED_NEIGHBOURS

MAX_ROWS = 1 << 16
"""Maximum number of sets in a ranking: the row's number takes the 16 bits above a 48-bit key."""

ROW_BITS = np.uint64(48)
KEY_MASK = np.uint64((1 << 48) - 1)
BUFFER_SIZE = 1 << 21
"""Minimum number of keys that are buffered before they are ranked."""


class Ranking:
    """The best `STORED_NEIGHBOURS` keys of each row.

    `limit` has each row's worst useful key, shape (rows,): higher keys need not be pushed.
    `least_with[row, size]` is the number of skills that a candidate of that size must share to
    get below the limit. Both get tighter as keys are ranked.
    """

    def __init__(self, scores: Scores, sizes: Counts, candidate_sizes: Counts) -> None:
        """`sizes` has each row's size, `candidate_sizes` the distinct sizes of all candidates."""
        self._scores = scores
        self._sizes = sizes
        self._candidate_sizes = candidate_sizes
        self.limit = np.full(sizes.size, LAST_KEY)
        self.least_with = np.zeros((sizes.size, scores.number.shape[0]), np.uint8)
        self._ranked: Keys = np.empty(0, np.uint64)
        self._buffer: list[Keys] = []
        self._buffered = 0
        self._tighten(np.arange(sizes.size))

    def least(self, rows: Counts) -> npt.NDArray[np.uint8]:
        """The fewest skills that a useful candidate of any size shares with these rows."""
        least: npt.NDArray[np.uint8] = self.least_with[rows][:, self._candidate_sizes].min(axis=1)
        return least

    def set_limits(self, rows: Counts, keys: Keys) -> None:
        """Ignore keys above `keys` in these rows."""
        self.limit[rows] = keys
        self._tighten(rows)

    def push(self, rows: Counts, keys: Keys) -> None:
        """Add keys of rows. A key is pushed at most once for a row."""
        self._buffer.append(rows.astype(np.uint64) << ROW_BITS | keys)
        self._buffered += keys.size
        if self._buffered > max(BUFFER_SIZE, self._ranked.size):
            self.rank()

    def rank(self) -> None:
        """Rank the buffered keys and tighten the limits."""
        keys = np.sort(np.concatenate([self._ranked, *self._buffer]))
        self._buffer, self._buffered = [], 0
        rows = keys >> ROW_BITS
        is_best = np.ones(keys.size, np.bool_)
        is_best[STORED_NEIGHBOURS:] = rows[STORED_NEIGHBOURS:] != rows[:-STORED_NEIGHBOURS]
        self._ranked, rows = keys[is_best], rows[is_best]
        last = STORED_NEIGHBOURS - 1
        is_last = np.flatnonzero(rows[last:] == rows[: max(0, rows.size - last)]) + last
        full = rows[is_last].astype(np.intp)
        self.limit[full] = self._ranked[is_last] & KEY_MASK
        self._tighten(full)

    def _tighten(self, rows: Counts) -> None:
        limit = (self.limit[rows] >> PLACE_BITS).astype(np.intp)
        self.least_with[rows] = self._scores.least_shared(self._sizes[rows], limit)

    def ranked_rows(self) -> Counts:
        """The rows that have ranked keys."""
        return np.unique(self._ranked >> ROW_BITS).astype(np.intp)

    def nearest(self) -> npt.NDArray[np.uint32]:
        """The ranked places. Shape: (rows, STORED_NEIGHBOURS), padded with `NO_NEIGHBOUR`."""
        rows = (self._ranked >> ROW_BITS).astype(np.intp)
        places = np.full((self._sizes.size, STORED_NEIGHBOURS), NO_NEIGHBOUR, np.uint32)
        places[rows, ranks_in_runs(rows)] = self._ranked & PLACE_MASK
        return places


def ranks_in_runs(numbers: npt.NDArray[np.integer]) -> Counts:
    """0, 1, 2, … within each run of equal numbers."""
    at = np.arange(numbers.size)
    if not numbers.size:
        return at
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    return at - np.repeat(starts, np.diff(np.r_[starts, numbers.size]))
