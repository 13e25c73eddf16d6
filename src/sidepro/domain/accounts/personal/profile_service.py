"""Use cases of the caller's own profile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sidepro.domain.accounts.ports import AccountUnitOfWork, SimilarityTrigger
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.catalogue.ports import CatalogueReader
from sidepro.domain.clock import Clock
from sidepro.domain.errors import FieldError, InvalidInput, NoProfile, NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ImageId
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.violations import NOT_YOUR_IMAGE


@dataclass(frozen=True, slots=True)
class ProfileService:
    """Creates, replaces and edits profiles."""

    unit_of_work: UnitOfWorkFactory[AccountUnitOfWork]
    catalogue: CatalogueReader
    clock: Clock
    similarity_trigger: SimilarityTrigger

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
            InvalidInput: a field breaks its rule.
            NotAuthenticated: the account no longer exists.
        """
        profile = Profile.write(
            caller.id,
            await self.catalogue.current(),
            self.clock(),
            bio=bio,
            image_id=image_id,
            github_url=github_url,
            skills=skills,
            region=region,
            meet_time=meet_time,
        )
        async with self.unit_of_work() as work:
            previous = await work.profiles.get(caller.id)
            await _lock_image(work, profile)
            await work.profiles.save(profile)
            view = await _view(work, caller)
            await work.commit()
        await self._trigger_similarity(previous, profile)
        return view

    async def edit_profile(self, caller: Caller, changes: Mapping[str, Any]) -> AccountView:
        """Change some fields of the caller's profile.

        Raises:
            NoProfile: there is no profile to change.
            InvalidInput: a field breaks its rule.
            NotAuthenticated: the account no longer exists.
        """
        catalogue = await self.catalogue.current()
        async with self.unit_of_work() as work:
            profile = await work.profiles.get(caller.id)
            if profile is None:
                raise NoProfile
            edited = profile.edited(changes, catalogue, self.clock())
            if "image_id" in changes:
                await _lock_image(work, edited)
            if edited is not profile:
                await work.profiles.save(edited)
            view = await _view(work, caller)
            await work.commit()
        await self._trigger_similarity(profile, edited)
        return view

    async def _trigger_similarity(self, previous: Profile | None, saved: Profile) -> None:
        if set(saved.skills) != set(previous.skills if previous else ()):
            await self.similarity_trigger.request()


async def _view(work: AccountUnitOfWork, caller: Caller) -> AccountView:
    account = await work.account_reader.account(caller.id)
    if account is None:
        raise NotAuthenticated
    return account


async def _lock_image(work: AccountUnitOfWork, profile: Profile) -> None:
    """Keep the profile's picture from being removed.

    Raises:
        InvalidInput: it is not an image of the profile's owner.
    """
    image_id = profile.image_id
    if image_id is not None and not await work.images.lock_for_reference(
        image_id, profile.user_id
    ):
        raise InvalidInput(FieldError(NOT_YOUR_IMAGE, pointer="/image_id"))
