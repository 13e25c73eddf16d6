"""Withdrawal: `UserRepository.remove`, `RoomRepository.of_user`, and who is found by name."""

import asyncio
import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest

from sidepro.domain.accounts.ports import LogInCandidate
from sidepro.domain.accounts.user import User
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.ports import Counters
from sidepro.domain.recommendations.ports import Neighbourhood, SimilarityRun
from sidepro.domain.rooms.room import Room
from tests import factories, similarity_fixtures
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, nobody
from tests.contracts.concurrency import MANY, UNBLOCKED_WITHIN, after_change, race
from tests.factories import ADDRESS, NOW
from tests.fakes.unit_of_work import FullUnitOfWork

pytestmark = pytest.mark.anyio


async def comment(adapters: Adapters, project_id: ProjectId, author_id: UserId) -> None:
    """Comment as a use case does."""
    async with adapters.unit_of_work() as work:
        await work.comments.add(factories.comment(project_id, author_id))
        await work.projects.adjust_counters(project_id, comments=1)
        await work.commit()


async def remove(adapters: Adapters, user_id: UserId) -> None:
    """Take somebody away as a use case does."""
    async with adapters.unit_of_work() as work:
        for room in await work.rooms.of_user(user_id):
            left = room.withdraw(user_id)
            if left is None:
                await work.rooms.delete(room.id)
            else:
                await work.rooms.save(left)
        await work.users.delete(user_id)
        await work.commit()


async def rows(adapters: Adapters, project_id: ProjectId, people: list[User]) -> Counters:
    """The counters that the rows behind them make."""
    comments = (await adapters.board.comments(project_id, PageRequest(100), None)).items
    bookmarks = 0
    for person in people:
        page = await adapters.board.bookmarked_by(person.id, PageRequest(100), None)
        bookmarks += sum(card.id == project_id for card in page.items)
    return Counters(0, bookmarks, len(comments))


async def test_counters_of_others_stay_equal_to_their_rows(adapters: Adapters) -> None:
    going, staying, third = people = [factories.user() for _ in range(3)]
    both, bookmarked, commented, untouched = projects = [
        factories.project(staying.id) for _ in range(4)
    ]
    own = factories.project(going.id)
    await adapters.add(*people, *projects, own)
    for project in (both, bookmarked, own):
        await adapters.bookmark(going.id, project.id)
    for project in (both, commented, untouched, own):
        await adapters.bookmark(third.id, project.id)
    for project in (both, both, commented, commented, commented):
        await comment(adapters, project.id, going.id)
    for project in (both, commented, untouched, own):
        await comment(adapters, project.id, third.id)
    await remove(adapters, going.id)
    for project, expected in (
        (both, Counters(0, 1, 1)),
        (bookmarked, Counters(0, 0, 0)),
        (commented, Counters(0, 1, 1)),
        (untouched, Counters(0, 1, 1)),
    ):
        assert await adapters.counters(project.id) == expected
        assert await rows(adapters, project.id, [staying, third]) == expected
    assert await adapters.board.counters(own.id, None) is None
    left = (await adapters.board.bookmarked_by(third.id, PageRequest(100), None)).items
    assert own.id not in {card.id for card in left}


async def test_deletion_removes_the_users_data_and_nothing_else(adapters: Adapters) -> None:
    going, staying = factories.user(), factories.user()
    session, others = factories.session(going.id), factories.session(staying.id)
    profile = factories.profile(staying.id)
    await adapters.add(going, staying, session, others, factories.profile(going.id), profile)
    await remove(adapters, going.id)
    async with adapters.unit_of_work() as work:
        assert await work.users.get(going.id) is None
        assert await work.profiles.get(going.id) is None
        assert await work.users.get(staying.id) == staying
        assert await work.profiles.get(staying.id) == profile
        assert await work.sessions.owner(factories.refresh_token(session).hash) is None
    assert await adapters.sessions() == [others]
    assert await adapters.accounts.account(going.id) is None
    assert not await adapters.accounts.email_taken(going.email)
    assert not await adapters.accounts.username_taken(going.username)
    with pytest.raises(NotFound):
        await adapters.add(factories.session(going.id))
    # Email and name may be had again.
    await adapters.add(factories.user(email=going.email, username=going.username))


