"""Fills an empty database with demo data."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Protocol

from sidepro.demo.generator import DemoData, Sizes, generate
from sidepro.demo.people import DEMO_PASSWORD
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.user import User
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import ImageId, ProjectId, UserId
from sidepro.domain.images.image import Image
from sidepro.domain.images.ports import ImageStore
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.trending import DailyCounts
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
        images: Sequence[Image],
        shown: Sequence[tuple[ProjectId, ImageId]],
        days: Mapping[tuple[ProjectId, date], DailyCounts],
        progress: Progress,
    ) -> None:
        """Store everything in one transaction; every counter MUST equal its rows. The objects of
        the images are stored already. `shown` are the images in the texts of projects.

        Raises:
            EmailTaken, UsernameTaken: an account with that name exists.
        """
        ...


async def seed(
    writer: DemoWriter,
    store: ImageStore,
    *,
    sizes: Sizes,
    seed: int,
    catalogue: Catalogue,
    now: datetime,
    hash_password: Callable[[str], Awaitable[str]],
    render: Callable[[str], str],
    progress: Progress,
) -> None:
    """Generate the demo data as of `now` and write them into an empty database.

    Raises:
        Unavailable: the pictures cannot be stored.
    """
    password_hash = await hash_password(DEMO_PASSWORD)
    data = generate(sizes, seed, catalogue, now, password_hash, render)
    await write(writer, store, data, progress)


async def write(writer: DemoWriter, store: ImageStore, data: DemoData, progress: Progress) -> None:
    """Store the pictures, then everything else. A failure removes the pictures again."""
    try:
        images = await _store_pictures(store, data)
        await _write_rows(writer, data, images, progress)
    except BaseException:
        with suppress(Unavailable):
            await store.delete([picture.key for picture in data.pictures])
        raise


async def _store_pictures(store: ImageStore, data: DemoData) -> list[Image]:
    images = []
    for planned in data.pictures:
        picture = planned.drawing.draw()
        await store.put(planned.key, picture.data)
        images.append(planned.image(picture))
    return images


async def _write_rows(
    writer: DemoWriter, data: DemoData, images: Sequence[Image], progress: Progress
) -> None:
    await writer.write(
        users=data.users,
        profiles=data.profiles,
        projects=data.projects,
        views=data.views,
        comments=data.comments,
        bookmarks=data.bookmarks,
        rooms=data.rooms,
        messages=data.messages,
        images=images,
        shown=[(each.project_id, each.id) for each in data.pictures if each.project_id],
        days=data.days,
        progress=progress,
    )
