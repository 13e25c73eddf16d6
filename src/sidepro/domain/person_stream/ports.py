"""Reading the state of the stream."""

from collections.abc import Collection, Mapping
from typing import Protocol

from sidepro.domain.ids import UserId
from sidepro.domain.person_stream.views import Badges


class BadgeReader(Protocol):
    """Reads badges without locks."""

    async def badges(self, user_ids: Collection[UserId]) -> Mapping[UserId, Badges]:
        """The badges of these people, in one statement. MUST equal what the lists of rooms,
        notifications and requests show as unread or pending.
        """
        ...