async def test_messages_stay_without_a_sender(adapters: Adapters) -> None:
    going, staying = factories.user(), factories.user()
    room = replace(factories.room(going.id, staying.id), last_seq=2)
    mine = factories.message(room.id, 1, going.id, client_id="mine")
    theirs = factories.message(room.id, 2, staying.id, client_id="theirs")
    await adapters.add(going, staying, room, mine, theirs)
    await remove(adapters, going.id)
    found = await adapters.rooms.messages(room.id, after=0, before=None, limit=9)
    assert found == (replace(mine, sender_id=None), theirs)
    state = await adapters.rooms.state(room.id)
    assert state == room.withdraw(going.id)
    async with adapters.unit_of_work() as work:
        assert await work.rooms.get(room.id) == room.withdraw(going.id)
        assert await work.rooms.of_user(staying.id) == (room.withdraw(going.id),)
        assert await work.rooms.of_user(going.id) == ()


async def test_a_deleted_user_is_no_neighbour(adapters: Adapters) -> None:
    users = [factories.user() for _ in range(3)]
    await adapters.add(*users)
    one, other, another = (user.id for user in users)
    skills = dict.fromkeys((one, other, another), ("Java",))
    near = {one: [other, another], other: [one, another], another: [other]}
    result = similarity_fixtures.result_of(skills, near)
    left = similarity_fixtures.result_of(skills, {other: [another], another: [other]})
    assert await adapters.neighbours.replace(result, SimilarityRun(NOW, 0, 3, 3))
    await remove(adapters, one)
    assert (await adapters.neighbours.of(one)).neighbours == ()
    assert await adapters.neighbours.of(other) == Neighbourhood(left.of(other), NOW)
    assert await adapters.neighbours.of(another) == Neighbourhood(left.of(another), NOW)


async def test_a_result_that_is_stored_during_a_removal_waits_for_it(adapters: Adapters) -> None:
    going, staying = factories.user(), factories.user()
    await adapters.add(going, staying)
    skills = {going.id: ("Java",), staying.id: ("Java",)}
    result = similarity_fixtures.result_of(
        skills, {staying.id: [going.id], going.id: [staying.id]}
    )
    await adapters.neighbours.replace(result, SimilarityRun(NOW, 0, 2, 2))
    async with adapters.unit_of_work() as work:
        await work.users.delete(going.id)
        storing = asyncio.create_task(
            (await adapters.another()).neighbours.replace(result, SimilarityRun(after(1), 0, 2, 2))
        )
        await asyncio.sleep(UNBLOCKED_WITHIN)
        assert not storing.done(), "it did not wait"
        await work.commit()
    assert await asyncio.wait_for(storing, 5)
    assert (await adapters.neighbours.of(going.id)).neighbours == ()


