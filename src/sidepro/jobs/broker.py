"""Brokers: how what is to be run reaches who runs it."""

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from taskiq import AsyncBroker, InMemoryBroker
from taskiq_redis import RedisStreamBroker

STREAM = "jobs"
MOST_WAITING = 1_000
"""Messages that are kept, those that have been run included. A few come each minute."""

READ_FOR = 2.0
"""Seconds in which one reading of the stream waits for something to come."""

ANSWERS_WITHIN = 2 * READ_FOR

HELD_FOR = 3_600
"""Seconds after which what a worker took, and did not even begin to run, goes to another one: more
than any job takes.
"""

WORKER = "worker"
"""The name of all workers in Redis. Who has read what does not matter to anybody, and names of
their own would stay there when they are gone.
"""


def in_process() -> AsyncBroker:
    """Runs what is sent in this process, at once."""
    return InMemoryBroker()


def shared(redis_url: str) -> AsyncBroker:
    """A stream in Redis, which all workers read. Nothing is connected yet."""
    return RedisStreamBroker(
        redis_url,
        queue_name=STREAM,
        consumer_group_name="workers",
        consumer_name=WORKER,
        # Also what was sent before the first worker came, or came back after Redis did.
        consumer_id="0",
        maxlen=MOST_WAITING,
        # One after the other, so that what one worker has not begun another one can.
        xread_count=1,
        xread_block=int(READ_FOR * 1000),
        idle_timeout=HELD_FOR * 1000,
        unacknowledged_lock_timeout=READ_FOR,
        socket_timeout=ANSWERS_WITHIN,
        socket_connect_timeout=ANSWERS_WITHIN,
        # Once: for a connection that Redis closed when it was restarted.
        retry=Retry(NoBackoff(), 1),
    )


def is_shared(broker: AsyncBroker) -> bool:
    """Whether other processes may run what is sent."""
    return not isinstance(broker, InMemoryBroker)
