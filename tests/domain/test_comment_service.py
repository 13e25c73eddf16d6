"""Comments over a store in memory: access rules and exact counters."""

import unicodedata
from dataclasses import replace
from functools import partial

import pytest

from sidepro.domain.errors import Forbidden, NotFound, SideProError, Unavailable
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CommentId, ProjectId
from sidepro.domain.pagination import Cursor, PageRequest
from sidepro.domain.projects.views import CommentView
from tests.domain.services import Services, awaited, error_fields
from tests.factories import NOW, at_once, new_id

NO_COMMENT = CommentId(new_id())


@awaited
async def test_concurrent_comments_are_all_counted(services: Services) -> None:
    author, project = await services.published()
    await at_once([partial(services.comments.write, author, project.card.id, "Hello")] * 50)
    assert await services.comments.count(project.card.id, None) == 50


@awaited
async def test_a_comment_is_stored_in_nfc_and_counted(services: Services) -> None:
    _, project = await services.published()
    reader = await services.person()
    decomposed = unicodedata.normalize("NFD", "멋져요!\n정말로")
    comment = await services.comments.write(reader, project.card.id, decomposed)
    assert (comment.body, comment.author.id) == ("멋져요!\n정말로", reader.id)
    assert (comment.created_at, comment.updated_at) == (NOW, NOW)
    assert await services.comments.count(project.card.id, None) == 1


@pytest.mark.parametrize("body", ["", " \n ", "x" * 2_001, "a\0b"])
@awaited
async def test_an_invalid_comment_is_refused(services: Services, body: str) -> None:
    author, project = await services.published()
    comment = await services.comments.write(author, project.card.id, "x" * 2_000)
    write = services.comments.write(author, project.card.id, body)
    edit = services.comments.edit(author, project.card.id, comment.id, body)
    assert await error_fields(write) == await error_fields(edit) == ["/body"]
    assert (await services.comments.of_project(project.card.id, PageRequest(), None)).items == (
        comment,
    )


@awaited
async def test_an_edited_comment_keeps_its_place(services: Services) -> None:
    author, project = await services.published()
    first = await services.comments.write(author, project.card.id, "First")
    now = services.clock.forward(60)
    second = await services.comments.write(author, project.card.id, "Second")
    edited = await services.comments.edit(author, project.card.id, first.id, "Edited")
    assert edited == replace(first, body="Edited", updated_at=now)
    assert (await services.comments.of_project(project.card.id, PageRequest(), None)).items == (
        edited,
        second,
    )
    assert await services.comments.count(project.card.id, None) == 2


@awaited
async def test_comments_are_listed_oldest_first(services: Services) -> None:
    author, project = await services.published()
    written: list[CommentView] = []
    for number in range(5):
        services.clock.forward(1)
        written.append(await services.comments.write(author, project.card.id, f"{number}"))
    first = await services.comments.of_project(project.card.id, PageRequest(3), None)
    rest = await services.comments.of_project(
        project.card.id, PageRequest(3, first.next or Cursor()), None
    )
    assert [*first.items, *rest.items] == written
    assert (first.previous, rest.next) == (None, None)


@awaited
async def test_a_project_without_comments_has_an_empty_list(services: Services) -> None:
    _, project = await services.published()
    assert (await services.comments.of_project(project.card.id, PageRequest(), None)).items == ()


async def commented(services: Services) -> tuple[dict[str, Caller], ProjectId, CommentId]:
    """People by role, the project, and a comment on it."""
    author, project = await services.published()
    people = {
        "writer": await services.person(),
        "author": author,
        "admin": await services.person(is_admin=True),
        "stranger": await services.person(),
    }
    comment = await services.comments.write(people["writer"], project.card.id, "Hello")
    return people, project.card.id, comment.id


