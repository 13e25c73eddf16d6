"""The API's tests run on SQLite and on PostgreSQL."""

from tests.api.fixtures import (
    anyio_backend,
    api,
    databases,
    fresh_api,
    postgresql_databases,
    sqlite_databases,
)

__all__ = [
    "anyio_backend",
    "api",
    "databases",
    "fresh_api",
    "postgresql_databases",
    "sqlite_databases",
]
