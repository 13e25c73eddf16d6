"""The reader ports over the store in memory: the plainest thing that gives the right answer."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from sidepro.adapters.sql.repositories.projects import search_text
from sidepro.adapters.sql.search.filters import Candidate, filters_of
from sidepro.domain.accounts.ports import LogInCandidate
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import AccountView, ProfileView, UserSummary
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import (
    CommentId,
    ImageId,
    ProjectId,
    RoomId,
    SessionId,
    UserId,
)
from sidepro.domain.images.urls import ImageUrl, ImageUrls
from sidepro.domain.pagination import (
    Page,
    PageRequest,
    SortKey,
    build_page,
)
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import Counters, StoredMarkdown
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.views import (
    BoardQuery,
    CommentView,
    ProjectCard,
    ProjectView,
    Sort,
)
from sidepro.domain.recommendations.packed import Population, Similarities
from sidepro.domain.recommendations.ports import Neighbourhood, SimilarityRun
from sidepro.domain.rooms.room import Message, Room, RoomStatus
from sidepro.domain.rooms.views import RoomView
from sidepro.domain.text import casefold_key
from tests.fakes.store import MemoryStore

Item = TypeVar("Item")


class MemoryCatalogue:
    """See `sidepro.domain.catalogue.ports.CatalogueReader`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def current(self) -> Catalogue:
        return self._store.catalogue


