"""The people of the demo data, what they have made and what they said about it.

Everything follows from the seed and the moment: the same arguments make the same demo.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import comb, isqrt

from sidepro.demo.chance import Chance
from sidepro.demo.content import (
    CODE_HOST,
    ENGLISH,
    KOREAN,
    Draft,
    Name,
    Names,
    bio,
    chat,
    comment,
    draft,
)
from sidepro.demo.kinds import Kind, kinds_in
from sidepro.demo.words import Bank
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.user import User
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    RoomId,
    UserId,
)
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.rooms.room import Message, Participant, Room

DEMO_PASSWORD = "coffee-chat-2026"  # noqa: S105
DEMO_NAMES = (
    Name("민지", "minji@example.com", "minji"),
    Name("alex", "alex@example.com", "alex"),
)
DEMO_EMAILS = tuple(name.email for name in DEMO_NAMES)
"""The accounts to look around with. They have profiles, projects and a chat with each other."""

LIST, LIST_END = "<ul>\n", "</ul>\n"

PAST = timedelta(days=180)
ROOMS_OF_THE_FIRST = 20
"""So many rooms are those of the first user, as far as there are others to talk to."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything. What is impossible (more bookmarks than people could set, rooms
    than pairs, a project without an author) is cut down to what is possible.
    """

    users: int = 60
    projects: int = 150
    comments: int = 500
    bookmarks: int = 900
    rooms: int = 24
    messages_per_room: int = 12

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0:
            raise ValueError("sizes cannot be negative")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Who has bookmarked what, and when."""

    user_id: UserId
    project_id: ProjectId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Demo:
    """The whole of the demo data. Users, projects, comments and bookmarks are in the order of
    their times; `views` has an entry for every project, never below its bookmarks.
    """

    users: tuple[User, ...]
    profiles: tuple[Profile, ...]
    projects: tuple[Project, ...]
    views: Mapping[ProjectId, int]
    comments: tuple[Comment, ...]
    bookmarks: tuple[Bookmark, ...]
    rooms: tuple[Room, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class _Person:
    user: User
    handle: str
    bank: Bank
    kind: Kind
    profile: Profile | None


@dataclass(frozen=True, slots=True)
class _Work:
    """A project with what was drawn for it."""

    project: Project
    author: int
    draft: Draft
    weight: float


def make(
    sizes: Sizes,
    seed: int,
    catalogue: Catalogue,
    now: datetime,
    password_hash: str,
    render: Callable[[str], str],
) -> Demo:
    """The demo data of a seed, as seen at `now` (timezone-aware, in UTC).

    `render` makes HTML of Markdown. It is called for one block (a heading, a paragraph, an item of
    a list) at a time, because many occur in many projects and most of the work is in rendering.
    """
    maker = _Maker(Chance(seed), catalogue, now, password_hash, render)
    people = maker.people(sizes.users)
    works = maker.works(people, sizes.projects)
    comments = maker.comments(people, works, sizes.comments)
    bookmarks = maker.bookmarks(people, works, sizes.bookmarks)
    views = maker.views(works, comments, bookmarks)
    rooms, messages = maker.rooms(people, works, sizes.rooms, sizes.messages_per_room)
    return Demo(
        users=tuple(person.user for person in people),
        profiles=tuple(person.profile for person in people if person.profile),
        projects=tuple(work.project for work in works),
        views=views,
        comments=tuple(comments),
        bookmarks=tuple(bookmarks),
        rooms=tuple(rooms),
        messages=tuple(messages),
    )


class _Maker:
    """Draws one thing after the other from one source of chance."""

    def __init__(
        self,
        rng: Chance,
        catalogue: Catalogue,
        now: datetime,
        password_hash: str,
        render: Callable[[str], str],
    ) -> None:
        self._rng = rng
        self._catalogue = catalogue
        self._places = {skill: place for place, skill in enumerate(catalogue.skills)}
        self._kinds = kinds_in(catalogue)
        self._now = now
        self._password_hash = password_hash
        self._render = lru_cache(maxsize=50_000)(render)

    # --------------------------------------------------------------------------------- people

    def people(self, count: int) -> list[_Person]:
        """The people, those of `DEMO_NAMES` first."""
        rng, start = self._rng, self._now - PAST
        names = Names(rng, DEMO_NAMES)
        arrivals = [start] * len(DEMO_NAMES)
        arrivals += sorted(
            self._rng.between(start, self._now) for _ in range(count - len(DEMO_NAMES))
        )
        shares = [kind.share for kind in self._kinds]
        people = []
        for index, created_at in enumerate(arrivals[:count]):
            if index < len(DEMO_NAMES):
                name, bank = DEMO_NAMES[index], (KOREAN, ENGLISH)[index]
                kind = self._kinds[index % len(self._kinds)]
            else:
                bank = (KOREAN, ENGLISH, KOREAN, KOREAN, ENGLISH)[index % 5]
                name, kind = names.next(bank), rng.choices(self._kinds, shares)[0]
            user = User(
                id=UserId(self._rng.uuid7(created_at)),
                email=name.email,
                username=name.username,
                password_hash=self._password_hash,
                is_admin=False,
                is_active=True,
                created_at=created_at,
            )
            profile = None
            if index < len(DEMO_NAMES) or rng.random() < 0.92:
                profile = self._profile(user, name.handle, bank, kind)
            people.append(_Person(user, name.handle, bank, kind, profile))
        return people

    def _profile(self, user: User, handle: str, bank: Bank, kind: Kind) -> Profile:
        rng, catalogue = self._rng, self._catalogue
        weights = dict.fromkeys(rng.sample(catalogue.skills, min(2, len(catalogue.skills))), 1.0)
        weights |= dict.fromkeys(rng.choice(self._kinds).leads, 1.5)
        weights |= dict.fromkeys(kind.others, 3.0)
        weights |= dict.fromkeys(kind.leads, 6.0)
        skills = self._rng.some_of(weights, min(12, max(3, round(rng.gauss(7.4, 2.3)))))
        return Profile(
            user_id=user.id,
            bio=bio(rng, bank, kind, skills),
            image_id=None,
            github_url=f"{CODE_HOST}/{handle}" if rng.random() < 0.7 else None,
            skills=self._ordered(skills),
            region=self._perhaps(catalogue.regions),
            meet_time=self._perhaps(catalogue.meet_times),
            updated_at=self._rng.between(user.created_at, self._now),
        )

    # ------------------------------------------------------------------------------- projects

    def works(self, people: Sequence[_Person], count: int) -> list[_Work]:
        """The projects, oldest first. The demo accounts have some, a fifth of the others none."""
        if not people:
            return []
        rng = self._rng
        demo = range(min(len(people), len(DEMO_NAMES)))
        others = [index for index in range(len(people)) if index in demo or rng.random() < 0.8]
        authors = [*demo, *demo][:count]
        weights = [rng.paretovariate(2.5) for _ in others]
        authors += rng.choices(others, weights, k=max(0, count - len(authors)))
        dates = (
            (self._rng.between(people[author].user.created_at, self._now), author)
            for author in authors
        )
        return [self._work(people[author], author, date) for date, author in sorted(dates)]

    def _work(self, person: _Person, author: int, created_at: datetime) -> _Work:
        rng = self._rng
        kind = person.kind if rng.random() < 0.85 else rng.choice(self._kinds)
        known = person.profile.skills if person.profile else ()
        lead = rng.choice([skill for skill in kind.leads if skill in known] or kind.leads)
        weights = {
            skill: 6.0 if skill in known else 1.0
            for skill in (*kind.leads, *kind.others)
            if skill != lead
        }
        count = rng.choices(range(1, 7), (8, 18, 26, 24, 15, 9))[0]
        skills = [lead, *self._rng.some_of(weights, count - 1)]
        text = draft(rng, person.bank, kind, skills, person.handle)
        revision = rng.choices((1, 2, 3, 5), (70, 15, 10, 5))[0]
        project = Project(
            id=ProjectId(self._rng.uuid7(created_at)),
            author_id=person.user.id,
            title=text.title,
            summary=text.summary,
            content="\n\n".join(text.blocks),
            content_html="".join(map(self._html, text.blocks)),
            repository_url=text.repository_url,
            thumbnail_id=None,
            skills=self._ordered(skills),
            revision=revision,
            created_at=created_at,
            updated_at=created_at if revision == 1 else self._rng.between(created_at, self._now),
        )
        return _Work(project, author, text, min(40.0, rng.paretovariate(1.1)))

    def _html(self, block: str) -> str:
        """The block as HTML, a list item by item: an item occurs in more projects than a list."""
        items = block.split("\n")
        if not all(item.startswith("- ") for item in items):
            return self._render(block)
        each = (self._render(item) for item in items)
        bare = (html.removeprefix(LIST).removesuffix(LIST_END) for html in each)
        return f"{LIST}{''.join(bare)}{LIST_END}"

    # ------------------------------------------------------------ comments, bookmarks and views

    def comments(
        self, people: Sequence[_Person], works: Sequence[_Work], count: int
    ) -> list[Comment]:
        """Comments on the projects, the popular ones first in line. An author answers others."""
        arrivals = [person.user.created_at for person in people]
        found = []
        for work, share in zip(works, self._shares(works, count, count), strict=True):
            published = work.project.created_at
            times = sorted(self._rng.soon_after(published, self._now) for _ in range(share))
            for index, created_at in enumerate(times):
                by_author = index > 0 and self._rng.random() < 0.12
                there = bisect_right(arrivals, created_at)
                writer = work.author if by_author else self._rng.randrange(there)
                found.append(
                    Comment(
                        id=CommentId(self._rng.uuid7(created_at)),
                        project_id=work.project.id,
                        author_id=people[writer].user.id,
                        body=comment(self._rng, work.draft, by_author=writer == work.author),
                        created_at=created_at,
                        updated_at=created_at
                        if self._rng.random() < 0.95
                        else self._rng.between(created_at, self._now),
                    )
                )
        return sorted(found, key=lambda made: (made.created_at, made.id))

    def bookmarks(
        self, people: Sequence[_Person], works: Sequence[_Work], count: int
    ) -> list[Bookmark]:
        """Bookmarks on other people's projects, each person at most one on each."""
        found = []
        most = len(people) - 1
        for work, share in zip(works, self._shares(works, count, most), strict=True):
            for drawn in self._rng.sample(range(most), share):
                user = people[drawn + (drawn >= work.author)].user
                since = max(user.created_at, work.project.created_at)
                found.append(
                    Bookmark(user.id, work.project.id, self._rng.soon_after(since, self._now))
                )
        return sorted(found, key=lambda made: (made.created_at, made.user_id, made.project_id))

    def views(
        self, works: Sequence[_Work], comments: Sequence[Comment], bookmarks: Sequence[Bookmark]
    ) -> dict[ProjectId, int]:
        """How often each project was read: more often than it was bookmarked or commented on."""
        views = {
            work.project.id: int(work.weight * self._rng.uniform(2, 20)) + self._rng.randrange(20)
            for work in works
        }
        for bookmark in bookmarks:
            views[bookmark.project_id] += self._rng.randint(3, 20)
        for made in comments:
            views[made.project_id] += self._rng.randint(1, 4)
        return views

    def _shares(self, works: Sequence[_Work], total: int, most: int) -> list[int]:
        return self._rng.shares([work.weight for work in works], total, most)

    # ---------------------------------------------------------------------------------- rooms

    def rooms(
        self, people: Sequence[_Person], works: Sequence[_Work], count: int, length: int
    ) -> tuple[list[Room], list[Message]]:
        """Rooms of different pairs, and their messages."""
        projects = {work.author: work.draft.words["name"] for work in works}
        rooms: list[Room] = []
        messages: list[Message] = []
        for asking, asked in self._pairs(len(people), count):
            project = projects.get(asked)
            room, said = self._room(people[asking], people[asked], project, length)
            # Now and then somebody has left; the first user's rooms stay as they are.
            if 0 not in (asking, asked) and self._rng.random() < 0.05:
                room = room.leave(people[asking].user.id) or room
            rooms.append(room)
            messages += said
        return rooms, messages

    def _pairs(self, people: int, count: int) -> list[tuple[int, int]]:
        """Who talks to whom: the first user to some others, then others among themselves."""
        partners = max(0, min(count, ROOMS_OF_THE_FIRST, people - 1))
        others = self._rng.sample(range(2, people), partners - 1) if partners else []
        pairs = [(other, 0) for other in (1, *others)] if partners else []
        # Pair number n of the pairs (1, 2), (1, 3), (2, 3), (1, 4) … without listing them all:
        # those whose higher member is below h are (h - 1)(h - 2) / 2.
        rest = comb(max(0, people - 1), 2)
        for number in self._rng.sample(range(rest), min(rest, max(0, count - partners))):
            high = (isqrt(8 * number + 1) + 3) // 2
            pair = (number - (high - 1) * (high - 2) // 2 + 1, high)
            pairs.append(pair if self._rng.random() < 0.5 else pair[::-1])
        return pairs

    def _room(
        self, asking: _Person, asked: _Person, project: str | None, length: int
    ) -> tuple[Room, list[Message]]:
        rng, users = self._rng, (asking.user, asked.user)
        opened_at = self._rng.between(max(user.created_at for user in users), self._now)
        ends_at = min(self._now, opened_at + timedelta(hours=rng.uniform(1, 200)))
        room_id = RoomId(self._rng.uuid7(opened_at))
        skill = rng.choice(asked.profile.skills if asked.profile else asked.kind.leads)
        lines = chat(rng, asked.bank, length, skill=skill, project=project)
        times = sorted(self._rng.between(opened_at, ends_at) for _ in lines)
        messages = [
            Message(room_id, seq, users[who].id, body, self._rng.uuid7(sent_at).hex, sent_at)
            for seq, ((who, body), sent_at) in enumerate(zip(lines, times, strict=True), 1)
        ]
        seats = []
        for user in sorted(users, key=lambda user: user.id):
            # Whoever writes has read what came before.
            own = max((made.seq for made in messages if made.sender_id == user.id), default=0)
            read = len(messages) if rng.random() < 0.6 else len(messages) - rng.randint(0, 4)
            seats.append(Participant(user.id, max(own, read, 0)))
        low, high = seats
        updated_at = times[-1] if times else opened_at
        return Room(room_id, (low, high), None, len(messages), opened_at, updated_at), messages

    # --------------------------------------------------------------------------- the catalogue

    def _ordered(self, skills: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(skills, key=self._places.__getitem__))

    def _perhaps(self, names: Sequence[str]) -> str | None:
        return self._rng.early_one_of(names) if names and self._rng.random() < 0.9 else None
