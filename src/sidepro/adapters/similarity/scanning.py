"""Comparing many sets of skills with many others, bit by bit.

Where that would be too many, only sets are compared that have two skills in common. Who shares at
least n skills with a set shares two of its rarest ones with it, the commonest n - 2 left out: only
those pairs of skills are looked up (prefix filtering: Chaudhuri, Ganti and Kaushik, "A primitive
operator for similarity joins in data cleaning", 2006; Bayardo, Ma and Srikant, "Scaling up all
pairs similarity search", 2007). While people are found n grows, and the pairs get fewer.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sidepro.adapters.similarity.ranking import ROWS, Ranking, ranks_in_runs
from sidepro.adapters.similarity.scores import (
    LAST_KEY,
    PLACE_BITS,
    PLACE_MASK,
    Counts,
    Keys,
    Scores,
)
from sidepro.adapters.similarity.sets import Candidates, PairIndex, Pairs, Sets
from sidepro.domain.recommendations.packed import KEPT

TILE = 1 << 16
"""Comparisons at once: their intermediate results stay in a core's cache."""

WIDTH = 1 << 11
"""Candidates of a tile, where all are compared."""

FIRST_SKILLS = 3
"""Pairs of a set's so many rarest skills are looked up first, for limits that spare the most of
all the others.
"""

WORTH_AN_INDEX = 1 << 30
"""Comparisons for one ranking; fewer than these are made faster than pairs are looked up."""

Told = Callable[[float], None]
"""Told which part of the work has been done, from 0 to 1."""


class Comparison:
    """Compares sets with all candidates; may be used by several threads."""

    def __init__(self, candidates: Candidates, scores: Scores, number_of_rows: int) -> None:
        """`number_of_rows` are to be compared in all."""
        self._candidates, self._scores = candidates, scores
        self._index = None
        if min(number_of_rows, ROWS) * len(candidates.sets) > WORTH_AN_INDEX:
            self._index = PairIndex.of(candidates.sets)

    def rank(self, rows: Sets, ranking: Ranking, told: Told = lambda _: None) -> None:
        """Offer to the ranking whoever may be among the nearest of its rows."""
        if not len(self._candidates.sets):
            return
        if self._index:
            _compare_by_pairs(rows, self._candidates, self._index, self._scores, ranking, told)
        else:
            scan = _Scan(rows, self._candidates, self._scores, ranking)
            scan.all_with_all(np.arange(len(rows)), told=told)
        ranking.rank()


