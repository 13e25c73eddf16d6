"""Generates the demo data: people, projects, comments, bookmarks and chats.

The same arguments give the same data.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import comb, isqrt
from typing import NamedTuple

from sidepro.demo.drawings import COVER_SIZE
from sidepro.demo.people import DEMO_EMAILS, DEMO_NAMES, Person, in_catalogue_order, make_people
from sidepro.demo.pictures import DemoPicture, Pictures
from sidepro.demo.randomness import DemoRandom
from sidepro.demo.texts import ProjectText, chat, comment, project_text
from sidepro.demo.words import kinds_in
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.user import User
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import CommentId, ProjectId, RoomId, UserId
from sidepro.domain.images.urls import ImageUrls, with_sizes
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.trending import DAYS, DailyCounts, day_of, first_day
from sidepro.domain.rooms.room import Message, Participant, Room

FIRST_USER_ROOMS = 20
SECOND_USER_ROOMS = 3
"""Rooms of the demo accounts, if there are enough people; the second one has one more with the
first one.
"""

LATELY = 0.25
"""The skew of the times of their rooms."""

LAST_CHAT = (timedelta(hours=3), timedelta(minutes=4))
"""How long ago the chat of the two demo accounts began and ended."""

_BLOCK_CACHE = 50_000
"""Cache size for rendered blocks of Markdown. Many blocks occur in several projects."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of all records. Impossible numbers are reduced: bookmarks to one per person and
    project, rooms to one per pair. Projects and comments need people. Pictures are covers and
    screenshots of the newest projects, and faces.
    """

    users: int = 60
    projects: int = 150
    comments: int = 500
    bookmarks: int = 900
    rooms: int = 24
    messages_per_room: int = 12
    pictures: int = 160

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0:
            raise ValueError("sizes cannot be negative")


class Bookmark(NamedTuple):
    user_id: UserId
    project_id: ProjectId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DemoData:
    """The demo data. Users, projects, comments and bookmarks are sorted by time. `views` has the
    number of views of each project, at least its number of bookmarks. `days` has the counts of the
    last seven days that are not zero.
    """

    users: Sequence[User]
    profiles: Sequence[Profile]
    projects: Sequence[Project]
    views: Mapping[ProjectId, int]
    comments: Sequence[Comment]
    bookmarks: Sequence[Bookmark]
    rooms: Sequence[Room]
    messages: Sequence[Message]
    pictures: Sequence[DemoPicture]
    days: Mapping[tuple[ProjectId, date], DailyCounts]


@dataclass(frozen=True, slots=True)
class _Work:
    """A project, its kind, the index of its author, its text and its popularity (1 to 40)."""

    project: Project
    kind: str
    author: int
    text: ProjectText
    weight: float


def generate(
    sizes: Sizes,
    seed: int,
    catalogue: Catalogue,
    now: datetime,
    password_hash: str,
    render: Callable[[str], str],
) -> DemoData:
    """The demo data as of `now` (timezone-aware, UTC). `render` turns Markdown into HTML."""
    generator = _Generator(DemoRandom(seed), catalogue, now, render)
    rng, kinds = generator.rng, generator.kinds
    people = make_people(rng, kinds, catalogue, sizes.users, password_hash, now)
    works = generator.works(people, sizes.projects)
    pictures = Pictures(seed, sizes.pictures)
    works = generator.illustrated(works, pictures)
    profiles = pictures.faces([person.profile for person in people if person.profile])
    comments = generator.comments(people, works, sizes.comments)
    bookmarks = generator.bookmarks(people, works, sizes.bookmarks)
    views = generator.views(works, comments, bookmarks)
    rooms, messages = generator.rooms(people, works, sizes.rooms, sizes.messages_per_room)
    return DemoData(
        users=[person.user for person in people],
        profiles=profiles,
        projects=[work.project for work in works],
        views=views,
        comments=comments,
        bookmarks=bookmarks,
        rooms=rooms,
        messages=messages,
        pictures=pictures.planned,
        days=generator.days(works, views, bookmarks),
    )


class _Generator:
    """Draws everything from one source of randomness."""

    def __init__(
        self,
        rng: DemoRandom,
        catalogue: Catalogue,
        now: datetime,
        render: Callable[[str], str],
    ) -> None:
        self.rng = rng
        self.kinds = kinds_in(catalogue)
        self._catalogue = catalogue
        self._now = now
        self._render = lru_cache(_BLOCK_CACHE)(render)

    def works(self, people: Sequence[Person], count: int) -> list[_Work]:
        """The projects, oldest first. The demo accounts have two each; a fifth of the others have
        none.
        """
        if not people:
            return []
        rng = self.rng
        demo = range(min(len(people), len(DEMO_NAMES)))
        others = [index for index in range(len(people)) if index in demo or rng.random() < 0.8]
        authors = [*demo, *demo][:count]
        weights = [rng.paretovariate(2.5) for _ in others]
        authors += rng.choices(others, weights, k=max(0, count - len(authors)))
        dates = (
            (rng.between(people[author].user.created_at, self._now), author) for author in authors
        )
        return [self._work(people[author], author, date) for date, author in sorted(dates)]

    def _work(self, person: Person, author: int, created_at: datetime) -> _Work:
        rng = self.rng
        kind = person.kind if rng.random() < 0.85 else rng.choice(self.kinds)
        known = person.profile.skills if person.profile else ()
        lead = rng.choice([skill for skill in kind.leads if skill in known] or kind.leads)
        weights = {
            skill: 6.0 if skill in known else 1.0
            for skill in (*kind.leads, *kind.others)
            if skill != lead
        }
        count = rng.choices(range(1, 7), (8, 18, 26, 24, 15, 9))[0]
        skills = [lead, *rng.weighted_sample(weights, count - 1)]
        text = project_text(rng, person.bank, kind, skills, person.handle)
        revision = rng.choices((1, 2, 3, 5), (70, 15, 10, 5))[0]
        project = Project(
            id=ProjectId(rng.uuid7(created_at)),
            author_id=person.user.id,
            title=text.title,
            summary=text.summary,
            content="\n\n".join(text.blocks),
            content_html="".join(map(self._render, text.blocks)),
            repository_url=text.repository_url,
            thumbnail_id=None,
            skills=in_catalogue_order(self._catalogue, skills),
            revision=revision,
            created_at=created_at,
            updated_at=created_at if revision == 1 else rng.between(created_at, self._now),
        )
        return _Work(project, kind.name, author, text, min(40.0, rng.paretovariate(1.1)))

    def illustrated(self, works: Sequence[_Work], pictures: Pictures) -> list[_Work]:
        """The projects, some with covers or with a picture in the text."""
        projects = [(work.project, work.kind) for work in works]
        covers, screenshots = pictures.covers(projects), pictures.screenshots(projects)
        illustrated = []
        for work in works:
            project = replace(work.project, thumbnail_id=covers.get(work.project.id))
            if key := screenshots.get(project.id):
                blocks = work.text.blocks_with_picture(ImageUrls().base + key)
                html = with_sizes("".join(map(self._render, blocks)), {key: COVER_SIZE})
                project = replace(project, content="\n\n".join(blocks), content_html=html)
            illustrated.append(replace(work, project=project))
        return illustrated

    # ------------------------------------------------------------ comments, bookmarks and views

    def comments(
        self, people: Sequence[Person], works: Sequence[_Work], count: int
    ) -> list[Comment]:
        """Comments, most of them on popular projects. Some are the author's replies."""
        rng = self.rng
        arrivals = [person.user.created_at for person in people]
        comments = []
        for work, share in zip(works, self._shares(works, count, count), strict=True):
            published = work.project.created_at
            times = sorted(rng.between(published, self._now, skew=2) for _ in range(share))
            for index, created_at in enumerate(times):
                is_reply = index > 0 and rng.random() < 0.12
                arrived = bisect_right(arrivals, created_at)
                writer = work.author if is_reply else rng.randrange(arrived)
                comments.append(
                    Comment(
                        id=CommentId(rng.uuid7(created_at)),
                        project_id=work.project.id,
                        author_id=people[writer].user.id,
                        body=comment(rng, work.text, by_author=writer == work.author),
                        created_at=created_at,
                        updated_at=created_at
                        if rng.random() < 0.95
                        else rng.between(created_at, self._now),
                    )
                )
        return sorted(comments, key=lambda comment: (comment.created_at, comment.id))

    def bookmarks(
        self, people: Sequence[Person], works: Sequence[_Work], count: int
    ) -> list[Bookmark]:
        """Bookmarks on other people's projects, at most one per person and project."""
        bookmarks = []
        others = len(people) - 1
        for work, share in zip(works, self._shares(works, count, others), strict=True):
            for index in self.rng.sample(range(others), share):
                user = people[index + (index >= work.author)].user
                since = max(user.created_at, work.project.created_at)
                created_at = self.rng.between(since, self._now, skew=2)
                bookmarks.append(Bookmark(user.id, work.project.id, created_at))
        return sorted(bookmarks, key=lambda each: (each.created_at, each.user_id, each.project_id))

    def views(
        self, works: Sequence[_Work], comments: Sequence[Comment], bookmarks: Sequence[Bookmark]
    ) -> dict[ProjectId, int]:
        """The views of each project, more than its bookmarks and comments."""
        views = {
            work.project.id: int(work.weight * self.rng.uniform(2, 20)) + self.rng.randrange(20)
            for work in works
        }
        for bookmark in bookmarks:
            views[bookmark.project_id] += self.rng.randint(3, 20)
        for each in comments:
            views[each.project_id] += self.rng.randint(1, 4)
        return views

    def days(
        self,
        works: Sequence[_Work],
        views: Mapping[ProjectId, int],
        bookmarks: Sequence[Bookmark],
    ) -> dict[tuple[ProjectId, date], DailyCounts]:
        """The counts of the last days: the bookmarks, and a share of the views. Some old projects
        are seen much, others not at all.
        """
        rng, today = self.rng, day_of(self._now)
        first = first_day(today)
        bookmarked = Counter((each.project_id, day_of(each.created_at)) for each in bookmarks)
        days = {}
        for work in works:
            project_id, published = work.project.id, day_of(work.project.created_at)
            age = (today - published).days + 1
            share = 1.0 if age <= DAYS else min(1.0, rng.uniform(0, 3) ** 2 * DAYS / age)
            choices = [max(published, first + timedelta(days=day)) for day in range(DAYS)]
            seen = Counter(rng.choices(choices, k=int(views[project_id] * share)))
            for day in sorted(set(choices)):
                counts = DailyCounts(seen[day], bookmarked[project_id, day])
                if counts != DailyCounts():
                    days[project_id, day] = counts
        return days

    def _shares(self, works: Sequence[_Work], total: int, limit: int) -> list[int]:
        return self.rng.distribute([work.weight for work in works], total, limit)

    # ---------------------------------------------------------------------------------- rooms

    def rooms(
        self, people: Sequence[Person], works: Sequence[_Work], count: int, length: int
    ) -> tuple[list[Room], list[Message]]:
        """Rooms of different pairs, each with `length` messages."""
        projects = {work.author: work.text.words["name"] for work in works}
        rooms: list[Room] = []
        messages: list[Message] = []
        for asking, asked in self._pairs(len(people), count):
            project = projects.get(asked)
            recent = (asking, asked) == (1, 0)
            room, said = self._room(people[asking], people[asked], project, length, recent=recent)
            # Some people have left; the rooms of the demo accounts stay complete.
            if min(asking, asked) >= len(DEMO_NAMES) and self.rng.random() < 0.05:
                room = room.leave(people[asking].user.id) or room
            rooms.append(room)
            messages += said
        return rooms, messages

    def _pairs(self, people: int, count: int) -> list[tuple[int, int]]:
        """Pairs of indices: the first user with some others, the second user with some others,
        then others among themselves.
        """
        partners = max(0, min(count, FIRST_USER_ROOMS, people - 1))
        others = self.rng.sample(range(2, people), partners - 1) if partners else []
        pairs = [(other, 0) for other in (1, *others)] if partners else []
        # Pair n of (1, 2), (1, 3), (2, 3), (1, 4) …, without building the list: (h - 1)(h - 2) / 2
        # pairs have a higher member below h.
        possible = comb(max(0, people - 1), 2)
        missing = min(possible, max(0, count - partners))
        friends = self.rng.sample(range(2, people), min(SECOND_USER_ROOMS, max(0, people - 2)))
        numbers = [comb(high - 1, 2) for high in friends]
        numbers += self.rng.sample(range(possible), missing)
        for n in list(dict.fromkeys(numbers))[:missing]:
            high = (isqrt(8 * n + 1) + 3) // 2
            pair = (n - (high - 1) * (high - 2) // 2 + 1, high)
            pairs.append(pair if self.rng.random() < 0.5 else pair[::-1])
        return pairs

    def _room(
        self,
        asking: Person,
        asked: Person,
        project: str | None,
        length: int,
        *,
        recent: bool,
    ) -> tuple[Room, list[Message]]:
        rng, users = self.rng, (asking.user, asked.user)
        is_demo = any(user.email in DEMO_EMAILS for user in users)
        skew = LATELY if is_demo else 1
        opened_at = rng.between(max(user.created_at for user in users), self._now, skew)
        ends_at = min(self._now, opened_at + timedelta(hours=rng.uniform(1, 200)))
        if recent:
            opened_at, ends_at = (self._now - ago for ago in LAST_CHAT)
        room_id = RoomId(rng.uuid7(opened_at))
        skill = rng.choice(asked.profile.skills if asked.profile else asked.kind.leads)
        lines = chat(rng, asked.bank, length, skill=skill, project=project)
        times = sorted(rng.between(opened_at, ends_at) for _ in lines)
        messages = [
            Message(room_id, seq, users[sender].id, body, rng.uuid7(sent_at).hex, sent_at)
            for seq, ((sender, body), sent_at) in enumerate(zip(lines, times, strict=True), 1)
        ]
        participants = []
        for user in sorted(users, key=lambda user: user.id):
            # A sender has read everything before their own last message.
            own = max((each.seq for each in messages if each.sender_id == user.id), default=0)
            read = len(messages) if rng.random() < 0.6 else len(messages) - rng.randint(0, 4)
            if recent or (is_demo and user.email in DEMO_EMAILS[1:]):
                read = own  # whatever the other one said since is unread
            participants.append(Participant(user.id, max(own, read, 0)))
        low, high = participants
        updated_at = times[-1] if times else opened_at
        return Room(room_id, (low, high), None, len(messages), opened_at, updated_at), messages
