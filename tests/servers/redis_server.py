"""A Redis server of the tests' own."""

from __future__ import annotations

import math
import shutil
import signal
from typing import TYPE_CHECKING, Any

import redis

from tests.servers.watched_server import ServerError, WatchedServer

if TYPE_CHECKING:
    from tests.servers.network import Machine

PROGRAMS = ("redis-server", "valkey-server")


def find_redis() -> str:
    """The path of the server program; raises ServerError where there is none."""
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    raise ServerError("redis-server was not found; tests/install-servers.sh installs it")


class RedisServer(WatchedServer):
    """A Redis server that keeps what it holds in a file when it is stopped well."""

    NAME = "Redis"
    STOP = signal.SIGTERM

    def __init__(self, program: str, machine: Machine | None = None) -> None:
        super().__init__(machine=machine)
        self._program = program
        self.options: list[str] = []
        """Of the next start, such as `--maxmemory`, `1mb`."""

    @classmethod
    def start(cls, machine: Machine | None = None) -> RedisServer:
        """Starts an empty server; raises ServerError where it cannot."""
        server = cls(find_redis(), machine)
        try:
            server.resume()
        except BaseException:
            server.close()
            raise
        return server

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    def client(self) -> redis.Redis:
        """A connection for looking at what is stored, and for emptying it."""
        return redis.Redis(host=self.host, port=self.port, socket_timeout=5)

    def everything(self) -> dict[str, bytes]:
        """All that is stored, by its keys."""
        with self.client() as client:
            return {key.decode(): content(client, key) for key in client.scan_iter()}

    def seconds_left(self, key: str) -> float:
        """Until the key goes by itself: none where it is gone, infinitely many where it stays."""
        with self.client() as client:
            seconds = float(client.ttl(key))
        return {-1.0: math.inf, -2.0: 0.0}.get(seconds, seconds)

    def _command(self) -> list[str]:
        settings = {
            "bind": self.host,
            "protected-mode": "no",
            "port": str(self.port),
            "dir": str(self.folder),
            "save": "3600 1",
            "daemonize": "no",
        }
        options = [part for k, v in settings.items() for part in (f"--{k}", v)]
        return [self._program, *options, *self.options]

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def content(redis: Any, key: bytes) -> bytes:
    """All that is kept under a key. `redis` is a client whose types leave sync and async open."""
    parts: list[bytes | None]
    match redis.type(key):
        case b"string":
            parts = [redis.get(key)]
        case b"set":
            parts = list(redis.smembers(key))
        case b"zset":
            parts = redis.zrange(key, 0, -1)
        case b"hash":
            parts = [part for pair in redis.hgetall(key).items() for part in pair]
        case b"stream":
            parts = [repr(redis.xrange(key)).encode()]
        case b"none":
            parts = []
        case kind:
            raise AssertionError(kind)
    return b"\n".join(part for part in parts if part)
