"""What is measured: connections, messages and jobs, besides requests."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from urllib.parse import urlsplit

from sidepro.adapters import system
from sidepro.adapters.factory import SharedState, Storage
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.job_queue import RedisJobQueue
from sidepro.api.chat.hub import Hub
from sidepro.domain.channels import PERSON, ROOM
from sidepro.domain.errors import SideProError, Unavailable
from sidepro.domain.idempotency import IdempotentRequest, ReplayResponse
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.mail.ports import MailReader
from sidepro.domain.projects.trending_service import TrendingService
from sidepro.domain.rooms.message_writer import MessageWriter, WriteResult
from sidepro.http.middleware.hosts import is_loopback
from sidepro.http.monitoring.metrics import Metrics
from sidepro.jobs.broker import STREAM
from sidepro.settings import Settings


def build_metrics(
    settings: Settings,
    public_url: str,
    hub: Hub,
    messages: MessageWriter,
    storage: Storage,
    shared: SharedState,
    trending: TrendingService,
    mails: MailReader,
) -> Metrics | None:
    """By default, metrics are off for a service that is public together with them."""
    is_local = is_loopback(urlsplit(public_url).hostname or "")
    default = "on" if is_local or settings.metrics_bind else "off"
    if (settings.metrics or default) == "off":
        return None
    metrics = Metrics(
        {kind: partial(hub.sockets_of, kind) for kind in (ROOM, PERSON)},
        shared.neighbours.last_run,
        trending.store.last_run,
        system.clock,
    )
    metrics.set_mail_backlog(mails.backlog)
    metrics.set_message_queue(lambda: messages.waiting, messages.oldest_age)
    for pool, (in_use, limit) in storage.database.usage().items():
        metrics.add_pool("database", pool, in_use, limit)
    if shared.redis:
        metrics.add_pool("redis", "commands", _usage_of(shared.redis))
        if settings.allows_several_processes:
            metrics.set_queue(RedisJobQueue(shared.redis, shared.redis.key(STREAM)).backlog)
    return metrics


def _usage_of(redis: RedisClient) -> Callable[[], int]:
    return lambda: redis.connections_in_use


class CountedMessageWriter(MessageWriter):
    """Counts the outcomes of messages, inside of spans."""

    record: Callable[[str], None] = staticmethod(lambda _outcome: None)
    observe: Callable[[], AbstractContextManager[object]] = nullcontext

    async def write(
        self,
        sender: UserId,
        room_id: RoomId,
        body: str,
        client_id: str | None,
        request: IdempotentRequest[WriteResult] | None = None,
    ) -> WriteResult:
        """See `MessageWriter.write`."""
        try:
            with self.observe():
                result = await super().write(sender, room_id, body, client_id, request)
        except ReplayResponse:
            self.record("duplicate")
            raise
        except Unavailable:
            self.record("unavailable")
            raise
        except SideProError:
            self.record("refused")
            raise
        self.record("duplicate" if result.duplicate else "stored")
        return result
