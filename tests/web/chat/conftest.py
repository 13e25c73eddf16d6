"""The room of the two people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients import Client


@pytest.fixture
async def room(person: Client, partner: Client) -> str:
    """The id of a room of the two people."""
    return await person.open_room_with(partner)
