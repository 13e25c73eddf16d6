"""People, comments and totals for administrators, in SQL."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Label, Table, bindparam, func, select

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.readers.account_reader import USERNAME_MATCHES, username_range
from sidepro.adapters.sql.schema.expressions import IMAGE_OF_USER
from sidepro.adapters.sql.schema.tables import comments, projects, users
from sidepro.adapters.sql.search.project_cards import author_summary
from sidepro.domain.accounts.views import UserQuery
from sidepro.domain.ids import CommentId, UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.operations.views import (
    CommentQuery,
    ManagedComment,
    ManagedUser,
    PeopleQuery,
    Totals,
)
from sidepro.domain.pagination import Page, PageRequest


def _number_of(table: Table) -> Label[int]:
    """How many rows of the table a user is the author of."""
    return (
        select(func.count())
        .select_from(table)
        .where(table.c.author_id == users.c.id)
        .correlate(users)
        .scalar_subquery()
        .label(table.name)
    )


_PEOPLE = select(
    users.c.id,
    users.c.username,
    users.c.email,
    users.c.is_admin,
    users.c.is_active,
    users.c.created_at,
    _number_of(projects),
    _number_of(comments),
)
_PERSON = _PEOPLE.where(users.c.id == bindparam("id"))
_PERSON_WITH_EMAIL = _PEOPLE.where(users.c.email_key == bindparam("email_key"))
# Ids of version 7 grow with time, and their index is there already.
_NEWEST_PEOPLE = KeysetQuery(
    _PEOPLE, (users.c.id,), descending=True, minimal=select(users.c.id.label("user_id"))
)
_PEOPLE_BY_NAME = KeysetQuery(
    _PEOPLE.where(USERNAME_MATCHES),
    (users.c.username_key,),
    descending=False,
    minimal=select(users.c.id).where(USERNAME_MATCHES),
)
_COMMENTS = select(
    comments.c.id,
    comments.c.project_id,
    comments.c.author_id,
    comments.c.body,
    comments.c.created_at,
    projects.c.title,
    users.c.username,
    IMAGE_OF_USER,
).select_from(
    comments.join(users, users.c.id == comments.c.author_id).join(
        projects, projects.c.id == comments.c.project_id
    )
)
_COMMENT = _COMMENTS.where(comments.c.id == bindparam("id"))
_TOTALS = select(
    *(
        select(func.count()).select_from(table).scalar_subquery().label(table.name)
        for table in (users, projects, comments)
    )
)


@lru_cache
def _comment_pages(has_text: bool, has_author: bool) -> KeysetQuery:
    rows, minimal = _COMMENTS, select(comments.c.id.label("comment_id"))
    conditions: list[Any] = []
    if has_text:
        conditions.append(comments.c.body.ilike(bindparam("pattern"), escape="\\"))
    if has_author:
        conditions.append(comments.c.author_id == bindparam("author"))
    return KeysetQuery(
        rows.where(*conditions),
        (comments.c.id,),
        descending=True,
        minimal=minimal.where(*conditions),
    )


class SqlOperatorReader:
    """See `sidepro.domain.operations.ports.OperatorReader`."""

    def __init__(self, source: Source, images: ImageUrls) -> None:
        self._source = source
        self._images = images

    async def people(self, query: PeopleQuery, page: PageRequest) -> Page[ManagedUser]:
        if query.is_email:
            row = await self._source.fetch_one(_PERSON_WITH_EMAIL, {"email_key": query.key})
            return Page(() if row is None else (_managed(row),), None, None)
        if query.key:
            parameters = username_range(UserQuery(query.key, is_prefix=True))
            rows = await _PEOPLE_BY_NAME.page(self._source, page, parameters)
        else:
            rows = await _NEWEST_PEOPLE.page(self._source, page, {})
        return Page(tuple(_managed(row) for row in rows.items), rows.next, rows.previous)

    async def person(self, user_id: UserId) -> ManagedUser | None:
        row = await self._source.fetch_one(_PERSON, {"id": user_id})
        return None if row is None else _managed(row)

    async def comments(self, query: CommentQuery, page: PageRequest) -> Page[ManagedComment]:
        parameters: dict[str, Any] = {}
        if query.text is not None:
            parameters["pattern"] = _containing(query.text)
        if query.author is not None:
            parameters["author"] = query.author
        pages = _comment_pages(query.text is not None, query.author is not None)
        rows = await pages.page(self._source, page, parameters)
        return Page(tuple(self._comment(row) for row in rows.items), rows.next, rows.previous)

    async def comment(self, comment_id: CommentId) -> ManagedComment | None:
        row = await self._source.fetch_one(_COMMENT, {"id": comment_id})
        return None if row is None else self._comment(row)

    async def totals(self) -> Totals:
        (row,) = await self._source.fetch(_TOTALS, {})
        return Totals(row.users, row.projects, row.comments)

    def _comment(self, row: Row) -> ManagedComment:
        return ManagedComment(
            id=row.id,
            project_id=row.project_id,
            project_title=row.title,
            author=author_summary(row, self._images),
            body=row.body,
            created_at=row.created_at,
        )


def _managed(row: Row) -> ManagedUser:
    return ManagedUser(
        id=row.id,
        username=row.username,
        email=row.email,
        is_admin=bool(row.is_admin),
        is_active=bool(row.is_active),
        created_at=row.created_at,
        projects=row.projects,
        comments=row.comments,
    )


def _containing(text: str) -> str:
    """The pattern of LIKE that matches texts with this text in them."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, "\\" + special)
    return f"%{text}%"
