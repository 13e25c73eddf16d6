"""Suspension, roles and the end of removed content, over a store in memory."""

from datetime import timedelta

import pytest

from sidepro.domain.errors import AccountSuspended, CaseChanged, Forbidden, NotFound
from sidepro.domain.identity import Caller, Role
from sidepro.domain.ids import UserId
from sidepro.domain.moderation.case import MAX_DAYS, PURGE_AFTER, Action
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.visibility import Visibility
from tests.domain.account_data import EMAIL, PASSWORD, USERNAME
from tests.domain.moderation.scene import Scene
from tests.domain.services import Services, awaited, error_fields
from tests.factories import ADDRESS, new_id

# ------------------------------------------------------------------------------------ suspension


@awaited
async def test_a_suspension_ends_the_sessions_and_ends_by_itself(services: Services) -> None:
    scene = await Scene.build(services)
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    tokens = await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert await services.session_registry.is_active(tokens.session_id)
    await scene.decide(await scene.reported(Target.user(account.id)), Action.SUSPEND, days=3)
    assert not await services.session_registry.is_active(tokens.session_id)
    until = services.clock.now + timedelta(days=3)
    services.clock.now = until - timedelta(microseconds=1)
    with pytest.raises(AccountSuspended) as caught:
        await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert caught.value.until == until
    services.clock.now = until
    await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)


@awaited
async def test_the_longest_suspension_that_stands_counts(services: Services) -> None:
    scene = await Scene.build(services)
    now = services.clock.now
    cases = {}
    for kind, days in (
        (TargetKind.USER, 3),
        (TargetKind.PROJECT, MAX_DAYS),
        (TargetKind.COMMENT, 1),
    ):
        details = await scene.reported(scene.target(kind))
        cases[kind] = await scene.decide(details, Action.SUSPEND, days=days)
    left: tuple[tuple[TargetKind, int | None], ...] = (
        (TargetKind.COMMENT, MAX_DAYS),
        (TargetKind.PROJECT, 3),
        (TargetKind.USER, None),
    )
    for kind, days_left in left:
        await scene.reverse(cases[kind])
        until = None if days_left is None else now + timedelta(days=days_left)
        assert scene.stored(scene.author).suspended_until == until


@awaited
async def test_a_new_report_of_a_suspended_person_does_not_shorten_the_suspension(
    services: Services,
) -> None:
    scene = await Scene.build(services)
    person = scene.target(TargetKind.USER)
    await scene.decide(await scene.reported(person), Action.SUSPEND, days=9)
    until = scene.stored(scene.author).suspended_until
    await scene.report(person)
    comment = await scene.reported(scene.target(TargetKind.COMMENT))
    await scene.decide(comment, Action.SUSPEND, days=1)
    assert scene.stored(scene.author).suspended_until == until
    # A later suspension of the same case takes the place of the first.
    again = await scene.decide(await scene.case(person), Action.SUSPEND, days=2)
    assert scene.stored(scene.author).suspended_until == services.clock.now + timedelta(days=2)
    await scene.reverse(again)
    assert scene.stored(scene.author).suspended_until == services.clock.now + timedelta(days=1)


@pytest.mark.parametrize("members", [{"is_moderator": True}, {"is_admin": True}])
@awaited
async def test_only_administrators_suspend_moderators(
    services: Services, members: dict[str, bool]
) -> None:
    scene = await Scene.build(services)
    details = await scene.reported(scene.target(TargetKind.USER))
    services.change(scene.author.id, **members)
    with pytest.raises(Forbidden):
        await scene.decide(details, Action.SUSPEND, days=1)
    assert scene.stored(scene.author).suspended_until is None
    admin = await services.person(is_admin=True)
    await scene.decide(details, Action.SUSPEND, days=1, by=admin)
    assert scene.stored(scene.author).suspended_until


# ----------------------------------------------------------------------------------------- roles


@pytest.mark.parametrize("role", Role)
@awaited
async def test_administrators_give_roles_and_the_log_has_them(
    services: Services, role: Role
) -> None:
    admin, person = await services.person(is_admin=True), await services.person()
    before = Role.MODERATOR if role is Role.MEMBER else Role.MEMBER
    services.change(person.id, is_moderator=before is Role.MODERATOR)
    for _ in range(2):  # a role that somebody has is no change
        assert (await services.roles.set_role(admin, person.id, role)).role is role
    (entry,) = services.store.state.moderation_log.values()
    assert (entry.moderator_id, entry.action) == (admin.id, Action.ROLE)
    assert (entry.target, entry.reason) == (Target.user(person.id), role.value)


@awaited
async def test_nobody_else_gives_roles_and_nobody_changes_their_own(services: Services) -> None:
    admin, person = await services.person(is_admin=True), await services.person()
    moderator = await services.person(is_moderator=True)
    for caller in (person, moderator, Caller(person.id, person.session_id, is_admin=True)):
        with pytest.raises(Forbidden):
            await services.roles.set_role(caller, person.id, Role.ADMIN)
    assert await error_fields(services.roles.set_role(admin, admin.id, Role.MEMBER)) == [None]
    with pytest.raises(NotFound):
        await services.roles.set_role(admin, UserId(new_id()), Role.ADMIN)


@awaited
async def test_the_command_line_gives_roles_by_name_or_email(services: Services) -> None:
    person = await services.person()
    user = services.store.state.users[person.id]
    for name, role in ((user.username, Role.MODERATOR), (user.email.upper(), Role.ADMIN)):
        assert (await services.roles.set_role_of(name, role)).role is role
    log = services.store.state.moderation_log.values()
    assert [entry.moderator_id for entry in log] == [None, None]
    with pytest.raises(NotFound):
        await services.roles.set_role_of("nobody", Role.ADMIN)


# --------------------------------------------------------------------------------- removed content


@pytest.mark.parametrize("kind", [TargetKind.PROJECT, TargetKind.COMMENT, TargetKind.MESSAGE])
@awaited
async def test_removed_content_is_deleted_after_ninety_days(
    services: Services, kind: TargetKind
) -> None:
    scene = await Scene.build(services)
    target = scene.target(kind)
    decided = await scene.decide(await scene.reported(target), Action.REMOVE)
    comments = services.store.state.counters[scene.project.id].comments
    services.clock.now += PURGE_AFTER - timedelta(microseconds=1)
    assert await services.purge.purge() == 0
    services.clock.forward(0.000_001)
    assert await services.purge.purge() == 1
    assert await services.purge.purge() == 0
    state = services.store.state
    match kind:
        case TargetKind.PROJECT:
            assert not state.projects
        case TargetKind.COMMENT:
            assert not state.comments
            assert state.counters[scene.project.id].comments == comments == 0
        case _:
            assert state.messages[scene.room_id, 1].body == ""
    with pytest.raises(CaseChanged):
        await scene.reverse(decided)


@awaited
async def test_what_was_restored_in_time_is_not_deleted(services: Services) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.PROJECT)
    await scene.reverse(await scene.decide(await scene.reported(target), Action.REMOVE))
    services.clock.now += PURGE_AFTER
    assert await services.purge.purge() == 0
    assert scene.visibility(target) is Visibility.VISIBLE
