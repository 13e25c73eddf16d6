"""The hub: delivers the events of channels to the sockets of this process.

The hub subscribes once to each channel that a socket has open. Each socket has an outbox, a
bounded queue that its session empties. A client that does not keep up is disconnected and does not
delay others. A handler for each kind of channel turns an event into frames, encoded once for all
sockets.
"""

import asyncio
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.outbox import Outbox
from sidepro.domain.accounts.ports import SessionRegistry
from sidepro.domain.channels import Channel, Event, PubSub
from sidepro.domain.errors import Unavailable
from sidepro.domain.rooms.ports import EpochReader
from sidepro.domain.waiting import LONGEST_WAITS, begin_waits, wait_at_most

log = structlog.get_logger(__name__)

SESSION_CHECK_INTERVAL = 1.0
"""Seconds between two checks that the sessions of open sockets are active."""


EPOCH_CHECK_INTERVAL = 2.0
"""Seconds between two checks that the data are of the same epoch."""


class EventHandler(Protocol):
    """Turns the events of one kind of channel into frames."""

    def handle(self, event: Event, outboxes: Set[Outbox]) -> None:
        """Put the event's frames into the channel's outboxes. MUST NOT block.

        The hub keeps `outboxes` up to date while the channel is open.
        """
        ...


@dataclass(eq=False, slots=True)
class _OpenChannel:
    subscribing: "asyncio.Future[None]"
    outboxes: set[Outbox] = field(default_factory=set)


class Hub:
    """All sockets of this process, by channel."""

    def __init__(self, events: PubSub, handlers: Mapping[str, EventHandler]) -> None:
        """The keys of `handlers` are kinds of channels."""
        self._events = events
        self._handlers = handlers
        self._channels: dict[Channel, _OpenChannel] = {}
        self._unsubscribing: set[asyncio.Task[None]] = set()

    @property
    def sockets(self) -> int:
        """The number of open sockets."""
        return sum(map(self.sockets_of, self._handlers))

    def sockets_of(self, kind: str) -> int:
        """The number of open sockets of this kind of channel."""
        return sum(
            len(opened.outboxes)
            for channel, opened in self._channels.items()
            if channel.kind == kind
        )

    async def join(self, channel: Channel, outbox: Outbox) -> None:
        """Deliver the channel's events to this outbox from now on.

        Raises:
            Unavailable: the subscription took too long.
        """
        opened = self._channels.get(channel)
        if opened is None:
            subscribing = asyncio.ensure_future(self._events.subscribe(channel, self._on_event))
            opened = self._channels[channel] = _OpenChannel(subscribing)
        opened.outboxes.add(outbox)
        try:
            await wait_at_most(LONGEST_WAITS, asyncio.shield(opened.subscribing))
        except BaseException:
            self._remove(channel, outbox)  # this one has waited for long enough
            raise

    async def leave(self, channel: Channel, outbox: Outbox) -> None:
        """Stop delivering to this outbox."""
        unsubscribing = self._remove(channel, outbox)
        if unsubscribing is not None:
            await asyncio.shield(unsubscribing)

    def _remove(self, channel: Channel, outbox: Outbox) -> asyncio.Task[None] | None:
        """Returns the task that cancels the subscription, if this was the last outbox."""
        opened = self._channels.get(channel)
        if opened is None:
            return None
        opened.outboxes.discard(outbox)
        if opened.outboxes:
            return None
        # A socket that joins after this point creates a new subscription. So each subscription is
        # cancelled exactly once.
        del self._channels[channel]
        task = asyncio.create_task(self._unsubscribe(channel, opened))
        self._unsubscribing.add(task)
        task.add_done_callback(self._unsubscribing.discard)
        return task

    async def _unsubscribe(self, channel: Channel, opened: _OpenChannel) -> None:
        await asyncio.wait([opened.subscribing])
        if opened.subscribing.cancelled() or opened.subscribing.exception():
            return
        await self._events.unsubscribe(channel, self._on_event)

    async def watch_sessions(self, registry: SessionRegistry) -> None:
        """Close the sockets of revoked sessions: at once after a revocation in this process,
        within about a second after one in another process. Runs until it is cancelled.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SESSION_CHECK_INTERVAL):
                    await registry.wait_for_revocation()
            outboxes = [box for channel in self._channels.values() for box in channel.outboxes]
            if not outboxes:
                continue
            begin_waits()
            try:
                active = await registry.active_among({outbox.session_id for outbox in outboxes})
            except Unavailable:
                continue
            except Exception:  # a defect must not end the loop: revoked sockets would stay open
                log.exception("session_check_failed")
                continue
            for outbox in outboxes:
                if outbox.session_id not in active:
                    outbox.close(CloseCode.NOT_AUTHENTICATED)

    async def watch_epoch(self, epochs: EpochReader) -> None:
        """Close all sockets when a backup was restored: their clients must read their rooms again.
        Runs until it is cancelled.
        """
        known: str | None = None
        while True:
            await asyncio.sleep(EPOCH_CHECK_INTERVAL)
            if not self._channels:
                known = None
                continue
            begin_waits()
            try:
                epoch = await epochs.current()
            except Unavailable:
                continue
            except Exception:  # a defect must not end the loop
                log.exception("epoch_check_failed")
                continue
            if known not in (None, epoch):
                log.warning("data_restored", epoch=epoch)
                for channel in self._channels.values():
                    for outbox in channel.outboxes:
                        outbox.close(CloseCode.RESTART)
            known = epoch

    def _on_event(self, event: Event) -> None:
        opened = self._channels.get(event.channel)
        if opened is not None:
            self._handlers[event.channel.kind].handle(event, opened.outboxes)
