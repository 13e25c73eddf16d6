"""The number of unread messages of a room, at a cost that does not depend on it.

Each message stores `low_count`, the number of messages up to it that the participant with the
lower id sent. As `seq` has no gaps, the difference of two messages tells how many each of the two
sent in between. Messages that an older version stored have no such number: they are counted.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, or_, select

from sidepro.adapters.sql.schema.chat_tables import messages, rooms


def unread_count(
    user: ColumnElement[Any],
    read_seq: ColumnElement[int],
    is_low: ColumnElement[bool],
    *correlated: FromClause,
) -> ColumnElement[int]:
    """The other participant's messages after `read_seq`, in a row of `rooms`.

    `is_low` tells whether the user is the participant with the lower id. `correlated` are tables
    of the enclosing statement that the three expressions refer to.
    """
    last = _low_count(rooms.c.last_seq, *correlated)
    read = case((read_seq == 0, 0), else_=_low_count(read_seq, *correlated))
    by_low = last - read
    counted = (
        select(func.count())
        .where(
            messages.c.room_id == rooms.c.id,
            messages.c.seq > read_seq,
            messages.c.sender_id.is_distinct_from(user),
        )
        .correlate(rooms, *correlated)
        .scalar_subquery()
    )
    return case(
        (rooms.c.last_seq <= read_seq, 0),
        (or_(last.is_(None), read.is_(None)), counted),
        (is_low, rooms.c.last_seq - read_seq - by_low),
        else_=by_low,
    )


def _low_count(seq: ColumnElement[int], *correlated: FromClause) -> ColumnElement[int]:
    at = messages.alias()
    found = select(at.c.low_count).where(and_(at.c.room_id == rooms.c.id, at.c.seq == seq))
    return found.correlate(rooms, *correlated).scalar_subquery()
