"""Builds the services of all topics from the adapters of a deployment."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sidepro.adapters import system
from sidepro.adapters.factory import SharedState, Storage
from sidepro.adapters.images.codec import PillowCodec
from sidepro.adapters.logs import audit_log, operator_log
from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.security.mail_tokens import HmacMailTokens
from sidepro.adapters.security.passwords import (
    Argon2Passwords,
    CommonPasswordList,
    normalize_email,
)
from sidepro.adapters.security.secret_key import load_or_create_secret
from sidepro.adapters.security.tokens import JwtAccessTokens, derive_key
from sidepro.adapters.sql.counter_audit import SqlCounterAudit
from sidepro.adapters.sql.epoch import SqlEpoch
from sidepro.adapters.sql.job_run_store import SqlJobRunStore
from sidepro.adapters.sql.readers.badge_reader import SqlBadgeReader
from sidepro.adapters.sql.readers.block_reader import SqlBlockReader
from sidepro.adapters.sql.readers.chat_request_reader import SqlChatRequestReader
from sidepro.adapters.sql.readers.data_export_reader import SqlDataExportReader
from sidepro.adapters.sql.readers.image_reader import SqlImageReader
from sidepro.adapters.sql.readers.moderation_reader import SqlModerationReader
from sidepro.adapters.sql.readers.notification_reader import SqlNotificationReader
from sidepro.adapters.sql.readers.operator_reader import SqlOperatorReader
from sidepro.adapters.sql.readers.recommendation_reader import SqlRecommendationReader
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.trending_store import SqlTrendingStore
from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.administration_service import AdministrationService
from sidepro.domain.accounts.mailed_tokens.email_service import EmailService
from sidepro.domain.accounts.mailed_tokens.password_reset_service import PasswordResetService
from sidepro.domain.accounts.personal.profile_service import ProfileService
from sidepro.domain.accounts.personal.settings_service import SettingsService
from sidepro.domain.accounts.ports import SimilarityTrigger
from sidepro.domain.accounts.session import SessionTtl
from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.accounts.writer_gate import VerifiedWriterGate
from sidepro.domain.blocks.block_service import BlockService
from sidepro.domain.coffee_chats.consent_service import ConsentService
from sidepro.domain.data_export.data_export_service import DataExportService
from sidepro.domain.deletion.withdrawal import WithdrawalService
from sidepro.domain.digests.digest_service import UNSUBSCRIBE_KINDS, stop_mails
from sidepro.domain.identity import WriterGate, everybody_may_write
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.images.withholding import ImageWithholding
from sidepro.domain.mail.ports import MailTrigger
from sidepro.domain.mail.unsubscribe_service import UnsubscribeService
from sidepro.domain.moderation.moderation_service import ModerationService
from sidepro.domain.moderation.report_service import ReportService
from sidepro.domain.moderation.role_service import RoleService
from sidepro.domain.notifications.notification_service import NotificationService
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.operations.counter_service import CounterService
from sidepro.domain.operations.job_service import JobService
from sidepro.domain.operations.operator_service import OperatorService
from sidepro.domain.pagination import CursorCodec
from sidepro.domain.person_stream.person_stream_service import PersonStreamService
from sidepro.domain.projects.bookmark_service import BookmarkService
from sidepro.domain.projects.comment_service import CommentService
from sidepro.domain.projects.project_service import ProjectService
from sidepro.domain.recommendations.recommendation_service import RecommendationService
from sidepro.domain.rooms.message_writer import MessageWriter
from sidepro.domain.rooms.room_opening import RoomOpener
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.ticket_service import TicketService
from sidepro.http.services import Services
from sidepro.settings import Settings


@dataclass(frozen=True, slots=True)
class Security:
    """Signers with keys derived from the secret keys, and the password hasher."""

    passwords: Argon2Passwords
    tokens: JwtAccessTokens
    cursors: CursorCodec
    mail_tokens: HmacMailTokens


@dataclass(frozen=True, slots=True)
class Media:
    """The image codec and the Markdown renderer."""

    codec: PillowCodec
    markdown: SafeMarkdown


def build_security(settings: Settings) -> Security:
    """Derives keys from the secret keys. The first one signs.

    Raises:
        OSError: the secret key of an embedded platform cannot be stored in the data folder.
    """
    secret_keys = settings.secret_key or (load_or_create_secret(settings.data_dir),)
    return Security(
        passwords=Argon2Passwords(),
        tokens=JwtAccessTokens(
            [derive_key(key, "access tokens") for key in secret_keys],
            settings.public_url or "sidepro",
            settings.access_token_ttl,
            system.clock,
        ),
        cursors=CursorCodec([derive_key(key, "cursors") for key in secret_keys]),
        mail_tokens=HmacMailTokens([derive_key(key, "mail tokens") for key in secret_keys]),
    )


def build_services(
    settings: Settings,
    public_url: str,
    storage: Storage,
    shared: SharedState,
    security: Security,
    media: Media,
    message_writer: MessageWriter,
    similarity_trigger: SimilarityTrigger,
    mail_trigger: MailTrigger,
) -> Services:
    accounts = _build_accounts(storage, shared, security, mail_trigger)
    authorize_writer = (
        VerifiedWriterGate(storage.accounts)
        if settings.requires_verified_email
        else everybody_may_write
    )
    rooms = _build_rooms(storage, shared, message_writer, authorize_writer)
    notifier = Notifier(shared.events, system.new_id)
    notifications = NotificationService(
        storage.unit_of_work,
        SqlNotificationReader(storage.database, storage.image_urls),
        shared.events,
        system.clock,
    )
    projects = _build_projects(storage, media, notifier)
    comments = CommentService(
        storage.unit_of_work, storage.board, notifier, system.clock, system.new_id, operator_log
    )
    moderation_reader = SqlModerationReader(storage.database, storage.image_urls)
    withholding = ImageWithholding(storage.unit_of_work, storage.images, system.new_image_name)
    return Services(
        catalogue=storage.catalogue,
        accounts=accounts,
        settings=SettingsService(storage.unit_of_work, system.clock),
        emails=EmailService(accounts),
        password_resets=PasswordResetService(accounts),
        unsubscribe=UnsubscribeService(
            storage.unit_of_work, dict.fromkeys(UNSUBSCRIBE_KINDS, stop_mails)
        ),
        authorize_writer=authorize_writer,
        profiles=ProfileService(
            storage.unit_of_work, storage.catalogue, system.clock, similarity_trigger
        ),
        sessions=_build_sessions(settings, storage, shared, security),
        withdrawal=WithdrawalService(
            storage.unit_of_work, accounts, shared.session_registry, shared.events, audit_log
        ),
        data_export=DataExportService(
            SqlDataExportReader(
                storage.database, storage.catalogue_cache, storage.image_urls, system.clock
            ),
            shared.neighbours,
        ),
        projects=projects,
        comments=comments,
        bookmarks=BookmarkService(storage.unit_of_work, storage.board, notifier, system.clock),
        rooms=rooms,
        consent=_build_consent(storage, shared, notifier),
        blocks=BlockService(
            storage.unit_of_work,
            SqlBlockReader(storage.database, storage.image_urls),
            shared.events,
            system.clock,
        ),
        tickets=TicketService(rooms, shared.tickets, system.new_secret),
        person_stream=PersonStreamService(
            SqlBadgeReader(storage.database, system.clock),
            rooms,
            notifications.reader,
            SqlChatRequestReader(storage.database, storage.image_urls),
            system.clock,
        ),
        notifications=notifications,
        recommendations=RecommendationService(
            SqlRecommendationReader(storage.database, storage.catalogue_cache, storage.image_urls),
            shared.neighbours,
        ),
        images=_build_images(settings, storage, media, withholding),
        operator=OperatorService(
            reader=SqlOperatorReader(storage.database, storage.image_urls),
            accounts=accounts,
            administration=AdministrationService(
                storage.unit_of_work,
                storage.accounts,
                accounts,
                shared.session_registry,
                audit_log,
            ),
            projects=projects,
            comments=comments,
            counters=CounterService(SqlCounterAudit(storage.database), system.clock),
            jobs=JobService(
                SqlJobRunStore(storage.database),
                shared.neighbours,
                SqlTrendingStore(storage.database),
                similarity_trigger,
                system.clock,
            ),
            log=operator_log,
        ),
        reports=ReportService(
            storage.unit_of_work,
            moderation_reader,
            withholding,
            notifier,
            system.clock,
            system.new_id,
        ),
        moderation=ModerationService(
            unit_of_work=storage.unit_of_work,
            reader=moderation_reader,
            accounts=storage.accounts,
            session_registry=shared.session_registry,
            withholding=withholding,
            notifier=notifier,
            clock=system.clock,
            new_id=system.new_id,
        ),
        roles=RoleService(storage.unit_of_work, storage.accounts, system.clock, system.new_id),
        cursors=security.cursors,
        base_path=urlsplit(public_url).path,
    )


def _build_projects(storage: Storage, media: Media, notifier: Notifier) -> ProjectService:
    return ProjectService(
        unit_of_work=storage.unit_of_work,
        reader=storage.board,
        catalogue=storage.catalogue,
        views=storage.views,
        markdown=media.markdown.in_thread,
        image_urls=storage.image_urls,
        images=SqlImageReader(storage.database, storage.image_urls),
        notifier=notifier,
        clock=system.clock,
        new_id=system.new_id,
        log=operator_log,
    )


def _build_images(
    settings: Settings, storage: Storage, media: Media, withholding: ImageWithholding
) -> ImageService:
    return ImageService(
        unit_of_work=storage.unit_of_work,
        reader=SqlImageReader(storage.database, storage.image_urls),
        codec=media.codec,
        store=storage.images,
        urls=storage.image_urls,
        clock=system.clock,
        new_id=system.new_id,
        new_name=system.new_image_name,
        quota=settings.image_quota_bytes,
        withholding=withholding,
    )


def _build_accounts(
    storage: Storage, shared: SharedState, security: Security, mail_trigger: MailTrigger
) -> AccountService:
    return AccountService(
        unit_of_work=storage.unit_of_work,
        reader=storage.accounts,
        passwords=security.passwords,
        common_passwords=CommonPasswordList(),
        normalize_email=normalize_email,
        clock=system.clock,
        new_id=system.new_id,
        session_registry=shared.session_registry,
        limiter=shared.rate_limiter,
        audit_log=audit_log,
        mail_trigger=mail_trigger,
    )


def _build_sessions(
    settings: Settings,
    storage: Storage,
    shared: SharedState,
    security: Security,
) -> SessionService:
    return SessionService(
        unit_of_work=storage.unit_of_work,
        reader=storage.accounts,
        passwords=security.passwords,
        normalize_email=normalize_email,
        access_tokens=security.tokens,
        new_secret=system.new_secret,
        clock=system.clock,
        new_id=system.new_id,
        session_registry=shared.session_registry,
        session_ttl=SessionTtl(settings.refresh_token_ttl, settings.session_ttl),
        limiter=shared.rate_limiter,
        audit_log=audit_log,
    )


def _build_rooms(
    storage: Storage,
    shared: SharedState,
    message_writer: MessageWriter,
    authorize_writer: WriterGate,
) -> RoomService:
    return RoomService(
        unit_of_work=storage.unit_of_work,
        reader=SqlRoomReader(storage.database, storage.image_urls),
        events=shared.events,
        presence=shared.presence,
        message_writer=message_writer,
        epochs=SqlEpoch(storage.database),
        authorize_writer=authorize_writer,
    )


def _build_consent(storage: Storage, shared: SharedState, notifier: Notifier) -> ConsentService:
    return ConsentService(
        unit_of_work=storage.unit_of_work,
        reader=SqlChatRequestReader(storage.database, storage.image_urls),
        rooms=RoomOpener(
            reader=SqlRoomReader(storage.database, storage.image_urls),
            events=shared.events,
            presence=shared.presence,
            clock=system.clock,
            new_id=system.new_id,
        ),
        notifier=notifier,
        clock=system.clock,
        new_id=system.new_id,
    )
