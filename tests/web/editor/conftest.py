"""The person who writes."""

from __future__ import annotations

import pytest

from tests.api.client import Api, ApiUser
from tests.web.pages import log_in


@pytest.fixture
async def person(api: Api) -> ApiUser:
    return await api.sign_up()


@pytest.fixture
async def cookie(api: Api, person: ApiUser) -> str:
    return await log_in(api, person)