async def test_a_removal_that_is_not_committed_changes_nothing(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    project = factories.project(other.id)
    await adapters.add(user, other, project)
    await adapters.bookmark(user.id, project.id)
    async with adapters.unit_of_work() as work:
        await work.users.delete(user.id)
    assert await adapters.counters(project.id) == Counters(0, 1, 0)
    async with adapters.unit_of_work() as work:
        assert await work.users.get(user.id) == user


async def test_counters_are_exact_after_a_removal_among_many_others(adapters: Adapters) -> None:
    author = factories.user()
    going = [factories.user() for _ in range(4)]
    staying = [factories.user() for _ in range(4)]
    projects = [factories.project(author.id) for _ in range(3)]
    await adapters.add(author, *going, *staying, *projects)
    everybody = [*going, *staying]
    for user in going:
        for project in projects:
            await adapters.bookmark(user.id, project.id)
            await comment(adapters, project.id, user.id)

    async def attempt(index: int) -> None:
        user, project = everybody[index % 8], projects[index % 3]
        if index < len(going):
            await remove(adapters, user.id)
        elif index % 2:
            await adapters.bookmark(user.id, project.id)
        else:
            await comment(adapters, project.id, user.id)

    for result in await race(adapters, MANY, attempt):
        assert result is None or isinstance(result, NotFound | bool), result
    for project in projects:
        counters = await adapters.counters(project.id)
        assert counters == await rows(adapters, project.id, [author, *staying])


# --------------------------------------------------------------------------------- rooms of one


async def test_rooms_of_a_user_come_by_id_left_or_not(adapters: Adapters) -> None:
    one, *others = [factories.user() for _ in range(5)]
    rooms = [factories.room(one.id, other.id) for other in others]
    rooms[1] = replace(rooms[1], left_by=one.id)
    rooms[2] = replace(rooms[2], left_by=others[2].id)
    elsewhere = factories.room(others[0].id, others[1].id)
    await adapters.add(one, *others)
    await adapters.add(*reversed(rooms), elsewhere)
    async with adapters.unit_of_work() as work:
        found = await work.rooms.of_user(one.id)
        assert found == tuple(sorted(rooms, key=lambda room: room.id))
        assert await work.rooms.of_user(nobody()) == ()


async def test_rooms_of_a_user_are_locked(adapters: Adapters) -> None:
    one, other = factories.user(), factories.user()
    room = factories.room(one.id, other.id)
    changed = replace(room, last_seq=3, updated_at=after(5))
    await adapters.add(one, other, room)
    found = await after_change(
        adapters, lambda work: work.rooms.of_user(one.id), lambda work: work.rooms.save(changed)
    )
    assert found == (changed,)


async def test_locked_rooms_delay_another_get(adapters: Adapters) -> None:
    one, other = factories.user(), factories.user()
    room = factories.room(one.id, other.id)
    changed = replace(room, last_seq=3, updated_at=after(5))
    await adapters.add(one, other, room)
    first = True

    async def get(work: FullUnitOfWork) -> Room | None:
        nonlocal first
        if not first:
            return await work.rooms.get(room.id)
        first = False
        return (await work.rooms.of_user(one.id))[0]

    assert await after_change(adapters, get, lambda work: work.rooms.save(changed)) == changed


async def test_two_concurrent_deletions_leave_no_room(adapters: Adapters) -> None:
    pairs = [(factories.user(), factories.user()) for _ in range(MANY // 2)]
    people = [person for pair in pairs for person in pair]
    rooms = [factories.room(one.id, other.id) for one, other in pairs]
    await adapters.add(*people, *rooms)
    results = await race(adapters, MANY, lambda index: remove(adapters, people[index].id))
    assert results == [None] * MANY
    async with adapters.unit_of_work() as work:
        assert [await work.rooms.get(room.id) for room in rooms] == [None] * len(rooms)


# --------------------------------------------------------------------------------------- reader


@pytest.mark.parametrize(
    ("email", "asked"),
    [("mina@example.kr", "MINA@Example.kr"), ("straße@example.kr", "STRASSE@example.kr")],
)
async def test_a_user_is_found_by_an_email_that_folds_alike(
    adapters: Adapters, email: str, asked: str
) -> None:
    user = factories.user(email=email)
    await adapters.add(user, factories.user())
    assert await adapters.accounts.log_in_candidate(asked, ADDRESS) == LogInCandidate(user, None)
    assert await adapters.accounts.find_user(asked) == user
    assert await adapters.accounts.log_in_candidate("x" + asked, ADDRESS) is None
    assert await adapters.accounts.log_in_candidate(user.username, ADDRESS) is None


async def test_a_user_is_found_by_a_name_that_folds_alike(adapters: Adapters) -> None:
    user = factories.user(username="미나Kim", is_active=False)
    await adapters.add(user, factories.user())
    for asked in ("미나kim", unicodedata.normalize("NFD", "미나KIM"), "미나ｋｉｍ"):
        assert await adapters.accounts.find_user(asked) == user
    assert await adapters.accounts.find_user("미나") is None


async def test_users_come_in_the_order_of_their_ids(adapters: Adapters) -> None:
    users = [factories.user(created_at=factories.NOW + timedelta(days=-day)) for day in range(5)]
    await adapters.add(*reversed(users))
    assert await adapters.accounts.users(None, 2) == tuple(users[:2])
    assert await adapters.accounts.users(users[1].id, 2) == tuple(users[2:4])
    assert await adapters.accounts.users(users[3].id, 2) == (users[4],)
    assert await adapters.accounts.users(users[4].id, 2) == ()
