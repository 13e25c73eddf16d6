"""Times, and ids of nothing."""

from datetime import datetime, timedelta
from uuid import uuid4

from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    RoomId,
    UserId,
)
from tests.factories import NOW


def after(microseconds: int) -> datetime:
    """The time so many microseconds after `NOW`."""
    return NOW + timedelta(microseconds=microseconds)


def nobody() -> UserId:
    """The id of no user."""
    return UserId(uuid4())


def no_project() -> ProjectId:
    """The id of no project."""
    return ProjectId(uuid4())


def no_comment() -> CommentId:
    """The id of no comment."""
    return CommentId(uuid4())


def no_room() -> RoomId:
    """The id of no room."""
    return RoomId(uuid4())
