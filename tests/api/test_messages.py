"""Messages and read marks over HTTP."""

import unicodedata
from typing import Any

import pytest

from tests.api.client import Api, ApiUser, Json, answer
from tests.api.schemas import HISTORY, MESSAGE, ROOM

pytestmark = pytest.mark.anyio


async def a_room(api: Api, *, messages: int = 0) -> tuple[ApiUser, ApiUser, Json, str]:
    """Two users and their room, with messages of the first."""
    one, two = await api.sign_up("one"), await api.sign_up("two")
    room = await api.room(one, two)
    for number in range(messages):
        await api.send_message(one, room, f"{number + 1}")
    return one, two, room, f"/rooms/{room['id']}/messages"


# ------------------------------------------------------------------------------------- sending


async def test_a_message_is_numbered_and_returned_as_sent(api: Api) -> None:
    one, two, room, path = await a_room(api)

    first = await api.send_message(one, room, " 안녕\n하세요 🙂 ")
    second = await api.send_message(two, room, "네", client_id="가나 다-7")

    assert first == {
        "room_id": room["id"],
        "seq": 1,
        "sender_id": one.id,
        "body": " 안녕\n하세요 🙂 ",
        "client_id": None,
        "sent_at": first["sent_at"],
        "hidden": False,
    }
    assert (second["seq"], second["sender_id"], second["client_id"]) == (2, two.id, "가나 다-7")
    for person in (one, two):
        history = await api.get(HISTORY, path, by=person)
        assert history == {"items": [first, second], "last_seq": 2}


async def test_a_repeated_client_id_returns_the_first_message(api: Api) -> None:
    one, _, room, path = await a_room(api)
    first = await api.send_message(one, room, "first", client_id="c")

    for body in ("first", "other"):
        response = await api.send("POST", path, {"body": body, "client_id": "c"}, by=one)
        assert response.status_code == 200
        assert answer(response, MESSAGE) == first
    assert (await api.get(HISTORY, path, by=one))["last_seq"] == 1


async def test_a_client_id_is_scoped_to_its_sender_and_room(api: Api) -> None:
    one, two, room, _ = await a_room(api)
    elsewhere = await api.room(one, await api.sign_up())

    sent = [
        await api.send_message(one, room, client_id="c"),
        await api.send_message(two, room, client_id="c"),
        await api.send_message(one, elsewhere, client_id="c"),
        await api.send_message(one, room, client_id="C"),
    ]

    assert [message["seq"] for message in sent] == [1, 2, 1, 3]


async def test_messages_without_a_client_id_are_distinct(api: Api) -> None:
    one, _, room, _ = await a_room(api)

    sent = [
        await api.send_message(one, room, "x", **over) for over in ({}, {}, {"client_id": None})
    ]

    assert [message["seq"] for message in sent] == [1, 2, 3]


BAD: list[tuple[Any, list[str]]] = [
    ({"body": ""}, ["/body"]),
    ({"body": " \n"}, ["/body"]),
    ({"body": "글" * 4_001}, ["/body"]),
    ({"body": "a\0"}, ["/body"]),
    ({"body": None}, ["/body"]),
    ({"body": 7}, ["/body"]),
    ({}, ["/body"]),
    ({"body": "x", "client_id": ""}, ["/client_id"]),
    ({"body": "x", "client_id": " "}, ["/client_id"]),
    ({"body": "x", "client_id": "c" * 65}, ["/client_id"]),
    ({"body": "x", "client_id": "a\0"}, ["/client_id"]),
    ({"body": "x", "client_id": 7}, ["/client_id"]),
    ({"body": "x", "seq": 1}, ["/seq"]),
    ({"body": "x", "sender_id": None}, ["/sender_id"]),
    ({"body": "x", "sent_at": "2020-01-01T00:00:00.000000Z"}, ["/sent_at"]),
]


@pytest.mark.parametrize(("body", "faults"), BAD)
async def test_an_invalid_message_is_refused_and_takes_no_number(
    api: Api, body: Any, faults: list[str]
) -> None:
    one, _, room, path = await a_room(api)

    assert await api.refused(422, "invalid", "POST", path, body, by=one) == faults
    assert (await api.send_message(one, room))["seq"] == 1


async def test_the_length_of_a_message_is_counted_after_composition(api: Api) -> None:
    one, _, room, _ = await a_room(api)
    text = "한" * 4_000

    message = await api.send_message(
        one, room, unicodedata.normalize("NFD", text), client_id="c" * 64
    )

    assert message["body"] == text


