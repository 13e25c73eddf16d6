"""What administrators do on their pages."""

from dataclasses import dataclass

from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.administration_service import AdministrationService
from sidepro.domain.accounts.user import MAX_EMAIL
from sidepro.domain.errors import Forbidden, NotFound, ensure_found
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.operations.counter_service import CounterService
from sidepro.domain.operations.job_service import JobService
from sidepro.domain.operations.ports import OperatorReader
from sidepro.domain.operations.views import (
    CommentQuery,
    CounterReport,
    JobState,
    ManagedComment,
    ManagedUser,
    PeopleQuery,
    Totals,
)
from sidepro.domain.operator_log import OperatorAction, OperatorLog
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.comment_service import CommentService
from sidepro.domain.projects.project_service import ProjectService
from sidepro.domain.projects.views import BoardQuery, ProjectCard
from sidepro.domain.text import casefold_key
from sidepro.domain.validation import Validator
from sidepro.domain.violations import MISSING

MAX_REASON = 300
MAX_SEARCH = 100

NOTHING: Page[ProjectCard] = Page((), None, None)
NO_COMMENTS: Page[ManagedComment] = Page((), None, None)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What an administrator gives before something is destroyed: the own password, and a reason
    for the log.
    """

    password: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperatorService:
    """The use cases of administrators.

    All of them raise `NotFound` if the caller is not one. Those with a `Confirmation` raise also:
        InvalidInput: the reason or the password is missing, or the reason breaks its rule.
        WrongPassword, RateLimited: see `AccountService.verify_password`.
    """

    reader: OperatorReader
    accounts: AccountService
    administration: AdministrationService
    projects: ProjectService
    comments: CommentService
    counters: CounterService
    jobs: JobService
    log: OperatorLog

    # ------------------------------------------------------------------------------------ reading

    async def totals(self, caller: Caller) -> Totals:
        """How many people, projects and comments there are."""
        authorize_operator(caller)
        return await self.reader.totals()

    def people_query(self, text: str) -> PeopleQuery:
        """A search by an email if the text has an @, or else by the beginning of a username.

        Raises:
            InvalidInput: the text is too long, or has characters that no name has.
        """
        validator = Validator(parameters=True)
        text = validator.text(text.strip(), "q", MAX_EMAIL, min_length=0, one_line=True)
        validator.raise_errors()
        return PeopleQuery(casefold_key(text), is_email="@" in text)

    async def people(
        self, caller: Caller, query: PeopleQuery, page: PageRequest
    ) -> Page[ManagedUser]:
        """A page of the matching people."""
        authorize_operator(caller)
        return await self.reader.people(query, page)

    async def person(self, caller: Caller, user_id: UserId) -> ManagedUser:
        """One person.

        Raises:
            NotFound: there is no such person.
        """
        authorize_operator(caller)
        return ensure_found(await self.reader.person(user_id))

    async def find_projects(
        self, caller: Caller, text: str, author: str, page: PageRequest
    ) -> Page[ProjectCard]:
        """A page of the projects that match a text and are by the person with this username or
        email, the newest first. Empty texts match all.

        Raises:
            InvalidInput: a text is too long, or has characters that cannot be searched for.
        """
        authorize_operator(caller)
        query = await self.projects.normalize_query(BoardQuery(text=text.strip() or None))
        try:
            author_id = await self._author(author)
        except NotFound:
            return NOTHING
        query = BoardQuery(text=query.text, author=author_id)
        return await self.projects.board(query, page, caller.id)

    async def find_comments(
        self, caller: Caller, text: str, author: str, page: PageRequest
    ) -> Page[ManagedComment]:
        """A page of the comments that contain a text and are by the person with this username or
        email, the newest first. Empty texts match all.

        Raises:
            InvalidInput: a text is too long, or has characters that cannot be searched for.
        """
        authorize_operator(caller)
        validator = Validator(parameters=True)
        found = validator.text(text.strip(), "q", MAX_SEARCH, min_length=0, one_line=True)
        validator.raise_errors()
        try:
            query = CommentQuery(found or None, await self._author(author))
        except NotFound:
            return NO_COMMENTS
        return await self.reader.comments(query, page)

    async def comment(self, caller: Caller, comment_id: CommentId) -> ManagedComment:
        """One comment.

        Raises:
            NotFound: there is no such comment.
        """
        authorize_operator(caller)
        return ensure_found(await self.reader.comment(comment_id))

    async def check_counters(self, caller: Caller) -> CounterReport:
        """All wrong counters."""
        authorize_operator(caller)
        return await self.counters.check()

    async def job_states(self, caller: Caller) -> tuple[JobState, ...]:
        """All jobs with their last completed runs."""
        authorize_operator(caller)
        return await self.jobs.states()

    # ------------------------------------------------------------------------------------ acting

    async def deactivate(
        self, caller: Caller, user_id: UserId, confirmation: Confirmation
    ) -> None:
        """Deactivate an account, which ends its sessions and sockets.

        Raises:
            NotFound: there is no such account.
            Forbidden: it is the caller's own.
        """
        authorize_operator(caller)
        if user_id == caller.id:
            raise Forbidden
        reason = await self._confirmed(caller, confirmation)
        await self.administration.set_account_active(user_id, active=False)
        self.log(OperatorAction.DEACTIVATED, caller.id, target=user_id, reason=reason)

    async def activate(self, caller: Caller, user_id: UserId) -> None:
        """Activate an account.

        Raises:
            NotFound: there is no such account.
        """
        authorize_operator(caller)
        await self.administration.set_account_active(user_id, active=True)
        self.log(OperatorAction.ACTIVATED, caller.id, target=user_id)

    async def remove_project(
        self, caller: Caller, project_id: ProjectId, confirmation: Confirmation
    ) -> None:
        """Delete a project with its comments and bookmarks.

        Raises:
            NotFound: there is no such project.
        """
        authorize_operator(caller)
        reason = await self._confirmed(caller, confirmation)
        await self.projects.delete(caller, project_id, reason=reason)

    async def remove_comment(
        self, caller: Caller, comment_id: CommentId, confirmation: Confirmation
    ) -> None:
        """Delete a comment.

        Raises:
            NotFound: there is no such comment.
        """
        comment = await self.comment(caller, comment_id)
        reason = await self._confirmed(caller, confirmation)
        await self.comments.delete(caller, comment.project_id, comment_id, reason=reason)

    async def repair_counters(self, caller: Caller, confirmation: Confirmation) -> None:
        """Recount the projects whose counters are wrong now."""
        authorize_operator(caller)
        reason = await self._confirmed(caller, confirmation)
        await self.counters.repair(await self.counters.check())
        self.log(OperatorAction.REPAIRED_COUNTERS, caller.id, reason=reason)

    async def run_similarity(self, caller: Caller) -> None:
        """Run the similarity job soon."""
        authorize_operator(caller)
        await self.jobs.run_similarity()
        self.log(OperatorAction.REQUESTED_SIMILARITY, caller.id)

    async def _author(self, name: str) -> UserId | None:
        """The id of the person with this username or email; `None` for a blank name.

        Raises:
            NotFound: there is no such person.
            InvalidInput: no name is like this.
        """
        validator = Validator(parameters=True)
        name = validator.text(name.strip(), "author", MAX_EMAIL, min_length=0, one_line=True)
        validator.raise_errors()
        return (await self.administration.find(name)).id if name else None

    async def _confirmed(self, caller: Caller, confirmation: Confirmation) -> str:
        """The reason, after the checks of the password and of the reason."""
        validator = Validator()
        reason = validator.text(confirmation.reason.strip(), "reason", MAX_REASON)
        if not confirmation.password:
            validator.add(MISSING, "password")
            validator.raise_errors()
        await self.accounts.verify_password(
            caller, confirmation.password, "password", lambda _: validator.raise_errors()
        )
        return reason


def authorize_operator(caller: Caller) -> None:
    """Check that the caller is an administrator.

    Raises:
        NotFound: they are not. What only administrators see does not exist for others.
    """
    if not caller.is_admin:
        raise NotFound
