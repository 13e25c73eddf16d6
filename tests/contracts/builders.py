"""Moments, and ids of what is not there, beside the things that `tests.factories` makes."""

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
    """A moment so long after `NOW`."""
    return NOW + timedelta(microseconds=microseconds)


def nobody() -> UserId:
    """The id of somebody who is not there."""
    return UserId(uuid4())


def no_project() -> ProjectId:
    """The id of a project that is not there."""
    return ProjectId(uuid4())


def no_comment() -> CommentId:
    """The id of a comment that is not there."""
    return CommentId(uuid4())


def no_room() -> RoomId:
    """The id of a room that is not there."""
    return RoomId(uuid4())
