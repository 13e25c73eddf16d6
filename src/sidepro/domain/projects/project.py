"""A side project on the board, and who may change what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sidepro.domain.errors import Forbidden
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    ImageId,
    ProjectId,
    UserId,
)
from sidepro.domain.validation import Validator

MAX_TITLE = 50
MAX_SUMMARY = 60
MAX_CONTENT = 50_000
MAX_REPOSITORY_URL = 200
PROJECT_SKILLS = (1, 20)


@dataclass(frozen=True, slots=True)
class Project:
    """A project as its author wrote it. `content` is Markdown, `content_html` what was made of
    it; `revision` counts the author's edits, from 1. Skills are in catalogue order.
    """

    id: ProjectId
    author_id: UserId
    title: str
    summary: str
    content: str
    content_html: str
    repository_url: str | None
    thumbnail_id: ImageId | None
    skills: tuple[str, ...]
    revision: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def write(
        cls,
        project_id: ProjectId,
        author_id: UserId,
        known_skills: Sequence[str],
        now: datetime,
        *,
        title: str,
        summary: str,
        content: str,
        repository_url: str | None,
        thumbnail_id: ImageId | None,
        skills: Sequence[str],
    ) -> "Project":
        """A new project, of whose content no HTML is made yet. Whose image the thumbnail is, the
        use case looks up.

        Raises:
            InvalidInput: a member breaks its rule.
        """
        members = {
            "title": title,
            "summary": summary,
            "content": content,
            "repository_url": repository_url,
            "thumbnail_id": thumbnail_id,
            "skills": skills,
        }
        return cls(
            id=project_id,
            author_id=author_id,
            content_html="",
            revision=1,
            created_at=now,
            updated_at=now,
            **validate_fields(members, known_skills),
        )

    def edited(self, changes: Mapping[str, Any], now: datetime) -> "Project":
        """The next revision, with some members changed, which are `checked`."""
        return replace(
            self,
            revision=self.revision + 1,
            updated_at=max(now, self.updated_at),
            **changes,
        )


def validate_fields(members: Mapping[str, Any], known_skills: Sequence[str]) -> dict[str, Any]:
    """Some members of a project in the form in which they are kept. Those not given are not
    judged: they may be older than a rule.

    Raises:
        InvalidInput: a member breaks its rule.
    """
    rules = Validator()
    least, most = PROJECT_SKILLS
    longest_url = MAX_REPOSITORY_URL
    judge: dict[str, Callable[[Any], Any]] = {
        "title": lambda text: rules.text(text, "title", MAX_TITLE, one_line=True),
        "summary": lambda text: rules.text(text, "summary", MAX_SUMMARY, one_line=True),
        "content": lambda text: rules.text(text, "content", MAX_CONTENT),
        "repository_url": lambda url: rules.web_address(url, "repository_url", longest_url),
        "thumbnail_id": lambda image_id: image_id,
        "skills": lambda chosen: rules.choices(
            chosen, "skills", known_skills, least=least, most=most
        ),
    }
    kept = {name: judge[name](value) for name, value in members.items()}
    rules.raise_errors()
    return kept


def authorize_edit(caller: Caller, author_id: UserId) -> None:
    """The access rule of what somebody wrote: its author and administrators change it.

    Raises:
        Forbidden: the caller is neither.
    """
    if caller.id != author_id and not caller.is_admin:
        raise Forbidden
