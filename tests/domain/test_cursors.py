"""Cursors that cannot be forged, and pages that neither repeat nor skip."""

import base64
import string
from collections.abc import Sequence
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sidepro.domain.errors import BadCursor
from sidepro.domain.pagination import (
    Cursor,
    CursorCodec,
    Page,
    PageRequest,
    SortKey,
    build_page,
)
from tests.domain.strategies import texts

SCOPE = "projects?sort=newest"
cursors = CursorCodec([b"first key"])

times = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    timezones=st.just(timezone(timedelta(hours=9)))
)
members = texts() | st.integers() | times | st.uuids()
keys = st.lists(members, min_size=1, max_size=3).map(tuple)
places = st.builds(Cursor, st.none() | keys, st.booleans())


def signed_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def as_text(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()


# ------------------------------------------------------------------------------------ cursors


@given(places, texts())
def test_a_cursor_is_decoded_as_it_was_encoded(cursor: Cursor, scope: str) -> None:
    assert cursors.decode(cursors.encode(cursor, scope), scope) == cursor


@pytest.mark.parametrize("length", range(1, 9))
def test_a_cursor_is_safe_in_a_url(length: int) -> None:
    text = cursors.encode(Cursor(("가" * length, 1)), SCOPE)
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


@given(places, st.data())
def test_no_byte_of_a_cursor_can_be_changed(cursor: Cursor, data: st.DataObject) -> None:
    signed = bytearray(signed_bytes(cursors.encode(cursor, SCOPE)))
    place = data.draw(st.integers(0, len(signed) - 1))
    signed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadCursor):
        cursors.decode(as_text(bytes(signed)), SCOPE)


@given(places, st.data())
def test_a_cursor_cannot_be_truncated_or_extended(cursor: Cursor, data: st.DataObject) -> None:
    signed = signed_bytes(cursors.encode(cursor, SCOPE))
    cut = data.draw(st.integers(0, len(signed) - 1))
    for other in (signed[:cut], signed[cut + 1 :], signed + b" "):
        with pytest.raises(BadCursor):
            cursors.decode(as_text(other), SCOPE)


