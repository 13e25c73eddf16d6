"""Compares many sets of skills with many candidates.

Few sets are compared with all candidates. Many are joined by pairs of skills: a candidate that
shares at least n skills with a set shares a pair of them that excludes the set's n - 2 most common
ones, so only those pairs are looked up (prefix filtering: Chaudhuri, Ganti and Kaushik, "A
primitive operator for similarity joins in data cleaning", 2006; Bayardo, Ma and Srikant, "Scaling
up all pairs similarity search", 2007). n grows as neighbours are found, which leaves fewer pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sidepro.adapters.similarity.ranking import MAX_ROWS, Ranking, ranks_in_runs
from sidepro.adapters.similarity.scores import (
    LAST_KEY,
    PLACE_BITS,
    PLACE_MASK,
    Counts,
    Keys,
    Scores,
)
from sidepro.adapters.similarity.sets import Candidates, PairIndex, Pairs, Sets
from sidepro.domain.recommendations.packed import STORED_NEIGHBOURS

TILE = 1 << 16
"""Comparisons in one step: its intermediate results fit into a core's cache."""

TILE_WIDTH = 1 << 11
"""Candidates in one step, when all are compared with all."""

FIRST_SKILLS = 3
"""Pairs whose second skill is among a set's rarest are looked up first: their hits set limits that
exclude most of the other pairs.
"""

INDEX_THRESHOLD = 1 << 30
"""Comparisons per ranking above which the index of pairs is faster."""

Report = Callable[[float], None]
"""Called with the fraction of the work that is done, from 0 to 1."""


