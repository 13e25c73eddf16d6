"""The same demo data over and over, as other people's: for a database of a size to be measured.

Who does what stays; ids, emails and names are new, and everything happened a bit earlier. What the
projects are about is passed on from one to another, so that those that are alike do not lie
together in any order.
"""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sidepro.demo.population import Demo

EARLIER = timedelta(minutes=7)
"""How long before the copy with the next lower number."""

NAME_LONGEST = 30

GOLDEN = 0.618
"""Which part of all projects lies between two that are alike: multiples of it spread evenly."""

Id = TypeVar("Id", bound=UUID)
Thing = TypeVar("Thing")


def suffix_of(number: int) -> str:
    """What the names of a copy's people end in."""
    return f"{number:03}"


def turn_of(number: int, projects: int) -> int:
    """How many places further on the project is whose texts and skills another one gets."""
    return round(number * GOLDEN * projects) % max(1, projects)


def copied(demo: Demo, number: int) -> Demo:
    """A copy of the data; number 0 is the data itself. At most 999 copies have names."""
    if number == 0:
        return demo
    earlier = EARLIER * number

    @cache
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

    suffix = suffix_of(number)
    turn = turn_of(number, len(demo.projects))
    about = demo.projects[turn:] + demo.projects[:turn]
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
        projects=tuple(
            moved(
                project,
                "id",
                "author_id",
                title=other_one.title,
                summary=other_one.summary,
                content=other_one.content,
                content_html=other_one.content_html,
                repository_url=other_one.repository_url,
                skills=other_one.skills,
            )
            for project, other_one in zip(demo.projects, about, strict=True)
        ),
        views={other(project_id): views for project_id, views in demo.views.items()},
        comments=tuple(
            moved(comment, "id", "project_id", "author_id") for comment in demo.comments
        ),
        bookmarks=tuple(moved(one, "user_id", "project_id") for one in demo.bookmarks),
        rooms=tuple(
            moved(
                room,
                "id",
                participants=tuple(
                    replace(seat, user_id=seat.user_id and other(seat.user_id))
                    for seat in room.participants
                ),
                left_by=room.left_by and other(room.left_by),
            )
            for room in demo.rooms
        ),
        messages=tuple(moved(message, "room_id", "sender_id") for message in demo.messages),
    )
