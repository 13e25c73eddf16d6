"""All that is held about a person, out of the store in memory."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from sidepro.domain.data_export import data_export_service as archive
from sidepro.domain.data_export.data_export_service import (
    ExportedAccount,
    ExportedProfile,
    Record,
    RecordT,
)
from sidepro.domain.ids import ImageId, UserId
from sidepro.domain.images.image import ImageState
from sidepro.domain.images.urls import ImageUrl, ImageUrls
from tests.fakes.store import MemoryStore


class MemoryArchive:
    """See `sidepro.domain.data_export.data_export_service.DataExportReader`."""

    def __init__(self, store: MemoryStore, images: ImageUrls) -> None:
        self._store = store
        self._images = images

    async def account(self, user_id: UserId) -> ExportedAccount | None:
        user = self._store.state.users.get(user_id)
        if user is None:
            return None
        profile = self._store.state.profiles.get(user_id)
        return ExportedAccount(
            id=user.id,
            email=user.email,
            username=user.username,
            is_admin=user.is_admin,
            is_active=user.is_active,
            created_at=user.created_at,
            profile=None
            if profile is None
            else ExportedProfile(
                bio=profile.bio,
                image_url=self._url(profile.image_id),
                github_url=profile.github_url,
                skills=profile.skills,
                region=profile.region,
                meet_time=profile.meet_time,
                updated_at=profile.updated_at,
            ),
        )

    async def section(
        self, kind: type[RecordT], user_id: UserId
    ) -> AsyncIterator[Sequence[RecordT]]:
        kinds: dict[type[Record], Callable[[UserId], Iterable[Any]]] = {
            archive.ExportedSession: self._sessions,
            archive.ExportedAddress: self._addresses,
            archive.ExportedImage: self._stored_images,
            archive.ExportedProject: self._projects,
            archive.ExportedComment: self._comments,
            archive.ExportedBookmark: self._bookmarks,
            archive.ExportedRoom: self._rooms,
            archive.ExportedMessage: self._messages,
        }
        # Each begins with what it is ordered by.
        found = sorted(kinds[kind](user_id))
        if found:
            yield [kind(*members) for members in found]

    def _sessions(self, me: UserId) -> Iterable[Any]:
        for one in self._store.state.sessions.values():
            if one.user_id == me:
                yield (
                    *(one.id, one.user_agent, one.created_at, one.last_used_at),
                    *(one.expires_at, one.ends_at),
                )

    def _addresses(self, me: UserId) -> Iterable[Any]:
        for (user_id, address), used in self._store.state.known_addresses.items():
            if user_id == me:
                yield address, used

    def _stored_images(self, me: UserId) -> Iterable[Any]:
        for stored in self._store.state.images.values():
            one = stored.image
            if one.owner_id == me and stored.state is ImageState.STORED:
                yield (
                    *(one.id, self._images.url(one.key), one.width, one.height, one.size),
                    *(one.created_at, stored.unused_since),
                )

    def _projects(self, me: UserId) -> Iterable[Any]:
        for one in self._store.state.projects.values():
            counters = self._store.state.counters[one.id]
            if one.author_id == me:
                yield (
                    *(one.id, one.title, one.summary, one.content, one.repository_url),
                    *(one.skills, self._url(one.thumbnail_id)),
                    *(counters.views, counters.bookmarks, counters.comments),
                    *(one.revision, one.created_at, one.updated_at),
                )

    def _comments(self, me: UserId) -> Iterable[Any]:
        for one in self._store.state.comments.values():
            if one.author_id == me:
                yield one.id, one.project_id, one.body, one.created_at, one.updated_at

    def _bookmarks(self, me: UserId) -> Iterable[Any]:
        for (user_id, project_id), created_at in self._store.state.bookmarks.items():
            if user_id == me:
                yield project_id, created_at

    def _rooms(self, me: UserId) -> Iterable[Any]:
        for one in self._store.state.rooms.values():
            low, high = one.participants
            if me in (low.user_id, high.user_id):
                mine, other = (low, high) if low.user_id == me else (high, low)
                yield (
                    *(one.id, other.user_id, one.left_by, mine.read_seq),
                    *(one.last_seq, one.created_at, one.updated_at),
                )

    def _messages(self, me: UserId) -> Iterable[Any]:
        for one in self._store.state.messages.values():
            if one.sender_id == me:
                yield one.room_id, one.seq, one.body, one.client_id, one.sent_at

    def _url(self, image_id: ImageId | None) -> ImageUrl | None:
        stored = None if image_id is None else self._store.state.images.get(image_id)
        return None if stored is None else self._images.url(stored.image.key)
