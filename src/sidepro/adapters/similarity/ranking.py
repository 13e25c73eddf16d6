"""The nearest people of many sets of skills at once, as they are found."""

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
from sidepro.domain.recommendations.packed import KEPT, NO_NEIGHBOUR

ROWS = 1 << 16
"""So many sets at once, whose number finds room above a key."""

ROW_BITS = np.uint64(48)
KEY_MASK = np.uint64((1 << 48) - 1)
WAITING = 1 << 21
"""So many keys are gathered, at least, before they are ranked."""


class Ranking:
    """The best `KEPT` keys of each row, of all that are offered.

    Keys that cannot be among them need not be offered: `limit` has the key of each row that none
    may be above, and `least_with[row, size]` how many skills are shared at least by a set of that
    size whose people may be among them. Both get tighter as keys are ranked.
    """

    def __init__(self, scores: Scores, sizes: Counts, sizes_of_others: Counts) -> None:
        """`sizes_of_others` are those that there are."""
        self._scores = scores
        self._sizes = sizes
        self._sizes_of_others = sizes_of_others
        self.limit = np.full(sizes.size, LAST_KEY)
        self.least_with = np.zeros((sizes.size, scores.number.shape[0]), np.uint8)
        self._ranked: Keys = np.empty(0, np.uint64)
        self._waiting: list[Keys] = []
        self._number_waiting = 0
        self._tighten(np.arange(sizes.size))

    def least(self, rows: Counts) -> npt.NDArray[np.uint8]:
        """How many skills whoever may be among the nearest shares at least with these rows."""
        least: npt.NDArray[np.uint8] = self.least_with[rows][:, self._sizes_of_others].min(axis=1)
        return least

    def tell_limits(self, rows: Counts, keys: Keys) -> None:
        """None above these keys can be among the best of these rows."""
        self.limit[rows] = keys
        self._tighten(rows)

    def push(self, rows: Counts, keys: Keys) -> None:
        """Keys (none of them twice for a row) that may be among the best of these rows."""
        self._waiting.append(rows.astype(np.uint64) << ROW_BITS | keys)
        self._number_waiting += keys.size
        if self._number_waiting > max(WAITING, self._ranked.size):
            self.rank()

    def rank(self) -> None:
        """Rank what has been offered so far."""
        keys = np.sort(np.concatenate([self._ranked, *self._waiting]))
        self._waiting, self._number_waiting = [], 0
        rows = keys >> ROW_BITS
        is_among = np.ones(keys.size, np.bool_)
        is_among[KEPT:] = rows[KEPT:] != rows[:-KEPT]
        self._ranked, rows = keys[is_among], rows[is_among]
        last = KEPT - 1
        is_last = np.flatnonzero(rows[last:] == rows[: max(0, rows.size - last)]) + last
        full = rows[is_last].astype(np.intp)
        self.limit[full] = self._ranked[is_last] & KEY_MASK
        self._tighten(full)

    def _tighten(self, rows: Counts) -> None:
        limit = (self.limit[rows] >> PLACE_BITS).astype(np.intp)
        self.least_with[rows] = self._scores.least_shared(self._sizes[rows], limit)

    def ranked_rows(self) -> Counts:
        """The rows for which something has been ranked."""
        return np.unique(self._ranked >> ROW_BITS).astype(np.intp)

    def nearest(self) -> npt.NDArray[np.uint32]:
        """A row of `KEPT` places for each."""
        rows = (self._ranked >> ROW_BITS).astype(np.intp)
        places = np.full((self._sizes.size, KEPT), NO_NEIGHBOUR, np.uint32)
        places[rows, ranks_in_runs(rows)] = self._ranked & PLACE_MASK
        return places


def ranks_in_runs(numbers: npt.NDArray[np.integer]) -> Counts:
    """0, 1, 2, … within each run of equal numbers."""
    at = np.arange(numbers.size)
    if not numbers.size:
        return at
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    return at - np.repeat(starts, np.diff(np.r_[starts, numbers.size]))
