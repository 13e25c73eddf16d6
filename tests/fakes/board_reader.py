"""The board, project pages, comments, recommendable projects and trending scores of the store in
memory.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import (
    CommentId,
    ImageId,
    ProjectId,
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
from sidepro.domain.projects.ports import (
    Counters,
    StoredMarkdown,
    TrendingRun,
    TrendingScore,
)
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.search_key import search_text
from sidepro.domain.projects.trending import day_of, day_weights, trending_score
from sidepro.domain.projects.views import (
    BoardQuery,
    CommentOrder,
    CommentView,
    ProjectAddress,
    ProjectCard,
    ProjectView,
    Sort,
)
from sidepro.domain.visibility import Viewer, Visibility
from tests.fakes.store import MemoryStore

Item = TypeVar("Item")


class MemoryBoardReader:
    """See `sidepro.domain.projects.ports.BoardReader` and `ViewCounter`, and
    `sidepro.domain.recommendations.ports.RecommendationReader`.
    """

    def __init__(self, store: MemoryStore, images: ImageUrls | None = None) -> None:
        self._store = store
        self._images = images or ImageUrls()

    async def add(self, project_id: ProjectId) -> bool:
        """Count a view. See `sidepro.domain.projects.ports.ViewCounter`."""
        async with self._store.lock:
            counters = self._store.state.counters.get(project_id)
            if counters is None or not self._is_visible(project_id, None):
                return False
            viewed = replace(counters, views=counters.views + 1)
            self._store.state.counters[project_id] = viewed
            self._store.state.add_to_day(project_id, day_of(self._store.clock()), views=1)
        return True

    async def board(
        self, query: BoardQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        cards = [self._card(project, viewer) for project in self._found(query, viewer)]
        return read_page(cards, page, self._key(query.sort), descending=True)

    async def board_size(self, query: BoardQuery, viewer: UserId | None) -> int:
        return len(self._found(query, viewer))

    async def bookmarked_by(
        self, user_id: UserId, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        state = self._store.state
        cards = [
            self._card(state.projects[project_id], viewer)
            for owner, project_id in state.bookmarks
            if owner == user_id and self._is_visible(project_id, viewer)
        ]
        return read_page(
            cards,
            page,
            lambda card: (state.bookmarks[user_id, card.id], card.id),
            descending=True,
        )

    async def bookmarks_of(self, user_id: UserId, viewer: UserId | None) -> int:
        return sum(
            owner == user_id and self._is_visible(project_id, viewer)
            for owner, project_id in self._store.state.bookmarks
        )

    async def project(self, project_id: ProjectId, viewer: UserId | None) -> ProjectView | None:
        project = self._store.state.projects.get(project_id)
        if project is None or not project.is_visible_to(self._viewer(viewer)):
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

    async def addresses(
        self, after: ProjectId | None, limit: int, viewer: UserId | None
    ) -> tuple[ProjectAddress, ...]:
        found = [p for p in self._seen_by(viewer) if after is None or p.id > after]
        return tuple(ProjectAddress(p.id, p.updated_at) for p in found[:limit])

    async def part_ends(self, size: int, viewer: UserId | None) -> tuple[ProjectId, ...]:
        return tuple(project.id for project in self._seen_by(viewer)[size - 1 :: size])

    def _seen_by(self, viewer: UserId | None) -> list[Project]:
        """The projects that the viewer may see, in the order of their ids."""
        return sorted(self._visible(viewer), key=lambda project: project.id)

    async def comments(
        self,
        project_id: ProjectId,
        page: PageRequest,
        viewer: UserId | None,
        order: CommentOrder = CommentOrder.OLDEST,
    ) -> Page[CommentView]:
        views = [
            self._comment(comment)
            for comment in self._store.state.comments.values()
            if comment.project_id == project_id
            and self._is_visible(project_id, viewer)
            and comment.is_visible_to(self._viewer(viewer))
            and not self._store.state.is_blocked(comment.author_id, viewer)
        ]
        return read_page(
            views,
            page,
            lambda view: (view.created_at, view.id),
            descending=order is CommentOrder.NEWEST,
        )

    async def comment(
        self, project_id: ProjectId, comment_id: CommentId, viewer: UserId | None
    ) -> CommentView | None:
        comment = self._store.state.comments.get(comment_id)
        if comment is None or comment.project_id != project_id:
            return None
        if not comment.is_visible_to(self._viewer(viewer)):
            return None
        if self._store.state.is_blocked(comment.author_id, viewer):
            return None
        return self._comment(comment) if self._is_visible(project_id, viewer) else None

    async def counters(self, project_id: ProjectId, viewer: UserId | None) -> Counters | None:
        if not self._is_visible(project_id, viewer):
            return None
        return self._store.state.counters[project_id]

    def _visible(self, viewer: UserId | None) -> list[Project]:
        seen_by = self._viewer(viewer)
        return [p for p in self._store.state.projects.values() if p.is_visible_to(seen_by)]

    def _viewer(self, user_id: UserId | None) -> Viewer:
        return self._store.state.viewer(user_id)

    def _is_visible(self, project_id: ProjectId, viewer: UserId | None) -> bool:
        project = self._store.state.projects.get(project_id)
        return project is not None and project.is_visible_to(self._viewer(viewer))

    def _key(self, sort: Sort) -> Callable[[ProjectCard], SortKey]:
        if sort is Sort.TRENDING:
            return lambda card: (self._store.state.trending.get(card.id, 0), card.id)
        return _KEYS[sort]

    def _found(self, query: BoardQuery, viewer: UserId | None) -> list[Project]:
        state, skills = self._store.state, self._store.catalogue.skills
        visible = self._visible(viewer)
        if query == BoardQuery(sort=query.sort):
            return visible

        # Filters are defined beside their SQL; the domain's tests run without SQLAlchemy.
        from sidepro.adapters.sql.search.filters import Candidate, filters_of

        filters = filters_of(query, {name: number for number, name in enumerate(skills)})

        def matches(project: Project) -> bool:
            username = state.users[project.author_id].username
            candidate = Candidate(
                search_text(project.title, project.summary, username),
                frozenset(map(skills.index, project.skills)),
                project.author_id,
            )
            return all(one.matches(candidate) for one in filters)

        return [project for project in visible if matches(project)]

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
            hidden=project.visibility is not Visibility.VISIBLE,
        )

    def _comment(self, comment: Comment) -> CommentView:
        return CommentView(
            id=comment.id,
            author=self._summary(comment.author_id),
            body=comment.body,
            created_at=comment.created_at,
            updated_at=comment.updated_at,
            hidden=comment.visibility is not Visibility.VISIBLE,
        )

    def _summary(self, user_id: UserId) -> UserSummary:
        profile = self._store.state.profiles.get(user_id)
        image_id = None if profile is None else profile.image_id
        username = self._store.state.users[user_id].username
        return UserSummary(user_id, username, self._image_url(image_id))

    def _image_url(self, image_id: ImageId | None) -> ImageUrl | None:
        stored = None if image_id is None else self._store.state.images.get(image_id)
        return None if stored is None else self._images.url(stored.image.key)

    async def projects_by_author(
        self, authors: Collection[UserId], viewer: UserId, *, most: int, first: int
    ) -> Mapping[UserId, tuple[ProjectCard, ...]]:
        published: defaultdict[UserId, list[Project]] = defaultdict(list)
        for project in self._recommendable(viewer):
            if project.author_id in authors:
                published[project.author_id].append(project)
        cards = {}
        for author, projects in published.items():
            start = first % len(projects)
            circle = projects[start:] + projects[:start]
            cards[author] = tuple(self._card(project, viewer) for project in circle[:most])
        return cards

    async def popular(self, viewer: UserId, limit: int) -> tuple[ProjectCard, ...]:
        others = [p for p in self._recommendable(viewer) if p.author_id != viewer]
        cards = [self._card(project, viewer) for project in others]
        return tuple(sorted(cards, key=_KEYS[Sort.POPULAR], reverse=True)[:limit])

    def _recommendable(self, viewer: UserId) -> Iterable[Project]:
        state = self._store.state
        found = [
            p
            for p in self._visible(viewer)
            if state.users[p.author_id].is_active and not state.is_blocked(p.author_id, viewer)
        ]
        return sorted(found, key=lambda project: project.id)


_KEYS: dict[Sort, Callable[[ProjectCard], SortKey]] = {
    Sort.NEWEST: lambda card: (card.created_at, card.id),
    Sort.VIEWS: lambda card: (card.view_count, card.id),
    Sort.POPULAR: lambda card: (card.bookmark_count, card.id),
}


def read_page(
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


class MemoryTrendingStore:
    """See `sidepro.domain.projects.ports.TrendingStore`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def scores(
        self, today: date, after: ProjectId | None, limit: int
    ) -> Sequence[TrendingScore]:
        state = self._store.state
        ids = sorted({project_id for project_id, _ in state.days})
        return [
            TrendingScore(one, state.trending.get(one, 0) != self._score(one, today))
            for one in ids
            if after is None or one > after
        ][:limit]

    async def faded(self, today: date, limit: int) -> Sequence[ProjectId]:
        state, weights = self._store.state, day_weights(today)
        counted = {project_id for project_id, day in state.days if day in weights}
        return [one for one, score in state.trending.items() if score and one not in counted][
            :limit
        ]

    async def renew(self, project_ids: Sequence[ProjectId], today: date) -> int:
        changed = 0
        async with self._store.lock:
            state = self._store.state
            for one in project_ids:
                score = self._score(one, today)
                if one in state.projects and state.trending.get(one, 0) != score:
                    state.trending[one] = score
                    changed += 1
        return changed

    async def delete_days(self, before: date, limit: int) -> int:
        async with self._store.lock:
            days = self._store.state.days
            old = [key for key in days if key[1] < before][:limit]
            for key in old:
                del days[key]
        return len(old)

    async def save_run(self, run: TrendingRun) -> None:
        async with self._store.lock:
            self._store.state.trending_run = run

    async def last_run(self) -> TrendingRun | None:
        return self._store.state.trending_run

    def _score(self, project_id: ProjectId, today: date) -> int:
        days = self._store.state.days
        counts = {day: counts for (one, day), counts in days.items() if one == project_id}
        return trending_score(counts, today)
