"""Fills an empty database with demo data."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sidepro.demo.generator import DemoData, Sizes, generate
from sidepro.demo.people import DEMO_PASSWORD
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.user import User
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.rooms.room import Message, Room

Progress = Callable[[int, int], None]
"""Called with the number of rows written so far and the number of all rows."""


class DemoWriter(Protocol):
    """Writes the demo data in bulk."""

    async def is_empty(self) -> bool:
        """Whether there is no account."""
        ...

    async def write(
        self,
        *,
        users: Sequence[User],
        profiles: Sequence[Profile],
        projects: Sequence[Project],
        views: Mapping[ProjectId, int],
        comments: Sequence[Comment],
        bookmarks: Sequence[tuple[UserId, ProjectId, datetime]],
        rooms: Sequence[Room],
        messages: Sequence[Message],
        progress: Progress,
    ) -> None:
        """Store everything in one transaction; every counter MUST equal its rows.

        Raises:
            EmailTaken, UsernameTaken: an account with that name exists.
        """
        ...


async def seed(
    writer: DemoWriter,
    *,
    sizes: Sizes,
    seed: int,
    catalogue: Catalogue,
    now: datetime,
    hash_password: Callable[[str], Awaitable[str]],
    render: Callable[[str], str],
    progress: Progress,
) -> None:
    """Generate the demo data as of `now` and write them into an empty database."""
    password_hash = await hash_password(DEMO_PASSWORD)
    await write(writer, generate(sizes, seed, catalogue, now, password_hash, render), progress)


async def write(writer: DemoWriter, data: DemoData, progress: Progress) -> None:
    await writer.write(
        users=data.users,
        profiles=data.profiles,
        projects=data.projects,
        views=data.views,
        comments=data.comments,
        bookmarks=data.bookmarks,
        rooms=data.rooms,
        messages=data.messages,
        progress=progress,
    )
