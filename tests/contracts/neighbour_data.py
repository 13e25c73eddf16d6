"""Populations and results for the tests of the neighbour stores."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.recommendations.ports import SimilarityRun
from tests import factories, similarity_fixtures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidepro.domain.ids import UserId
    from sidepro.domain.recommendations.packed import Similarities
    from tests.contracts.adapters import Adapters
    from tests.servers import RedisServer


async def emptied(server: RedisServer) -> None:
    """Delete the keys of earlier tests."""
    redis_client = RedisClient(server.url)
    await redis_client.redis.flushdb()
    await redis_client.close()


async def people(adapters: Adapters, number: int) -> list[UserId]:
    users = [factories.user() for _ in range(number)]
    await adapters.add(*users)
    return [user.id for user in users]


def run_at(moment: datetime, people: int = 2) -> SimilarityRun:
    return SimilarityRun(moment, 1.25, people, 3)


def alike(
    users: Sequence[UserId], skill: str, nearest: Mapping[UserId, Sequence[UserId]]
) -> Similarities:
    """A result of users who all have one skill."""
    return similarity_fixtures.result_of(dict.fromkeys(users, (skill,)), nearest)
