"""A transaction with its repositories."""

from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.digests import SqlDigests
from sidepro.adapters.sql.engine.database import Database, TransactionSource
from sidepro.adapters.sql.mail.mails import SqlMails
from sidepro.adapters.sql.mail.tokens import SqlAccountTokens, SqlUnsubscribeTokens
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.chat_request_reader import SqlChatRequestReader
from sidepro.adapters.sql.readers.moderation_reader import SqlModerationReader
from sidepro.adapters.sql.readers.notification_reader import SqlNotificationReader
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.repositories.accounts.profiles import SqlProfiles
from sidepro.adapters.sql.repositories.accounts.sessions import SqlSessions
from sidepro.adapters.sql.repositories.accounts.users import SqlUsers
from sidepro.adapters.sql.repositories.blocks import SqlBlocks
from sidepro.adapters.sql.repositories.board.bookmarks import SqlBookmarks
from sidepro.adapters.sql.repositories.board.comments import SqlComments
from sidepro.adapters.sql.repositories.board.projects import SqlProjects
from sidepro.adapters.sql.repositories.chat_requests import SqlChatRequests
from sidepro.adapters.sql.repositories.idempotency import SqlIdempotency
from sidepro.adapters.sql.repositories.images import SqlImages
from sidepro.adapters.sql.repositories.moderation import SqlModeration
from sidepro.adapters.sql.repositories.notifications import SqlNotifications
from sidepro.adapters.sql.repositories.rooms import SqlRooms
from sidepro.adapters.sql.repositories.withheld_images import SqlWithheldImages
from sidepro.domain.images.urls import ImageUrls


class SqlUnitOfWork:
    """See `sidepro.domain.unit_of_work.UnitOfWork`."""

    def __init__(
        self,
        database: Database,
        catalogue: CatalogueCache,
        image_urls: ImageUrls,
        *,
        messages: bool = False,
    ) -> None:
        """See `Database.writing` for `messages`."""
        self._writing = partial(database.writing, messages=messages)
        self._database = database
        self._catalogue = catalogue
        self._image_urls = image_urls
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        connection = await self._stack.enter_async_context(self._writing())
        self._connection, self._source = connection, TransactionSource(connection)
        self.users = SqlUsers(connection)
        self.profiles = SqlProfiles(connection, self._catalogue)
        self.sessions = SqlSessions(connection)
        self.account_tokens = SqlAccountTokens(connection)
        self.mails = SqlMails(connection)
        self.unsubscribe_tokens = SqlUnsubscribeTokens(connection)
        self.projects = SqlProjects(connection, self._catalogue)
        self.comments = SqlComments(connection)
        self.bookmarks = SqlBookmarks(connection)
        self.rooms = SqlRooms(connection)
        self.chat_requests = SqlChatRequests(connection)
        self.blocks = SqlBlocks(connection)
        self.images = SqlImages(connection)
        self.idempotency = SqlIdempotency(connection)
        self.withheld_images = SqlWithheldImages(connection)
        self.moderation = SqlModeration(connection)
        self.notifications = SqlNotifications(connection)
        reader = SqlNotificationReader(self._source, self._image_urls)
        self.digests = SqlDigests(connection, reader)
        return self

    @property
    def account_reader(self) -> SqlAccountReader:
        return SqlAccountReader(self._source, self._catalogue, self._image_urls)

    @property
    def board_reader(self) -> SqlBoardReader:
        return SqlBoardReader(self._source, self._catalogue, self._image_urls)

    @property
    def room_reader(self) -> SqlRoomReader:
        return SqlRoomReader(self._source, self._image_urls)

    @property
    def moderation_reader(self) -> SqlModerationReader:
        return SqlModerationReader(self._source, self._image_urls)

    @property
    def chat_request_reader(self) -> SqlChatRequestReader:
        return SqlChatRequestReader(self._source, self._image_urls)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def commit(self) -> None:
        await self._database.commit(self._connection)
