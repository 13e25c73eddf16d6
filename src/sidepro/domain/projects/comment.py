"""A comment on a project."""

from dataclasses import dataclass, replace
from datetime import datetime

from sidepro.domain.errors import Forbidden
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.validation import Validator
from sidepro.domain.visibility import Viewer, Visibility

MAX_BODY = 2_000


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as its author wrote it. `body` is plain text."""

    id: CommentId
    project_id: ProjectId
    author_id: UserId
    body: str
    created_at: datetime
    updated_at: datetime
    visibility: Visibility = Visibility.VISIBLE

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
        return cls(comment_id, project_id, author_id, _validated(body), now, now)

    @property
    def is_counted(self) -> bool:
        """Whether the project's counter includes the comment: hidden ones are not counted."""
        return self.visibility is Visibility.VISIBLE

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Whether the viewer may see the comment, if they may see its project.

        Its SQL counterpart is `sidepro.adapters.sql.schema.expressions.comment_visible_to`.
        """
        return viewer.sees(self.visibility, self.author_id)

    def edited(self, body: str, now: datetime) -> "Comment":
        """The comment with another body; itself if the body is the same.

        Raises:
            InvalidInput: the body is blank or too long.
        """
        text = _validated(body)
        if text == self.body:
            return self
        return replace(self, body=text, updated_at=max(now, self.updated_at))

    def authorize_edit(self, caller: Caller) -> None:
        """Only the author may edit a comment.

        Raises:
            Forbidden: the caller is not the author.
        """
        if caller.id != self.author_id:
            raise Forbidden

    def authorize_delete(self, caller: Caller, project_author: UserId) -> None:
        """The author, the project's author and administrators may delete a comment.

        Raises:
            Forbidden: the caller may not delete it.
        """
        if not caller.can_manage(self.author_id, project_author):
            raise Forbidden


def _validated(body: str) -> str:
    validator = Validator()
    text = validator.text(body, "body", MAX_BODY)
    validator.raise_errors()
    return text
