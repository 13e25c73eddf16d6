"""Everybody's skills, and who is near to whom, as columns of bytes: small and quick to hand on,
also for a million people.

People have places, which are numbers from 0 on in the order of their ids: who comes first among
equally similar ones has the lower place.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.jaccard import MOST_NEIGHBOURS, Neighbour

Bytes = bytes | memoryview

ID_SIZE = 16
PLACE_SIZE = 4

KEPT = 64
"""So many of the nearest are kept for a set of skills. People see 50 of them, not themselves; the
others stand by for those who go, so that a tick need not look for the next ones each time.
"""

NO_NEIGHBOUR = 0xFFFF_FFFF
"""Where nobody is left to be put."""


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody who has a profile, in the order of their ids.

    `ids` has 16 bytes of each person. `skills` has `width` bytes of each: a set of bits, the
    lowest first, of which number n stands for `names[n]`. `published` has one byte of each: 1 for
    somebody who has published something.
    """

    names: tuple[str, ...]
    ids: Bytes
    skills: Bytes
    published: Bytes

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        skills: Mapping[UserId, Iterable[str]],
        published: Collection[UserId],
    ) -> "Population":
        """From plain sets. Skills without a place in `names` are left out."""
        place = {name: number for number, name in enumerate(names)}
        width = width_of(len(names))
        people = sorted(skills, key=lambda user: user.bytes)
        bits = (
            sum(1 << place[skill] for skill in set(skills[user]) if skill in place)
            for user in people
        )
        return cls(
            tuple(names),
            b"".join(user.bytes for user in people),
            b"".join(mask.to_bytes(width, "little") for mask in bits),
            bytes(user in published for user in people),
        )

    def __len__(self) -> int:
        return len(self.published)

    @property
    def width(self) -> int:
        """How many bytes the skills of a person take."""
        return width_of(len(self.names))

    def id_of(self, place: int) -> UserId:
        return UserId(UUID(bytes=bytes(self.ids[place * ID_SIZE : (place + 1) * ID_SIZE])))

    def skills_of(self, place: int) -> Bytes:
        return self.skills[place * self.width : (place + 1) * self.width]

    def place_of(self, user_id: UserId) -> int | None:
        """Where that person is, if there."""
        wanted = user_id.bytes
        place = bisect_left(
            range(len(self)),
            wanted,
            key=lambda at: bytes(self.ids[at * ID_SIZE : (at + 1) * ID_SIZE]),
        )
        return place if place < len(self) and self.id_of(place).bytes == wanted else None


@dataclass(frozen=True, slots=True)
class Similarities:
    """Who is near to whom in a population: a whole result of the similarity job.

    People with the same skills are a group and have the same people near to them, themselves
    included. `groups` has the number of each person's group in 4 bytes. `nearest` has the places
    of those near to each group, the most similar first: `KEPT` numbers of 4 bytes, filled up with
    `NOBODY`. `complete` has one byte of each group: 1 when everybody near is among them. All
    numbers have their lowest byte first.
    """

    population: Population
    groups: Bytes
    nearest: Bytes
    complete: Bytes

    def of(self, user_id: UserId) -> tuple[Neighbour, ...]:
        """That person's neighbours, the most similar first."""
        people = self.population
        place = people.place_of(user_id)
        if place is None:
            return ()
        group = _number(self.groups, place)
        near = (_number(self.nearest, group * KEPT + at) for at in range(KEPT))
        return neighbours_of(
            people.names,
            user_id,
            people.skills_of(place),
            ((people.id_of(at), people.skills_of(at)) for at in near if at != NO_NEIGHBOUR),
        )


def neighbours_of(
    names: Sequence[str],
    user_id: UserId,
    skills: Bytes,
    nearest: Iterable[tuple[UserId, Bytes]],
) -> tuple[Neighbour, ...]:
    """The neighbours of somebody with these skills, of whom the nearest are given in order."""
    own = int.from_bytes(skills, "little")
    found: list[Neighbour] = []
    for other, others_skills in nearest:
        if other != user_id:
            others = int.from_bytes(others_skills, "little")
            shared, union = own & others, own | others
            # as `jaccard`, and 0 for two empty sets too
            score = shared.bit_count() / (union.bit_count() or 1)
            found.append(Neighbour(other, score, skills_among(names, shared)))
    return tuple(found[:MOST_NEIGHBOURS])


def skills_among(names: Sequence[str], bits: int) -> tuple[str, ...]:
    """The names that the bits of a set stand for."""
    found: list[str] = []
    while bits:
        lowest = bits & -bits
        found.append(names[lowest.bit_length() - 1])
        bits ^= lowest
    return tuple(found)


def width_of(skills: int) -> int:
    """How many bytes a set of so many skills takes: whole words of 8 bytes, at least one."""
    return max(1, -(-skills // 64)) * 8


def _number(column: Bytes, at: int) -> int:
    return int.from_bytes(column[at * PLACE_SIZE : (at + 1) * PLACE_SIZE], "little")
