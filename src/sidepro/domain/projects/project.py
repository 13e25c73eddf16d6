"""A side project on the board, and who may change what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sidepro.domain.accounts.session import Caller
from sidepro.domain.errors import Forbidden
from sidepro.domain.shared import ImageId, ProjectId, Rules, UserId

TITLE_LONGEST = 50
SUMMARY_LONGEST = 60
CONTENT_LONGEST = 50_000
REPOSITORY_URL_LONGEST = 200
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
        markdown: Callable[[str], str],
        now: datetime,
        *,
        title: str,
        summary: str,
        content: str,
        repository_url: str | None,
        thumbnail_id: ImageId | None,
        skills: Sequence[str],
    ) -> "Project":
        """A new project. Whose image the thumbnail is, the use case looks up.

        Raises:
            InvalidInput: a member breaks its rule.
        """
        rules = Rules()
        least, most = PROJECT_SKILLS
        title = rules.text(title, "title", TITLE_LONGEST, one_line=True)
        summary = rules.text(summary, "summary", SUMMARY_LONGEST, one_line=True)
        content = rules.text(content, "content", CONTENT_LONGEST)
        repository_url = rules.web_address(
            repository_url, "repository_url", REPOSITORY_URL_LONGEST
        )
        chosen = rules.choices(skills, "skills", known_skills, least=least, most=most)
        rules.enforce()
        return cls(
            id=project_id,
            author_id=author_id,
            title=title,
            summary=summary,
            content=content,
            content_html=markdown(content),
            repository_url=repository_url,
            thumbnail_id=thumbnail_id,
            skills=chosen,
            revision=1,
            created_at=now,
            updated_at=now,
        )

    def edited(
        self,
        changes: Mapping[str, Any],
        known_skills: Sequence[str],
        markdown: Callable[[str], str],
        now: datetime,
    ) -> "Project":
        """The next revision, with some members changed; those not named stay as they are.

        Raises:
            InvalidInput: a changed member breaks its rule.
        """
        members = {
            "title": self.title,
            "summary": self.summary,
            "content": self.content,
            "repository_url": self.repository_url,
            "thumbnail_id": self.thumbnail_id,
            "skills": self.skills,
        }
        written = Project.write(
            self.id,
            self.author_id,
            known_skills,
            markdown,
            max(now, self.updated_at),
            **{**members, **changes},
        )
        return replace(written, revision=self.revision + 1, created_at=self.created_at)


def may_edit(caller: Caller, author_id: UserId) -> None:
    """The access rule of what somebody wrote: its author and administrators change it.

    Raises:
        Forbidden: the caller is neither.
    """
    if caller.id != author_id and not caller.is_admin:
        raise Forbidden
