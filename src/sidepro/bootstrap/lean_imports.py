"""Imports libraries without those of their modules that SidePro does not use.

Import this module before any other that imports structlog, Litestar, SQLAlchemy, redis-py, PyJWT
or taskiq. It saves 27 MB in each process, twice that in an environment for development, and the
image for web processes lacks aiohttp.
"""

import sys
from importlib import import_module
from types import ModuleType


def _import_without(library: str, unused: dict[str, tuple[str, ...] | None]) -> None:
    """Import a library that imports these names from these modules, without using them. A module
    without names is one that the library takes where it is installed: to it, it is not.

    Imports all of it if one of the modules is there already: something else uses it.
    """
    if unused.keys() & sys.modules.keys():
        import_module(library)  # now: it may import libraries that follow here, which it uses
        return
    for module, names in unused.items():
        placeholder = ModuleType(module)
        placeholder.__dict__.update(dict.fromkeys(names or (), object))
        # type: `None` tells Python that a module cannot be imported.
        sys.modules[module] = placeholder if names is not None else None  # type: ignore[assignment]
    try:
        import_module(library)
    finally:
        for module in unused:
            del sys.modules[module]


# For tracebacks in colours, with Pygments: a tenth of the time of a start too.
_import_without("structlog", {"rich": None})

# For API documents in YAML; for pages of advanced-alchemy, which imports the ORM; a debugger.
_import_without("litestar", {"yaml": ("dump",), "advanced_alchemy": None, "pdb": ()})

# The sessions of the ORM. SidePro uses connections.
_import_without(
    "sqlalchemy.ext.asyncio",
    {
        "sqlalchemy.ext.asyncio.scoping": ("async_scoped_session",),
        "sqlalchemy.ext.asyncio.session": (
            "AsyncAttrs",
            "AsyncSession",
            "AsyncSessionTransaction",
            "async_object_session",
            "async_session",
            "async_sessionmaker",
            "close_all_sessions",
        ),
    },
)

# Tokens signed by public keys.
_import_without("jwt", {"cryptography": None})

# Drivers of PostgreSQL other than psycopg.
_import_without(
    "sqlalchemy.dialects.postgresql",
    {
        f"sqlalchemy.dialects.postgresql.{driver}": ()
        for driver in ("asyncpg", "pg8000", "psycopg2", "psycopg2cffi")
    },
)

# Metrics of its own, by OpenTelemetry's SDK where that is installed; revoked certificates;
# clusters, and the events about keys, which import them.
_import_without(
    "redis.asyncio",
    {
        "opentelemetry": (),
        "cryptography": None,
        "redis.cluster": ("RedisCluster",),
        "redis.asyncio.cluster": ("RedisCluster",),
        "redis.commands.cluster": (
            "READ_COMMANDS",
            "AsyncRedisClusterCommands",
            "RedisClusterCommands",
        ),
        "redis.keyspace_notifications": (
            "ChannelType",
            "ClusterKeyspaceNotifications",
            "EventType",
            "KeyNotification",
            "KeyeventChannel",
            "KeyspaceChannel",
            "KeyspaceNotifications",
            "KeyspaceNotificationsInterface",
            "KeyspaceWorkerThread",
            "SubkeyeventChannel",
            "SubkeyspaceChannel",
            "SubkeyspaceeventChannel",
            "SubkeyspaceitemChannel",
            "get_channel_type",
        ),
        "redis.asyncio.keyspace_notifications": (
            "AsyncClusterKeyspaceNotifications",
            "AsyncKeyspaceNotifications",
            "AsyncKeyspaceNotificationsInterface",
        ),
    },
)

# A middleware of taskiq reports to its own administration.
_import_without("taskiq", {"aiohttp": ("ClientSession", "ClientTimeout")})

# Clusters, as above.
_import_without("taskiq_redis", {"redis.asyncio.cluster": ("RedisCluster",)})
