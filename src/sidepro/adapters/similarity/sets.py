"""Distinct sets of skills, and which of them have both of two skills."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from sidepro.adapters.similarity.arrays import WORD, Places, Words
from sidepro.adapters.similarity.scores import Counts
from sidepro.domain.recommendations.packed import KEPT

BITS = 64
SETS_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Sets:
    """Distinct sets of skills: a column for each word of bits, and how many skills each has."""

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
        """How many different skills there may be."""
        return len(self.words) * BITS

    def some(self, which: Counts) -> "Sets":
        return Sets(tuple(column[which] for column in self.words), self.sizes[which])

    def flags(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """A row for each of these sets: 1 in the place of a skill that it has."""
        words = np.stack([column[start:stop] for column in self.words], axis=1)
        return np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")

    def how_many_have_each(self) -> Counts:
        """A number for each skill."""
        found = np.zeros(self.bits, np.intp)
        for start in range(0, len(self), SETS_AT_ONCE):
            found += self.flags(start, start + SETS_AT_ONCE).sum(axis=0, dtype=np.intp)
        return found

    def renumbered(self, order: Counts) -> "Sets":
        """The same sets, with skill `order[n]` as skill n."""
        parts = [np.empty((0, len(self.words)), WORD)]
        for start in range(0, len(self), SETS_AT_ONCE):
            flags = self.flags(start, start + SETS_AT_ONCE)[:, order]
            packed = np.packbits(flags, axis=1, bitorder="little")
            parts.append(np.ascontiguousarray(packed).view(WORD))
        words = np.concatenate(parts)
        return Sets(tuple(np.ascontiguousarray(column) for column in words.T), self.sizes)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Sets of people who may be somebody's neighbours, and the places of these people: those of
    set n are `members[starts[n]:starts[n + 1]]`, in order.
    """

    sets: Sets
    starts: Counts
    members: Places

    @classmethod
    def of(cls, sets: Sets, groups: Places, people: Places) -> "Candidates":
        """These people, given the sets and the number of everybody's set.

        Of those with the same skills the first few are enough, as nobody has more neighbours.
        """
        members = (
            pl.DataFrame({"group": groups[people], "place": people})
            .filter(pl.int_range(pl.len()).over("group") < KEPT)
            .sort("group", "place")
        )
        of_group = members["group"].to_numpy()
        is_first = np.diff(of_group, prepend=-1) != 0
        return cls(
            sets.some(of_group[is_first].astype(np.intp)),
            np.append(np.flatnonzero(is_first), of_group.size),
            members["place"].to_numpy(),
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which sets have both of two skills.

    The number of a pair is that of its second skill times `bits`, plus that of its first one,
    which is lower. `seconds` says of the second skill how many of the set are before it.
    """

    bits: int
    starts: Counts
    how_many: Counts
    sets: Places
    seconds: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, sets: Sets) -> "Pairs":
        number_type = np.min_scalar_type(sets.bits**2 - 1)
        numbers, found, seconds = [], [], []
        for start in range(0, len(sets), SETS_AT_ONCE):
            flags = sets.flags(start, start + SETS_AT_ONCE)
            sizes = sets.sizes[start : start + SETS_AT_ONCE]
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
        how_many = np.bincount(number, minlength=sets.bits**2)
        return cls(
            sets.bits,
            np.r_[0, np.cumsum(how_many)],
            how_many,
            np.concatenate([np.empty(0, np.uint32), *found])[order],
            np.concatenate([np.empty(0, np.uint8), *seconds])[order],
        )

    def sets_with(self, pair: int) -> Counts:
        """The numbers of the sets that have both skills."""
        return self.sets[self.starts[pair] : self.starts[pair + 1]].astype(np.intp)

    def seconds_of(self, pair: int) -> Counts:
        """For each of these sets, how many of its skills are before the second one."""
        return self.seconds[self.starts[pair] : self.starts[pair + 1]].astype(np.intp)

    def skills_before(self, pair: int) -> tuple[np.uint64, ...]:
        """The bits of the skills before the second one, except the first one."""
        second, first = divmod(pair, self.bits)
        bits = (1 << second) - 1 - (1 << first)
        return tuple(
            np.uint64(bits >> start & 0xFFFF_FFFF_FFFF_FFFF) for start in range(0, self.bits, BITS)
        )


@dataclass(frozen=True, slots=True)
class PairIndex:
    """Sets with their skills renumbered by rarity, the rarest first, and their pairs."""

    by_rarity: Counts
    sets: Sets
    pairs: Pairs

    @classmethod
    def of(cls, sets: Sets) -> "PairIndex":
        by_rarity = np.argsort(sets.how_many_have_each(), kind="stable")
        renumbered = sets.renumbered(by_rarity)
        return cls(by_rarity, renumbered, Pairs.of(renumbered))


def distinct(words: Words) -> tuple[Words, Places]:
    """The different rows, and for each row which of these it is."""
    columns = [f"word {number}" for number in range(words.shape[1])]
    rows = pl.DataFrame(dict(zip(columns, words.T, strict=True))).with_row_index("row")
    found = rows.group_by(columns, maintain_order=True).agg(pl.first("row"))
    numbered = found.select(*columns, pl.int_range(pl.len(), dtype=pl.UInt32).alias("number"))
    numbers = rows.join(numbered, on=columns, how="left", maintain_order="left")["number"]
    return words[found["row"].to_numpy()], numbers.to_numpy()


def same_rows(words: Words, others: Words) -> npt.NDArray[np.int64]:
    """For each row which of the others it equals, and -1 for none. Both are distinct."""
    columns = [f"word {number}" for number in range(words.shape[1])]
    rows = pl.DataFrame(dict(zip(columns, words.T, strict=True)))
    numbered = pl.DataFrame(dict(zip(columns, others.T, strict=True))).with_row_index("number")
    found = rows.join(numbered, on=columns, how="left", maintain_order="left")["number"]
    return found.cast(pl.Int64).fill_null(-1).to_numpy()
