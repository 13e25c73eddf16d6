"""The same demo data over and over, as other people's: for a database of a size to be measured.

Texts and who does what stay; ids, emails and names are new, and everything happened a bit earlier.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from sidepro.adapters.demo.population import Demo

EARLIER = timedelta(minutes=7)
"""How long before the copy with the next lower number."""

NAME_LONGEST = 30

Id = TypeVar("Id", bound=UUID)
Thing = TypeVar("Thing")


def copied(demo: Demo, number: int) -> Demo:
    """A copy of the data; number 0 is the data itself. At most 999 copies have names."""
    if number == 0:
        return demo
    earlier = EARLIER * number

    def other(one: Id) -> Id:
        # Below the time and above what changes from one id to the next: they sort as before.
        kind: Any = type(one)
        made: Id = kind(int=one.int ^ number << 40)
        return made

    def moved(thing: Thing, *ids: str, **members: Any) -> Thing:
        untyped: Any = thing
        changes = {name: other(getattr(untyped, name)) for name in ids}
        for name in ("created_at", "updated_at", "sent_at"):
            if hasattr(untyped, name):
                changes[name] = getattr(untyped, name) - earlier
        changed: Thing = replace(untyped, **changes, **members)
        return changed

    suffix = f"{number:03}"
    return Demo(
        users=tuple(
            moved(
                user,
                "id",
                email=f"{number}.{user.email}",
                username=user.username[: NAME_LONGEST - len(suffix)] + suffix,
            )
            for user in demo.users
        ),
        profiles=tuple(moved(profile, "user_id") for profile in demo.profiles),
        projects=tuple(moved(project, "id", "author_id") for project in demo.projects),
        views={other(project_id): views for project_id, views in demo.views.items()},
        comments=tuple(
            moved(comment, "id", "project_id", "author_id") for comment in demo.comments
        ),
        bookmarks=tuple(moved(one, "user_id", "project_id") for one in demo.bookmarks),
        rooms=tuple(
            moved(
                room,
                "id",
                seats=tuple(
                    replace(seat, user_id=seat.user_id and other(seat.user_id))
                    for seat in room.seats
                ),
                left_by=room.left_by and other(room.left_by),
            )
            for room in demo.rooms
        ),
        messages=tuple(moved(message, "room_id", "sender_id") for message in demo.messages),
    )
