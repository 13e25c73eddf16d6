"""Everything that is stored, in dictionaries, with units of work that are whole or not at all."""

import asyncio
from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from sidepro.domain.accounts.ports import ADDRESSES_KEPT, Presented
from sidepro.domain.accounts.profile import Catalogue, Profile
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.accounts.user import User
from sidepro.domain.attempts import KEPT_FOR, AttemptName
from sidepro.domain.errors import EmailTaken, KeyReused, NotFound, UsernameTaken
from sidepro.domain.images.addresses import ImageKey
from sidepro.domain.images.image import Image
from sidepro.domain.images.image import State as ImageState
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from sidepro.domain.recommendations.columns import Similarities
from sidepro.domain.recommendations.ports import Run
from sidepro.domain.rooms.ports import MessageName
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.shared import CommentId, ImageId, ProjectId, RoomId, SessionId, UserId

if TYPE_CHECKING:
    from sidepro.adapters.memory.readers import MemoryReader


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image and what is noted of it."""

    image: Image
    state: ImageState
    unused_since: datetime | None


@dataclass(slots=True)
class State:
    """What is stored. Values are immutable: a changed one is not stored until it is saved."""

    users: dict[UserId, User] = field(default_factory=dict)
    profiles: dict[UserId, Profile] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    refresh_tokens: dict[bytes, RefreshToken] = field(default_factory=dict)
    known_addresses: dict[tuple[UserId, str], datetime] = field(default_factory=dict)
    projects: dict[ProjectId, Project] = field(default_factory=dict)
    counters: dict[ProjectId, Counters] = field(default_factory=dict)
    comments: dict[CommentId, Comment] = field(default_factory=dict)
    bookmarks: dict[tuple[UserId, ProjectId], datetime] = field(default_factory=dict)
    rooms: dict[RoomId, Room] = field(default_factory=dict)
    messages: dict[tuple[RoomId, int], Message] = field(default_factory=dict)
    images: dict[ImageId, StoredImage] = field(default_factory=dict)
    shown: dict[ProjectId, frozenset[ImageId]] = field(default_factory=dict)
    similarities: Similarities | None = None
    similarity_run: Run | None = None
    attempts: dict[AttemptName, tuple[bytes, bytes, datetime]] = field(default_factory=dict)

    def copied(self) -> "State":
        """A copy that can be changed without changing this one."""
        return State(**{part.name: copy(getattr(self, part.name)) for part in fields(self)})


class MemoryStore:
    """The stored state, and the lock that makes units of work follow one another."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.state = State()
        self.lock = asyncio.Lock()

    def unit_of_work(self) -> "MemoryUnitOfWork":
        """See `sidepro.domain.unit_of_work.UnitOfWorkFactory`."""
        return MemoryUnitOfWork(self)


class MemoryUnitOfWork:
    """See `sidepro.domain.unit_of_work.UnitOfWork`. Works on a copy, which a commit puts in the
    place of the stored state.
    """

    users: "MemoryUsers"
    profiles: "MemoryProfiles"
    sessions: "MemorySessions"
    projects: "MemoryProjects"
    comments: "MemoryComments"
    bookmarks: "MemoryBookmarks"
    rooms: "MemoryRooms"
    images: "MemoryImages"
    attempts: "MemoryAttempts"

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._state = State()

    async def __aenter__(self) -> "MemoryUnitOfWork":
        await self._store.lock.acquire()
        self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.lock.release()

    @property
    def board_reader(self) -> "MemoryReader":
        from sidepro.adapters.memory.readers import MemoryReader  # noqa: PLC0415 - it imports this

        within = MemoryStore(self._store.catalogue)
        within.state = self._state
        return MemoryReader(within)

    @property
    def room_reader(self) -> "MemoryReader":
        return self.board_reader

    async def commit(self) -> None:
        self._store.state = self._state
        self._begin()

    def _begin(self) -> None:
        self._state = state = self._store.state.copied()
        self.users = MemoryUsers(state)
        self.profiles = MemoryProfiles(state)
        self.sessions = MemorySessions(state)
        self.projects = MemoryProjects(state)
        self.comments = MemoryComments(state)
        self.bookmarks = MemoryBookmarks(state)
        self.rooms = MemoryRooms(state)
        self.images = MemoryImages(state)
        self.attempts = MemoryAttempts(state)


class _Repository:
    def __init__(self, state: State) -> None:
        self._state = state

    def _must_be_there(self, *user_ids: UserId | None) -> None:
        if any(user_id not in self._state.users for user_id in user_ids):
            raise NotFound


