"""A mailbox for each test."""

from __future__ import annotations

import pytest

from tests.domain.emails.mailbox import Mailbox
from tests.domain.services import Services


@pytest.fixture
def mailbox(services: Services) -> Mailbox:
    return Mailbox(services)