class _Scan:
    def __init__(
        self, rows: Sets, candidates: Candidates, scores: Scores, ranking: Ranking
    ) -> None:
        self.rows = rows
        self.candidates = candidates
        self.scores = scores
        self.ranking = ranking
        starts = candidates.starts[:-1]
        self._first_members = candidates.members[starts]
        self._further_members = np.diff(candidates.starts) - 1
        self._first_keys = scores.number.astype(np.uint64) << PLACE_BITS

    def all_with_all(self, some: Counts, *, exactly: int | None = None, told: Told) -> None:
        """Compare some rows with all candidates; only those count who share `exactly` so many
        skills, if that is said.
        """
        number = len(self.candidates.sets)
        for start in range(0, number, WIDTH):
            cols = np.arange(start, min(start + WIDTH, number))
            self.each_with_each(some, cols, exactly=exactly)
            told((start + cols.size) / number)

    def each_with_each(
        self,
        some: Counts,
        cols: Counts,
        *,
        exactly: int | None = None,
        not_shared: Sequence[np.uint64] = (),
    ) -> None:
        """Compare some rows with some candidates. Only those count who share none of the skills
        `not_shared`.
        """
        height = max(1, TILE // max(1, cols.size))
        of_cols = [column[cols] for column in self.candidates.sets.words]
        for start in range(0, some.size, height):
            self._tile(some[start : start + height], cols, of_cols, exactly, not_shared)

    def _tile(
        self,
        some: Counts,
        cols: Counts,
        of_cols: Sequence[npt.NDArray[np.uint64]],
        exactly: int | None,
        not_shared: Sequence[np.uint64],
    ) -> None:
        sizes = self.candidates.sets.sizes[cols]
        shared = np.zeros((some.size, cols.size), np.uint8)
        for of_rows, of_others in zip(self.rows.words, of_cols, strict=True):
            shared += np.bitwise_count(of_rows[some][:, None] & of_others)
        if cols.size >= KEPT:
            self._limit_first(some, sizes, shared)
        hits = shared >= self.ranking.least_with[some][:, sizes]
        if exactly is not None:
            hits &= shared == exactly
        found = np.flatnonzero(hits)
        if found.size:
            at, other = np.divmod(found, cols.size)
            rows, others = some[at], cols[other]
            self._offer(rows, others, shared.reshape(-1)[found], not_shared)

    def _limit_first(
        self, some: Counts, sizes_of_cols: Counts, shared: npt.NDArray[np.uint8]
    ) -> None:
        """Set limits to the rows that have none yet: so many are as near as these."""
        is_new = self.ranking.limit[some] == LAST_KEY
        if not is_new.any():
            return
        some, shared = some[is_new], shared[is_new]
        both = self.rows.sizes[some][:, None] + sizes_of_cols
        numbers = self.scores.number[shared, both - shared]
        limit = np.partition(numbers, KEPT - 1, axis=1)[:, KEPT - 1]
        is_near = limit < self.scores.far
        keys = (limit[is_near].astype(np.uint64) << PLACE_BITS) | PLACE_MASK
        self.ranking.tell_limits(some[is_near], keys)

    def _offer(
        self,
        rows: Counts,
        others: Counts,
        shared: npt.NDArray[np.uint8],
        not_shared: Sequence[np.uint64],
    ) -> None:
        sets, limit = self.candidates.sets, self.ranking.limit
        union = self.rows.sizes[rows] + sets.sizes[others] - shared
        keys = self._first_keys[shared, union] | self._first_members[others]
        # Most are equally similar as the last one of the ranking, and come after that one.
        is_within = keys <= limit[rows]
        rows, others, keys = rows[is_within], others[is_within], keys[is_within]
        for of_rows, of_others, mask in zip(self.rows.words, sets.words, not_shared, strict=False):
            if mask:
                is_first = of_rows[rows] & of_others[others] & mask == 0
                rows, others, keys = rows[is_first], others[is_first], keys[is_first]
        self.ranking.push(rows, keys)
        has_more = self._further_members[others] > 0
        if has_more.any():
            self._offer_further(rows[has_more], others[has_more], keys[has_more])

    def _offer_further(self, rows: Counts, others: Counts, keys: Keys) -> None:
        """Offer all but the first members of these candidates."""
        many = self._further_members[others]
        rank = ranks_in_runs(np.repeat(np.arange(many.size), many))
        members = np.repeat(self.candidates.starts[others] + 1, many) + rank
        rows, keys = np.repeat(rows, many), np.repeat(keys & ~PLACE_MASK, many)
        keys |= self.candidates.members[members]
        is_within = keys <= self.ranking.limit[rows]
        self.ranking.push(rows[is_within], keys[is_within])


def _compare_by_pairs(
    rows: Sets,
    candidates: Candidates,
    index: PairIndex,
    scores: Scores,
    ranking: Ranking,
    told: Told,
) -> None:
    scan = _Scan(
        rows.renumbered(index.by_rarity), replace(candidates, sets=index.sets), scores, ranking
    )
    of_rows, of_candidates = Pairs.of(scan.rows), index.pairs
    in_both = np.flatnonzero((of_rows.how_many > 0) & (of_candidates.how_many > 0))
    for part, (first, last) in enumerate(((0, FIRST_SKILLS), (FIRST_SKILLS, scan.rows.bits))):
        for done, pair in enumerate(in_both.tolist()):
            some, seconds = of_rows.sets_with(pair), of_rows.seconds_of(pair)
            is_due = (first <= seconds) & (seconds < last)
            some, seconds = some[is_due], seconds[is_due]
            # Who shares as much as is needed shares a pair that is further ahead, too.
            some = some[seconds <= scan.rows.sizes[some] - ranking.least(some) + 1]
            if some.size:
                rarer = of_candidates.skills_before(pair)
                scan.each_with_each(some, of_candidates.sets_with(pair), not_shared=rarer)
            told((part + done / in_both.size) / 2)
        ranking.rank()
    alone = np.flatnonzero(ranking.least(np.arange(len(rows))) <= 1)
    scan.all_with_all(alone, exactly=1, told=lambda _: None)
