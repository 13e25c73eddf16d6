"""Who may see and change a project."""

from collections.abc import Awaitable, Callable

import pytest

from sidepro.domain.errors import Forbidden, NotFound
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CommentId, ProjectId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.project import Project
from tests.domain.services import Services, awaited
from tests.factories import new_id

NOWHERE = ProjectId(new_id())


NO_COMMENT = CommentId(new_id())


ProjectAct = Callable[[Services, Caller, ProjectId], Awaitable[object]]


AUTHORS_ACTS: list[ProjectAct] = [
    lambda services, caller, project: services.projects.edit(caller, project, {}, None),
    lambda services, caller, project: services.projects.delete(caller, project),
    lambda services, caller, project: services.projects.authorize_edit(caller, project),
]


VIEWERS_ACTS: list[ProjectAct] = [
    *AUTHORS_ACTS,
    lambda services, caller, project: services.projects.get_and_count_view(project, caller.id),
    lambda services, caller, project: services.projects.get(project, caller.id),
    lambda services, caller, project: services.comments.of_project(
        project, PageRequest(), caller.id
    ),
    lambda services, caller, project: services.comments.count(project, caller.id),
    lambda services, caller, project: services.projects.ensure_exists(project, caller.id),
    lambda services, caller, project: services.comments.write(caller, project, "Hello"),
    lambda services, caller, project: services.comments.delete(caller, project, NO_COMMENT),
    lambda services, caller, project: services.bookmarks.add(caller, project),
    lambda services, caller, project: services.bookmarks.remove(caller, project),
]


@pytest.mark.parametrize("act", AUTHORS_ACTS, ids=["edit", "delete", "may_edit"])
@awaited
async def test_only_the_author_and_administrators_change_a_project(
    services: Services, act: ProjectAct
) -> None:
    author, project = await services.published()
    stranger, admin = await services.person(), await services.person(is_admin=True)
    with pytest.raises(Forbidden):
        await act(services, stranger, project.card.id)
    assert await services.projects.get(project.card.id, author.id) == project
    await act(services, admin, project.card.id)
    other = await services.project(author)
    await act(services, author, other.id)


@pytest.mark.parametrize("act", VIEWERS_ACTS)
@awaited
async def test_a_project_that_the_caller_may_not_see_is_not_found(
    services: Services, monkeypatch: pytest.MonkeyPatch, act: ProjectAct
) -> None:
    author, project = await services.published()
    monkeypatch.setattr(Project, "is_visible_to", lambda self, viewer: viewer.id == self.author_id)
    with pytest.raises(NotFound):
        await act(services, await services.person(is_admin=True), project.card.id)
    seen = await services.projects.get(project.card.id, author.id)
    assert seen.content == project.content


@pytest.mark.parametrize("act", VIEWERS_ACTS)
@awaited
async def test_an_unknown_project_is_not_found(services: Services, act: ProjectAct) -> None:
    with pytest.raises(NotFound):
        await act(services, await services.person(is_admin=True), NOWHERE)
    state = services.store.state
    assert not any((state.bookmarks, state.comments, state.counters))


@awaited
async def test_an_administrators_edit_keeps_the_author(services: Services) -> None:
    author, project = await services.published()
    admin = await services.person(is_admin=True)
    edited = await services.projects.edit(admin, project.card.id, {"title": "새 제목"}, None)
    assert edited.card.author.id == author.id