# ------------------------------------------------------------------------------------- history


@pytest.fixture(scope="module")
async def six(api: Api) -> tuple[ApiUser, str]:
    """A user and their room with six messages."""
    _, two, _, path = await a_room(api, messages=6)
    return two, path


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"limit": 2}, [5, 6]),
        ({"limit": 100}, [1, 2, 3, 4, 5, 6]),
        ({"after": 0}, [1, 2, 3, 4, 5, 6]),
        ({"after": 0, "limit": 2}, [1, 2]),
        ({"after": 4}, [5, 6]),
        ({"after": 6}, []),
        ({"after": 2_147_483_648}, []),
        ({"after": 999_999_999_999}, []),
        ({"before": 1}, []),
        ({"before": 0}, []),
        ({"before": 4}, [1, 2, 3]),
        ({"before": 4, "limit": 2}, [2, 3]),
        ({"before": 999_999_999_999, "limit": 1}, [6]),
    ],
)
async def test_history_is_returned_in_ascending_order(
    api: Api, six: tuple[ApiUser, str], query: dict[str, int], expected: list[int]
) -> None:
    two, path = six

    history = await api.get(HISTORY, path, by=two, **query)

    assert [message["seq"] for message in history["items"]] == expected
    assert history["last_seq"] == 6


async def test_a_page_of_history_has_fifty_messages_by_default(api: Api) -> None:
    one, _, _, path = await a_room(api, messages=51)

    history = await api.get(HISTORY, path, by=one)

    assert [message["seq"] for message in history["items"]] == list(range(2, 52))


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"before": 2, "after": 1}, "after"),
        ({"before": -1}, "before"),
        ({"after": -1}, "after"),
        ({"after": "one"}, "after"),
        ({"after": "null"}, "after"),
        ({"before": "null"}, "before"),
        ({"after": "1.5"}, "after"),
        ({"after": ""}, "after"),
        ({"after": "9" * 5_000}, "after"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "x"}, "limit"),
    ],
)
async def test_an_invalid_parameter_is_refused_and_named(
    api: Api, six: tuple[ApiUser, str], query: dict[str, Any], fault: str
) -> None:
    two, path = six

    assert await api.refused(422, "invalid", "GET", path, by=two, query=query) == [fault]


# ---------------------------------------------------------------------------------- read marks


@pytest.mark.parametrize(
    ("marks", "read"),
    [
        ([2], 2),
        ([2, 1], 2),
        ([1, 3], 3),
        ([99], 3),
        ([2**31], 3),
        ([2**63], 3),
        ([10**100], 3),
        ([0], 0),
    ],
)
async def test_a_read_mark_never_moves_back_or_beyond_the_last_message(
    api: Api, marks: list[int], read: int
) -> None:
    one, two, room, _ = await a_room(api, messages=3)
    path = f"/rooms/{room['id']}"

    for seq in marks:
        response = await api.send("PUT", f"{path}/read", {"seq": seq}, by=two)
        assert (response.status_code, response.content) == (204, b"")

    mine = await api.get(ROOM, path, by=two)
    assert (mine["read_seq"], mine["unread_count"]) == (read, 3 - read)
    assert (await api.get(ROOM, path, by=one))["participant_read_seq"] == read


async def test_own_messages_are_never_unread_and_move_no_mark(api: Api) -> None:
    one, two, room, _ = await a_room(api, messages=2)
    await api.send_message(two, room)

    mine = await api.get(ROOM, f"/rooms/{room['id']}", by=one)
    theirs = await api.get(ROOM, f"/rooms/{room['id']}", by=two)

    assert (mine["read_seq"], mine["unread_count"]) == (0, 1)
    assert (theirs["read_seq"], theirs["unread_count"]) == (0, 2)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "/seq"),
        ({"seq": None}, "/seq"),
        ({"seq": "1"}, "/seq"),
        ({"seq": 1.5}, "/seq"),
        ({"seq": True}, "/seq"),
        ({"seq": -1}, "/seq"),
        ({"seq": [1]}, "/seq"),
        ({"seq": 1, "user_id": "x"}, "/user_id"),
    ],
)
async def test_an_invalid_read_mark_is_refused(api: Api, body: Json, fault: str) -> None:
    _, two, room, _ = await a_room(api, messages=1)

    path = f"/rooms/{room['id']}/read"
    assert await api.refused(422, "invalid", "PUT", path, body, by=two) == [fault]