class MemoryUsers(_Repository):
    """See `sidepro.domain.accounts.ports.UserRepository`."""

    async def add(self, user: User) -> None:
        for other in self._state.users.values():
            if other.email_key == user.email_key:
                raise EmailTaken
            if other.username_key == user.username_key:
                raise UsernameTaken
        self._state.users[user.id] = user

    async def get(self, user_id: UserId) -> User | None:
        return self._state.users.get(user_id)

    async def get_to_remove(self, user_id: UserId) -> User | None:
        return await self.get(user_id)

    async def save(self, user: User) -> None:
        self._state.users[user.id] = user

    async def remember_address(self, user_id: UserId, address: str, now: datetime) -> None:
        self._must_be_there(user_id)
        known = self._state.known_addresses
        known[user_id, address] = now
        mine = [key for key in known if key[0] == user_id]
        for key in sorted(mine, key=lambda key: (known[key], key), reverse=True)[ADDRESSES_KEPT:]:
            del known[key]

    async def remove(self, user_id: UserId) -> None:
        state = self._state
        projects = MemoryProjects(state)
        for comment in [c for c in state.comments.values() if c.author_id == user_id]:
            del state.comments[comment.id]
            await projects.move_counters(comment.project_id, comments=-1)
        for key in [key for key in state.bookmarks if key[0] == user_id]:
            del state.bookmarks[key]
            await projects.move_counters(key[1], bookmarks=-1)
        for project in [p for p in state.projects.values() if p.author_id == user_id]:
            await projects.delete(project.id)
        await MemorySessions(state).end_all(user_id)
        for place, message in list(state.messages.items()):
            if message.sender_id == user_id:
                state.messages[place] = replace(message, sender_id=None)
        for kept in [kept for kept in state.images.values() if kept.image.owner_id == user_id]:
            ownerless = replace(kept.image, owner_id=None)
            state.images[kept.image.id] = replace(kept, image=ownerless)
        for known in [known for known in state.known_addresses if known[0] == user_id]:
            del state.known_addresses[known]
        for name in [name for name in state.attempts if name.user_id == user_id]:
            del state.attempts[name]
        state.profiles.pop(user_id, None)
        del state.users[user_id]


class MemoryProfiles(_Repository):
    """See `sidepro.domain.accounts.ports.ProfileRepository`."""

    async def get(self, user_id: UserId) -> Profile | None:
        return self._state.profiles.get(user_id)

    async def save(self, profile: Profile) -> None:
        self._must_be_there(profile.user_id)
        self._state.profiles[profile.user_id] = profile


class MemorySessions(_Repository):
    """See `sidepro.domain.accounts.ports.SessionRepository`."""

    async def add(self, session: Session, token: RefreshToken) -> None:
        self._must_be_there(session.user_id)
        for other in list(self._state.sessions.values()):
            if other.user_id == session.user_id and other.is_over(session.created_at):
                await self.end(other.id, other.user_id)
        self._state.sessions[session.id] = session
        self._state.refresh_tokens[token.hash] = token

    async def owner(self, token_hash: bytes) -> UserId | None:
        found = await self.presented(token_hash)
        return None if found is None else found.session.user_id

    async def presented(self, token_hash: bytes) -> Presented | None:
        tokens = self._state.refresh_tokens
        token = tokens.get(token_hash)
        if token is None:
            return None
        successors = [other for other in tokens.values() if other.parent == token.hash]
        return Presented(
            self._state.sessions[token.session_id],
            token,
            any(successor.used_at is not None for successor in successors),
        )

    async def rotate(
        self, session: Session, used: RefreshToken, successor: RefreshToken, now: datetime
    ) -> None:
        self._state.sessions[session.id] = session
        if self._state.refresh_tokens[used.hash].used_at is None:
            self._state.refresh_tokens[used.hash] = replace(used, used_at=now)
        self._state.refresh_tokens[successor.hash] = successor

    async def end(self, session_id: SessionId, user_id: UserId) -> bool:
        session = self._state.sessions.get(session_id)
        if session is None or session.user_id != user_id:
            return False
        del self._state.sessions[session_id]
        tokens = self._state.refresh_tokens
        for token in [token for token in tokens.values() if token.session_id == session_id]:
            del tokens[token.hash]
        return True

    async def end_all(
        self, user_id: UserId, *, but: SessionId | None = None
    ) -> tuple[SessionId, ...]:
        mine = [s.id for s in self._state.sessions.values() if s.user_id == user_id]
        ended = tuple(session_id for session_id in mine if session_id != but)
        for session_id in ended:
            await self.end(session_id, user_id)
        return ended