@given(places, st.data())
def test_no_character_of_a_cursor_can_be_changed(cursor: Cursor, data: st.DataObject) -> None:
    text = cursors.encode(cursor, SCOPE)
    # The last character has unused bits, which are easy to overlook.
    place = data.draw(st.just(len(text) - 1) | st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_+/="))
    assume(other != text[place])
    with pytest.raises(BadCursor):
        cursors.decode(text[:place] + other + text[place + 1 :], SCOPE)


@pytest.mark.parametrize("length", range(1, 5))
def test_another_spelling_of_a_cursor_is_refused(length: int) -> None:
    text = cursors.encode(Cursor(("x" * length, 1)), SCOPE)
    for other in (text + "=", text + "==", text + "\n", " " + text):
        with pytest.raises(BadCursor):
            cursors.decode(other, SCOPE)


def test_the_standard_base64_alphabet_is_refused() -> None:
    written = {cursors.encode(Cursor((number,)), SCOPE) for number in range(20)}
    others = {text.replace("-", "+").replace("_", "/") for text in written} - written
    assert others
    for other in others:
        with pytest.raises(BadCursor):
            cursors.decode(other, SCOPE)


@pytest.mark.parametrize("scope", ["", "projects?sort=views", SCOPE + " ", "x" + SCOPE])
def test_a_cursor_is_valid_for_its_own_list_only(scope: str) -> None:
    text = cursors.encode(Cursor((1,)), SCOPE)
    with pytest.raises(BadCursor):
        cursors.decode(text, scope)


def test_position_and_scope_are_separated() -> None:
    signed = signed_bytes(cursors.encode(Cursor((1,)), "0" + SCOPE))
    with pytest.raises(BadCursor):
        cursors.decode(as_text(signed + b"0"), SCOPE)


def test_a_cursor_of_another_key_is_refused() -> None:
    text = CursorCodec([b"another key"]).encode(Cursor((1,)), SCOPE)
    with pytest.raises(BadCursor):
        cursors.decode(text, SCOPE)


def test_older_cursors_stay_valid_after_a_key_rotation() -> None:
    old, new = b"first key", b"second key"
    text = CursorCodec([old]).encode(Cursor((1,)), SCOPE)
    assert CursorCodec([new, old]).decode(text, SCOPE) == Cursor((1,))


def test_the_first_key_signs() -> None:
    old, new = b"first key", b"second key"
    text = CursorCodec([new, old]).encode(Cursor((1,)), SCOPE)
    assert CursorCodec([new]).decode(text, SCOPE) == Cursor((1,))


def test_at_least_one_key_is_required() -> None:
    with pytest.raises(ValueError, match="key"):
        CursorCodec([])


@pytest.mark.parametrize(
    "text",
    ["", "=", "a", "abc=d", "!!!!", "한글", "a\0b", "\ud800", " ", "AAAA\n", "A" * 10_000],
)
def test_garbage_is_a_bad_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        cursors.decode(text, SCOPE)


@given(st.text(st.characters(), max_size=40))
def test_any_garbage_is_a_bad_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        cursors.decode(text, SCOPE)


# -------------------------------------------------------------------------------------- pages


def key(number: int) -> SortKey:
    return (number,)


def read(numbers: Sequence[int], limit: int, cursor: Cursor) -> Page[int]:
    """A reader of an ascending list: returns up to one item more than the limit."""
    after, reverse = cursor.after, cursor.reverse
    ordered = sorted(numbers, reverse=reverse)
    if after is None:
        onward = ordered
    else:
        onward = [n for n in ordered if (key(n) < after if reverse else key(n) > after)]
    return build_page(
        onward[: limit + 1],
        PageRequest(limit, cursor),
        beyond=len(onward) < len(numbers),
        key=key,
    )


lists = st.sets(st.integers(0, 50), max_size=12).map(sorted)
limits = st.integers(1, 5)


@given(lists, limits)
def test_paging_forward_returns_each_item_once(numbers: list[int], limit: int) -> None:
    met: list[int] = []
    cursor: Cursor | None = Cursor()
    while cursor:
        page = read(numbers, limit, cursor)
        met += page.items
        cursor = page.next
    assert met == numbers


@given(lists, limits)
def test_paging_backward_returns_each_item_once(numbers: list[int], limit: int) -> None:
    met: list[int] = []
    cursor: Cursor | None = Cursor(None, reverse=True)
    while cursor:
        page = read(numbers, limit, cursor)
        met = [*page.items, *met]
        cursor = page.previous
    assert met == numbers


@given(lists, limits, st.booleans(), st.lists(st.booleans(), max_size=10))
def test_any_paging_reports_exactly_whether_more_follows(
    numbers: list[int], limit: int, from_the_end: bool, directions: list[bool]
) -> None:
    page = read(numbers, limit, Cursor(None, reverse=from_the_end))
    for onward in directions:
        first = numbers.index(page.items[0]) if page.items else 0
        last = numbers.index(page.items[-1]) if page.items else -1
        assert page.items == tuple(numbers[first : last + 1])
        assert (page.previous is None) == (first == 0)
        assert (page.next is None) == (last == len(numbers) - 1)
        cursor = page.next if onward else page.previous
        if cursor is None:
            continue
        page = read(numbers, limit, cursor)
        if onward:
            assert page.items[0] == numbers[last + 1]
        else:
            assert page.items[-1] == numbers[first - 1]


@pytest.mark.parametrize("reverse", [True, False])
def test_a_page_is_limited(reverse: bool) -> None:
    page = read(range(10), 3, Cursor(None, reverse))
    assert page.items == ((7, 8, 9) if reverse else (0, 1, 2))


def test_after_the_rest_is_deleted_previous_starts_at_the_end() -> None:
    page = read([1, 2], 5, Cursor((2,)))
    assert page == Page((), None, Cursor(None, reverse=True))


def test_after_the_start_is_deleted_next_starts_at_the_start() -> None:
    page = read([1, 2], 5, Cursor((1,), reverse=True))
    assert page == Page((), Cursor(None), None)


def test_an_empty_list_has_no_cursors() -> None:
    assert read([], 5, Cursor()) == Page((), None, None)
