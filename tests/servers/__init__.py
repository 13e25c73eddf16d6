"""Real servers for the tests: PostgreSQL, Redis, and `sidepro serve` as a process of its own.

Needs psycopg and redis beside the standard library. Run as a program, it prints where the server
programs, Chromium and npm are, or says which are missing and exits with 1.
"""

from tests.servers.chromium import find_chromium
from tests.servers.just_up import JustUp
from tests.servers.node import find_npm
from tests.servers.postgresql import Postgres, find_postgres
from tests.servers.redis_server import RedisServer, find_redis
from tests.servers.sidepro_server import (
    SECRET_KEY,
    ServerWithoutSessionCheck,
    SideProJobs,
    SideProServer,
    settings,
)
from tests.servers.watched_server import HOST, ServerError, free_port, wait_until

__all__ = [
    "HOST",
    "SECRET_KEY",
    "JustUp",
    "Postgres",
    "RedisServer",
    "ServerError",
    "ServerWithoutSessionCheck",
    "SideProJobs",
    "SideProServer",
    "find_chromium",
    "find_npm",
    "find_postgres",
    "find_redis",
    "free_port",
    "settings",
    "wait_until",
]
