"""Fixtures of the API tests."""

from tests.api.fixtures import api, fresh_api

__all__ = ["api", "fresh_api"]
