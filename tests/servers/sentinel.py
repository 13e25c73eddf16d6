"""Two Redis servers, of which one replicates the other, and three Sentinels that watch them."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from typing import Self

import redis

from tests.servers.redis_server import RedisServer, find_redis
from tests.servers.watched_server import HOST, WatchedServer, wait_until

SERVICE = "chat"

DOWN_AFTER = 1_000
"""Milliseconds without an answer after which a Sentinel takes the primary for dead."""

CONFIGURATION = f"""
bind {HOST}
port {{port}}
sentinel monitor {SERVICE} {HOST} {{primary}} 2
sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER}
sentinel failover-timeout {SERVICE} 5000
"""


class Sentinel(WatchedServer):
    """Redis Sentinel, which keeps what it knows in its configuration."""

    NAME = "Sentinel"
    STOP = signal.SIGTERM

    def __init__(self, primary: RedisServer) -> None:
        super().__init__()
        text = CONFIGURATION.format(port=self.port, primary=primary.port)
        (self.folder / "sentinel.conf").write_text(text, "utf-8")

    def client(self) -> redis.Redis:
        return redis.Redis(host=HOST, port=self.port, socket_timeout=5, decode_responses=True)

    def _command(self) -> list[str]:
        return [find_redis(), "sentinel.conf", "--sentinel"]

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


class WatchedRedis:
    """A primary, a replica and three Sentinels. `url` names the Sentinels."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.servers = [stack.enter_context(RedisServer.start()) for _ in range(2)]
            with self.servers[0].client() as client:
                client.config_set("repl-diskless-sync-delay", 0)
            with self.servers[1].client() as client:
                client.replicaof(HOST, str(self.servers[0].port))
            self.sentinels = [Sentinel(self.servers[0]) for _ in range(3)]
            for sentinel in self.sentinels:
                sentinel.resume()
                stack.enter_context(sentinel)
            wait_until(self._is_ready, seconds=30, failure=lambda: "Sentinels see no replica")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    @property
    def primary(self) -> RedisServer:
        """The server that a live Sentinel names."""
        with self.sentinels[-1].client() as client:
            _, port = client.sentinel_get_master_addr_by_name(SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    def fail_over(self) -> None:
        """Make the replica the primary, and wait until Sentinel names it."""
        before = self.primary
        with self.sentinels[-1].client() as client:
            client.sentinel_failover(SERVICE)
        self._wait_for_another(before)

    def kill_primary(self) -> None:
        """Kill it, and wait until Sentinel names the replica."""
        before = self.primary
        os.kill(before.pid, signal.SIGKILL)
        self._wait_for_another(before)

    def _wait_for_another(self, before: RedisServer) -> None:
        wait_until(
            lambda: self.primary is not before, seconds=30, failure=lambda: "no other primary"
        )

    def _is_ready(self) -> bool:
        with self.servers[1].client() as client:
            if client.info("replication")["master_link_status"] != "up":
                return False
        with self.sentinels[-1].client() as client:
            state = client.sentinel_master(SERVICE)
        return (state["num-slaves"], state["num-other-sentinels"]) == (1, 2)
