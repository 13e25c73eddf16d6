"""Everybody's skills and neighbours as packed columns of bytes, small enough for a million people.

A person's *place* is their index in the order of ids. Ties are broken by id, so by place.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.jaccard import MAX_NEIGHBOURS, Neighbour

Bytes = bytes | memoryview

ID_SIZE = 16
PLACE_SIZE = 4

STORED_NEIGHBOURS = 64
"""Neighbours stored for each set of skills. People see 50 of them. The others replace neighbours
who leave, so most updates need no search.
"""

NO_NEIGHBOUR = 0xFFFF_FFFF
"""The place in an unused slot."""


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody with a profile, in the order of their ids.

    `ids` has 16 bytes per person. `skills` has `width` bytes per person, little-endian. Bit n
    stands for `names[n]`. `published` has one byte per person: 1 with a published project, else 0.
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
        """From plain sets. Skills that are not in `names` are left out."""
        bit_of = {name: bit for bit, name in enumerate(names)}
        width = width_of(len(names))
        people = sorted(skills, key=lambda user: user.bytes)
        bits = (
            sum(1 << bit_of[skill] for skill in set(skills[user]) if skill in bit_of)
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
        """Bytes for the skills of a person."""
        return width_of(len(self.names))

    def id_of(self, place: int) -> UserId:
        return UserId(UUID(bytes=bytes(self.ids[place * ID_SIZE : (place + 1) * ID_SIZE])))

    def skills_of(self, place: int) -> Bytes:
        return self.skills[place * self.width : (place + 1) * self.width]

    def place_of(self, user_id: UserId) -> int | None:
        """The person's place; `None` if they are not in the population."""
        id_bytes = user_id.bytes
        place = bisect_left(
            range(len(self)),
            id_bytes,
            key=lambda at: bytes(self.ids[at * ID_SIZE : (at + 1) * ID_SIZE]),
        )
        return place if place < len(self) and self.id_of(place).bytes == id_bytes else None


@dataclass(frozen=True, slots=True)
class Similarities:
    """The neighbours of a population: a complete result of the similarity job.

    People with the same skills form a group and share one list of nearest people, which includes
    themselves. `groups` has each person's group number (4 bytes). `nearest` has for each group
    `STORED_NEIGHBOURS` places (4 bytes each), the most similar first, padded with `NO_NEIGHBOUR`.
    `complete` has one byte per group: 1 if its list has every similar person. Numbers are
    little-endian.
    """

    population: Population
    groups: Bytes
    nearest: Bytes
    complete: Bytes

    def of(self, user_id: UserId) -> tuple[Neighbour, ...]:
        """A person's neighbours, the most similar first."""
        people = self.population
        place = people.place_of(user_id)
        if place is None:
            return ()
        group = _number(self.groups, place)
        places = (
            _number(self.nearest, group * STORED_NEIGHBOURS + at)
            for at in range(STORED_NEIGHBOURS)
        )
        return neighbours_of(
            people.names,
            user_id,
            people.skills_of(place),
            ((people.id_of(at), people.skills_of(at)) for at in places if at != NO_NEIGHBOUR),
        )


def neighbours_of(
    names: Sequence[str],
    user_id: UserId,
    skills: Bytes,
    nearest: Iterable[tuple[UserId, Bytes]],
) -> tuple[Neighbour, ...]:
    """The neighbours of a person with these skills, given the nearest people in order."""
    own = int.from_bytes(skills, "little")
    found: list[Neighbour] = []
    for other, others_skills in nearest:
        if other != user_id:
            others = int.from_bytes(others_skills, "little")
            shared, union = own & others, own | others
            # as `jaccard`
            score = shared.bit_count() / (union.bit_count() or 1)
            found.append(Neighbour(other, score, skills_among(names, shared)))
    return tuple(found[:MAX_NEIGHBOURS])


def skills_among(names: Sequence[str], bits: int) -> tuple[str, ...]:
    """The names of the set bits."""
    found: list[str] = []
    while bits:
        lowest = bits & -bits
        found.append(names[lowest.bit_length() - 1])
        bits ^= lowest
    return tuple(found)


def width_of(skills: int) -> int:
    """Bytes for a set of `skills` possible skills: whole words of 8 bytes, at least one."""
    return max(1, -(-skills // 64)) * 8


def _number(column: Bytes, at: int) -> int:
    return int.from_bytes(column[at * PLACE_SIZE : (at + 1) * PLACE_SIZE], "little")
