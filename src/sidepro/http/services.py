"""The services that the routes of all HTTP drivers call."""

from dataclasses import dataclass
from typing import Any

from litestar.di import NamedDependency

from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.mailed_tokens.email_service import EmailService
from sidepro.domain.accounts.mailed_tokens.password_reset_service import PasswordResetService
from sidepro.domain.accounts.personal.profile_service import ProfileService
from sidepro.domain.accounts.personal.settings_service import SettingsService
from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.blocks.block_service import BlockService
from sidepro.domain.catalogue.ports import CatalogueReader
from sidepro.domain.coffee_chats.consent_service import ConsentService
from sidepro.domain.data_export.data_export_service import DataExportService
from sidepro.domain.deletion.withdrawal import WithdrawalService
from sidepro.domain.identity import WriterGate
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.mail.unsubscribe_service import UnsubscribeService
from sidepro.domain.moderation.moderation_service import ModerationService
from sidepro.domain.moderation.report_service import ReportService
from sidepro.domain.moderation.role_service import RoleService
from sidepro.domain.notifications.notification_service import NotificationService
from sidepro.domain.operations.operator_service import OperatorService
from sidepro.domain.pagination import CursorCodec
from sidepro.domain.person_stream.person_stream_service import PersonStreamService
from sidepro.domain.projects.bookmark_service import BookmarkService
from sidepro.domain.projects.comment_service import CommentService
from sidepro.domain.projects.project_service import ProjectService
from sidepro.domain.recommendations.recommendation_service import RecommendationService
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.ticket_service import TicketService


@dataclass(frozen=True, slots=True)
class Services:
    """The services of the routes, the codec of cursors, and the path of the public address."""

    catalogue: CatalogueReader
    accounts: AccountService
    settings: SettingsService
    emails: EmailService
    password_resets: PasswordResetService
    unsubscribe: UnsubscribeService[Any]
    authorize_writer: WriterGate
    profiles: ProfileService
    sessions: SessionService
    data_export: DataExportService
    projects: ProjectService
    comments: CommentService
    bookmarks: BookmarkService
    rooms: RoomService
    consent: ConsentService
    blocks: BlockService
    tickets: TicketService
    person_stream: PersonStreamService
    notifications: NotificationService
    recommendations: RecommendationService
    images: ImageService
    withdrawal: WithdrawalService
    operator: OperatorService
    reports: ReportService
    moderation: ModerationService
    roles: RoleService
    cursors: CursorCodec
    base_path: str = ""


InjectedServices = NamedDependency[Services]
"""The type of a handler's `services` parameter."""
