"""Fixtures of the API tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidepro.api.docs.openapi import document
from tests.api.fixtures import api, fresh_api
from tests.api.openapi_document import build

if TYPE_CHECKING:
    from litestar import Litestar

    from tests.api.client import Api, ApiUser
    from tests.api.openapi_document import Json

__all__ = ["api", "app", "fresh_api", "openapi"]


@pytest.fixture(scope="session")
def app() -> Litestar:
    """The application without a database, for its documents."""
    return build()


@pytest.fixture(scope="session")
def openapi(app: Litestar) -> Json:
    """The OpenAPI document."""
    return document(app)


@pytest.fixture(scope="module")
async def author(api: Api) -> ApiUser:
    """A user of the module's API."""
    return await api.sign_up()
