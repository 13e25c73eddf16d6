"""What people do on the board."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sidepro.domain.catalogue.ports import CatalogueReader
from sidepro.domain.clock import Clock
from sidepro.domain.errors import (
    FieldError,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    ensure_found,
)
from sidepro.domain.idempotency import IdempotentRequest, run_idempotent
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    CommentId,
    ImageId,
    NewId,
    ProjectId,
    UserId,
)
from sidepro.domain.images.urls import keys_in
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import (
    BoardReader,
    Markdown,
    ProjectUnitOfWork,
    StoredMarkdown,
    ViewCounter,
)
from sidepro.domain.projects.project import Project, authorize_edit, validate_fields
from sidepro.domain.projects.views import (
    BoardQuery,
    BookmarkState,
    CommentView,
    ProjectCard,
    ProjectView,
)
from sidepro.domain.text import casefold_key
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.validation import Validator

MAX_SEARCH_TEXT = 100

RERENDER_BATCH = 100
"""Projects whose texts are in memory together: a few megabytes, as people write."""


@dataclass(frozen=True, slots=True)
class ProjectService:
    """Publishing, finding, reading, commenting and bookmarking."""

    unit_of_work: UnitOfWorkFactory[ProjectUnitOfWork]
    reader: BoardReader
    catalogue: CatalogueReader
    views: ViewCounter
    markdown: Markdown
    clock: Clock
    new_id: NewId

    # ------------------------------------------------------------------------------- projects

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
            InvalidInput: a member breaks its rule.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        catalogue = await self.catalogue.current()
        project = Project.write(
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
        project = replace(project, content_html=await self.markdown(project.content, caller.id))

        async def store(work: ProjectUnitOfWork) -> ProjectView:
            await _lock_thumbnail(work, project)
            await work.projects.add(project)
            await _set_image_references(work, project)
            return ensure_found(await work.board_reader.project(project.id, caller.id))

        return await run_idempotent(self.unit_of_work, request, project.created_at, store)

    async def get_and_count_view(
        self, project_id: ProjectId, viewer: UserId | None
    ) -> ProjectView:
        """A project's page. Counts one view, which the answer includes.

        Raises:
            NotFound: there is no such project.
        """
        if not await self.views.add(project_id):
            raise NotFound
        return await self.get(project_id, viewer)

    async def get(self, project_id: ProjectId, viewer: UserId | None) -> ProjectView:
        """A project's page, without counting a view.

        Raises:
            NotFound: there is no such project.
        """
        return ensure_found(await self.reader.project(project_id, viewer))

    async def edit(
        self,
        caller: Caller,
        project_id: ProjectId,
        changes: Mapping[str, Any],
        revisions: frozenset[int] | None,
    ) -> ProjectView:
        """Change some members of a project.

        `revisions` are those that the caller has in mind; `None` stands for any.

        Raises:
            NotFound, Forbidden: there is no such project, or it is not the caller's.
            InvalidInput: a changed member breaks its rule.
            PreconditionFailed: the project has another revision by now.
        """
        changed = validate_fields(changes, (await self.catalogue.current()).skills)
        if "content" in changed:
            # Before anything is held: it may take long.
            changed["content_html"] = await self.markdown(changed["content"], caller.id)
        async with self.unit_of_work() as work:
            project = self._editable(await work.projects.get(project_id), caller)
            edited = project.edited(changed, self.clock())
            if "thumbnail_id" in changed:
                await _lock_thumbnail(work, edited)
            if revisions is not None and project.revision not in revisions:
                raise PreconditionFailed
            if changes:
                await work.projects.save(edited)
                if edited.content_html != project.content_html:
                    await _set_image_references(work, edited)
            view = ensure_found(await work.board_reader.project(project_id, caller.id))
            await work.commit()
        return view

    async def rerender_all(self, progress: Callable[[int, int], None]) -> int:
        """Make the HTML of all projects anew, after the rules of making it have changed; how many
        are other than they were. Safe to run while people edit, twice, or to be killed.

        `progress` hears after each batch how many projects were looked at, and how many changed.
        """
        seen = changed = 0
        after: ProjectId | None = None
        while texts := await self.reader.texts(after, RERENDER_BATCH):
            made = [(text, await self.markdown(text.content)) for text in texts]
            stale = [(text, html) for text, html in made if html != text.content_html]
            if stale:
                async with self.unit_of_work() as work:
                    for text, html in stale:
                        changed += await self._rerender(work, text, html)
                    await work.commit()
            seen += len(texts)
            after = texts[-1].project_id
            progress(seen, changed)
        return changed

    async def _rerender(self, work: ProjectUnitOfWork, text: StoredMarkdown, html: str) -> bool:
        # As it is now that it is held: it may have been edited or deleted since it was read.
        project = await work.projects.get(text.project_id)
        if project is None:
            return False
        if project.content != text.content:
            html = await self.markdown(project.content)
        await work.projects.save_html(project.id, html)
        await _set_image_references(work, replace(project, content_html=html))
        return html != project.content_html

    async def delete(self, caller: Caller, project_id: ProjectId) -> None:
        """Take a project off the board, with all that hangs on it.

        Raises:
            NotFound, Forbidden: there is no such project, or it is not the caller's.
        """
        async with self.unit_of_work() as work:
            project = self._editable(await work.projects.get(project_id), caller)
            await work.projects.delete(project.id)
            await work.commit()

    async def authorize_edit(self, caller: Caller, project_id: ProjectId) -> None:
        """Whether an edit would be allowed.

        Raises:
            NotFound, Forbidden: there is no such project, or it is not the caller's.
        """
        project = await self.get(project_id, None)
        authorize_edit(caller, project.card.author.id)

    def _editable(self, project: Project | None, caller: Caller) -> Project:
        if project is None:
            raise NotFound
        authorize_edit(caller, project.author_id)
        return project

    # ---------------------------------------------------------------------------------- lists

    async def board(
        self, query: BoardQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        """A page of the board."""
        return await self.reader.board(query, page, viewer)

    async def query(self, query: BoardQuery) -> BoardQuery:
        """The query with its text folded and its skills checked.

        Raises:
            InvalidInput: the text is blank or too long, or a skill is not in the catalogue.
        """
        rules = Validator(parameters=True)
        text = query.text
        if text is not None:
            text = casefold_key(rules.text(text, "q", MAX_SEARCH_TEXT, one_line=True))
        known = set((await self.catalogue.current()).skills)
        for skill in query.skills:
            if skill not in known:
                rules.add("is not in the catalogue", "skill")
        rules.raise_errors()
        distinct = tuple(sorted(set(query.skills)))
        return BoardQuery(text, distinct, query.all_skills, query.author, query.sort)

    async def size(self, query: BoardQuery) -> int:
        """How many projects a query asks for."""
        return await self.reader.board_size(query)

    async def bookmarked_by(
        self, user_id: UserId, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        """What a user has bookmarked, the latest bookmark first."""
        return await self.reader.bookmarked_by(user_id, page, viewer)

    async def bookmark_count(self, user_id: UserId) -> int:
        """How many projects a user has bookmarked."""
        return await self.reader.bookmarks_of(user_id)

    # ------------------------------------------------------------------- bookmarks and comments

    async def add_bookmark(self, caller: Caller, project_id: ProjectId) -> BookmarkState:
        """Bookmark a project. Safe to repeat.

        Raises:
            NotFound: there is no such project.
        """
        async with self.unit_of_work() as work:
            added = await work.bookmarks.add(caller.id, project_id, self.clock())
            counters = await work.projects.adjust_counters(project_id, bookmarks=int(added))
            await work.commit()
        return BookmarkState(True, counters.bookmarks)

    async def remove_bookmark(self, caller: Caller, project_id: ProjectId) -> BookmarkState:
        """Take the caller's bookmark off. Safe to repeat.

        Raises:
            NotFound: there is no such project.
        """
        async with self.unit_of_work() as work:
            removed = await work.bookmarks.remove(caller.id, project_id)
            counters = await work.projects.adjust_counters(project_id, bookmarks=-int(removed))
            await work.commit()
        return BookmarkState(False, counters.bookmarks)

    async def comments(
        self, project_id: ProjectId, page: PageRequest, *, is_there: bool = False
    ) -> Page[CommentView]:
        """A page of a project's comments, oldest first. `is_there` says that the project is.

        Raises:
            NotFound: there is no such project.
        """
        comments = await self.reader.comments(project_id, page)
        if not comments.items and not is_there:
            await self.ensure_exists(project_id)
        return comments

    async def comment_count(self, project_id: ProjectId) -> int:
        """How many comments a project has.

        Raises:
            NotFound: there is no such project.
        """
        counters = await self.reader.counters(project_id)
        if counters is None:
            raise NotFound
        return counters.comments

    async def ensure_exists(self, project_id: ProjectId) -> None:
        """Raise `NotFound` unless there is such a project."""
        await self.comment_count(project_id)

    async def comment(
        self,
        caller: Caller,
        project_id: ProjectId,
        body: str,
        request: IdempotentRequest[CommentView] | None = None,
    ) -> CommentView:
        """Say something about a project.

        Raises:
            NotFound: there is no such project.
            InvalidInput: the body is blank or too long.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        comment = Comment.write(
            CommentId(self.new_id()), project_id, caller.id, body, self.clock()
        )

        async def store(work: ProjectUnitOfWork) -> CommentView:
            await work.comments.add(comment)
            await work.projects.adjust_counters(project_id, comments=1)
            return ensure_found(await work.board_reader.comment(comment.id))

        return await run_idempotent(self.unit_of_work, request, comment.created_at, store)

    async def edit_comment(
        self, caller: Caller, project_id: ProjectId, comment_id: CommentId, body: str
    ) -> CommentView:
        """Change the text of one's own comment.

        Raises:
            NotFound, Forbidden: there is no such comment on this project, or it is another's.
            InvalidInput: the body is blank or too long.
        """
        async with self.unit_of_work() as work:
            comment = self._on(project_id, await work.comments.get(comment_id))
            comment.authorize_edit(caller)
            await work.comments.save(comment.edited(body, self.clock()))
            view = ensure_found(await work.board_reader.comment(comment_id))
            await work.commit()
        return view

    async def authorize_comment_edit(
        self, caller: Caller, project_id: ProjectId, comment_id: CommentId
    ) -> None:
        """Whether an edit would be allowed.

        Raises:
            NotFound, Forbidden: there is no such comment on this project, or it is another's.
        """
        async with self.unit_of_work() as work:
            comment = self._on(project_id, await work.comments.get(comment_id))
            comment.authorize_edit(caller)

    async def delete_comment(
        self, caller: Caller, project_id: ProjectId, comment_id: CommentId
    ) -> None:
        """Remove a comment: one's own, or any on one's own project.

        Raises:
            NotFound, Forbidden: there is no such comment on this project, or the caller wrote
                neither of the two.
        """
        async with self.unit_of_work() as work:
            # The project first, as its own deletion does: two locks in one order never deadlock.
            project = await work.projects.get(project_id)
            if project is None:
                raise NotFound
            comment = self._on(project_id, await work.comments.get(comment_id))
            comment.authorize_delete(caller, project.author_id)
            if await work.comments.delete(comment_id):
                await work.projects.adjust_counters(project_id, comments=-1)
            await work.commit()

    def _on(self, project_id: ProjectId, comment: Comment | None) -> Comment:
        if comment is None or comment.project_id != project_id:
            raise NotFound
        return comment


async def _lock_thumbnail(work: ProjectUnitOfWork, project: Project) -> None:
    """Raise `InvalidInput` unless the thumbnail is an image of the project's author.

    Of the author, whoever edits: what hangs on a person goes when that person goes, and nobody
    else's project may hang on it.
    """
    image_id = project.thumbnail_id
    if image_id is not None and not await work.images.lock_for_reference(
        image_id, project.author_id
    ):
        raise InvalidInput(FieldError("is not an image of yours", pointer="/thumbnail_id"))


async def _set_image_references(work: ProjectUnitOfWork, project: Project) -> None:
    """Note which of the author's images the text shows, so that they stay."""
    await work.images.set_references(project.id, project.author_id, keys_in(project.content_html))
