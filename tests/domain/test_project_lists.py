"""Lists of projects."""

import unicodedata

import pytest

from sidepro.domain.ids import UserId
from sidepro.domain.projects.views import BoardQuery, Sort
from tests.domain.services import Services, awaited, error_fields
from tests.factories import new_id


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("카페", "ㅋㅏㅍㅔ"),
        (unicodedata.normalize("NFD", "카페"), "ㅋㅏㅍㅔ"),
        ("ＣＡＦÉ", "café"),
        ("100%_\\", "100%_\\"),
        (" x  y ", "xy"),
        (None, None),
    ],
)
@awaited
async def test_the_text_of_a_query_is_folded(
    services: Services, text: str | None, folded: str | None
) -> None:
    assert (await services.projects.normalize_query(BoardQuery(text=text))).text == folded


@awaited
async def test_the_order_of_skills_does_not_matter_to_a_query(services: Services) -> None:
    one = BoardQuery(skills=("Swift", "Python", "AWS", "Java", "Git", "Python"), all_skills=True)
    other = BoardQuery(skills=("AWS", "Git", "Java", "Python", "Swift"), all_skills=True)
    assert (
        await services.projects.normalize_query(one)
        == await services.projects.normalize_query(other)
        == other
    )


@awaited
async def test_a_normalized_query_keeps_author_and_sort(services: Services) -> None:
    query = BoardQuery(None, (), False, UserId(new_id()), Sort.POPULAR)
    assert await services.projects.normalize_query(query) == query


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (BoardQuery(text=""), ["q"]),
        (BoardQuery(text="  "), ["q"]),
        (BoardQuery(text=" \u200b\u00ad "), ["q"]),
        (BoardQuery(text="x" * 101), ["q"]),
        (BoardQuery(text="a\0b"), ["q"]),
        (BoardQuery(text="two\nlines"), ["q"]),
        (BoardQuery(skills=("Python", "python")), ["skill"]),
        (BoardQuery(text=" ", skills=("Cobol",)), ["q", "skill"]),
    ],
)
@awaited
async def test_an_invalid_query_is_refused(
    services: Services, query: BoardQuery, parameters: list[str]
) -> None:
    assert await error_fields(services.projects.normalize_query(query)) == parameters
