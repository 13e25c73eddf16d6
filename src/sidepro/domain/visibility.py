"""Who sees what moderators have hidden."""

from dataclasses import dataclass
from enum import IntEnum

from sidepro.domain.identity import Caller
from sidepro.domain.ids import UserId


class Visibility(IntEnum):
    """Whether a project, comment or message is hidden. The values are stored."""

    VISIBLE = 0
    HIDDEN = 1
    """Only its author and moderators see it."""
    REMOVED = 2
    """Only moderators see it. It is deleted later."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at content. `id` is `None` for an anonymous viewer."""

    id: UserId | None = None
    is_moderator: bool = False

    @classmethod
    def of(cls, caller: Caller) -> "Viewer":
        """The caller as a viewer."""
        return cls(caller.id, caller.can_moderate)

    def sees(self, visibility: Visibility, author_id: UserId | None) -> bool:
        """The rule of everything that can be hidden. `author_id` is `None` if they withdrew."""
        if visibility is Visibility.VISIBLE or self.is_moderator:
            return True
        is_author = self.id is not None and self.id == author_id
        return is_author and visibility is Visibility.HIDDEN


ANYBODY = Viewer()
"""An anonymous viewer."""
