"""What somebody says about a project."""

from dataclasses import dataclass, replace
from datetime import datetime

from sidepro.domain.errors import Forbidden
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    UserId,
)
from sidepro.domain.validation import Validator

MAX_BODY = 2_000


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a project."""

    id: CommentId
    project_id: ProjectId
    author_id: UserId
    body: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def write(
        cls,
        comment_id: CommentId,
        project_id: ProjectId,
        author_id: UserId,
        body: str,
        now: datetime,
    ) -> "Comment":
        """A new comment.

        Raises:
            InvalidInput: the body is blank or too long.
        """
        return cls(comment_id, project_id, author_id, _checked(body), now, now)

    def edited(self, body: str, now: datetime) -> "Comment":
        """The comment with another text.

        Raises:
            InvalidInput: the body is blank or too long.
        """
        return replace(self, body=_checked(body), updated_at=max(now, self.updated_at))

    def authorize_edit(self, caller: Caller) -> None:
        """Its author alone edits a comment: nobody else writes in that person's name.

        Raises:
            Forbidden: the caller is another.
        """
        if caller.id != self.author_id:
            raise Forbidden

    def authorize_delete(self, caller: Caller, project_author: UserId) -> None:
        """Its author, the project's author and administrators delete a comment.

        Raises:
            Forbidden: the caller is none of them.
        """
        if caller.id not in (self.author_id, project_author) and not caller.is_admin:
            raise Forbidden


def _checked(body: str) -> str:
    rules = Validator()
    text = rules.text(body, "body", MAX_BODY)
    rules.raise_errors()
    return text