class Comparison:
    """Compares sets with all candidates. Thread-safe."""

    def __init__(self, candidates: Candidates, scores: Scores, number_of_rows: int) -> None:
        """`number_of_rows` is the number of sets that will be compared, in all calls together."""
        self._candidates, self._scores = candidates, scores
        self._index = None
        if min(number_of_rows, MAX_ROWS) * len(candidates.sets) > INDEX_THRESHOLD:
            self._index = PairIndex.of(candidates.sets)

    def rank(self, rows: Sets, ranking: Ranking, report: Report = lambda _: None) -> None:
        """Push every candidate that may be among the nearest of the rows, and rank them."""
        if not len(self._candidates.sets):
            return
        if self._index:
            _compare_by_pairs(rows, self._candidates, self._index, self._scores, ranking, report)
        else:
            scan = _Scan(rows, self._candidates, self._scores, ranking)
            scan.compare_with_all(np.arange(len(rows)), report=report)
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

    def compare_with_all(
        self, selected: Counts, *, exactly: int | None = None, report: Report
    ) -> None:
        """Compare the rows `selected` with all candidates, or only with candidates that share
        `exactly` this number of skills.
        """
        number = len(self.candidates.sets)
        for start in range(0, number, TILE_WIDTH):
            cols = np.arange(start, min(start + TILE_WIDTH, number))
            self.compare(selected, cols, exactly=exactly)
            report((start + cols.size) / number)

    def compare(
        self,
        selected: Counts,
        cols: Counts,
        *,
        exactly: int | None = None,
        not_shared: Sequence[np.uint64] = (),
    ) -> None:
        """Compare the rows `selected` with the candidates `cols`, except candidates that share a
        skill of `not_shared` (bits, by words).
        """
        height = max(1, TILE // max(1, cols.size))
        col_words = [column[cols] for column in self.candidates.sets.words]
        for start in range(0, selected.size, height):
            self._tile(selected[start : start + height], cols, col_words, exactly, not_shared)

    def _tile(
        self,
        selected: Counts,
        cols: Counts,
        col_words: Sequence[npt.NDArray[np.uint64]],
        exactly: int | None,
        not_shared: Sequence[np.uint64],
    ) -> None:
        sizes = self.candidates.sets.sizes[cols]
        shared = np.zeros((selected.size, cols.size), np.uint8)
        for row_words, other_words in zip(self.rows.words, col_words, strict=True):
            shared += np.bitwise_count(row_words[selected][:, None] & other_words)
        if cols.size >= STORED_NEIGHBOURS:
            self._limit_first(selected, sizes, shared)
        hits = shared >= self.ranking.least_with[selected][:, sizes]
        if exactly is not None:
            hits &= shared == exactly
        found = np.flatnonzero(hits)
        if found.size:
            at, other = np.divmod(found, cols.size)
            rows, others = selected[at], cols[other]
            self._push(rows, others, shared.reshape(-1)[found], not_shared)

    def _limit_first(
        self, selected: Counts, col_sizes: Counts, shared: npt.NDArray[np.uint8]
    ) -> None:
        """Limit rows that have no limit yet by the `STORED_NEIGHBOURS`-th best of this tile."""
        is_new = self.ranking.limit[selected] == LAST_KEY
        if not is_new.any():
            return
        selected, shared = selected[is_new], shared[is_new]
        both = self.rows.sizes[selected][:, None] + col_sizes
        numbers = self.scores.number[shared, both - shared]
        limit = np.partition(numbers, STORED_NEIGHBOURS - 1, axis=1)[:, STORED_NEIGHBOURS - 1]
        is_similar = limit < self.scores.far
        keys = (limit[is_similar].astype(np.uint64) << PLACE_BITS) | PLACE_MASK
        self.ranking.set_limits(selected[is_similar], keys)

    def _push(
        self,
        rows: Counts,
        others: Counts,
        shared: npt.NDArray[np.uint8],
        not_shared: Sequence[np.uint64],
    ) -> None:
        sets, limit = self.candidates.sets, self.ranking.limit
        union = self.rows.sizes[rows] + sets.sizes[others] - shared
        keys = self._first_keys[shared, union] | self._first_members[others]
        # Most candidates tie with the last ranked one and come after it.
        is_within = keys <= limit[rows]
        rows, others, keys = rows[is_within], others[is_within], keys[is_within]
        for row_words, other_words, mask in zip(
            self.rows.words, sets.words, not_shared, strict=False
        ):
            if mask:
                is_first = row_words[rows] & other_words[others] & mask == 0
                rows, others, keys = rows[is_first], others[is_first], keys[is_first]
        self.ranking.push(rows, keys)
        has_more = self._further_members[others] > 0
        if has_more.any():
            self._push_further(rows[has_more], others[has_more], keys[has_more])

    def _push_further(self, rows: Counts, others: Counts, keys: Keys) -> None:
        """Push all but the first members of these candidates."""
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
    report: Report,
) -> None:
    scan = _Scan(
        rows.renumbered(index.by_rarity), replace(candidates, sets=index.sets), scores, ranking
    )
    row_pairs, candidate_pairs = Pairs.of(scan.rows), index.pairs
    in_both = np.flatnonzero((row_pairs.counts > 0) & (candidate_pairs.counts > 0))
    for part, (first, last) in enumerate(((0, FIRST_SKILLS), (FIRST_SKILLS, scan.rows.bits))):
        for done, pair in enumerate(in_both.tolist()):
            selected, seconds = row_pairs.sets_with(pair), row_pairs.seconds_of(pair)
            is_due = (first <= seconds) & (seconds < last)
            selected, seconds = selected[is_due], seconds[is_due]
            # Prefix filter: useful candidates also share a pair of rarer skills.
            selected = selected[seconds <= scan.rows.sizes[selected] - ranking.least(selected) + 1]
            if selected.size:
                rarer = candidate_pairs.skills_before(pair)
                scan.compare(selected, candidate_pairs.sets_with(pair), not_shared=rarer)
            report((part + done / in_both.size) / 2)
        ranking.rank()
    alone = np.flatnonzero(ranking.least(np.arange(len(rows))) <= 1)
    scan.compare_with_all(alone, exactly=1, report=lambda _: None)
