"""Imports libraries without those of their modules that SidePro does not use.

Import this module before any other that imports Litestar, SQLAlchemy, redis-py or taskiq. It saves
17 MB in each process, and the image for web processes lacks aiohttp.
"""

import sys
from importlib import import_module
from types import ModuleType


def _import_with_placeholders(library: str, unused: dict[str, tuple[str, ...]]) -> None:
    """Import a library that imports these names from these modules, without using them.

    Imports all of it if one of the modules is there already: something else uses it.
    """
    if unused.keys() & sys.modules.keys() or library in sys.modules:
        return
    for module, names in unused.items():
        sys.modules[module] = placeholder = ModuleType(module)
        placeholder.__dict__.update(dict.fromkeys(names, object))
    try:
        import_module(library)
    finally:
        for module in unused:
            del sys.modules[module]


# For API documents in YAML. Imports advanced-alchemy, and with it the ORM, where it is installed.
_import_with_placeholders("litestar", {"yaml": ("dump",)})

# The sessions of the ORM. SidePro uses connections.
_import_with_placeholders(
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

# Metrics of its own, by OpenTelemetry's SDK where that is installed.
_import_with_placeholders("redis.asyncio", {"opentelemetry": ()})

# A middleware of taskiq reports to its own administration.
_import_with_placeholders("taskiq", {"aiohttp": ("ClientSession", "ClientTimeout")})
