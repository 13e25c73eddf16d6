"""All services over one store in memory, and running what is asynchronous without a plugin."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from io import BytesIO
from typing import Any, ParamSpec

import pytest

from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.adapters.in_process.session_registry import InProcessSessionRegistry
from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.administration_service import AdministrationService
from sidepro.domain.accounts.mailed_tokens.email_service import EmailService
from sidepro.domain.accounts.mailed_tokens.password_reset_service import PasswordResetService
from sidepro.domain.accounts.personal.profile_service import ProfileService
from sidepro.domain.accounts.personal.settings_service import SettingsService
from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.blocks.block_service import BlockService
from sidepro.domain.coffee_chats.consent_service import ConsentService
from sidepro.domain.coffee_chats.request_expiry import RequestExpiryService
from sidepro.domain.deletion.withdrawal import WithdrawalService
from sidepro.domain.errors import InvalidInput
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    RoomId,
    UserId,
)
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.images.views import ImageView
from sidepro.domain.images.withholding import ImageWithholding
from sidepro.domain.moderation.moderation_service import ModerationService
from sidepro.domain.moderation.purge_service import PurgeService
from sidepro.domain.moderation.report_service import ReportService
from sidepro.domain.moderation.role_service import RoleService
from sidepro.domain.notifications.notification_service import NotificationService
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.projects.bookmark_service import BookmarkService
from sidepro.domain.projects.comment_service import CommentService
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.project_service import ProjectService
from sidepro.domain.projects.views import ProjectView
from sidepro.domain.recommendations.recommendation_service import RecommendationService
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.domain.rooms.message_writer import MessageWriter
from sidepro.domain.rooms.room_opening import RoomOpener
from sidepro.domain.rooms.room_service import RoomService
from tests import factories
from tests.domain.doubles import (
    BreakingImageStore,
    BrokenUnitOfWork,
    RecordedAuthenticationLog,
    RecordingPubSub,
    RecordingSimilarityTrigger,
    YieldingStore,
)
from tests.fakes.job_lock import MemoryJobLock
from tests.fakes.moderation_reader import MemoryModerationReader
from tests.fakes.readers import MemoryCatalogue, MemoryReader
from tests.similarity_fixtures import ReferenceEngine

Arguments = ParamSpec("Arguments")

DRAFT: dict[str, Any] = {
    "title": "동네 카페 지도",
    "summary": "A map of quiet cafés",
    "content": "# 지도\n\nTake a <b>look</b>.",
    "repository_url": "https://github.com/minji/cafes",
    "thumbnail_id": None,
    "skills": ["Python", "Django"],
}
"""The fields of a valid project."""

PROFILE: dict[str, Any] = {
    "bio": "",
    "image_id": None,
    "github_url": None,
    "skills": ["Python"],
    "region": None,
    "meet_time": None,
}
"""The fields of a valid profile."""


async def error_fields(call: Awaitable[object]) -> list[str | None]:
    """The pointers or parameters of the `InvalidInput` that a call raises."""
    with pytest.raises(InvalidInput) as caught:
        await call
    return [error.pointer or error.parameter for error in caught.value.errors]


def awaited(
    test: Callable[Arguments, Coroutine[Any, Any, None]],
) -> Callable[Arguments, None]:
    """The test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Services:
    """A platform without a database, and short ways to put things into it."""

    def __init__(self) -> None:
        self.clock = factories.SetClock()
        self.store = YieldingStore(factories.CATALOGUE, self.clock)
        self.reader = MemoryReader(self.store)
        self.catalogue = MemoryCatalogue(self.store)
        self.pubsub = RecordingPubSub(self.store)
        self.session_registry = InProcessSessionRegistry(self.reader, self.clock)
        self.passwords = factories.QuickPasswords()
        self.access_tokens = factories.PlainAccessTokens()
        self.audit_log = RecordedAuthenticationLog()
        self.tick_requests = RecordingSimilarityTrigger()
        self.mail_trigger = RecordingSimilarityTrigger()
        self.accounts = AccountService(
            unit_of_work=self.store.unit_of_work,
            reader=self.reader,
            passwords=self.passwords,
            common_passwords=factories.FewCommonPasswords(),
            normalize_email=factories.email_syntax,
            clock=self.clock,
            new_id=factories.new_id,
            session_registry=self.session_registry,
            limiter=None,
            audit_log=self.audit_log,
            mail_trigger=self.mail_trigger,
        )
        self.emails = EmailService(self.accounts)
        self.password_resets = PasswordResetService(self.accounts)
        self.settings = SettingsService(self.store.unit_of_work, self.clock)
        self.profiles = ProfileService(
            unit_of_work=self.store.unit_of_work,
            catalogue=self.catalogue,
            clock=self.clock,
            similarity_trigger=self.tick_requests,
        )
        self.withdrawal = WithdrawalService(
            unit_of_work=self.store.unit_of_work,
            accounts=self.accounts,
            session_registry=self.session_registry,
            events=self.pubsub,
            audit_log=self.audit_log,
        )
        self.sessions = SessionService(
            unit_of_work=self.store.unit_of_work,
            reader=self.reader,
            passwords=self.passwords,
            normalize_email=factories.email_syntax,
            access_tokens=self.access_tokens,
            new_secret=factories.CountingTokens(),
            clock=self.clock,
            new_id=factories.new_id,
            session_registry=self.session_registry,
            session_ttl=factories.SESSION_TTL,
            limiter=None,
            audit_log=self.audit_log,
        )
        self.administration = AdministrationService(
            self.store.unit_of_work,
            self.reader,
            self.accounts,
            self.session_registry,
            self.audit_log,
        )
        notifier = Notifier(self.pubsub, factories.new_id)
        self.notifications = NotificationService(
            self.store.unit_of_work, self.reader, self.pubsub, self.clock
        )
        self.projects = ProjectService(
            unit_of_work=self.store.unit_of_work,
            reader=self.reader,
            catalogue=self.catalogue,
            views=self.reader,
            markdown=factories.escaping,
            image_urls=ImageUrls(),
            images=self.reader,
            notifier=notifier,
            clock=self.clock,
            new_id=factories.new_id,
            log=factories.no_log,
        )
        self.comments = CommentService(
            unit_of_work=self.store.unit_of_work,
            reader=self.reader,
            notifier=notifier,
            clock=self.clock,
            new_id=factories.new_id,
            log=factories.no_log,
        )
        self.bookmarks = BookmarkService(
            self.store.unit_of_work, self.reader, notifier, self.clock
        )
        presence = InProcessPresence()
        self.rooms = RoomService(
            unit_of_work=self.store.unit_of_work,
            reader=self.reader,
            events=self.pubsub,
            presence=presence,
            message_writer=MessageWriter(self.store.unit_of_work, self.pubsub, self.clock),
            epochs=factories.SetEpoch(),
        )
        self.consent = ConsentService(
            unit_of_work=self.store.unit_of_work,
            reader=self.reader,
            rooms=RoomOpener(self.reader, self.pubsub, presence, self.clock, factories.new_id),
            notifier=notifier,
            clock=self.clock,
            new_id=factories.new_id,
        )
        self.request_expiry = RequestExpiryService(self.store.unit_of_work, notifier, self.clock)
        self.blocks = BlockService(self.store.unit_of_work, self.reader, self.pubsub, self.clock)
        self.codec = factories.PlainCodec()
        self.objects = BreakingImageStore()
        self.images = ImageService(
            unit_of_work=self.store.unit_of_work,
            reader=self.reader,
            codec=self.codec,
            store=self.objects,
            urls=ImageUrls(),
            clock=self.clock,
            new_id=factories.new_id,
            new_name=factories.CountingNames(),
            quota=1_000,
        )
        moderation_reader = MemoryModerationReader(self.store)
        self.withholding = ImageWithholding(
            self.store.unit_of_work, self.objects, factories.CountingNames()
        )
        self.reports = ReportService(
            self.store.unit_of_work,
            moderation_reader,
            self.withholding,
            notifier,
            self.clock,
            factories.new_id,
        )
        self.moderation = ModerationService(
            unit_of_work=self.store.unit_of_work,
            reader=moderation_reader,
            accounts=self.reader,
            session_registry=self.session_registry,
            withholding=self.withholding,
            notifier=notifier,
            clock=self.clock,
            new_id=factories.new_id,
        )
        self.roles = RoleService(
            self.store.unit_of_work, self.reader, self.clock, factories.new_id
        )
        self.purge = PurgeService(self.store.unit_of_work, self.clock)
        self.recommendations = RecommendationService(
            reader=self.reader,
            store=self.reader,
        )
        self.engine = ReferenceEngine()
        self.job_lock = MemoryJobLock()
        self.similarity = SimilarityJob(
            population=self.reader,
            engine=self.engine,
            store=self.reader,
            lock=self.job_lock,
            clock=self.clock,
        )

    def fail_commits(self, after: int | None) -> None:
        """Have the store go away after so many commits from now; `None` brings it back."""
        self.store.commits_left = after

    def use(
        self, *, images: dict[str, Any] | None = None, projects: dict[str, Any] | None = None
    ) -> None:
        """Put other ports behind a service."""
        self.images = replace(self.images, **images or {})
        self.projects = replace(self.projects, **projects or {})

    def broken_unit_of_work(self) -> BrokenUnitOfWork:
        """A unit of work over the same store that never manages to commit."""
        return BrokenUnitOfWork(self.store)

    async def person(self, *skills: str, **members: Any) -> Caller:
        """Somebody who is signed in; with skills, somebody who has a profile."""
        user = factories.user(**members)
        async with self.store.unit_of_work() as work:
            await work.users.add(user)
            if skills:
                await work.profiles.save(factories.profile(user.id, skills=skills))
            await work.commit()
        return factories.caller(user)

    async def people(self, count: int) -> list[Caller]:
        """Several people without a profile."""
        return [await self.person() for _ in range(count)]

    def change(self, user_id: UserId, **members: Any) -> None:
        """Change an account as an operator does."""
        users = self.store.state.users
        users[user_id] = replace(users[user_id], **members)

    def forget(self, user_id: UserId) -> None:
        """Take an account away as its owner does."""
        del self.store.state.users[user_id]

    async def image(self, owner: Caller, data: bytes = b"a picture") -> ImageView:
        """An image of this person's."""
        return await self.images.upload(owner, BytesIO(data))

    async def project(self, author: Caller, **members: Any) -> Project:
        """A project on the board."""
        project = factories.project(author.id, **members)
        async with self.store.unit_of_work() as work:
            await work.projects.add(project)
            await work.commit()
        return project

    async def published(self) -> tuple[Caller, ProjectView]:
        """Somebody and the project that they have published."""
        author = await self.person()
        return author, await self.projects.publish(author, **DRAFT)

    async def chat(self) -> tuple[Caller, Caller, RoomId]:
        """Two people and their open room."""
        one, other = await self.people(2)
        room, *_ = await self.consent.open_room(one, other.id)
        self.pubsub.published.clear()
        self.pubsub.changes.clear()
        self.pubsub.stored_at_publish.clear()
        return one, other, room.id