class MemoryProjects(_Repository):
    """See `sidepro.domain.projects.ports.ProjectRepository`."""

    async def add(self, project: Project) -> None:
        self._must_be_there(project.author_id)
        self._state.projects[project.id] = project
        self._state.counters[project.id] = Counters(0, 0, 0)

    async def get(self, project_id: ProjectId) -> Project | None:
        return self._state.projects.get(project_id)

    async def save(self, project: Project) -> None:
        self._state.projects[project.id] = project

    async def save_html(self, project_id: ProjectId, content_html: str) -> None:
        project = self._state.projects[project_id]
        self._state.projects[project_id] = replace(project, content_html=content_html)

    async def delete(self, project_id: ProjectId) -> None:
        state = self._state
        state.projects.pop(project_id, None)
        state.counters.pop(project_id, None)
        state.shown.pop(project_id, None)
        for comment in [c for c in state.comments.values() if c.project_id == project_id]:
            del state.comments[comment.id]
        for key in [key for key in state.bookmarks if key[1] == project_id]:
            del state.bookmarks[key]

    async def move_counters(
        self, project_id: ProjectId, *, bookmarks: int = 0, comments: int = 0
    ) -> Counters:
        counters = self._state.counters.get(project_id)
        if counters is None:
            raise NotFound
        moved = Counters(
            counters.views, counters.bookmarks + bookmarks, counters.comments + comments
        )
        self._state.counters[project_id] = moved
        return moved


class MemoryComments(_Repository):
    """See `sidepro.domain.projects.ports.CommentRepository`."""

    async def add(self, comment: Comment) -> None:
        self._must_be_there(comment.author_id)
        if comment.project_id not in self._state.projects:
            raise NotFound
        self._state.comments[comment.id] = comment

    async def get(self, comment_id: CommentId) -> Comment | None:
        return self._state.comments.get(comment_id)

    async def save(self, comment: Comment) -> None:
        self._state.comments[comment.id] = comment

    async def delete(self, comment_id: CommentId) -> bool:
        return self._state.comments.pop(comment_id, None) is not None


class MemoryBookmarks(_Repository):
    """See `sidepro.domain.projects.ports.BookmarkRepository`."""

    async def add(self, user_id: UserId, project_id: ProjectId, now: datetime) -> bool:
        self._must_be_there(user_id)
        if project_id not in self._state.projects:
            raise NotFound
        if (user_id, project_id) in self._state.bookmarks:
            return False
        self._state.bookmarks[user_id, project_id] = now
        return True

    async def remove(self, user_id: UserId, project_id: ProjectId) -> bool:
        return self._state.bookmarks.pop((user_id, project_id), None) is not None


