"""Details of validation errors are sentences for people, without type names of Python."""

import enum
import time
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from sidepro.api.chat import frames
from sidepro.api.validation_errors import decoding_error
from tests.api.client import Api, ApiUser

pytestmark = pytest.mark.anyio


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    a: int
    only: Literal["this"] = "this"


class Body(msgspec.Struct, forbid_unknown_fields=True):
    integer: Annotated[int, Meta(ge=1, le=5)] = 1
    even: Annotated[int, Meta(multiple_of=2)] = 2
    number: Annotated[float, Meta(ge=1)] = 1
    text: Annotated[str, Meta(min_length=2, max_length=3, pattern="^a")] = "aa"
    texts: Annotated[list[str], Meta(min_length=1, max_length=2)] = []
    pair: tuple[int, int] = (1, 2)
    mapping: dict[str, int] = {}
    id: UUID | None = None
    colour: Colour = Colour.RED
    answer: Literal["yes", "no"] | None = None
    flag: bool = True
    several: int | str | None = None
    inner: Inner | None = None
    inners: list[Inner] = []


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ("[]", "", "must be an object"),
        ('{"integer": "x"}', "/integer", "must be an integer"),
        ('{"integer": 0}', "/integer", "must be an integer of at least 1"),
        ('{"integer": 6}', "/integer", "must be an integer of at most 5"),
        ('{"even": 3}', "/even", "must be an integer that is a multiple of 2"),
        ('{"number": "x"}', "/number", "must be a number"),
        ('{"number": 1e999}', "/number", "is out of range"),
        ('{"text": null}', "/text", "must be a string"),
        ('{"text": "a"}', "/text", "must be a string of at least 2 characters"),
        ('{"text": "aaaa"}', "/text", "must be a string of at most 3 characters"),
        ('{"text": "bb"}', "/text", "must be a string of the documented format"),
        ('{"texts": {}}', "/texts", "must be an array"),
        ('{"texts": []}', "/texts", "must be an array of at least 1 item"),
        ('{"texts": ["a", "b", "c"]}', "/texts", "must be an array of at most 2 items"),
        ('{"texts": ["a", 7]}', "/texts/1", "must be a string"),
        ('{"pair": [1]}', "/pair", "must be an array of 2 items"),
        ('{"id": 7}', "/id", "must be a UUID or null"),
        ('{"id": "x"}', "/id", "must be a UUID"),
        ('{"colour": "pink"}', "/colour", "must be red, green or blue"),
        ('{"answer": "maybe"}', "/answer", "must be yes or no"),
        ('{"inner": {"a": 1, "only": "x"}}', "/inner/only", "is not one of the allowed values"),
        ('{"flag": 1}', "/flag", "must be true or false"),
        ('{"several": []}', "/several", "must be an integer or a string or null"),
        ('{"inner": {}}', "/inner/a", "is missing"),
        ('{"inner": {"a": 1, "b": 2}}', "/inner/b", "is not a known member"),
        ('{"inners": [{"a": 1}, {"a": "x"}]}', "/inners/1/a", "must be an integer"),
        ('{"x~y/z": 1}', "/x~0y~1z", "is not a known member"),
    ],
)
def test_details_of_a_body(body: str, pointer: str, detail: str) -> None:
    error = error_of(body)

    assert (error.pointer, error.violation.detail) == (pointer, detail)


def test_a_frame_of_an_unknown_type_is_told_the_known_ones() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        frames.decode('{"type": "shout"}')
    error = decoding_error(caught.value, frames.ClientFrame)
    assert (error.pointer, error.violation.detail) == ("/type", "must be send, read or typing")


def error_of(body: str) -> Any:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(body, type=Body)
    return decoding_error(caught.value, Body)


@pytest.mark.parametrize("part", [" - at `$", "unknown field `", "`", "[0]", ".", "\\n", ", got "])
def test_long_names_are_parsed_in_linear_time(part: str) -> None:
    name = part * (2**20 // len(part))
    started = time.perf_counter()

    error_of(f'{{"{name}": 1}}')

    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("path", "parameter", "value", "detail"),
    [
        ("/projects", "limit", "0", "must be an integer of at least 1"),
        ("/projects", "limit", "101", "must be an integer of at most 100"),
        ("/projects", "limit", "x", "must be an integer"),
        ("/projects", "total", "x", "must be true or false"),
        ("/projects", "sort", "x", "must be newest, views, popular or trending"),
        ("/projects", "match", "x", "must be any or all"),
        ("/projects", "author", "x", "must be a UUID"),
        ("/recommendations", "seed", "1.5", "must be an integer"),
    ],
)
async def test_details_of_query_parameters(
    api: Api, somebody: ApiUser, path: str, parameter: str, value: str, detail: str
) -> None:
    response = await api.send("GET", path, by=somebody, query={parameter: value})

    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert (error["parameter"], error["detail"]) == (parameter, detail)


@pytest.fixture(scope="module")
async def somebody(api: Api) -> ApiUser:
    return await api.sign_up()
