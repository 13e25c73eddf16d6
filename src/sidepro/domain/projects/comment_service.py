"""Comments on projects."""

from dataclasses import dataclass

from sidepro.domain.clock import Clock
from sidepro.domain.errors import Forbidden, NotFound, ensure_found
from sidepro.domain.idempotency import IdempotentRequest, run_idempotent
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CommentId, NewId, ProjectId, UserId
from sidepro.domain.notifications.notification import NotificationEvent
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.notifications.ports import ChangedEntry
from sidepro.domain.operator_log import OperatorAction, OperatorLog
from sidepro.domain.pagination import Cursor, Page, PageRequest
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import BoardReader, ProjectUnitOfWork
from sidepro.domain.projects.project import ensure_visible
from sidepro.domain.projects.views import CommentOrder, CommentView
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.visibility import Viewer


@dataclass(frozen=True, slots=True)
class CommentService:
    """Writing, editing, deleting and listing comments."""

    unit_of_work: UnitOfWorkFactory[ProjectUnitOfWork]
    reader: BoardReader
    notifier: Notifier
    clock: Clock
    new_id: NewId
    log: OperatorLog

    async def of_project(
        self,
        project_id: ProjectId,
        page: PageRequest,
        viewer: UserId | None,
        order: CommentOrder = CommentOrder.OLDEST,
        *,
        project_exists: bool = False,
    ) -> Page[CommentView]:
        """A page of a project's comments.

        `project_exists`: the caller has checked that the project exists, which saves a statement.

        Raises:
            NotFound: there is no such project.
        """
        comments = await self.reader.comments(project_id, page, viewer, order)
        if not comments.items and not project_exists:
            await self.count(project_id, viewer)
        return comments

    async def count(self, project_id: ProjectId, viewer: UserId | None) -> int:
        """How many comments a project has.

        Raises:
            NotFound: there is no such project.
        """
        return ensure_found(await self.reader.counters(project_id, viewer)).comments

    async def comment(
        self, project_id: ProjectId, comment_id: CommentId, viewer: UserId | None
    ) -> CommentView:
        """One comment.

        Raises:
            NotFound: the project has no such comment.
        """
        return ensure_found(await self.reader.comment(project_id, comment_id, viewer))

    async def write(
        self,
        caller: Caller,
        project_id: ProjectId,
        body: str,
        request: IdempotentRequest[CommentView] | None = None,
    ) -> CommentView:
        """Comment on a project.

        Raises:
            NotFound: there is no such project.
            Forbidden: the project's author and the caller have no contact.
            InvalidInput: the body is blank or too long.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        comment = Comment.write(
            CommentId(self.new_id()), project_id, caller.id, body, self.clock()
        )

        changes: list[ChangedEntry] = []

        async def store(work: ProjectUnitOfWork) -> CommentView:
            author_id = ensure_found(await work.notifications.lock_author(project_id))
            if await work.comments.is_blocked(project_id, caller.id):
                raise Forbidden
            await work.comments.add(comment)
            event = NotificationEvent.comment(
                author_id, project_id, comment.id, caller.id, comment.created_at
            )
            changes.extend(await self.notifier.notify(work, event))
            await work.projects.adjust_counters(project_id, caller.id, comments=1)
            return ensure_found(await work.board_reader.comment(project_id, comment.id, caller.id))

        written = await run_idempotent(self.unit_of_work, request, comment.created_at, store)
        await self.notifier.publish(changes)
        return written

    async def authorize_writing(self, caller: Caller, project_id: ProjectId) -> None:
        """Check that the caller may comment on a project.

        Raises:
            NotFound: there is no such project.
            Forbidden: its author and the caller have no contact.
        """
        ensure_found(await self.reader.counters(project_id, caller.id))
        async with self.unit_of_work() as work:
            if await work.comments.is_blocked(project_id, caller.id):
                raise Forbidden

    async def edit(
        self, caller: Caller, project_id: ProjectId, comment_id: CommentId, body: str
    ) -> CommentView:
        """Change the text of the caller's own comment.

        Raises:
            NotFound: the project has no such comment.
            Forbidden: the caller is not its author, or has no contact with the project's author.
            InvalidInput: the body is blank or too long.
        """
        async with self.unit_of_work() as work:
            await work.notifications.lock_author(project_id)  # a block waits, or is seen
            comment = await _authorize_edit(work, caller, project_id, comment_id)
            edited = comment.edited(body, self.clock())
            if edited is not comment:
                await work.comments.save(edited)
            view = ensure_found(await work.board_reader.comment(project_id, comment_id, caller.id))
            await work.commit()
        return view

    async def authorize_edit(
        self, caller: Caller, project_id: ProjectId, comment_id: CommentId
    ) -> None:
        """Check that the caller may edit a comment.

        Raises:
            NotFound: the project has no such comment.
            Forbidden: the caller is not its author, or has no contact with the project's author.
        """
        async with self.unit_of_work() as work:
            await _authorize_edit(work, caller, project_id, comment_id)

    async def delete(
        self,
        caller: Caller,
        project_id: ProjectId,
        comment_id: CommentId,
        *,
        reason: str | None = None,
    ) -> None:
        """Delete a comment of the caller, or any comment on the caller's project. Logs it if an
        administrator deletes one of others, or gives a reason.

        Raises:
            NotFound: the project has no such comment.
            Forbidden: the caller wrote neither the comment nor the project.
        """
        async with self.unit_of_work() as work:
            # The same order in all use cases prevents deadlocks: the author, the project,
            # notifications, the comment.
            await work.notifications.lock_author(project_id)
            project = ensure_visible(await work.projects.get(project_id), Viewer.of(caller))
            changes = await work.notifications.remove_comment(comment_id)
            comment = await _comment(work, caller, project_id, comment_id)
            comment.authorize_delete(caller, project.author_id)
            if await work.comments.delete(comment_id) and comment.is_counted:
                await work.projects.adjust_counters(project_id, caller.id, comments=-1)
            await work.commit()
        if reason or caller.id not in (comment.author_id, project.author_id):
            self.log(OperatorAction.REMOVED_COMMENT, caller.id, target=comment_id, reason=reason)
        await self.notifier.publish(changes)


def position_after(last: CommentView | None) -> Cursor:
    """The position after a comment in `CommentOrder.OLDEST`; without one, the list's start."""
    return Cursor(None if last is None else (last.created_at, last.id))


async def _comment(
    work: ProjectUnitOfWork, caller: Caller, project_id: ProjectId, comment_id: CommentId
) -> Comment:
    """A comment of this project, locked. A comment of another project is not found, nor one that
    the caller may not see.
    """
    comment = ensure_found(await work.comments.get(comment_id))
    if comment.project_id != project_id or not comment.is_visible_to(Viewer.of(caller)):
        raise NotFound
    return comment


async def _authorize_edit(
    work: ProjectUnitOfWork, caller: Caller, project_id: ProjectId, comment_id: CommentId
) -> Comment:
    """The caller's own comment, locked. A new text is like a new comment: blocks forbid both."""
    comment = await _comment(work, caller, project_id, comment_id)
    comment.authorize_edit(caller)
    if await work.comments.is_blocked(project_id, caller.id):
        raise Forbidden
    return comment
