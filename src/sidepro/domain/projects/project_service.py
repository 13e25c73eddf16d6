"""Projects on the board."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sidepro.domain.catalogue.ports import CatalogueReader
from sidepro.domain.clock import Clock
from sidepro.domain.errors import (
    FieldError,
    InvalidInput,
    PreconditionFailed,
    Unavailable,
    ensure_found,
)
from sidepro.domain.idempotency import IdempotentRequest, run_idempotent
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ImageId, NewId, ProjectId, UserId
from sidepro.domain.images.ports import ImageReader
from sidepro.domain.images.urls import ImageUrls, keys_in, with_sizes
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.operator_log import OperatorAction, OperatorLog
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.ports import (
    BoardReader,
    Markdown,
    ProjectUnitOfWork,
    StoredMarkdown,
    ViewCounter,
)
from sidepro.domain.projects.project import (
    Project,
    authorize_edit,
    ensure_visible,
    validate_fields,
)
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.views import BoardQuery, ProjectAddress, ProjectCard, ProjectView
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.validation import Validator
from sidepro.domain.violations import NOT_IN_CATALOGUE, NOT_YOUR_IMAGE
from sidepro.domain.visibility import Viewer

MAX_SEARCH_TEXT = 100

RERENDER_BATCH = 100
"""Projects in memory at the same time. Their texts usually take a few megabytes."""


@dataclass(frozen=True, slots=True)
class ProjectService:
    """Publishing, editing, deleting, reading and finding projects."""

    unit_of_work: UnitOfWorkFactory[ProjectUnitOfWork]
    reader: BoardReader
    catalogue: CatalogueReader
    views: ViewCounter
    markdown: Markdown
    image_urls: ImageUrls
    images: ImageReader
    notifier: Notifier
    clock: Clock
    new_id: NewId
    log: OperatorLog

    async def publish(
        self,
        caller: Caller,
        *,
        title: str,
        summary: str,
        content: str,
        repository_url: str | None,
        thumbnail_id: ImageId | None,
        skills: Sequence[str],
        request: IdempotentRequest[ProjectView] | None = None,
    ) -> ProjectView:
        """Put a project on the board.

        Raises:
            InvalidInput: a field breaks its rule.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        catalogue = await self.catalogue.current()
        draft = Project.write(
            ProjectId(self.new_id()),
            caller.id,
            catalogue.skills,
            self.clock(),
            title=title,
            summary=summary,
            content=content,
            repository_url=repository_url,
            thumbnail_id=thumbnail_id,
            skills=skills,
        )
        project = replace(draft, content_html=await self._html(draft.content, caller.id))

        async def store(work: ProjectUnitOfWork) -> ProjectView:
            await _lock_thumbnail(work, project)
            await work.projects.add(project)
            await _set_image_references(work, project)
            return ensure_found(await work.board_reader.project(project.id, caller.id))

        return await run_idempotent(self.unit_of_work, request, project.created_at, store)

    async def edit(
        self,
        caller: Caller,
        project_id: ProjectId,
        changes: Mapping[str, Any],
        revisions: frozenset[int] | None,
    ) -> ProjectView:
        """Change some fields of a project. Logs it if an administrator changes that of another.

        `revisions` are the revisions that the caller expects; `None` means any.

        Raises:
            NotFound: there is no such project.
            Forbidden: the caller is neither its author nor an administrator.
            InvalidInput: a changed field breaks its rule.
            PreconditionFailed: the project has another revision.
        """
        changed = validate_fields(changes, (await self.catalogue.current()).skills)
        if "content" in changed:
            # Rendering may take long: do it before the project is locked.
            changed["content_html"] = await self._html(changed["content"], caller.id)
        async with self.unit_of_work() as work:
            project = ensure_visible(await work.projects.get(project_id), Viewer.of(caller))
            authorize_edit(caller, project.author_id)
            edited = project.edited(changed, self.clock())
            if "thumbnail_id" in changed:
                await _lock_thumbnail(work, edited)
            _check_revision(project, revisions)
            if edited is not project:
                await work.projects.save(edited)
                if edited.content_html != project.content_html:
                    await _set_image_references(work, edited)
            view = ensure_found(await work.board_reader.project(project_id, caller.id))
            await work.commit()
        if edited is not project and caller.id != project.author_id:
            self.log(OperatorAction.EDITED_PROJECT, caller.id, target=project_id)
        return view

    async def delete(
        self,
        caller: Caller,
        project_id: ProjectId,
        revisions: frozenset[int] | None = None,
        *,
        reason: str | None = None,
    ) -> None:
        """Delete a project with its comments, bookmarks and counters. Logs it if an administrator
        deletes that of another, or gives a reason.

        `revisions` are the revisions that the caller expects; `None` means any.

        Raises:
            NotFound: there is no such project.
            Forbidden: the caller is neither its author nor an administrator.
            PreconditionFailed: the project has another revision.
        """
        async with self.unit_of_work() as work:
            await work.notifications.lock_author(project_id)
            project = ensure_visible(await work.projects.get(project_id), Viewer.of(caller))
            authorize_edit(caller, project.author_id)
            _check_revision(project, revisions)
            changes = await work.notifications.remove_project(project.id)
            await work.projects.delete(project.id)
            await work.commit()
        if reason or caller.id != project.author_id:
            self.log(OperatorAction.REMOVED_PROJECT, caller.id, target=project_id, reason=reason)
        await self.notifier.publish(changes)

    async def authorize_edit(self, caller: Caller, project_id: ProjectId) -> None:
        """Check that the caller may edit a project.

        Raises:
            NotFound: there is no such project.
            Forbidden: the caller is neither its author nor an administrator.
        """
        project = await self.get(project_id, caller.id)
        authorize_edit(caller, project.card.author.id)

    async def ensure_exists(self, project_id: ProjectId, viewer: UserId | None) -> None:
        """Check that there is a project for the viewer.

        Raises:
            NotFound: there is not.
        """
        ensure_found(await self.reader.counters(project_id, viewer))

    # ---------------------------------------------------------------------------------- reading

    async def get(self, project_id: ProjectId, viewer: UserId | None) -> ProjectView:
        """A project, without counting a view.

        Raises:
            NotFound: there is no such project.
        """
        return ensure_found(await self.reader.project(project_id, viewer))

    async def get_and_count_view(
        self, project_id: ProjectId, viewer: UserId | None
    ) -> ProjectView:
        """A project. Counts one view, which the result includes. A view of a hidden project, by
        its author or a moderator, does not count.

        While the store cannot be written, returns the project without counting.

        Raises:
            NotFound: there is no such project.
        """
        with suppress(Unavailable):
            await self.views.add(project_id)
        return await self.get(project_id, viewer)

    async def preview(self, caller: Caller, content: str) -> str:
        """The HTML that publishing this Markdown would give.

        Raises:
            InvalidInput: the text is blank or too long.
        """
        text = validate_fields({"content": content}, ())["content"]
        return self.image_urls.in_html(await self._html(text, caller.id))

    async def normalize_query(self, query: BoardQuery) -> BoardQuery:
        """The query with its text as a search term, and its skills checked, distinct and sorted.

        Raises:
            InvalidInput: the text is blank or too long, or a skill is not in the catalogue.
        """
        validator = Validator(parameters=True)
        text = query.text
        if text is not None:
            text = validator.text(text.strip(), "q", MAX_SEARCH_TEXT, one_line=True)
        if query.skills:
            known = set((await self.catalogue.current()).skills)
            for skill in query.skills:
                if skill not in known:
                    validator.add(NOT_IN_CATALOGUE, "skill")
        validator.raise_errors()
        text = None if text is None else search_term(text)
        return replace(query, text=text, skills=tuple(sorted(set(query.skills))))

    async def board(
        self, query: BoardQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        """A page of the projects that match a normalized query."""
        return await self.reader.board(query, page, viewer)

    async def board_size(self, query: BoardQuery, viewer: UserId | None) -> int:
        """How many projects match a normalized query."""
        return await self.reader.board_size(query, viewer)

    async def addresses(self, after: ProjectId | None, limit: int) -> tuple[ProjectAddress, ...]:
        """Up to `limit` projects that anybody may see, starting after `after`."""
        return await self.reader.addresses(after, limit, None)

    async def part_ends(self, size: int) -> tuple[ProjectId, ...]:
        """The projects after which parts of `size` projects begin, other than the first part."""
        return await self.reader.part_ends(size, None)

    # -------------------------------------------------------------------------------- rendering

    async def rerender_all(self, progress: Callable[[int, int], None]) -> int:
        """Render the Markdown of all projects again, after the rendering rules changed.

        Returns how many projects changed. Reports after each batch how many were rendered and how
        many of them changed. Safe to interrupt, to repeat, and to run while people edit.
        """
        rendered = changed = 0
        after: ProjectId | None = None
        while texts := await self.reader.texts(after, RERENDER_BATCH):
            pairs = [(text, await self._html(text.content)) for text in texts]
            # Includes unchanged HTML with images: older versions recorded fewer references.
            stale = [pair for pair in pairs if pair[1] != pair[0].content_html or keys_in(pair[1])]
            if stale:
                async with self.unit_of_work() as work:
                    for text, html in stale:
                        changed += await self._rerender(work, text, html)
                    await work.commit()
            rendered += len(texts)
            after = texts[-1].project_id
            progress(rendered, changed)
        return changed

    async def _rerender(self, work: ProjectUnitOfWork, text: StoredMarkdown, html: str) -> bool:
        project = await work.projects.get(text.project_id)
        if project is None:  # deleted since it was read
            return False
        if project.content != text.content:  # edited since it was read
            html = await self._html(project.content)
        await work.projects.save_html(project.id, html)
        await _set_image_references(work, replace(project, content_html=html))
        return html != project.content_html

    async def _html(self, content: str, writer: UserId | None = None) -> str:
        """The HTML of a Markdown text, in which the images of the platform have their sizes."""
        html = await self.markdown(content, writer)
        keys = keys_in(html)
        return with_sizes(html, await self.images.sizes(keys)) if keys else html


def _check_revision(project: Project, revisions: frozenset[int] | None) -> None:
    if revisions is not None and project.revision not in revisions:
        raise PreconditionFailed


async def _lock_thumbnail(work: ProjectUnitOfWork, project: Project) -> None:
    """Check that the thumbnail is an image of the project's author, and keep it from cleanup.

    It must belong to the author even when an administrator edits: a person's images are deleted
    with the account, and other people's projects must not depend on them.

    Raises:
        InvalidInput: it is not.
    """
    image_id = project.thumbnail_id
    if image_id is not None and not await work.images.lock_for_reference(
        image_id, project.author_id
    ):
        raise InvalidInput(FieldError(NOT_YOUR_IMAGE, pointer="/thumbnail_id"))


async def _set_image_references(work: ProjectUnitOfWork, project: Project) -> None:
    """Record which of the author's images the text shows, so that cleanup keeps them."""
    await work.images.set_references(project.id, project.author_id, keys_in(project.content_html))
