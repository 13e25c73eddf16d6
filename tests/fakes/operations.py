"""The ports of the operations topic over the store in memory."""

from collections.abc import Mapping

from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CommentId, UserId
from sidepro.domain.operations.views import (
    CommentQuery,
    Job,
    JobRun,
    ManagedComment,
    ManagedUser,
    PeopleQuery,
    Totals,
)
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.comment import Comment
from sidepro.domain.text import casefold_key
from tests.fakes.board_reader import read_page
from tests.fakes.store import MemoryStore


class MemoryOperatorReader:
    """See `sidepro.domain.operations.ports.OperatorReader`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def people(self, query: PeopleQuery, page: PageRequest) -> Page[ManagedUser]:
        users = self._store.state.users.values()
        if query.is_email:
            found = [self._managed(user) for user in users if user.email_key == query.key]
            return Page(tuple(found), None, None)
        found = [self._managed(user) for user in users if user.username_key.startswith(query.key)]
        if query.key:
            return read_page(
                found, page, lambda one: (casefold_key(one.username),), descending=False
            )
        return read_page(found, page, lambda one: (one.id,), descending=True)

    async def person(self, user_id: UserId) -> ManagedUser | None:
        user = self._store.state.users.get(user_id)
        return None if user is None else self._managed(user)

    async def comments(self, query: CommentQuery, page: PageRequest) -> Page[ManagedComment]:
        found = [
            self._comment(comment)
            for comment in self._store.state.comments.values()
            if query.author in (None, comment.author_id)
            and (query.text is None or query.text.lower() in comment.body.lower())
        ]
        return read_page(found, page, lambda one: (one.id,), descending=True)

    async def comment(self, comment_id: CommentId) -> ManagedComment | None:
        comment = self._store.state.comments.get(comment_id)
        return None if comment is None else self._comment(comment)

    async def totals(self) -> Totals:
        state = self._store.state
        return Totals(len(state.users), len(state.projects), len(state.comments))

    def _managed(self, user: User) -> ManagedUser:
        state = self._store.state
        return ManagedUser(
            id=user.id,
            username=user.username,
            email=user.email,
            is_admin=user.is_admin,
            is_active=user.is_active,
            created_at=user.created_at,
            projects=sum(each.author_id == user.id for each in state.projects.values()),
            comments=sum(each.author_id == user.id for each in state.comments.values()),
        )

    def _comment(self, comment: Comment) -> ManagedComment:
        state = self._store.state
        author = state.users[comment.author_id]
        return ManagedComment(
            id=comment.id,
            project_id=comment.project_id,
            project_title=state.projects[comment.project_id].title,
            author=UserSummary(author.id, author.username, None),
            body=comment.body,
            created_at=comment.created_at,
        )


class MemoryJobRunStore:
    """See `sidepro.domain.operations.ports.JobRunStore`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def save(self, run: JobRun) -> None:
        async with self._store.lock:
            self._store.state.job_runs[run.job] = run

    async def last_runs(self) -> Mapping[Job, JobRun]:
        return dict(self._store.state.job_runs)