class MemoryReader:
    """All other reader ports of `sidepro.domain`, the view counter and the neighbour store."""

    def __init__(self, store: MemoryStore, images: ImageUrls | None = None) -> None:
        self._store = store
        self._images = images or ImageUrls()

    # ------------------------------------------------------------------------------- accounts

    async def account(self, user_id: UserId) -> AccountView | None:
        user = self._store.state.users.get(user_id)
        if user is None:
            return None
        profile = self._store.state.profiles.get(user_id)
        return AccountView(
            id=user.id,
            username=user.username,
            created_at=user.created_at,
            profile=None if profile is None else self._profile(profile),
            email=user.email,
            is_admin=user.is_admin,
        )

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
        return _page(found, page, lambda s: (s.last_used_at, s.id), descending=True)

    async def session_count(self, user_id: UserId, now: datetime) -> int:
        return sum(s.user_id == user_id for s in self._live(now))

    async def live_sessions(
        self, session_ids: Collection[SessionId], now: datetime
    ) -> frozenset[SessionId]:
        return frozenset(s.id for s in self._live(now) if s.id in session_ids)

    def _live(self, now: datetime) -> list[Session]:
        return [s for s in self._store.state.sessions.values() if not s.is_expired(now)]

    async def email_taken(self, email: str) -> bool:
        return any(
            user.email_key == casefold_key(email) for user in self._store.state.users.values()
        )

    async def username_taken(self, username: str) -> bool:
        key = casefold_key(username)
        return any(user.username_key == key for user in self._store.state.users.values())

    # ---------------------------------------------------------------------------------- board

    async def add(self, project_id: ProjectId) -> bool:
        """Count a view. See `sidepro.domain.projects.ports.ViewCounter`."""
        async with self._store.lock:
            counters = self._store.state.counters.get(project_id)
            if counters is None:
                return False
            viewed = replace(counters, views=counters.views + 1)
            self._store.state.counters[project_id] = viewed
        return True

    async def board(
        self, query: BoardQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        cards = [self._card(project, viewer) for project in self._found(query)]
        return _page(cards, page, _KEYS[query.sort], descending=True)

    async def board_size(self, query: BoardQuery) -> int:
        return len(self._found(query))

    async def bookmarked_by(
        self, user_id: UserId, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        state = self._store.state
        cards = [
            self._card(state.projects[project_id], viewer)
            for owner, project_id in state.bookmarks
            if owner == user_id
        ]
        return _page(
            cards,
            page,
            lambda card: (state.bookmarks[user_id, card.id], card.id),
            descending=True,
        )

    async def bookmarks_of(self, user_id: UserId) -> int:
        return sum(owner == user_id for owner, _ in self._store.state.bookmarks)

    async def project(self, project_id: ProjectId, viewer: UserId | None) -> ProjectView | None:
        project = self._store.state.projects.get(project_id)
        if project is None:
            return None
        return ProjectView(
            card=self._card(project, viewer),
            content=project.content,
            content_html=self._images.in_html(project.content_html),
            repository_url=project.repository_url,
            revision=project.revision,
        )

    async def texts(self, after: ProjectId | None, limit: int) -> tuple[StoredMarkdown, ...]:
        projects = sorted(self._store.state.projects.values(), key=lambda project: project.id)
        texts = (StoredMarkdown(p.id, p.content, p.content_html) for p in projects)
        return tuple(t for t in texts if after is None or t.project_id > after)[:limit]

    async def comments(self, project_id: ProjectId, page: PageRequest) -> Page[CommentView]:
        views = [
            self._comment(comment)
            for comment in self._store.state.comments.values()
            if comment.project_id == project_id
        ]
        return _page(views, page, lambda view: (view.created_at, view.id), descending=False)

    async def comment(self, comment_id: CommentId) -> CommentView | None:
        comment = self._store.state.comments.get(comment_id)
        return None if comment is None else self._comment(comment)

    async def counters(self, project_id: ProjectId) -> Counters | None:
        return self._store.state.counters.get(project_id)

    def _found(self, query: BoardQuery) -> list[Project]:
        state, skills = self._store.state, self._store.catalogue.skills
        filters = filters_of(query, {name: number for number, name in enumerate(skills)})

        def matches(project: Project) -> bool:
            username_key = state.users[project.author_id].username_key
            candidate = Candidate(
                search_text(project.title, project.summary, username_key),
                frozenset(map(skills.index, project.skills)),
                project.author_id,
            )
            return all(one.matches(candidate) for one in filters)

        return [project for project in state.projects.values() if matches(project)]

    def _card(self, project: Project, viewer: UserId | None) -> ProjectCard:
        state = self._store.state
        counters = state.counters[project.id]
        return ProjectCard(
            id=project.id,
            title=project.title,
            summary=project.summary,
            skills=project.skills,
            thumbnail_url=self._image_url(project.thumbnail_id),
            author=self._summary(project.author_id),
            view_count=counters.views,
            bookmark_count=counters.bookmarks,
            comment_count=counters.comments,
            bookmarked=None if viewer is None else (viewer, project.id) in state.bookmarks,
            created_at=project.created_at,
            updated_at=project.updated_at,
        )

    def _comment(self, comment: Comment) -> CommentView:
        return CommentView(
            id=comment.id,
            author=self._summary(comment.author_id),
            body=comment.body,
            created_at=comment.created_at,
            updated_at=comment.updated_at,
        )

    def _summary(self, user_id: UserId) -> UserSummary:
        profile = self._store.state.profiles.get(user_id)
        image_id = None if profile is None else profile.image_id
        username = self._store.state.users[user_id].username
        return UserSummary(user_id, username, self._image_url(image_id))

    def _profile(self, profile: Profile) -> ProfileView:
        return ProfileView(
            bio=profile.bio,
            image_url=self._image_url(profile.image_id),
            github_url=profile.github_url,
            skills=profile.skills,
            region=profile.region,
            meet_time=profile.meet_time,
        )

    def _image_url(self, image_id: ImageId | None) -> ImageUrl | None:
        kept = None if image_id is None else self._store.state.images.get(image_id)
        return None if kept is None else self._images.url(kept.image.key)

    # ---------------------------------------------------------------------------------- rooms

    async def rooms(self, user_id: UserId, page: PageRequest) -> Page[RoomView]:
        views = [self._room(room, user_id) for room in self._rooms_of(user_id)]
        return _page(views, page, lambda view: (view.updated_at, view.id), descending=True)

    async def room_count(self, user_id: UserId) -> int:
        return len(self._rooms_of(user_id))

    async def room(self, room_id: RoomId, user_id: UserId) -> RoomView | None:
        views = [self._room(r, user_id) for r in self._rooms_of(user_id) if r.id == room_id]
        return views[0] if views else None

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

    def _rooms_of(self, user_id: UserId) -> list[Room]:
        return [
            room
            for room in self._store.state.rooms.values()
            if room.left_by != user_id
            and any(seat.user_id == user_id for seat in room.participants)
        ]

    def _messages(self, room_id: RoomId) -> list[Message]:
        messages = self._store.state.messages.items()
        found = [message for (room, _), message in messages if room == room_id]
        return sorted(found, key=lambda message: message.seq)

    def _room(self, room: Room, user_id: UserId) -> RoomView:
        mine, other = sorted(room.participants, key=lambda seat: seat.user_id != user_id)
        messages = self._messages(room.id)
        unread = [m for m in messages if m.seq > mine.read_seq and m.sender_id != user_id]
        return RoomView(
            id=room.id,
            participant=None if other.user_id is None else self._summary(other.user_id),
            status=RoomStatus.PENDING if room.is_pending else RoomStatus.STOP,
            left_by=room.left_by,
            last_message=messages[-1] if messages else None,
            last_seq=room.last_seq,
            read_seq=mine.read_seq,
            participant_read_seq=other.read_seq,
            unread_count=len(unread),
            created_at=room.created_at,
            updated_at=room.updated_at,
        )

    # ------------------------------------------------------------------------ recommendations

    async def population(self) -> Population:
        state = self._store.state
        active = {user.id for user in state.users.values() if user.is_active}
        return Population.of(
            self._store.catalogue.skills,
            {user: p.skills for user, p in state.profiles.items() if user in active},
            {project.author_id for project in state.projects.values()},
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

    async def projects_by_author(
        self, authors: Collection[UserId], viewer: UserId, *, most: int, first: int
    ) -> Mapping[UserId, tuple[ProjectCard, ...]]:
        published: defaultdict[UserId, list[Project]] = defaultdict(list)
        for project in self._recommendable():
            if project.author_id in authors:
                published[project.author_id].append(project)
        hands = {}
        for author, projects in published.items():
            start = first % len(projects)
            circle = projects[start:] + projects[:start]
            hands[author] = tuple(self._card(project, viewer) for project in circle[:most])
        return hands

    async def popular(self, viewer: UserId, limit: int) -> tuple[ProjectCard, ...]:
        others = [p for p in self._recommendable() if p.author_id != viewer]
        cards = [self._card(project, viewer) for project in others]
        return tuple(sorted(cards, key=_KEYS[Sort.POPULAR], reverse=True)[:limit])

    def _recommendable(self) -> Iterable[Project]:
        state = self._store.state
        found = [p for p in state.projects.values() if state.users[p.author_id].is_active]
        return sorted(found, key=lambda project: project.id)


_KEYS: dict[Sort, Callable[[ProjectCard], SortKey]] = {
    Sort.NEWEST: lambda card: (card.created_at, card.id),
    Sort.VIEWS: lambda card: (card.view_count, card.id),
    Sort.POPULAR: lambda card: (card.bookmark_count, card.id),
}


def _page(
    items: Iterable[Item],
    request: PageRequest,
    key: Callable[[Item], SortKey],
    *,
    descending: bool,
) -> Page[Item]:
    ordered = sorted(items, key=key, reverse=descending != request.cursor.reverse)
    after = request.cursor.after
    if after is None:
        onward = ordered
    elif descending != request.cursor.reverse:
        onward = [item for item in ordered if key(item) < after]
    else:
        onward = [item for item in ordered if key(item) > after]
    beyond = len(onward) < len(ordered)
    return build_page(onward[: request.limit + 1], request, beyond=beyond, key=key)
