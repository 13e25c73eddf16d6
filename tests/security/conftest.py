"""The security tests run on the platforms of the API's tests."""

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
