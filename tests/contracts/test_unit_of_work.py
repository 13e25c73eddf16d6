"""`UnitOfWork`: changes are atomic."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from sidepro.domain.accounts.user import User
from sidepro.domain.errors import EmailTaken, NotFound, SideProError, UsernameTaken
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from sidepro.domain.rooms.room import Room
from tests import factories
from tests.contracts.adapters import Adapters, Storable, add
from tests.contracts.builders import after, no_project, nobody
from tests.contracts.concurrency import MANY, UNBLOCKED_WITHIN, race
from tests.fakes.unit_of_work import FullUnitOfWork

pytestmark = pytest.mark.anyio


class Interruption(Exception):
    """What a use case may run into."""


class Scene:
    """Something of every kind, stored, and the same things changed."""

    def __init__(self) -> None:
        self.one, self.other = factories.user(), factories.user()
        self.project = factories.project(self.one.id)
        self.comment = factories.comment(self.project.id, self.other.id)
        self.room = factories.room(self.one.id, self.other.id)
        self.profile = factories.profile(self.one.id)
        self.stored: list[Storable] = [
            self.one,
            self.other,
            self.profile,
            self.project,
            self.comment,
            self.room,
        ]

    async def change_everything(self, work: FullUnitOfWork) -> list[Storable]:
        """Add, change and remove something of every kind; what was added."""
        newcomer = factories.user()
        added: list[Storable] = [
            newcomer,
            factories.profile(newcomer.id),
            factories.session(newcomer.id),
            factories.project(newcomer.id),
            factories.comment(self.project.id, newcomer.id),
            factories.room(newcomer.id, self.one.id),
            factories.message(self.room.id, 1, self.one.id),
        ]
        for thing in added:
            await add(work, thing)
        await work.users.save(replace(self.one, password_hash="new", is_active=False))
        await work.profiles.save(replace(self.profile, bio="new", skills=("Kotlin",)))
        await work.projects.save(replace(self.project, title="new", skills=("Kotlin",)))
        await work.projects.adjust_counters(self.project.id, bookmarks=1, comments=1)
        await work.bookmarks.add(self.other.id, self.project.id, after(1))
        await work.comments.save(replace(self.comment, body="new"))
        await work.rooms.save(replace(self.room, last_seq=1))
        assert await work.comments.delete(self.comment.id)
        return added

    async def assert_unchanged(self, adapters: Adapters, added: list[Storable]) -> None:
        async with adapters.unit_of_work() as work:
            assert await work.users.get(self.one.id) == self.one
            assert await work.profiles.get(self.one.id) == self.profile
            assert await work.projects.get(self.project.id) == self.project
            assert await work.comments.get(self.comment.id) == self.comment
            assert await work.rooms.get(self.room.id) == self.room
            assert not await work.bookmarks.remove(self.other.id, self.project.id)
            for thing in added:
                assert await there(work, thing) is None
        assert await adapters.counters(self.project.id) == Counters(0, 0, 0)
        assert await adapters.sessions() == []
        assert await adapters.rooms.messages(self.room.id, after=0, before=None, limit=9) == ()


async def there(work: FullUnitOfWork, thing: Storable) -> object | None:
    """The stored thing, where its repository can tell."""
    match thing:
        case User():
            return await work.users.get(thing.id)
        case Project():
            return await work.projects.get(thing.id)
        case Comment():
            return await work.comments.get(thing.id)
        case Room():
            return await work.rooms.get(thing.id)
        case _:
            return None


async def test_leaving_without_commit_undoes_everything(adapters: Adapters) -> None:
    scene = Scene()
    await adapters.add(*scene.stored)
    async with adapters.unit_of_work() as work:
        added = await scene.change_everything(work)
    await scene.assert_unchanged(adapters, added)


async def test_an_exception_undoes_everything_and_comes_out_as_it_is(adapters: Adapters) -> None:
    scene = Scene()
    added: list[Storable] = []
    interruption = Interruption()

    async def use_case() -> None:
        async with adapters.unit_of_work() as work:
            added.extend(await scene.change_everything(work))
            raise interruption

    await adapters.add(*scene.stored)
    with pytest.raises(Interruption) as caught:
        await use_case()
    assert caught.value is interruption
    await scene.assert_unchanged(adapters, added)


async def test_a_domain_error_undoes_everything_and_comes_out_as_it_is(adapters: Adapters) -> None:
    scene = Scene()
    added: list[Storable] = []

    async def use_case() -> None:
        async with adapters.unit_of_work() as work:
            added.extend(await scene.change_everything(work))
            await work.users.add(factories.user(email=scene.other.email.upper()))

    await adapters.add(*scene.stored)
    with pytest.raises(EmailTaken):
        await use_case()
    await scene.assert_unchanged(adapters, added)


async def test_being_cancelled_undoes_everything(adapters: Adapters) -> None:
    scene = Scene()
    added: list[Storable] = []
    changed = asyncio.Event()

    async def use_case() -> None:
        async with adapters.unit_of_work() as work:
            added.extend(await scene.change_everything(work))
            changed.set()
            await asyncio.sleep(60)

    await adapters.add(*scene.stored)
    task = asyncio.create_task(use_case())
    await changed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await scene.assert_unchanged(adapters, added)


async def test_committed_changes_are_visible_to_readers_and_other_processes(
    adapters: Adapters,
) -> None:
    scene = Scene()
    await adapters.add(*scene.stored)
    async with adapters.unit_of_work() as work:
        added = await scene.change_everything(work)
        await work.commit()
    newcomer = added[0]
    assert isinstance(newcomer, User)
    for reader in (adapters, await adapters.another()):
        account = await reader.accounts.account(newcomer.id)
        assert account is not None
        assert account.profile is not None
        page = await reader.board.project(scene.project.id, scene.other.id)
        assert page is not None
        assert page.card.title == "new"
        assert page.card.skills == ("Kotlin",)
        assert page.card.bookmarked is True
        assert await reader.board.counters(scene.project.id, None) == Counters(0, 1, 1)
        assert await reader.board.comment(scene.project.id, scene.comment.id, None) is None
        state = await reader.rooms.state(scene.room.id)
        assert state is not None
        assert state.last_seq == 1
        messages = await reader.rooms.messages(scene.room.id, after=0, before=None, limit=9)
        assert messages == (added[-1],)
        assert len(await reader.sessions()) == 1
        async with reader.unit_of_work() as again:
            changed = await again.users.get(scene.one.id)
        assert changed == replace(scene.one, password_hash="new", is_active=False)


async def test_a_unit_of_work_sees_its_own_changes(adapters: Adapters) -> None:
    scene = Scene()
    await adapters.add(*scene.stored)
    async with adapters.unit_of_work() as work:
        added = await scene.change_everything(work)
        for thing in added:
            if isinstance(thing, (User, Project, Comment, Room)):
                assert await there(work, thing) == thing
        project = await work.projects.get(scene.project.id)
        assert project == replace(scene.project, title="new", skills=("Kotlin",))
        assert await work.comments.get(scene.comment.id) is None
        assert not await work.bookmarks.add(scene.other.id, scene.project.id, after(2))


async def test_uncommitted_changes_are_invisible_to_readers(adapters: Adapters) -> None:
    scene = Scene()
    await adapters.add(*scene.stored)
    async with adapters.unit_of_work() as work:
        added = await scene.change_everything(work)
        newcomer = added[0]
        assert isinstance(newcomer, User)
        assert await adapters.accounts.account(newcomer.id) is None
        assert not await adapters.accounts.email_taken(newcomer.email)
        page = await adapters.board.project(scene.project.id, scene.other.id)
        assert page is not None
        assert page.card.title == scene.project.title
        assert page.card.bookmarked is False
        assert await adapters.board.counters(scene.project.id, None) == Counters(0, 0, 0)
        assert await adapters.board.comment(scene.project.id, scene.comment.id, None) is not None
        assert await adapters.rooms.state(scene.room.id) == scene.room
        assert (await adapters.board.comments(scene.project.id, PageRequest(), None)).items != ()
        population = await adapters.population.population()
        assert population.place_of(newcomer.id) is None


async def test_units_of_work_do_not_see_rolled_back_changes(adapters: Adapters) -> None:
    user = factories.user()

    async def look() -> User | None:
        async with adapters.unit_of_work() as work:
            return await work.users.get(user.id)

    async with adapters.unit_of_work() as work:
        await work.users.add(user)
        # The other one waits or looks past the change, as the store likes.
        looking = asyncio.create_task(look())
        await asyncio.sleep(UNBLOCKED_WITHIN)
    assert await looking is None


async def test_a_read_sees_earlier_commits_of_others(adapters: Adapters) -> None:
    user = factories.user()
    async with adapters.unit_of_work() as work:
        assert await work.users.get(user.id) is None
        storing = asyncio.create_task(adapters.add(user))
        await asyncio.sleep(UNBLOCKED_WITHIN)
        # Where units of work follow one another, the other one has not begun yet.
        assert await work.users.get(user.id) == (user if storing.done() else None)
    await storing
    async with adapters.unit_of_work() as work:
        assert await work.users.get(user.id) == user


async def test_changes_after_a_commit_need_another_one(adapters: Adapters) -> None:
    first, second = factories.user(), factories.user()
    async with adapters.unit_of_work() as work:
        await work.users.add(first)
        await work.commit()
        await work.users.add(second)
    async with adapters.unit_of_work() as work:
        assert await work.users.get(first.id) == first
        assert await work.users.get(second.id) is None


async def test_many_concurrent_units_of_work_all_succeed(adapters: Adapters) -> None:
    users = [factories.user() for _ in range(2 * MANY)]

    async def half_of_them_give_up(index: int) -> None:
        async with adapters.unit_of_work() as work:
            await work.users.add(users[index])
            if index % 2:
                await work.commit()

    assert await race(adapters, 2 * MANY, half_of_them_give_up) == [None] * (2 * MANY)
    async with adapters.unit_of_work() as work:
        found = [await work.users.get(user.id) for user in users]
    assert found == [user if place % 2 else None for place, user in enumerate(users)]


async def test_times_come_back_in_utc(adapters: Adapters) -> None:
    scene = Scene()
    await adapters.add(*scene.stored)
    async with adapters.unit_of_work() as work:
        user = await work.users.get(scene.one.id)
    account = await adapters.accounts.account(scene.one.id)
    page = await adapters.board.project(scene.project.id, None)
    assert user is not None
    assert account is not None
    assert page is not None
    for moment in (user.created_at, account.created_at, page.card.updated_at):
        assert moment.utcoffset() == timedelta(0)
        assert moment.isoformat() == factories.NOW.isoformat()


# ------------------------------------------------------------- errors, where the ports name them

Operation = Callable[[FullUnitOfWork, Scene], Awaitable[object]]


def refused(attempt: Operation, error: type[SideProError], name: str) -> object:
    return pytest.param(attempt, error, id=name)


REFUSED = [
    refused(
        lambda work, scene: work.users.add(factories.user(email=scene.one.email.upper())),
        EmailTaken,
        "email-taken",
    ),
    refused(
        lambda work, scene: work.users.add(factories.user(username=scene.one.username)),
        UsernameTaken,
        "username-taken",
    ),
    refused(lambda work, _: work.profiles.save(factories.profile(nobody())), NotFound, "profile"),
    refused(lambda work, _: add(work, factories.session(nobody())), NotFound, "session"),
    refused(lambda work, _: work.projects.add(factories.project(nobody())), NotFound, "project"),
    refused(
        lambda work, _: work.projects.adjust_counters(no_project(), comments=1),
        NotFound,
        "counters",
    ),
    refused(
        lambda work, scene: work.comments.add(factories.comment(no_project(), scene.one.id)),
        NotFound,
        "comment",
    ),
    refused(
        lambda work, scene: work.bookmarks.add(scene.one.id, no_project(), after(1)),
        NotFound,
        "bookmark",
    ),
    refused(
        lambda work, scene: work.rooms.add_if_absent(factories.room(scene.one.id, nobody())),
        NotFound,
        "room",
    ),
]


@pytest.mark.parametrize(("attempt", "error"), REFUSED)
async def test_an_error_is_raised_by_the_call_that_the_port_names(
    adapters: Adapters, attempt: Operation, error: type[SideProError]
) -> None:
    scene = Scene()
    await adapters.add(*scene.stored)
    async with adapters.unit_of_work() as work:
        with pytest.raises(error):
            await partial(attempt, work, scene)()
