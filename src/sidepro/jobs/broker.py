"""Task brokers: in-process or Redis stream."""

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from taskiq import AsyncBroker, InMemoryBroker
from taskiq_redis import RedisStreamBroker

from sidepro.settings import Settings

STREAM = "jobs"

MAX_STREAM_LENGTH = 1_000
"""Messages in the stream, including finished ones. A few are added each minute."""

READ_TIMEOUT = 2.0
"""Seconds that one read of the stream waits for a message."""

REDELIVERY_SECONDS = 3_600
"""Seconds until an unacknowledged message goes to another worker. Longer than any job takes.
"""

CONSUMER = "worker"
"""The consumer name of all workers. Separate names would stay in Redis after the workers ended."""


def for_settings(settings: Settings) -> AsyncBroker:
    """The Redis stream if several processes may serve, otherwise the in-process broker."""
    if settings.redis_url and settings.allows_several_processes:
        return redis_stream(settings.redis_url, settings.redis_prefix)
    return in_process()


def in_process() -> AsyncBroker:
    """Runs tasks in this process, as soon as they are sent."""
    return InMemoryBroker()


def redis_stream(redis_url: str, prefix: str = "") -> AsyncBroker:
    """A stream that all workers read. Connects on first use."""
    return RedisStreamBroker(
        redis_url,
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
        socket_timeout=2 * READ_TIMEOUT,
        socket_connect_timeout=2 * READ_TIMEOUT,
        # One retry, because a restart of Redis closes pooled connections.
        retry=Retry(NoBackoff(), 1),
    )


def is_shared(broker: AsyncBroker) -> bool:
    """Whether other processes may run the tasks."""
    return not isinstance(broker, InMemoryBroker)
