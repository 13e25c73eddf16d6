"""The reader ports over the store in memory, as simple as can be."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from sidepro.domain.accounts.ports import LogInCandidate
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import (
    AccountView,
    ProfileView,
    SessionViewer,
    UserQuery,
    UserSummary,
    UserView,
)
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.coffee_chats.chat_request import REQUEST_TTL, ChatRequest, RequestState
from sidepro.domain.coffee_chats.views import Box, ChatRequestView, RequestQuery
from sidepro.domain.ids import (
    ChatRequestId,
    RoomId,
    SessionId,
    UserId,
)
from sidepro.domain.images.image import MEDIA_TYPE, Image, ImageState
from sidepro.domain.images.urls import ImageKey, ImageUrl
from sidepro.domain.images.views import ImageUsage, OwnImageView
from sidepro.domain.pagination import (
    Page,
    PageRequest,
)
from sidepro.domain.person_stream.views import Badges
from sidepro.domain.recommendations.packed import Population, Similarities
from sidepro.domain.recommendations.ports import Neighbourhood, SimilarityRun
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.rooms.views import RoomView, Unread
from sidepro.domain.text import casefold_key
from sidepro.domain.visibility import ANYBODY
from tests.fakes.board_reader import read_page
from tests.fakes.image_repository import used_images
from tests.fakes.notification_reader import MemoryNotificationReader
from tests.fakes.rooms import policy_for
from tests.fakes.store import MemoryStore


class MemoryCatalogue:
    """See `sidepro.domain.catalogue.ports.CatalogueReader`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def current(self) -> Catalogue:
        return self._store.catalogue

    async def skill_counts(self) -> Mapping[str, int]:
        projects = [p for p in self._store.state.projects.values() if p.is_visible_to(ANYBODY)]
        counts = Counter(skill for project in projects for skill in project.skills)
        return {skill: counts[skill] for skill in self._store.catalogue.skills}


