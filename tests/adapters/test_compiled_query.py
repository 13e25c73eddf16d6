"""`CompiledQuery` relies on SQLAlchemy's compiler. It must agree with what SQLAlchemy executes for
each feature that statements use, so that an upgrade which changes the compiler fails here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    create_engine,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    tuple_,
    update,
)

from sidepro.adapters.sql.engine.compiled_query import (
    CompiledQuery,
    limit_param,
    postgresql_dialect,
    sqlite_dialect,
)
from sidepro.adapters.sql.engine.dialect import contains
from sidepro.adapters.sql.engine.engines import driver_url
from sidepro.adapters.sql.schema.types import DateTimeUTC
from tests.databases import both_databases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine
    from sqlalchemy.sql.selectable import ReturnsRows

    from tests.databases import Databases

pytestmark = both_databases

things = Table(
    "things",
    MetaData(),
    Column("id", Uuid(), primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("name", Text),
    Column("data", LargeBinary),
    Column("is_open", Boolean),
    Column("share", Float),
    Column("created_at", DateTimeUTC()),
)
IDS = [UUID(int=number) for number in range(1, 4)]
ROWS: list[dict[str, Any]] = [
    {
        "id": thing_id,
        "rank": rank,
        "name": f"카페 {rank}",
        "data": bytes([rank, 0, 255]),
        "is_open": rank % 2 == 0,
        "share": rank / 3,
        "created_at": datetime(2026, 11, 29, rank, 30, 0, 123, tzinfo=UTC),
    }
    for rank, thing_id in enumerate(IDS)
]
ROWS += [{**dict.fromkeys(things.c.keys()), "id": UUID(int=9), "rank": 9}]

_other = things.alias("other")
_found = select(things.c.id, things.c.rank).where(things.c.rank >= bindparam("rank")).cte("found")

STATEMENTS: dict[str, tuple[ReturnsRows, Mapping[str, Any]]] = {
    "types of columns, with nulls": (select(things).order_by(things.c.id), {}),
    "types of parameters": (
        select(things.c.rank).where(
            things.c.id == bindparam("id"),
            things.c.name == bindparam("name"),
            things.c.data == bindparam("data"),
            things.c.is_open == bindparam("is_open"),
            things.c.created_at == bindparam("created_at"),
        ),
        ROWS[1],
    ),
    "one parameter in two places": (
        select(things.c.id)
        .where(things.c.rank.in_([bindparam("n"), bindparam("n", type_=Integer) + 1]))
        .order_by(things.c.id),
        {"n": 1},
    ),
    "a list": (
        select(things.c.id)
        .where(things.c.id.in_(bindparam("ids", expanding=True)))
        .order_by(things.c.id),
        {"ids": IDS},
    ),
    "an empty list": (
        select(things.c.id).where(things.c.id.in_(bindparam("ids", expanding=True))),
        {"ids": []},
    ),
    "a list beside other parameters": (
        select(things.c.id, literal("x").label("constant"))
        .where(
            things.c.rank < bindparam("most"),
            things.c.id.in_(bindparam("ids", expanding=True)),
            things.c.rank >= bindparam("least"),
        )
        .order_by(things.c.id),
        {"most": 2, "ids": IDS, "least": 1},
    ),
    "a literal limit": (
        select(things.c.id).order_by(things.c.rank).limit(limit_param("most")),
        {"most": 2},
    ),
    "constants": (
        select(
            literal(7).label("number"),
            literal(IDS[0], Uuid()).label("uuid"),
            null().label("absent"),
        ),
        {},
    ),
    "a row value": (
        select(things.c.id)
        .where(
            tuple_(things.c.rank, things.c.id)
            > tuple_(bindparam("rank", type_=Integer), bindparam("id", type_=Uuid()))
        )
        .order_by(things.c.rank),
        {"rank": 1, "id": IDS[0]},
    ),
    "a common table expression and a correlated subquery": (
        select(
            _found.c.rank,
            select(func.count())
            .select_from(_other)
            .where(_other.c.rank < _found.c.rank)
            .correlate(_found)
            .scalar_subquery()
            .label("lower"),
            exists().where(_other.c.rank > _found.c.rank).correlate(_found).label("has_higher"),
        ).order_by(_found.c.rank),
        {"rank": 1},
    ),
    "columns of one name": (
        select(things.c.id, _other.c.id)
        .join(_other, _other.c.rank == things.c.rank + 1)
        .order_by(things.c.id),
        {},
    ),
    "a text within a text": (
        select(things.c.id)
        .where(contains(things.c.name, bindparam("text")))
        .order_by(things.c.id),
        {"text": "카페"},
    ),
    "bytes within bytes": (
        select(things.c.id).where(
            contains(things.c.data, bindparam("bytes", type_=LargeBinary()))
        ),
        {"bytes": b"\x02\x00"},
    ),
    "an update that returns rows": (
        update(things)
        .where(things.c.rank.in_(bindparam("ranks", expanding=True)))
        .values(name=things.c.name + bindparam("suffix"))
        .returning(things.c.id, things.c.name),
        {"ranks": [1], "suffix": "!"},
    ),
}


@pytest.fixture(scope="module")
def address(databases: Databases) -> Iterator[str]:
    with databases.empty() as address:
        yield address


@pytest.fixture(scope="module")
def engine(address: str) -> Iterator[Engine]:
    url = driver_url(address)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite+pysqlite")
    engine = create_engine(url)
    things.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(things), ROWS)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("name", STATEMENTS)
def test_rows_equal_those_that_sqlalchemy_executes(engine: Engine, name: str) -> None:
    statement, parameters = STATEMENTS[name]
    is_sqlite = engine.dialect.name == "sqlite"
    query = CompiledQuery(statement, sqlite_dialect() if is_sqlite else postgresql_dialect())
    with engine.connect() as connection:
        executable: Any = statement
        result = connection.execute(executable, parameters)
        names, expected = list(result.keys()), [tuple(row) for row in result]
        connection.rollback()
        driver: Any = connection.connection.driver_connection
        for _ in range(2):  # compiled, then from the cache
            text, values = query.bind(parameters)
            cursor = driver.cursor() if is_sqlite else psycopg.RawCursor(driver)
            rows = query.rows(cursor.execute(text, values).fetchall())
            driver.rollback()
            assert [tuple(row) for row in rows] == expected
            assert [list(map(type, row)) for row in rows] == [
                list(map(type, row)) for row in expected
            ]
            if rows and name != "columns of one name":  # read by place alone
                assert list(rows[0]._fields) == names
        assert expected or name == "an empty list"
