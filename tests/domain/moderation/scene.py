"""People who report, and moderators who decide, over a store in memory."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from sidepro.domain.accounts.user import User
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CommentId, RoomId
from sidepro.domain.moderation.case import Action
from sidepro.domain.moderation.report import TRUSTED_AFTER, ReportReason
from sidepro.domain.moderation.report_service import ReportResult
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.moderation.views import CaseDetails, CaseQuery
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.project import Project
from sidepro.domain.visibility import Visibility
from tests.domain.services import Services

ALL = PageRequest(100)


class Scene:
    """An author with a project, a comment on it and a room, and somebody who reports them."""

    author: Caller
    reporter: Caller
    moderator: Caller
    project: Project
    comment_id: CommentId
    room_id: RoomId

    def __init__(self, services: Services) -> None:
        self.services = services

    @classmethod
    async def build(cls, services: Services) -> "Scene":
        made = cls(services)
        made.moderator = await services.person(is_moderator=True)
        made.author, made.reporter, made.room_id = await services.chat()
        made.project = await services.project(made.author)
        comment = await services.comments.write(made.author, made.project.id, "광고 댓글")
        made.comment_id = comment.id
        await services.rooms.send(made.author, made.room_id, "광고 메시지", None)
        return made

    def target(self, kind: TargetKind) -> Target:
        """Something of the author."""
        match kind:
            case TargetKind.PROJECT:
                return Target.project(self.project.id)
            case TargetKind.COMMENT:
                return Target.comment(self.comment_id)
            case TargetKind.MESSAGE:
                return Target.message(self.room_id, 1)
            case TargetKind.USER:
                return Target.user(self.author.id)

    def visibility(self, target: Target) -> Visibility:
        """What the target is now."""
        state = self.services.store.state
        match target.kind:
            case TargetKind.PROJECT:
                return state.projects[self.project.id].visibility
            case TargetKind.COMMENT:
                return state.comments[self.comment_id].visibility
            case TargetKind.MESSAGE:
                return state.messages[self.room_id, target.seq or 0].visibility
            case TargetKind.USER:
                return Visibility.VISIBLE

    async def trusted(self, **members: object) -> Caller:
        """Somebody whose account is just old enough for their reports to count."""
        age = TRUSTED_AFTER + timedelta(microseconds=1)
        created_at = self.services.clock.now - age
        return await self.services.person(**{"created_at": created_at, **members})

    async def report(
        self, target: Target, by: Caller | None = None, text: str | None = None
    ) -> ReportResult:
        reporter = by or self.reporter
        return await self.services.reports.report(reporter, target, ReportReason.SPAM, text)

    async def case(self, target: Target) -> CaseDetails:
        """The case of a target."""
        page = await self.services.moderation.cases(self.moderator, CaseQuery(), ALL)
        (found,) = [case.id for case in page.items if case.target == target]
        return await self.services.moderation.case(self.moderator, found)

    async def reported(self, target: Target) -> CaseDetails:
        """The case of a target that was just reported."""
        await self.report(target)
        return await self.case(target)

    async def decide(
        self,
        details: CaseDetails,
        action: Action,
        days: int | None = None,
        by: Caller | None = None,
    ) -> CaseDetails:
        case = details.case
        return await self.services.moderation.decide(
            by or self.moderator, case.id, case.version, action, days, "규칙 위반"
        )

    async def reverse(self, details: CaseDetails, by: Caller | None = None) -> CaseDetails:
        case = details.case
        return await self.services.moderation.reverse(
            by or self.moderator, case.id, case.version, "잘못 봤어요"
        )

    def stored(self, person: Caller) -> User:
        return self.services.store.state.users[person.id]

    async def kinds_told(self, person: Caller) -> list[tuple[str, object]]:
        """The kinds and actors of a person's notifications."""
        page = await self.services.notifications.notifications(person, ALL)
        return [(entry.kind.value, entry.actor) for entry in page.items]


def acts(
    services: Services, by: Caller, details: CaseDetails
) -> dict[str, Callable[[], Awaitable[CaseDetails]]]:
    """Each call of a moderator that changes this case."""
    case, service = details.case, services.moderation
    return {
        "claim": partial(service.claim, by, case.id, case.version),
        "decide": partial(
            service.decide, by, case.id, case.version, Action.DISMISS, None, "괜찮아요"
        ),
        "reverse": partial(service.reverse, by, case.id, case.version, "잘못 봤어요"),
    }