class MemoryReader(MemoryNotificationReader):
    """All other reader ports of `sidepro.domain`, and the neighbour store."""

    # ------------------------------------------------------------------------------- accounts

    async def account(self, user_id: UserId) -> AccountView | None:
        user = self._store.state.users.get(user_id)
        if user is None:
            return None
        profile = self._store.state.profiles.get(user_id)
        return AccountView.of(user, None if profile is None else self._profile(profile))

    async def person(
        self, user_id: UserId, viewer: UserId | None, now: datetime
    ) -> UserView | None:
        user = self._store.state.users.get(user_id)
        return None if user is None else self._person(user, viewer, now)

    def _person(self, user: User, viewer: UserId | None, now: datetime) -> UserView:
        profile = self._store.state.profiles.get(user.id)
        return UserView(
            id=user.id,
            username=user.username,
            created_at=user.created_at,
            profile=None if profile is None else self._profile(profile),
            chat_policy=policy_for(self._store.state, user.id, viewer, now),
            is_blocked=self._store.state.is_blocked(user.id, viewer),
        )

    async def search(
        self, query: UserQuery, page: PageRequest, viewer: UserId | None, now: datetime
    ) -> Page[UserView]:
        people = [self._person(user, viewer, now) for user in self._matching(query)]
        return read_page(
            people, page, lambda view: (casefold_key(view.username),), descending=False
        )

    async def search_size(self, query: UserQuery) -> int:
        return len(self._matching(query))

    def _matching(self, query: UserQuery) -> list[User]:
        users = self._store.state.users.values()
        if query.is_prefix:
            return [user for user in users if user.username_key.startswith(query.key)]
        return [user for user in users if user.username_key == query.key]

    async def log_in_candidate(self, email: str, address: str) -> LogInCandidate | None:
        users = self._store.state.users.values()
        for user in users:
            if user.email_key == casefold_key(email):
                noted_at = self._store.state.known_addresses.get((user.id, address))
                return LogInCandidate(user, noted_at)
        return None

    async def find_user(self, name: str) -> User | None:
        users, key = self._store.state.users.values(), casefold_key(name)
        return next((u for u in users if key in (u.email_key, u.username_key)), None)

    async def users(self, after: UserId | None, limit: int) -> tuple[User, ...]:
        users = sorted(self._store.state.users.values(), key=lambda user: user.id)
        return tuple(user for user in users if after is None or user.id > after)[:limit]

    async def sessions(self, user_id: UserId, page: PageRequest, now: datetime) -> Page[Session]:
        found = [s for s in self._live(now) if s.user_id == user_id]
        return read_page(found, page, lambda s: (s.last_used_at, s.id), descending=True)

    async def session_count(self, user_id: UserId, now: datetime) -> int:
        return sum(s.user_id == user_id for s in self._live(now))

    async def live_sessions(
        self, session_ids: Collection[SessionId], now: datetime
    ) -> frozenset[SessionId]:
        return frozenset(s.id for s in self._live(now) if s.id in session_ids)

    def _live(self, now: datetime) -> list[Session]:
        return [s for s in self._store.state.sessions.values() if not s.is_expired(now)]

    async def session_viewer(self, cookie_digest: bytes, now: datetime) -> SessionViewer | None:
        for session in self._live(now):
            user = self._store.state.users[session.user_id]
            if session.cookie_digest == cookie_digest and user.is_active:
                has_profile = user.id in self._store.state.profiles
                return SessionViewer(
                    session,
                    self._summary(user.id),
                    user.is_admin,
                    user.is_moderator,
                    has_profile,
                    user.time_zone,
                )
        return None

    async def email_taken(self, email: str) -> bool:
        return any(
            user.email_key == casefold_key(email) for user in self._store.state.users.values()
        )

    async def username_taken(self, username: str) -> bool:
        key = casefold_key(username)
        return any(user.username_key == key for user in self._store.state.users.values())

    def _profile(self, profile: Profile) -> ProfileView:
        return ProfileView(
            bio=profile.bio,
            image_url=self._image_url(profile.image_id),
            github_url=profile.github_url,
            skills=profile.skills,
            region=profile.region,
            meet_time=profile.meet_time,
        )

    # --------------------------------------------------------------------------------- images

    async def images(self, owner_id: UserId, page: PageRequest) -> Page[OwnImageView]:
        used = used_images(self._store.state)
        views = [
            OwnImageView(
                id=image.id,
                url=ImageUrl(self._images.base + image.key),
                width=image.width,
                height=image.height,
                media_type=MEDIA_TYPE,
                size=image.size,
                created_at=image.created_at,
                in_use=image.id in used,
            )
            for image in self._stored_images(owner_id)
        ]
        return read_page(views, page, lambda view: (view.created_at, view.id), descending=True)

    async def usage(self, owner_id: UserId) -> ImageUsage:
        sizes = [image.size for image in self._stored_images(owner_id)]
        return ImageUsage(len(sizes), sum(sizes))

    async def sizes(self, keys: Collection[ImageKey]) -> Mapping[ImageKey, tuple[int, int]]:
        rows = self._store.state.images.values()
        stored = [row.image for row in rows if row.state == ImageState.STORED]
        return {image.key: (image.width, image.height) for image in stored if image.key in keys}

    def _stored_images(self, owner_id: UserId) -> list[Image]:
        rows = self._store.state.images.values()
        stored = [row.image for row in rows if row.state == ImageState.STORED]
        return [image for image in stored if image.owner_id == owner_id]

    # ---------------------------------------------------------------------------------- rooms

    async def rooms(self, user_id: UserId, page: PageRequest) -> Page[RoomView]:
        views = [self._room(room, user_id) for room in self._rooms_of(user_id)]
        return read_page(views, page, lambda view: (view.updated_at, view.id), descending=True)

    async def room_count(self, user_id: UserId) -> int:
        return len(self._rooms_of(user_id))

    async def unread(self, user_id: UserId) -> Unread:
        counts = [self._room(room, user_id).unread_count for room in self._rooms_of(user_id)]
        return Unread(sum(count > 0 for count in counts), sum(counts))

    async def room(self, room_id: RoomId, user_id: UserId) -> RoomView | None:
        views = [self._room(r, user_id) for r in self._rooms_of(user_id) if r.id == room_id]
        return views[0] if views else None

    async def views(
        self, keys: Collection[tuple[UserId, RoomId]]
    ) -> Mapping[tuple[UserId, RoomId], RoomView]:
        views = {
            (user_id, room_id): await self.room(room_id, user_id) for user_id, room_id in keys
        }
        return {key: view for key, view in views.items() if view}

    async def id_of_pair(self, one: UserId, other: UserId) -> RoomId | None:
        pair = {one, other}
        for room in self._store.state.rooms.values():
            if {participant.user_id for participant in room.participants} == pair:
                return room.id
        return None

    async def state(self, room_id: RoomId) -> Room | None:
        return self._store.state.rooms.get(room_id)

    async def states(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        rooms = self._store.state.rooms
        return {room_id: rooms[room_id] for room_id in room_ids if room_id in rooms}

    async def messages(
        self, room_id: RoomId, *, after: int | None, before: int | None, limit: int
    ) -> tuple[Message, ...]:
        messages = self._messages(room_id)
        if after is not None:
            return tuple(message for message in messages if message.seq > after)[:limit]
        if before is not None:
            messages = [message for message in messages if message.seq < before]
        return tuple(messages[-limit:])

    async def badges(self, user_ids: Collection[UserId]) -> Mapping[UserId, Badges]:
        found = {}
        for user_id in user_ids:
            unread = await self.unread(user_id)
            notifications = await self.unread_count(user_id)
            requests = [
                request
                for request in self._store.state.chat_requests.values()
                if request.to_id == user_id
                and request.state is RequestState.PENDING
                and request.created_at + REQUEST_TTL > self._store.clock()
            ]
            found[user_id] = Badges(unread.rooms, unread.messages, notifications, len(requests))
        return found

    def _rooms_of(self, user_id: UserId) -> list[Room]:
        return [
            room
            for room in self._store.state.rooms.values()
            if room.left_by != user_id
            and any(participant.user_id == user_id for participant in room.participants)
        ]

    def _messages(self, room_id: RoomId) -> list[Message]:
        messages = self._store.state.messages.items()
        found = [message for (room, _), message in messages if room == room_id]
        return sorted(found, key=lambda message: message.seq)

    def _room(self, room: Room, user_id: UserId) -> RoomView:
        mine, other = sorted(room.participants, key=lambda p: p.user_id != user_id)
        messages = self._messages(room.id)
        unread = [m for m in messages if m.seq > mine.read_seq and m.sender_id != user_id]
        return RoomView(
            id=room.id,
            participant=None if other.user_id is None else self._summary(other.user_id),
            status=room.status(is_online=False),
            left_by=room.visible_left_by,
            last_message=messages[-1].seen_by(user_id) if messages else None,
            last_seq=room.last_seq,
            read_seq=mine.read_seq,
            participant_read_seq=other.seen_seq,
            unread_count=len(unread),
            created_at=room.created_at,
            updated_at=room.updated_at,
            writable=room.is_writable,
        )

    # -------------------------------------------------------------------------------- consent

    async def requests(
        self, user_id: UserId, query: RequestQuery, page: PageRequest, now: datetime
    ) -> Page[ChatRequestView]:
        views = [self._request(one, user_id, now) for one in self._in_box(user_id, query, now)]
        return read_page(views, page, lambda view: (view.created_at, view.id), descending=True)

    async def request_count(self, user_id: UserId, query: RequestQuery, now: datetime) -> int:
        return len(self._in_box(user_id, query, now))

    async def request(
        self, request_id: ChatRequestId, viewer: UserId, now: datetime
    ) -> ChatRequestView | None:
        found = self._store.state.chat_requests.get(request_id)
        if found is None or viewer not in (found.from_id, found.to_id):
            return None
        return self._request(found, viewer, now)

    async def request_views(
        self, keys: Collection[tuple[UserId, ChatRequestId]], now: datetime
    ) -> Mapping[tuple[UserId, ChatRequestId], ChatRequestView]:
        found = {key: await self.request(key[1], key[0], now) for key in keys}
        return {key: view for key, view in found.items() if view}

    def _in_box(self, user_id: UserId, query: RequestQuery, now: datetime) -> list[ChatRequest]:
        return [
            request
            for request in self._store.state.chat_requests.values()
            if user_id == (request.from_id if query.box is Box.SENT else request.to_id)
            if query.state in (None, request.state_for(user_id, now))
        ]

    def _request(self, request: ChatRequest, viewer: UserId, now: datetime) -> ChatRequestView:
        return ChatRequestView(
            id=request.id,
            asker=self._summary(request.from_id),
            recipient=self._summary(request.to_id),
            introduction=request.introduction,
            state=request.state_for(viewer, now),
            room_id=request.room_id,
            created_at=request.created_at,
            settled_at=request.settled_at_for(viewer, now),
        )

    async def blocked(self, user_id: UserId, page: PageRequest) -> Page[UserSummary]:
        blocks = self._store.state.blocks
        people = [self._summary(other) for blocker, other in blocks if blocker == user_id]
        return read_page(
            people, page, lambda person: (blocks[user_id, person.id], person.id), descending=True
        )

    async def blocked_count(self, user_id: UserId) -> int:
        return sum(blocker == user_id for blocker, _ in self._store.state.blocks)

    async def blocks(self, blocker: UserId, blocked: UserId) -> bool:
        return (blocker, blocked) in self._store.state.blocks

    # ------------------------------------------------------------------------ recommendations

    async def population(self) -> Population:
        state = self._store.state
        active = {user.id for user in state.users.values() if user.is_active}
        return Population.of(
            self._store.catalogue.skills,
            {user: p.skills for user, p in state.profiles.items() if user in active},
            {p.author_id for p in state.projects.values() if p.is_visible_to(ANYBODY)},
        )

    async def replace(self, similarities: Similarities, run: SimilarityRun) -> bool:
        """See `sidepro.domain.recommendations.ports.NeighbourStore`."""
        async with self._store.lock:
            state = self._store.state
            stored = state.similarity_run
            if stored and run.computed_at <= stored.computed_at <= datetime.now(UTC):
                return False
            state.similarities, state.similarity_run = similarities, run
        return True

    async def latest(self) -> Similarities | None:
        return self._store.state.similarities

    async def last_run(self) -> SimilarityRun | None:
        return self._store.state.similarity_run

    async def of(self, user_id: UserId) -> Neighbourhood:
        state = self._store.state
        if state.similarities is None or state.similarity_run is None:
            return Neighbourhood((), None)
        near = state.similarities.of(user_id) if user_id in state.users else ()
        return Neighbourhood(
            tuple(one for one in near if one.user_id in state.users),
            state.similarity_run.computed_at,
        )
