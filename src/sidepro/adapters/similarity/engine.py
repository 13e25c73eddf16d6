"""The engine of the similarity job: everybody anew, or what changed since an earlier result.

Skills are bits of a few words, what two people share is a count of bits, and people with the same
skills are looked at once. Relations (who has the same skills, who was there before) are Polars',
bits are NumPy's.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sidepro.adapters.similarity import arrays
from sidepro.adapters.similarity.arrays import PLACE, Flags, Places, Words, column
from sidepro.adapters.similarity.ranking import ROWS, Ranking
from sidepro.adapters.similarity.scanning import Comparison
from sidepro.adapters.similarity.scores import PLACE_BITS, Counts, Keys, Scores
from sidepro.adapters.similarity.sets import Candidates, Sets, distinct, same_rows
from sidepro.domain.recommendations.jaccard import MOST_NEIGHBOURS
from sidepro.domain.recommendations.packed import (
    KEPT,
    NO_NEIGHBOUR,
    Population,
    Similarities,
)
from sidepro.domain.recommendations.ports import Computed, Progress

ENOUGH = MOST_NEIGHBOURS + 1
"""So many of the nearest are needed: a person is their own neighbour at first."""


def similarities(
    population: Population, before: Similarities | None, progress: Progress, threads: int = 1
) -> Computed:
    """Who is near to whom, and how many people have changed since `before`."""
    words = arrays.skills(population)
    distinct_words, groups = distinct(words)
    sets = Sets.of(distinct_words)
    found = _Found(
        sets=sets,
        words=distinct_words,
        scores=Scores.up_to(int(sets.sizes.max(initial=1))),
        people=Sets.of(words),
        nearest=np.full((len(sets), KEPT), NO_NEIGHBOUR, PLACE),
        complete=np.ones(len(sets), np.bool_),
    )
    published = np.flatnonzero(arrays.published(population)).astype(PLACE)
    if before and _bits_mean_the_same(population, before.population):
        change = _change(population, before.population)
        wanted = found.carry_over(
            before, change, Candidates.of(sets, groups, change.gained), threads
        )
        changed = change.people
    else:
        wanted = np.arange(len(sets))
        changed = len(population)
    found.look_for(wanted, Candidates.of(sets, groups, published), threads, progress)
    result = Similarities(
        population, column(groups), column(found.nearest), column(found.complete)
    )
    return Computed(result, changed)


def _bits_mean_the_same(now: Population, before: Population) -> bool:
    """The catalogue may have grown at its end."""
    return now.width == before.width and now.names[: len(before.names)] == before.names


@dataclass(frozen=True, slots=True)
class _Change:
    """What became of people: for how many something changed; the place now of each candidate of
    before who is still the same one (else `NOBODY`, and for nobody too), and the places of the
    others who are candidates now.
    """

    people: int
    place_now: Places
    gained: Places


def _change(now: Population, before: Population) -> _Change:
    ids, ids_before = arrays.ids(now), arrays.ids(before)
    place_before = np.searchsorted(ids_before, ids)
    was_there = place_before < ids_before.size
    was_there[was_there] = ids_before[place_before[was_there]] == ids[was_there]
    there, then = np.flatnonzero(was_there), place_before[was_there]
    published, published_before = arrays.published(now), arrays.published(before)
    has_same_skills = (arrays.skills(now)[there] == arrays.skills(before)[then]).all(axis=1)
    is_same = has_same_skills & (published[there] == published_before[then])
    stayed = is_same & published[there]
    place_now = np.full(ids_before.size + 1, NO_NEIGHBOUR, PLACE)
    place_now[then[stayed]] = there[stayed]
    is_gained = published.copy()
    is_gained[there[stayed]] = False
    gone = ids_before.size - there.size
    return _Change(
        people=ids.size - int(is_same.sum()) + gone,
        place_now=place_now,
        gained=np.flatnonzero(is_gained).astype(PLACE),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What has been found so far, a row for each set of skills. `people` has everybody's."""

    sets: Sets
    words: Words
    scores: Scores
    people: Sets
    nearest: Places
    complete: Flags

    def look_for(
        self, wanted: Counts, candidates: Candidates, threads: int, progress: Progress
    ) -> None:
        """Find the nearest of these sets among all candidates."""
        comparison = Comparison(candidates, self.scores, wanted.size)
        parts = _parts(wanted, threads)
        done = [0.0] * len(parts)
        total = max(1, wanted.size)
        progress(0, total)

        def look(number: int) -> None:
            some = parts[number]

            def told(part: float) -> None:
                done[number] = part * some.size
                progress(int(sum(done)), total)

            ranking = self._ranking(some, candidates)
            comparison.rank(self.sets.some(some), ranking, told)
            self.nearest[some] = ranking.nearest()
            self.complete[some] = self.nearest[some, -1] == NO_NEIGHBOUR
            told(1.0)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(look, range(len(parts))))
        progress(total, total)

    def _ranking(self, some: Counts, candidates: Candidates) -> Ranking:
        return Ranking(self.scores, self.sets.sizes[some], np.unique(candidates.sets.sizes))

    def carry_over(
        self, before: Similarities, change: _Change, gained: Candidates, threads: int
    ) -> Counts:
        """Take over what was found before, without those who went and with those who came.

        The sets that this does not answer for, so that they have to be looked for.
        """
        group_before = self._groups_in(before)
        nearest_before, complete_before = arrays.nearest(before), arrays.complete(before)
        known = np.flatnonzero(group_before >= 0)
        comparison = Comparison(gained, self.scores, known.size)

        def take_over(some: Counts) -> Counts:
            of_before = group_before[some]
            places = _to_the_front(change.place_now[_indices(nearest_before[of_before])])
            is_complete = complete_before[of_before]
            answers = is_complete | (places[:, ENOUGH - 1] != NO_NEIGHBOUR)
            ranking = self._ranking(some[answers], gained)
            self._update(some[answers], places[answers], is_complete[answers], comparison, ranking)
            unanswered: Counts = some[~answers]
            return unanswered

        with ThreadPoolExecutor(threads) as pool:
            open_yet = list(pool.map(take_over, _parts(known, threads)))
        return np.concatenate([np.flatnonzero(group_before < 0), *open_yet])

    def _groups_in(self, before: Similarities) -> npt.NDArray[np.int64]:
        """The group of each set in an earlier result, -1 if it was none."""
        words = arrays.skills(before.population)
        numbers, people = np.unique(arrays.groups(before), return_index=True)
        found = same_rows(self.words, words[people])
        return np.where(found < 0, -1, numbers[found].astype(np.int64)) if people.size else found

    def _update(
        self,
        some: Counts,
        places: Places,
        is_complete: Flags,
        with_gained: Comparison,
        ranking: Ranking,
    ) -> None:
        """Set the nearest of some sets to those at these places, and who came."""
        # Behind the last of those who are known there may be others who are not.
        limited = np.flatnonzero(~is_complete)
        last = (places[limited] != NO_NEIGHBOUR).sum(axis=1) - 1
        ranking.tell_limits(limited, self._keys(some[limited], places[limited, last]))
        with_gained.rank(self.sets.some(some), ranking)
        touched = ranking.ranked_rows()
        rows, at = np.nonzero(places[touched] != NO_NEIGHBOUR)
        rows = touched[rows]
        ranking.push(rows, self._keys(some[rows], places[rows, at]))
        ranking.rank()
        places[touched] = ranking.nearest()[touched]
        self.nearest[some] = places
        self.complete[some] = is_complete & (places[:, -1] == NO_NEIGHBOUR)

    def _keys(self, sets: Counts, places: Places) -> Keys:
        """The keys of people at these places in the rankings of these sets."""
        shared = np.zeros(sets.size, np.uint8)
        for of_sets, of_people in zip(self.sets.words, self.people.words, strict=True):
            shared += np.bitwise_count(of_sets[sets] & of_people[places])
        union = self.sets.sizes[sets] + self.people.sizes[places] - shared
        keys: Keys = self.scores.number[shared, union].astype(np.uint64) << PLACE_BITS | places
        return keys


def _indices(places: Places) -> npt.NDArray[np.intp]:
    """The places as indices, where nobody is the last one."""
    return places.astype(np.int32).astype(np.intp)


def _to_the_front(places: Places) -> Places:
    """The places of each row in their order, and behind them those of nobody."""
    rows = np.flatnonzero(
        (np.diff((places == NO_NEIGHBOUR).view(np.int8), axis=1) < 0).any(axis=1)
    )
    order = np.argsort(places[rows] == NO_NEIGHBOUR, axis=1, kind="stable")
    places[rows] = np.take_along_axis(places[rows], order, axis=1)
    return places


def _parts(rows: Counts, threads: int) -> list[Counts]:
    """The rows in parts of at most as many as a ranking takes, one for each thread at least."""
    size = max(1, min(ROWS, -(-rows.size // threads)))
    return [rows[start : start + size] for start in range(0, rows.size, size)]
