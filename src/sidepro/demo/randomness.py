"""Reproducible randomness: the same seed draws the same values."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DemoRandom(Random):
    """`random.Random` that also draws moments, ids and weighted samples."""

    def between(self, start: datetime, end: datetime, skew: float = 1) -> datetime:
        """A moment from `start` to `end`; a `skew` above 1 favours early ones, one below 1 late
        ones.
        """
        return start + (end - start) * float(self.random() ** skew)

    def uuid7(self, moment: datetime) -> UUID:
        """A UUIDv7 of `moment` (RFC 9562). The 12 bits after the milliseconds hold the
        microseconds (section 6.2, method 3), so that ids sort by time.
        """
        milliseconds, micros = divmod((moment - _EPOCH) // timedelta(microseconds=1), 1_000)
        fraction = micros * 4_096 // 1_000
        random = self.getrandbits(62)
        return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random)

    def weighted_sample(self, weights: Mapping[str, float], count: int) -> list[str]:
        """Up to `count` different names (Efraimidis and Spirakis, "Weighted random sampling with
        a reservoir", 2006).
        """
        ranked = sorted(weights, key=lambda name: -(self.random() ** (1 / weights[name])))
        return ranked[:count]

    def early_choice(self, names: Sequence[str]) -> str:
        """One of the names; name n has the weight 1/n (Zipf)."""
        return self.choices(names, [1 / rank for rank in range(1, len(names) + 1)])[0]

    def distribute(self, weights: Sequence[float], total: int, limit: int) -> list[int]:
        """Split `total` into shares by weight, each at most `limit`; the rest is dropped."""
        shares = [0] * len(weights)
        left = min(total, limit * len(weights))
        while left > 0:
            open_shares = [index for index, share in enumerate(shares) if share < limit]
            open_weights = [weights[index] for index in open_shares]
            for index in self.choices(open_shares, open_weights, k=left):
                if shares[index] < limit:
                    shares[index] += 1
                    left -= 1
        return shares
