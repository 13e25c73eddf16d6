"""The data export of the in-memory store."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any

from sidepro.domain.coffee_chats.chat_request import ChatRequest
from sidepro.domain.data_export.ports import RecordT
from sidepro.domain.data_export.views import (
    ExportedAccount,
    ExportedAddress,
    ExportedBlock,
    ExportedBookmark,
    ExportedComment,
    ExportedDecision,
    ExportedImage,
    ExportedMail,
    ExportedMessage,
    ExportedNotification,
    ExportedNotificationSetting,
    ExportedProfile,
    ExportedProject,
    ExportedReceivedRequest,
    ExportedReport,
    ExportedRoom,
    ExportedSentRequest,
    ExportedSession,
    Record,
)
from sidepro.domain.ids import ImageId, UserId
from sidepro.domain.images.image import ImageState
from sidepro.domain.images.urls import ImageUrl, ImageUrls
from tests.fakes.store import MemoryStore


def _record(kind: type[RecordT], entity: object, /, **computed: Any) -> RecordT:
    """A record whose fields are the entity's, except for those that are `computed`."""
    return kind(
        **{
            name: computed[name] if name in computed else getattr(entity, name)
            for name in (field.name for field in fields(kind))
        }
    )


class MemoryDataExportReader:
    """See `sidepro.domain.data_export.ports.DataExportReader`."""

    def __init__(self, store: MemoryStore, images: ImageUrls) -> None:
        self._store = store
        self._images = images

    async def account(self, user_id: UserId) -> ExportedAccount | None:
        user = self._store.state.users.get(user_id)
        if user is None:
            return None
        stored = self._store.state.profiles.get(user_id)
        profile = stored and _record(ExportedProfile, stored, image_url=self._url(stored.image_id))
        return _record(ExportedAccount, user, profile=profile)

    async def section(
        self, kind: type[RecordT], user_id: UserId
    ) -> AsyncIterator[Sequence[RecordT]]:
        sections: dict[type[Record], Callable[[UserId], Iterable[Any]]] = {
            ExportedSession: self._sessions,
            ExportedAddress: self._addresses,
            ExportedMail: self._mails,
            ExportedImage: self._stored_images,
            ExportedProject: self._projects,
            ExportedComment: self._comments,
            ExportedBookmark: self._bookmarks,
            ExportedRoom: self._rooms,
            ExportedMessage: self._messages,
            ExportedReport: self._reports,
            ExportedDecision: self._decisions,
            ExportedSentRequest: self._sent_requests,
            ExportedReceivedRequest: self._received_requests,
            ExportedBlock: self._blocks,
            ExportedNotification: self._notifications,
            ExportedNotificationSetting: self._notification_settings,
        }
        # The first fields of each record are its key.
        records = sorted(sections[kind](user_id), key=astuple)
        if records:
            yield records

    def _sessions(self, me: UserId) -> Iterable[ExportedSession]:
        for session in self._store.state.sessions.values():
            if session.user_id == me:
                yield _record(ExportedSession, session)

    def _addresses(self, me: UserId) -> Iterable[ExportedAddress]:
        for (user_id, address), last_used_at in self._store.state.known_addresses.items():
            if user_id == me:
                yield ExportedAddress(address, last_used_at)

    def _mails(self, me: UserId) -> Iterable[ExportedMail]:
        for mail in self._store.state.mails.values():
            if mail.user_id == me:
                yield _record(ExportedMail, mail)

    def _notifications(self, me: UserId) -> Iterable[ExportedNotification]:
        for entry in self._store.state.notifications.values():
            event = entry.last
            if entry.exists_in(self._store.state) and event.recipient_id == me:
                yield ExportedNotification(
                    id=entry.id,
                    kind=event.kind,
                    project_id=event.project_id,
                    room_id=event.room_id,
                    request_id=event.request_id,
                    created_at=entry.first.at,
                    last_at=event.at,
                    read_at=entry.read_at,
                )

    def _notification_settings(self, me: UserId) -> Iterable[ExportedNotificationSetting]:
        for (owner, kind), delivery in self._store.state.notification_settings.items():
            if owner == me:
                yield ExportedNotificationSetting(kind, delivery)

    def _stored_images(self, me: UserId) -> Iterable[ExportedImage]:
        for stored in self._store.state.images.values():
            if stored.image.owner_id == me and stored.state is ImageState.STORED:
                url = self._images.url(stored.image.key)
                unused_since = stored.unused_since
                yield _record(ExportedImage, stored.image, url=url, unused_since=unused_since)

    def _projects(self, me: UserId) -> Iterable[ExportedProject]:
        for project in self._store.state.projects.values():
            if project.author_id == me:
                counters = self._store.state.counters[project.id]
                yield _record(
                    ExportedProject,
                    project,
                    thumbnail_url=self._url(project.thumbnail_id),
                    view_count=counters.views,
                    bookmark_count=counters.bookmarks,
                    comment_count=counters.comments,
                )

    def _comments(self, me: UserId) -> Iterable[ExportedComment]:
        for comment in self._store.state.comments.values():
            if comment.author_id == me:
                yield _record(ExportedComment, comment)

    def _bookmarks(self, me: UserId) -> Iterable[ExportedBookmark]:
        for (user_id, project_id), created_at in self._store.state.bookmarks.items():
            if user_id == me:
                yield ExportedBookmark(project_id, created_at)

    def _rooms(self, me: UserId) -> Iterable[ExportedRoom]:
        for room in self._store.state.rooms.values():
            low, high = room.participants
            if me in (low.user_id, high.user_id):
                mine, other = (low, high) if low.user_id == me else (high, low)
                left_by = me if room.left_by == me else room.visible_left_by
                yield _record(
                    ExportedRoom,
                    room,
                    participant_id=other.user_id,
                    read_seq=mine.read_seq,
                    left_by=left_by,
                )

    def _messages(self, me: UserId) -> Iterable[ExportedMessage]:
        for message in self._store.state.messages.values():
            if message.sender_id == me:
                yield _record(ExportedMessage, message)

    def _sent_requests(self, me: UserId) -> Iterable[ExportedSentRequest]:
        for request in self._store.state.chat_requests.values():
            if request.from_id == me:
                yield _record(ExportedSentRequest, request, **self._seen_by(me, request))

    def _received_requests(self, me: UserId) -> Iterable[ExportedReceivedRequest]:
        for request in self._store.state.chat_requests.values():
            if request.to_id == me:
                yield _record(ExportedReceivedRequest, request, **self._seen_by(me, request))

    def _seen_by(self, me: UserId, request: ChatRequest) -> dict[str, Any]:
        now = self._store.clock()
        return {
            "state": request.state_for(me, now),
            "settled_at": request.settled_at_for(me, now),
        }

    def _blocks(self, me: UserId) -> Iterable[ExportedBlock]:
        for (blocker, blocked), created_at in self._store.state.blocks.items():
            if blocker == me:
                yield ExportedBlock(blocked, created_at)

    def _reports(self, me: UserId) -> Iterable[ExportedReport]:
        for report in self._store.state.reports.values():
            if report.reporter_id == me:
                target = self._store.state.cases[report.case_id].target
                yield _record(ExportedReport, report, kind=target.kind, target_id=target.text)

    def _decisions(self, me: UserId) -> Iterable[ExportedDecision]:
        for entry in self._store.state.moderation_log.values():
            case = self._store.state.cases[entry.case_id] if entry.case_id else None
            if case is not None and case.author_id == me:
                target = entry.target
                yield _record(ExportedDecision, entry, kind=target.kind, target_id=target.text)

    def _url(self, image_id: ImageId | None) -> ImageUrl | None:
        stored = None if image_id is None else self._store.state.images.get(image_id)
        return None if stored is None else self._images.url(stored.image.key)
