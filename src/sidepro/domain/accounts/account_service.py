"""What people do with their accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sidepro.domain.accounts.audit_log import AuthenticationEvent, AuthenticationLog
from sidepro.domain.accounts.ports import (
    AccountReader,
    CommonPasswords,
    EmailNormalizer,
    PasswordHasher,
    SessionRegistry,
)
from sidepro.domain.accounts.profile import Catalogue, Profile
from sidepro.domain.accounts.user import (
    MAX_EMAIL,
    User,
    check_password_length,
    check_password_strength,
    check_username,
)
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.clock import Clock
from sidepro.domain.errors import (
    FieldError,
    InvalidInput,
    NoProfile,
    NotAuthenticated,
    NotFound,
    WrongPassword,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    ImageId,
    NewId,
    RoomId,
    UserId,
)
from sidepro.domain.recommendations.ports import SimilarityTrigger
from sidepro.domain.rooms.events import RoomClosed, StatusChanged
from sidepro.domain.rooms.ports import RoomEvents
from sidepro.domain.unit_of_work import UnitOfWork, UnitOfWorkFactory
from sidepro.domain.validation import Validator


@dataclass(frozen=True, slots=True)
class AccountService:
    """Sign-up, the password, profiles, and closing the account."""

    unit_of_work: UnitOfWorkFactory
    reader: AccountReader
    passwords: PasswordHasher
    common_passwords: CommonPasswords
    normalize_email: EmailNormalizer
    clock: Clock
    new_id: NewId
    session_registry: SessionRegistry
    room_events: RoomEvents
    audit_log: AuthenticationLog
    similarity_trigger: SimilarityTrigger

    async def sign_up(
        self, email: str, username: str, password: str, *, address: str | None = None
    ) -> AccountView:
        """Open an account. Its owner is no stranger at the address that this comes from.

        Raises:
            InvalidInput: a member breaks its rule.
            WeakPassword: the password is common or contains the email or the name.
            EmailTaken, UsernameTaken: somebody has it already.
        """
        user = await self.open_account(email, username, password, is_admin=False, address=address)
        return AccountView(
            id=user.id,
            username=user.username,
            created_at=user.created_at,
            profile=None,
            email=user.email,
            is_admin=user.is_admin,
        )

    async def open_account(
        self,
        email: str,
        username: str,
        password: str,
        *,
        is_admin: bool,
        address: str | None = None,
    ) -> User:
        """Open an account, perhaps an administrator's. Raises as `sign_up` does."""
        rules = Validator()
        known_form = self._address(email)
        if known_form is None:
            rules.add("is not an email address", "email")
        name = check_username(username, rules)
        check_password_length(password, rules)
        rules.raise_errors()
        user = User(
            id=UserId(self.new_id()),
            email=known_form or "",
            username=name,
            password_hash="",
            is_admin=is_admin,
            is_active=True,
            created_at=self.clock(),
        )
        user = replace(user, password_hash=await self.validate_and_hash(password, user))
        async with self.unit_of_work() as work:
            await work.users.add(user)
            if address is not None:
                await work.users.remember_address(user.id, address, user.created_at)
            await work.commit()
        kind = "administrator" if is_admin else None
        self.audit_log(AuthenticationEvent.SIGNED_UP, user.id, reason=kind)
        return user

    async def validate_and_hash(self, password: str, user: User, field: str = "password") -> str:
        """The hash of a password that this user may have.

        Raises:
            InvalidInput: it is too short or too long.
            WeakPassword: it is common or contains the user's email or name.
        """
        rules = Validator()
        check_password_length(password, rules, field)
        rules.raise_errors()
        check_password_strength(
            password,
            email=user.email,
            username=user.username,
            is_common=password in self.common_passwords,
            field=field,
        )
        return await self.passwords.hash(password)

    async def availability(self, email: str | None, username: str | None) -> dict[str, bool]:
        """Whether the email and the username asked for are free.

        Raises:
            InvalidInput: what is asked for could not be signed up with.
        """
        rules = Validator(parameters=True)
        if email is None and username is None:
            raise InvalidInput(FieldError("or username must be given", parameter="email"))
        address = None if email is None else self._address(email)
        if email is not None and address is None:
            rules.add("is not an email address", "email")
        name = None if username is None else check_username(username, rules)
        rules.raise_errors()
        free = {}
        if address is not None:
            free["email"] = not await self.reader.email_taken(address)
        if name is not None:
            free["username"] = not await self.reader.username_taken(name)
        return free

    async def change_password(self, caller: Caller, current: str, new: str) -> None:
        """Change the caller's password; all their other sessions end.

        Raises:
            WrongPassword: `current` is not the password.
            InvalidInput, WeakPassword: the new one breaks a rule.
        """
        rules = Validator()
        check_password_length(new, rules, "new_password")
        rules.raise_errors()
        user = await self._user(caller)
        await self._verify_password(current, user, "current_password")
        new_hash = await self.validate_and_hash(new, user, "new_password")
        changed = replace(user, password_hash=new_hash)
        async with self.unit_of_work() as work:
            if await work.users.get(user.id) != user:
                raise WrongPassword(FieldError("is wrong", pointer="/current_password"))
            await work.users.save(changed)
            ended = await work.sessions.end_all(user.id, but=caller.session_id)
            await work.commit()
        await self.session_registry.revoke(ended)
        self.audit_log(AuthenticationEvent.PASSWORD_CHANGED, user.id, session_id=caller.session_id)

    async def account(self, caller: Caller) -> AccountView:
        """The caller's own account.

        Raises:
            NotAuthenticated: the account behind the token is gone.
        """
        account = await self.reader.account(caller.id)
        if account is None:
            raise NotAuthenticated
        return account

    async def user(self, user_id: UserId) -> AccountView:
        """Anybody's page; only what is public of it may be shown.

        Raises:
            NotFound: there is no such user.
        """
        account = await self.reader.account(user_id)
        if account is None:
            raise NotFound
        return account

    async def write_profile(
        self,
        caller: Caller,
        *,
        bio: str,
        image_id: ImageId | None,
        github_url: str | None,
        skills: Sequence[str],
        region: str | None,
        meet_time: str | None,
    ) -> AccountView:
        """Create or replace the caller's profile.

        Raises:
            InvalidInput: a member breaks its rule.
        """
        profile = Profile.write(
            caller.id,
            await self.reader.catalogue(),
            self.clock(),
            bio=bio,
            image_id=image_id,
            github_url=github_url,
            skills=skills,
            region=region,
            meet_time=meet_time,
        )
        async with self.unit_of_work() as work:
            before = await work.profiles.get(caller.id)
            await _lock_image(work, profile)
            await work.profiles.save(profile)
            await work.commit()
        await self._trigger_similarity(before, profile)
        return await self.account(caller)

    async def edit_profile(self, caller: Caller, changes: Mapping[str, Any]) -> AccountView:
        """Change some members of the caller's profile.

        Raises:
            NoProfile: there is none to change yet.
            InvalidInput: a member breaks its rule.
        """
        catalogue = await self.reader.catalogue()
        async with self.unit_of_work() as work:
            profile = await work.profiles.get(caller.id)
            if profile is None:
                raise NoProfile
            edited = profile.edited(changes, catalogue, self.clock())
            if "image_id" in changes:
                await _lock_image(work, edited)
            await work.profiles.save(edited)
            await work.commit()
        await self._trigger_similarity(profile, edited)
        return await self.account(caller)

    async def catalogue(self) -> Catalogue:
        """The skills, regions and meeting times on offer."""
        return await self.reader.catalogue()

    async def withdraw(self, caller: Caller, password: str) -> None:
        """Close the caller's account for good. All that hangs on it goes (images at the next run
        of their removal); rooms stay for the other person, where the caller becomes nobody.

        Raises:
            WrongPassword: this is not the password.
        """
        user = await self._user(caller)
        await self._verify_password(password, user, "password")
        kept: list[RoomId] = []
        gone: list[RoomId] = []
        async with self.unit_of_work() as work:
            if await work.users.get_for_deletion(user.id) != user:
                raise WrongPassword(FieldError("is wrong", pointer="/password"))
            for room in await work.rooms.of_user(user.id):
                remaining = room.withdraw(user.id)
                if remaining is None:
                    await work.rooms.delete(room.id)
                    gone.append(room.id)
                else:
                    await work.rooms.save(remaining)
                    kept.append(room.id)
            ended = await work.sessions.end_all(user.id)
            # Nobody can be told of any more by now: the rooms are held.
            await work.idempotency.forget(user.id)
            await work.users.delete(user.id)
            await work.commit()
        await self.session_registry.revoke(ended)
        self.audit_log(AuthenticationEvent.WITHDRAWN, user.id)
        for room_id in kept:
            await self.room_events.publish(RoomClosed(room_id, user.id))
            await self.room_events.publish(StatusChanged(room_id))
        for room_id in gone:
            await self.room_events.publish(RoomClosed(room_id, None))

    async def _trigger_similarity(self, before: Profile | None, after: Profile) -> None:
        """Have recommendations computed anew, if that changes the skills."""
        if set(after.skills) != set(before.skills if before else ()):
            await self.similarity_trigger.request()

    async def _verify_password(self, password: str, user: User, field: str) -> None:
        if not await self.passwords.verify(password, user.password_hash):
            self.audit_log(AuthenticationEvent.PASSWORD_REFUSED, user.id)
            raise WrongPassword(FieldError("is wrong", pointer=f"/{field}"))

    async def _user(self, caller: Caller) -> User:
        async with self.unit_of_work() as work:
            user = await work.users.get(caller.id)
        if user is None:
            raise NotAuthenticated
        return user

    def _address(self, email: str) -> str | None:
        return self.normalize_email(email) if len(email) <= MAX_EMAIL else None


async def _lock_image(work: UnitOfWork, profile: Profile) -> None:
    """Raise `InvalidInput` unless the profile's picture is an image of its owner's."""
    image_id = profile.image_id
    if image_id is not None and not await work.images.lock_for_reference(
        image_id, profile.user_id
    ):
        raise InvalidInput(FieldError("is not an image of yours", pointer="/image_id"))