@pytest.mark.parametrize(
    ("who", "error"),
    [("writer", None), ("author", Forbidden), ("admin", Forbidden), ("stranger", Forbidden)],
)
@awaited
async def test_who_may_edit_a_comment(
    services: Services, who: str, error: type[SideProError] | None
) -> None:
    people, project_id, comment_id = await commented(services)
    for call in (
        services.comments.authorize_edit(people[who], project_id, comment_id),
        services.comments.edit(people[who], project_id, comment_id, "Edited"),
    ):
        if error:
            with pytest.raises(error):
                await call
        else:
            await call
    (comment,) = (await services.comments.of_project(project_id, PageRequest(), None)).items
    assert comment.author.id == people["writer"].id
    assert comment.body == ("Hello" if error else "Edited")


@pytest.mark.parametrize(
    ("who", "error"),
    [("writer", None), ("author", None), ("admin", None), ("stranger", Forbidden)],
)
@awaited
async def test_who_may_delete_a_comment(
    services: Services, who: str, error: type[SideProError] | None
) -> None:
    people, project_id, comment_id = await commented(services)
    call = services.comments.delete(people[who], project_id, comment_id)
    if error:
        with pytest.raises(error):
            await call
    else:
        await call
    assert await services.comments.count(project_id, None) == (1 if error else 0)
    comments = await services.comments.of_project(project_id, PageRequest(), None)
    assert len(comments.items) == (1 if error else 0)


@awaited
async def test_a_comment_is_not_found_under_another_project(services: Services) -> None:
    people, project_id, comment_id = await commented(services)
    elsewhere = (await services.project(people["writer"])).id
    for call in (
        services.comments.edit(people["writer"], elsewhere, comment_id, "Edited"),
        services.comments.authorize_edit(people["writer"], elsewhere, comment_id),
        services.comments.delete(people["writer"], elsewhere, comment_id),
        services.comments.delete(people["admin"], elsewhere, comment_id),
    ):
        with pytest.raises(NotFound):
            await call
    assert await services.comments.count(project_id, None) == 1


@awaited
async def test_an_unknown_comment_is_not_found(services: Services) -> None:
    people, project_id, _ = await commented(services)
    for call in (
        services.comments.edit(people["admin"], project_id, NO_COMMENT, "Edited"),
        services.comments.authorize_edit(people["admin"], project_id, NO_COMMENT),
        services.comments.delete(people["admin"], project_id, NO_COMMENT),
    ):
        with pytest.raises(NotFound):
            await call


@awaited
async def test_concurrent_deletes_of_a_comment_count_once(services: Services) -> None:
    people, project_id, comment_id = await commented(services)

    async def delete() -> bool:
        try:
            await services.comments.delete(people["writer"], project_id, comment_id)
        except NotFound:
            return False
        return True

    assert sum(await at_once([delete] * 5)) == 1
    assert await services.comments.count(project_id, None) == 0


@awaited
async def test_a_failed_commit_adds_no_comment(services: Services) -> None:
    author, project = await services.published()
    comments = replace(services.comments, unit_of_work=services.broken_unit_of_work)
    with pytest.raises(Unavailable):
        await comments.write(author, project.card.id, "Hello")
    assert await services.projects.get(project.card.id, author.id) == project


@pytest.mark.parametrize("is_blocker", [True, False], ids=["blocker", "blocked"])
@awaited
async def test_during_a_block_an_old_comment_on_the_others_project_may_only_be_deleted(
    services: Services, is_blocker: bool
) -> None:
    author, project = await services.published()
    writer, third = await services.people(2)
    other = await services.project(third)
    project_id = project.card.id
    comment = await services.comments.write(writer, project_id, "멋져요")
    elsewhere = await services.comments.write(writer, other.id, "멋져요")
    blocker, blocked = (writer, author) if is_blocker else (author, writer)
    await services.blocks.block(blocker, blocked.id)
    for call in (
        services.comments.edit(writer, project_id, comment.id, "수정"),
        services.comments.authorize_edit(writer, project_id, comment.id),
    ):
        with pytest.raises(Forbidden):
            await call
    await services.comments.edit(writer, other.id, elsewhere.id, "수정")
    await services.blocks.unblock(blocker, blocked.id)
    await services.comments.edit(writer, project_id, comment.id, "수정")
    await services.blocks.block(blocker, blocked.id)
    await services.comments.delete(writer, project_id, comment.id)
    assert await services.comments.count(project_id, None) == 0
