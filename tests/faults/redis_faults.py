"""What may happen to a Redis that serves, each caused for real during a block."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.servers import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import RedisServer


@contextmanager
def without_memory(server: RedisServer) -> Iterator[None]:
    """OOM for each write."""
    with server.client() as client:
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


@contextmanager
def without_disk(server: RedisServer) -> Iterator[None]:
    """MISCONF for each write: snapshots fail, since their name is that of a folder."""
    snapshot = server.folder / "dump.rdb"
    snapshot.unlink(missing_ok=True)
    snapshot.mkdir()
    with server.client() as client:
        client.bgsave()
        yield
        snapshot.rmdir()
        client.bgsave()


@contextmanager
def replica(server: RedisServer) -> Iterator[None]:
    """READONLY for each write: it follows another server, which is away."""
    with server.client() as client:
        client.replicaof(HOST, str(free_port()))
        yield
        client.replicaof("NO", "ONE")


@contextmanager
def locked_out(server: RedisServer) -> Iterator[None]:
    """NOAUTH for each command: it has a password, and ended all connections."""
    with server.client() as client:
        client.config_set("requirepass", "secret")
        client.client_kill_filter(_type="pubsub")
        client.client_kill_filter(_type="normal", skipme=True)
        yield
        client.config_set("requirepass", "")


@contextmanager
def without_permissions(server: RedisServer) -> Iterator[None]:
    """NOPERM for each write and each channel."""
    with server.client() as client:
        rules = ("-@write", "-@scripting", "resetchannels")
        client.execute_command("ACL", "SETUSER", "default", *rules)
        yield
        client.execute_command("ACL", "SETUSER", "default", "+@all", "&*")


@contextmanager
def loading(server: RedisServer) -> Iterator[None]:
    """LOADING for each command: it has started, and reads its data for seconds."""
    with server.client() as client:
        client.mset({f"filler:{number}": number for number in range(2_000)})
        client.save()
    server.stop()
    # microseconds for each key, and bytes between two looks at commands
    slow = ("--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")
    server.options = [*slow]
    try:
        server.resume()  # until it answers
    finally:
        server.options = []
    with server.client() as client:
        client.config_set("key-load-delay", 0)
    yield


@contextmanager
def standing_still(server: RedisServer) -> Iterator[None]:
    """It accepts and never answers (SIGSTOP)."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@contextmanager
def away(server: RedisServer) -> Iterator[None]:
    """It is stopped."""
    server.stop()
    try:
        yield
    finally:
        server.resume()
