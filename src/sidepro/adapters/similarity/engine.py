"""The engine of the similarity job: computes all neighbours, or updates an earlier result.

Skills are bits of a few words. Shared skills are counted with `bitwise_count`. People with the
same skills are one set. Polars does the joins (equal sets, people of the earlier result), NumPy
the bits.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sidepro.adapters.similarity import arrays
from sidepro.adapters.similarity.arrays import PLACE, Flags, Places, Words, column
from sidepro.adapters.similarity.ranking import MAX_ROWS, Ranking
from sidepro.adapters.similarity.scanning import Comparison
from sidepro.adapters.similarity.scores import PLACE_BITS, Counts, Keys, Scores
from sidepro.adapters.similarity.sets import Candidates, Sets, distinct, same_rows
from sidepro.domain.recommendations.jaccard import MAX_NEIGHBOURS
from sidepro.domain.recommendations.packed import (
    NO_NEIGHBOUR,
    STORED_NEIGHBOURS,
    Population,
    Similarities,
)
from sidepro.domain.recommendations.ports import Computed, Progress

REQUIRED = MAX_NEIGHBOURS + 1
"""Nearest people that a set needs: its lists include the person themselves."""


def similarities(
    population: Population, before: Similarities | None, progress: Progress, threads: int = 1
) -> Computed:
    """See `sidepro.domain.recommendations.ports.SimilarityEngine`."""
    words = arrays.skills(population)
    distinct_words, groups = distinct(words)
    sets = Sets.of(distinct_words)
    lists = _NearestLists(
        sets=sets,
        words=distinct_words,
        scores=Scores.up_to(int(np.max(sets.sizes, initial=1))),
        people=Sets.of(words),
        nearest=np.full((len(sets), STORED_NEIGHBOURS), NO_NEIGHBOUR, PLACE),
        complete=np.ones(len(sets), np.bool_),
    )
    published = np.flatnonzero(arrays.published(population)).astype(PLACE)
    if before and _has_same_bits(population, before.population):
        change = _change(population, before.population)
        added = Candidates.of(sets, groups, change.added)
        unknown = lists.carry_over(before, change, added, threads)
        changed = change.people
    else:
        unknown = np.arange(len(sets))
        changed = len(population)
    lists.search(unknown, Candidates.of(sets, groups, published), threads, progress)
    result = Similarities(
        population, column(groups), column(lists.nearest), column(lists.complete)
    )
    return Computed(result, changed)


def _has_same_bits(now: Population, before: Population) -> bool:
    """Whether bits stand for the same skills: the catalogue may only have grown at its end."""
    return now.width == before.width and now.names[: len(before.names)] == before.names


@dataclass(frozen=True, slots=True)
class _Change:
    """The difference between two populations.

    `people` is the number of people who were added, removed or changed. `new_places` has for each
    old place the new place of an unchanged candidate, else `NO_NEIGHBOUR`; one element more stands
    for `NO_NEIGHBOUR` itself. `added` has the new places of all other candidates.
    """

    people: int
    new_places: Places
    added: Places


def _change(now: Population, before: Population) -> _Change:
    ids, old_ids = arrays.ids(now), arrays.ids(before)
    old_places = np.searchsorted(old_ids, ids)
    is_old = old_places < old_ids.size
    is_old[is_old] = old_ids[old_places[is_old]] == ids[is_old]
    places, old_places = np.flatnonzero(is_old), old_places[is_old]
    published, old_published = arrays.published(now), arrays.published(before)
    has_same_skills = (arrays.skills(now)[places] == arrays.skills(before)[old_places]).all(axis=1)
    is_same = has_same_skills & (published[places] == old_published[old_places])
    stays = is_same & published[places]
    new_places = np.full(old_ids.size + 1, NO_NEIGHBOUR, PLACE)
    new_places[old_places[stays]] = places[stays]
    is_added = published.copy()
    is_added[places[stays]] = False
    removed = old_ids.size - places.size
    return _Change(
        people=ids.size - int(is_same.sum()) + removed,
        new_places=new_places,
        added=np.flatnonzero(is_added).astype(PLACE),
    )


@dataclass(frozen=True, slots=True)
class _NearestLists:
    """The nearest people of each set of skills, as far as they are known.

    `sets` and `words` are the distinct sets, `people` everybody's set. `nearest` has the shape
    (sets, STORED_NEIGHBOURS), `complete` the shape (sets,).
    """

    sets: Sets
    words: Words
    scores: Scores
    people: Sets
    nearest: Places
    complete: Flags

    def search(
        self, rows: Counts, candidates: Candidates, threads: int, progress: Progress
    ) -> None:
        """Find the nearest of these sets among all candidates."""
        comparison = Comparison(candidates, self.scores, rows.size)
        parts = _parts(rows, threads)
        done = [0.0] * len(parts)
        total = max(1, rows.size)
        progress(0, total)

        def search_part(number: int) -> None:
            part = parts[number]

            def report(fraction: float) -> None:
                done[number] = fraction * part.size
                progress(int(sum(done)), total)

            ranking = self._ranking(part, candidates)
            comparison.rank(self.sets.select(part), ranking, report)
            self.nearest[part] = ranking.nearest()
            self.complete[part] = self.nearest[part, -1] == NO_NEIGHBOUR
            report(1.0)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(search_part, range(len(parts))))
        progress(total, total)

    def _ranking(self, rows: Counts, candidates: Candidates) -> Ranking:
        return Ranking(self.scores, self.sets.sizes[rows], np.unique(candidates.sets.sizes))

    def carry_over(
        self, before: Similarities, change: _Change, added: Candidates, threads: int
    ) -> Counts:
        """Take over the earlier lists, without removed people and with added ones.

        Returns the sets that need a search: new ones, and sets whose lists have become too short.
        """
        old_groups = self._groups_in(before)
        old_nearest, old_complete = arrays.nearest(before), arrays.complete(before)
        known = np.flatnonzero(old_groups >= 0)
        comparison = Comparison(added, self.scores, known.size)

        def take_over(rows: Counts) -> Counts:
            groups = old_groups[rows]
            places = _to_the_front(change.new_places[_indices(old_nearest[groups])])
            is_complete = old_complete[groups]
            suffices = is_complete | (places[:, REQUIRED - 1] != NO_NEIGHBOUR)
            ranking = self._ranking(rows[suffices], added)
            self._update(
                rows[suffices], places[suffices], is_complete[suffices], comparison, ranking
            )
            too_short: Counts = rows[~suffices]
            return too_short

        with ThreadPoolExecutor(threads) as pool:
            unknown = list(pool.map(take_over, _parts(known, threads)))
        return np.concatenate([np.flatnonzero(old_groups < 0), *unknown])

    def _groups_in(self, before: Similarities) -> npt.NDArray[np.int64]:
        """The group of each set in an earlier result, -1 if it had none."""
        words = arrays.skills(before.population)
        numbers, people = np.unique(arrays.groups(before), return_index=True)
        found = same_rows(self.words, words[people])
        return np.where(found < 0, -1, numbers[found].astype(np.int64)) if people.size else found

    def _update(
        self,
        rows: Counts,
        places: Places,
        is_complete: Flags,
        added: Comparison,
        ranking: Ranking,
    ) -> None:
        """Set the lists of these sets to `places`, merged with added candidates."""
        # Unknown people may follow the last known one of an incomplete list.
        limited = np.flatnonzero(~is_complete)
        last = (places[limited] != NO_NEIGHBOUR).sum(axis=1) - 1
        ranking.set_limits(limited, self._keys(rows[limited], places[limited, last]))
        added.rank(self.sets.select(rows), ranking)
        touched = ranking.ranked_rows()
        merged, at = np.nonzero(places[touched] != NO_NEIGHBOUR)
        merged = touched[merged]
        ranking.push(merged, self._keys(rows[merged], places[merged, at]))
        ranking.rank()
        places[touched] = ranking.nearest()[touched]
        self.nearest[rows] = places
        self.complete[rows] = is_complete & (places[:, -1] == NO_NEIGHBOUR)

    def _keys(self, rows: Counts, places: Places) -> Keys:
        """The ranking keys of people at `places`, as seen from the sets `rows`."""
        shared = np.zeros(rows.size, np.uint8)
        for set_words, person_words in zip(self.sets.words, self.people.words, strict=True):
            shared += np.bitwise_count(set_words[rows] & person_words[places])
        union = self.sets.sizes[rows] + self.people.sizes[places] - shared
        keys: Keys = self.scores.number[shared, union].astype(np.uint64) << PLACE_BITS | places
        return keys


def _indices(places: Places) -> npt.NDArray[np.intp]:
    """The places as indices; `NO_NEIGHBOUR` becomes -1, the last element."""
    return places.astype(np.int32).astype(np.intp)


def _to_the_front(places: Places) -> Places:
    """Each row's places in their order, followed by its empty slots."""
    rows = np.flatnonzero(
        (np.diff((places == NO_NEIGHBOUR).view(np.int8), axis=1) < 0).any(axis=1)
    )
    order = np.argsort(places[rows] == NO_NEIGHBOUR, axis=1, kind="stable")
    places[rows] = np.take_along_axis(places[rows], order, axis=1)
    return places


def _parts(rows: Counts, threads: int) -> list[Counts]:
    """The rows in parts of at most `MAX_ROWS`, at least one for each thread."""
    size = max(1, min(MAX_ROWS, -(-rows.size // threads)))
    return [rows[start : start + size] for start in range(0, rows.size, size)]
