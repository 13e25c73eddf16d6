"""Task brokers: in-process or Redis stream."""

from collections.abc import Callable
from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from taskiq import AsyncBroker, InMemoryBroker
from taskiq_redis import RedisStreamBroker

from sidepro.settings import Settings

STREAM = "jobs"

_REPLACED_URL = "redis://"

MAX_STREAM_LENGTH = 1_000
"""Messages in the stream, including finished ones. A few are added each minute."""

READ_TIMEOUT = 2.0
"""Seconds that one read of the stream waits for a message."""

REDELIVERY_SECONDS = 3_600
"""Seconds until an unacknowledged message goes to another worker. Longer than any job takes.
"""

CONSUMER = "worker"
"""The consumer name of all workers. Separate names would stay in Redis after the workers ended."""


BuildPool = Callable[..., Any]
"""Builds a pool of connections from a URL of Redis and options of redis-py."""


def for_settings(settings: Settings, build_pool: BuildPool) -> AsyncBroker:
    """The Redis stream if several processes may serve, otherwise the in-process broker."""
    if settings.redis_url and settings.allows_several_processes:
        return redis_stream(settings.redis_url, build_pool, settings.redis_prefix)
    return in_process()


def in_process() -> AsyncBroker:
    """Runs tasks in this process, as soon as they are sent."""
    return InMemoryBroker()


def redis_stream(redis_url: str, build_pool: BuildPool, prefix: str = "") -> AsyncBroker:
    """A stream that all workers read. Connects on first use."""
    broker = RedisStreamBroker(
        _REPLACED_URL,
        queue_name=prefix + STREAM,
        consumer_group_name="workers",
        consumer_name=CONSUMER,
        # From the beginning, to include messages sent before the first worker started.
        consumer_id="0",
        maxlen=MAX_STREAM_LENGTH,
        # One at a time, so other workers can take the rest.
        xread_count=1,
        xread_block=int(READ_TIMEOUT * 1000),
        idle_timeout=REDELIVERY_SECONDS * 1000,
        unacknowledged_lock_timeout=READ_TIMEOUT,
    )
    # Also for URLs that taskiq-redis does not know. Its broker for Sentinel reads more than one
    # message at once, and never those of a worker that died.
    broker.connection_pool = build_pool(
        redis_url,
        socket_timeout=2 * READ_TIMEOUT,
        socket_connect_timeout=2 * READ_TIMEOUT,
        # One retry, because a restart of Redis closes pooled connections.
        retry=Retry(NoBackoff(), 1),
    )
    return broker


def is_shared(broker: AsyncBroker) -> bool:
    """Whether other processes may run the tasks."""
    return not isinstance(broker, InMemoryBroker)
