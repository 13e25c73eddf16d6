"""Sets of skills as bits, and an index of the sets that have both of two skills."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from sidepro.adapters.similarity.arrays import WORD, Places, Words
from sidepro.adapters.similarity.scores import Counts
from sidepro.domain.recommendations.packed import STORED_NEIGHBOURS

BITS = 64
BATCH_SIZE = 1 << 16
"""Sets whose bits are unpacked at once."""


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of skills: an array of shape (sets,) for each 64-bit word, and each set's size."""

    words: tuple[npt.NDArray[np.uint64], ...]
    sizes: Counts

    @classmethod
    def of(cls, words: Words) -> "Sets":
        sizes = np.bitwise_count(words).sum(axis=1, dtype=np.intp)
        return cls(tuple(np.ascontiguousarray(column) for column in words.T), sizes)

    def __len__(self) -> int:
        return self.sizes.size

    @property
    def bits(self) -> int:
        """The number of possible skills."""
        return len(self.words) * BITS

    def select(self, indices: Counts) -> "Sets":
        return Sets(tuple(column[indices] for column in self.words), self.sizes[indices])

    def flags(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """The sets from `start` to `stop` as 0 and 1. Shape: (sets, bits)."""
        words = np.stack([column[start:stop] for column in self.words], axis=1)
        return np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")

    def skill_counts(self) -> Counts:
        """The number of sets with each skill. Shape: (bits,)."""
        counts = np.zeros(self.bits, np.intp)
        for start in range(0, len(self), BATCH_SIZE):
            counts += self.flags(start, start + BATCH_SIZE).sum(axis=0, dtype=np.intp)
        return counts

    def renumbered(self, order: Counts) -> "Sets":
        """The sets with skill `order[n]` renumbered as n."""
        parts = [np.empty((0, len(self.words)), WORD)]
        for start in range(0, len(self), BATCH_SIZE):
            flags = self.flags(start, start + BATCH_SIZE)[:, order]
            packed = np.packbits(flags, axis=1, bitorder="little")
            parts.append(np.ascontiguousarray(packed).view(WORD))
        words = np.concatenate(parts)
        return Sets(tuple(np.ascontiguousarray(column) for column in words.T), self.sizes)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The sets of people who may be neighbours, and the places of these people. The people with
    set n have the places `members[starts[n]:starts[n + 1]]`, in ascending order.
    """

    sets: Sets
    starts: Counts
    members: Places

    @classmethod
    def of(cls, sets: Sets, groups: Places, people: Places) -> "Candidates":
        """The candidates at the places `people`; `groups` has the number of everybody's set.

        The first `STORED_NEIGHBOURS` people with the same skills are enough.
        """
        members = (
            pl.DataFrame({"group": groups[people], "place": people})
            .filter(pl.int_range(pl.len()).over("group") < STORED_NEIGHBOURS)
            .sort("group", "place")
        )
        of_group = members["group"].to_numpy()
        is_first = np.diff(of_group, prepend=-1) != 0
        return cls(
            sets.select(of_group[is_first].astype(np.intp)),
            np.append(np.flatnonzero(is_first), of_group.size),
            members["place"].to_numpy(),
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """An inverted index: for each pair of skills, the sets that have both.

    Pair (first, second) with first < second has the number second × `bits` + first. The sets of
    pair n are `sets[starts[n]:starts[n + 1]]`, their number `counts[n]`; `seconds` has for each of
    them how many of its skills are below `second`.
    """

    bits: int
    starts: Counts
    counts: Counts
    sets: Places
    seconds: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, sets: Sets) -> "Pairs":
        number_type = np.min_scalar_type(sets.bits**2 - 1)
        numbers, found, seconds = [], [], []
        for start in range(0, len(sets), BATCH_SIZE):
            flags = sets.flags(start, start + BATCH_SIZE)
            sizes = sets.sizes[start : start + BATCH_SIZE]
            for size in np.unique(sizes[sizes > 1]):
                some = np.flatnonzero(sizes == size)
                skills = np.nonzero(flags[some])[1].reshape(some.size, size)
                first, second = np.triu_indices(size, 1)
                pair = skills[:, second] * sets.bits + skills[:, first]
                numbers.append(pair.astype(number_type).reshape(-1))
                found.append(np.repeat((start + some).astype(np.uint32), first.size))
                seconds.append(np.tile(second.astype(np.uint8), some.size))
        number = np.concatenate([np.empty(0, number_type), *numbers])
        order = np.argsort(number, kind="stable")
        counts = np.bincount(number, minlength=sets.bits**2)
        return cls(
            sets.bits,
            np.r_[0, np.cumsum(counts)],
            counts,
            np.concatenate([np.empty(0, np.uint32), *found])[order],
            np.concatenate([np.empty(0, np.uint8), *seconds])[order],
        )

    def sets_with(self, pair: int) -> Counts:
        """The sets that have both skills."""
        return self.sets[self.starts[pair] : self.starts[pair + 1]].astype(np.intp)

    def seconds_of(self, pair: int) -> Counts:
        """For each of these sets, the number of its skills below the second one."""
        return self.seconds[self.starts[pair] : self.starts[pair + 1]].astype(np.intp)

    def skills_before(self, pair: int) -> tuple[np.uint64, ...]:
        """The bits of the skills below the second one, except the first one, by words."""
        second, first = divmod(pair, self.bits)
        bits = (1 << second) - 1 - (1 << first)
        return tuple(
            np.uint64(bits >> start & 0xFFFF_FFFF_FFFF_FFFF) for start in range(0, self.bits, BITS)
        )


@dataclass(frozen=True, slots=True)
class PairIndex:
    """Sets with their skills renumbered, the rarest first, and the index of their pairs."""

    by_rarity: Counts
    sets: Sets
    pairs: Pairs

    @classmethod
    def of(cls, sets: Sets) -> "PairIndex":
        by_rarity = np.argsort(sets.skill_counts(), kind="stable")
        renumbered = sets.renumbered(by_rarity)
        return cls(by_rarity, renumbered, Pairs.of(renumbered))


def distinct(words: Words) -> tuple[Words, Places]:
    """The distinct rows, and for each row the index of its distinct row."""
    columns = [f"word {number}" for number in range(words.shape[1])]
    rows = pl.DataFrame(dict(zip(columns, words.T, strict=True))).with_row_index("row")
    found = rows.group_by(columns, maintain_order=True).agg(pl.first("row"))
    indexed = found.select(*columns, pl.int_range(pl.len(), dtype=pl.UInt32).alias("number"))
    numbers = rows.join(indexed, on=columns, how="left", maintain_order="left")["number"]
    return words[found["row"].to_numpy()], numbers.to_numpy()


def same_rows(words: Words, others: Words) -> npt.NDArray[np.int64]:
    """For each row the index of the equal row of `others`, -1 for none. Both are distinct."""
    columns = [f"word {number}" for number in range(words.shape[1])]
    rows = pl.DataFrame(dict(zip(columns, words.T, strict=True)))
    indexed = pl.DataFrame(dict(zip(columns, others.T, strict=True))).with_row_index("number")
    found = rows.join(indexed, on=columns, how="left", maintain_order="left")["number"]
    return found.cast(pl.Int64).fill_null(-1).to_numpy()
