"""Chance with a memory: the same seed draws the same things."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Chance(Random):
    """A source of chance that also draws moments, ids and shares."""

    def between(self, start: datetime, end: datetime) -> datetime:
        """A moment between the two."""
        return start + (end - start) * self.random()

    def soon_after(self, start: datetime, end: datetime) -> datetime:
        """A moment between the two, early ones more often."""
        return start + (end - start) * self.random() ** 2

    def uuid7(self, moment: datetime) -> UUID:
        """A UUIDv7 (RFC 9562) of this moment. The 12 bits after the milliseconds continue the
        time (section 6.2, method 3), so that ids of different microseconds sort by time.
        """
        milliseconds, micros = divmod((moment - _EPOCH) // timedelta(microseconds=1), 1_000)
        fraction = micros * 4_096 // 1_000
        random = self.getrandbits(62)
        return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random)

    def some_of(self, weights: Mapping[str, float], count: int) -> list[str]:
        """Up to `count` different ones, the heavy ones more often (Efraimidis and Spirakis,
        "Weighted random sampling with a reservoir", 2006).
        """
        ranked = sorted(weights, key=lambda name: -(self.random() ** (1 / weights[name])))
        return ranked[:count]

    def early_one_of(self, names: Sequence[str]) -> str:
        """One of the names, those at the beginning more often."""
        return self.choices(names, [1 / place for place in range(1, len(names) + 1)])[0]

    def shares(self, weights: Sequence[float], total: int, most: int) -> list[int]:
        """`total`, spread by weight; nobody gets more than `most`, and what is left over when
        all have that much goes to nobody.
        """
        shares = [0] * len(weights)
        left = min(total, most * len(weights))
        while left > 0:
            places = [place for place, share in enumerate(shares) if share < most]
            for place in self.choices(places, [weights[place] for place in places], k=left):
                if shares[place] < most:
                    shares[place] += 1
                    left -= 1
        return shares
