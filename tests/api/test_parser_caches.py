"""Texts of requests fill no cache: neither the framework's nor the application's own."""

import gc
import logging
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from tests.api.client import UNKNOWN_ID, Api

pytestmark = pytest.mark.anyio

MAX_GROWTH = 6 * 2**20


@pytest.fixture(autouse=True)
def no_log() -> Iterator[None]:
    """pytest keeps the records of the log, which hold the paths."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def accept(number: int) -> tuple[str, dict[str, str]]:
    return "/catalogue", {"Accept": f"application/json, a/{number}{'b' * 60_000}"}


def cookie(number: int) -> tuple[str, dict[str, str]]:
    return "//", {"Cookie": f"c{number}=1;" + ";".join(f"{n}=a" for n in range(9_000))}


def query(number: int) -> tuple[str, dict[str, str]]:
    return f"/projects?limit={number % 100 + 1}&{number}&{'&'.join(map(str, range(1_500)))}", {}


def path(number: int) -> tuple[str, dict[str, str]]:
    return f"//media/{number}{'a' * 7_000}.webp", {}


def if_none_match(number: int) -> tuple[str, dict[str, str]]:
    return "/catalogue", {"If-None-Match": f'"{number}{"a" * 60_000}"'}


def token(number: int) -> tuple[str, dict[str, str]]:
    return f"/users/{UNKNOWN_ID}", {"Authorization": f"Bearer {number}{'a' * 60_000}"}


# A parsed query takes 0.2 MB, parsed cookies 0.6 MB, another text its length.
@pytest.mark.parametrize(
    ("request_of", "rounds"),
    [(accept, 150), (cookie, 20), (query, 60), (path, 800), (if_none_match, 150), (token, 150)],
)
async def test_many_long_texts_do_not_grow_the_memory(
    api: Api, request_of: Callable[[int], tuple[str, dict[str, str]]], rounds: int
) -> None:
    async def send(numbers: range) -> None:
        for number in numbers:
            url, headers = request_of(number)
            await api.send("GET", url, headers=headers)

    await send(range(3))
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        await send(range(3, rounds))
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < MAX_GROWTH, f"{(after - before) / 2**20:.1f} MiB"