class MemoryRooms(_Repository):
    """See `sidepro.domain.rooms.ports.RoomRepository`."""

    async def add_if_absent(self, room: Room) -> bool:
        low, high = (seat.user_id for seat in room.seats)
        self._must_be_there(low, high)
        if self._of_pair(low, high):
            return False
        self._state.rooms[room.id] = room
        return True

    async def get(self, room_id: RoomId) -> Room | None:
        return self._state.rooms.get(room_id)

    async def get_all(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        return {one: room for one in room_ids if (room := self._state.rooms.get(one))}

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        return self._of_pair(one, other)

    async def of_user(self, user_id: UserId) -> tuple[Room, ...]:
        rooms = self._state.rooms.values()
        found = [r for r in rooms if any(seat.user_id == user_id for seat in r.seats)]
        return tuple(sorted(found, key=lambda room: room.id))

    async def save(self, *rooms: Room) -> None:
        for room in rooms:
            self._state.rooms[room.id] = room

    async def delete(self, room_id: RoomId) -> None:
        self._state.rooms.pop(room_id, None)
        for key in [key for key in self._state.messages if key[0] == room_id]:
            del self._state.messages[key]

    async def add_messages(self, *messages: Message) -> None:
        for message in messages:
            if message.sender_id is not None:
                self._must_be_there(message.sender_id)
            self._state.messages[message.room_id, message.seq] = message

    async def named(self, names: Collection[MessageName]) -> dict[MessageName, Message]:
        return {
            (one.room_id, one.sender_id, one.client_id): one
            for one in self._state.messages.values()
            if one.sender_id and one.client_id
            if (one.room_id, one.sender_id, one.client_id) in names
        }

    def _of_pair(self, one: UserId | None, other: UserId | None) -> Room | None:
        pair = {one, other}
        rooms = self._state.rooms.values()
        return next((r for r in rooms if {seat.user_id for seat in r.seats} == pair), None)


class MemoryAttempts(_Repository):
    """See `sidepro.domain.attempts.AttemptRepository`. Units of work follow one another, and so do
    attempts.
    """

    async def claim(self, name: AttemptName, content: bytes, now: datetime) -> bytes | None:
        self._must_be_there(name.user_id)
        known = self._state.attempts
        for old in [old for old, (*_, made) in known.items() if made <= now - KEPT_FOR]:
            del known[old]
        kept = known.get(name)
        if kept is None:
            self._state.attempts[name] = (content, b"", now)
            return None
        if kept[0] != content:
            raise KeyReused
        return kept[1]

    async def keep(self, name: AttemptName, answer: bytes) -> None:
        content, _, now = self._state.attempts[name]
        self._state.attempts[name] = (content, answer, now)

    async def forget(self, user_id: UserId) -> None:
        known = self._state.attempts
        naming = [name for name in known if str(user_id).encode() in known[name][1]]
        for name in naming:
            del known[name]


class MemoryImages(_Repository):
    """See `sidepro.domain.images.ports.ImageRepository`."""

    async def bytes_of(self, user_id: UserId) -> int:
        return sum(
            kept.image.size
            for kept in self._state.images.values()
            if kept.image.owner_id == user_id and kept.state != ImageState.GOING
        )

    async def add(self, image: Image) -> None:
        self._must_be_there(image.owner_id)
        kept = StoredImage(image, ImageState.NEW, image.created_at)
        self._state.images[image.id] = kept

    async def give_up(self, image_id: ImageId) -> None:
        kept = self._state.images.get(image_id)
        if kept is not None and kept.state == ImageState.NEW:
            self._state.images[image_id] = replace(kept, state=ImageState.GOING)

    async def stored(self, image_id: ImageId) -> bool:
        kept = self._state.images.get(image_id)
        if kept is None or kept.state != ImageState.NEW:
            return False
        self._state.images[image_id] = replace(kept, state=ImageState.STORED)
        return True

    async def hold(self, image_id: ImageId, owner_id: UserId) -> bool:
        return image_id in self._stored_of(owner_id)

    async def show(
        self, project_id: ProjectId, owner_id: UserId, keys: Collection[ImageKey]
    ) -> None:
        images = self._stored_of(owner_id).values()
        self._state.shown[project_id] = frozenset(i.id for i in images if i.key in keys)

    async def note_unused(self, now: datetime) -> None:
        used = self._used()
        for image_id, kept in self._state.images.items():
            if kept.state == ImageState.STORED:
                since = None if image_id in used else kept.unused_since or now
                self._state.images[image_id] = replace(kept, unused_since=since)

    async def take_out(
        self, *, unused_before: datetime, unfinished_before: datetime, limit: int
    ) -> tuple[Image, ...]:
        used = self._used()

        def may_go(kept: StoredImage) -> bool:
            match kept.state:
                case ImageState.GOING:
                    return True
                case ImageState.NEW:
                    return kept.image.created_at <= unfinished_before
                case ImageState.STORED:
                    since = kept.unused_since
                    old = since is not None and since <= unused_before
                    return (kept.image.owner_id is None or old) and kept.image.id not in used

        images = self._state.images
        going = sorted((i for i, kept in images.items() if may_go(kept)))[:limit]
        for image_id in going:
            images[image_id] = replace(images[image_id], state=ImageState.GOING)
        return tuple(images[image_id].image for image_id in going)

    async def forget(self, image_ids: Collection[ImageId]) -> None:
        for image_id in image_ids:
            kept = self._state.images.get(image_id)
            if kept is not None and kept.state == ImageState.GOING:
                del self._state.images[image_id]

    def _stored_of(self, owner_id: UserId) -> dict[ImageId, Image]:
        return {
            image_id: kept.image
            for image_id, kept in self._state.images.items()
            if kept.image.owner_id == owner_id and kept.state == ImageState.STORED
        }

    def _used(self) -> frozenset[ImageId | None]:
        state = self._state
        pictures = (profile.image_id for profile in state.profiles.values())
        thumbnails = (project.thumbnail_id for project in state.projects.values())
        return frozenset().union(pictures, thumbnails, *state.shown.values())
