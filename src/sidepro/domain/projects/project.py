"""A side project on the board."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sidepro.domain.errors import Forbidden, NotFound
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ImageId, ProjectId, UserId
from sidepro.domain.validation import Validator
from sidepro.domain.visibility import Viewer, Visibility

MAX_TITLE = 50
MAX_SUMMARY = 60
MAX_CONTENT = 50_000
MAX_REPOSITORY_URL = 200
PROJECT_SKILLS = (1, 20)


@dataclass(frozen=True, slots=True)
class Project:
    """A project as its author wrote it.

    `content` is Markdown, `content_html` its rendered form. `revision` counts the edits, from 1.
    Skills are in catalogue order.
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
    visibility: Visibility = Visibility.VISIBLE

    @classmethod
    def write(
        cls,
        project_id: ProjectId,
        author_id: UserId,
        known_skills: Sequence[str],
        now: datetime,
        **fields: Any,
    ) -> "Project":
        """A new project whose content is not rendered yet.

        `fields` has every field that `validate_fields` checks. The use case checks that the
        thumbnail belongs to the author.

        Raises:
            InvalidInput: a field breaks its rule.
        """
        return cls(
            id=project_id,
            author_id=author_id,
            content_html="",
            revision=1,
            created_at=now,
            updated_at=now,
            **validate_fields(fields, known_skills),
        )

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Whether the viewer may see the project.

        Its SQL counterpart is `sidepro.adapters.sql.schema.expressions.visible_to`.
        """
        return viewer.sees(self.visibility, self.author_id)

    def edited(self, changes: Mapping[str, Any], now: datetime) -> "Project":
        """The next revision, with some fields changed. `validate_fields` has checked them.

        If nothing changes, returns the project itself, without a new revision.
        """
        written = changes.keys() - {"content_html"}  # follows from the content and our rules
        if all(getattr(self, name) == changes[name] for name in written):
            return self
        return replace(
            self,
            revision=self.revision + 1,
            updated_at=max(now, self.updated_at),
            **changes,
        )


def validate_fields(fields: Mapping[str, Any], known_skills: Sequence[str]) -> dict[str, Any]:
    """The given fields of a project in the form in which they are stored.

    An edit validates only changed fields: the others may be older than a rule.

    Raises:
        InvalidInput: a field breaks its rule.
    """
    validator = Validator()
    minimum, maximum = PROJECT_SKILLS
    validate: dict[str, Callable[[Any], Any]] = {
        "title": lambda text: validator.text(text, "title", MAX_TITLE, one_line=True),
        "summary": lambda text: validator.text(text, "summary", MAX_SUMMARY, one_line=True),
        "content": lambda text: validator.text(text, "content", MAX_CONTENT),
        "repository_url": lambda url: validator.web_address(
            url, "repository_url", MAX_REPOSITORY_URL
        ),
        "thumbnail_id": lambda image_id: image_id,
        "skills": lambda chosen: validator.choices(
            chosen, "skills", known_skills, minimum=minimum, maximum=maximum
        ),
    }
    validated = {name: validate[name](value) for name, value in fields.items()}
    validator.raise_errors()
    return validated


def ensure_visible(project: Project | None, viewer: Viewer) -> Project:
    """The project. One that the viewer may not see is treated as missing.

    Raises:
        NotFound: there is none, or the viewer may not see it.
    """
    if project is None or not project.is_visible_to(viewer):
        raise NotFound
    return project


def authorize_edit(caller: Caller, author_id: UserId) -> None:
    """The access rule of a project: its author and administrators may edit and delete it.

    Raises:
        Forbidden: the caller is neither.
    """
    if not caller.can_manage(author_id):
        raise Forbidden
