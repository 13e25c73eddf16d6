"""Using images in profiles and projects: only the owner's stored ones."""

from datetime import timedelta
from typing import Any

import pytest

from sidepro.domain.errors import Forbidden, InvalidInput, PreconditionFailed
from sidepro.domain.ids import ImageId
from tests.domain.services import DRAFT, PROFILE, Services, awaited, error_fields
from tests.factories import new_id

DAY = timedelta(days=1).total_seconds()


@awaited
async def test_a_profile_uses_an_image_of_its_owner(services: Services) -> None:
    owner = await services.person()
    image = await services.image(owner)
    account = await services.profiles.write_profile(owner, **{**PROFILE, "image_id": image.id})
    assert account.profile
    assert account.profile.image_url == image.url
    account = await services.profiles.edit_profile(owner, {"bio": "neu"})
    assert account.profile
    assert account.profile.image_url == image.url
    account = await services.profiles.edit_profile(owner, {"image_id": None})
    assert account.profile
    assert account.profile.image_url is None


@pytest.mark.parametrize("whose", ["nobody's", "another's", "deleting"])
@awaited
async def test_only_ones_own_stored_images_can_be_used(services: Services, whose: str) -> None:
    owner, other = await services.people(2)
    image_id = ImageId(new_id())
    if whose == "another's":
        image_id = (await services.image(other)).id
    elif whose == "deleting":
        image_id = (await services.image(owner)).id
        async with services.store.unit_of_work() as work:
            now = services.clock.forward(2 * DAY)
            await work.images.claim_for_deletion(unused_before=now, unfinished_before=now, limit=1)
            await work.commit()
    await services.profiles.write_profile(owner, **PROFILE)
    project = await services.project(owner)
    for call, pointer in (
        (services.profiles.write_profile(owner, **{**PROFILE, "image_id": image_id}), "/image_id"),
        (services.profiles.edit_profile(owner, {"image_id": image_id}), "/image_id"),
        (services.projects.publish(owner, **{**DRAFT, "thumbnail_id": image_id}), "/thumbnail_id"),
        (
            services.projects.edit(owner, project.id, {"thumbnail_id": image_id}, None),
            "/thumbnail_id",
        ),
    ):
        assert await error_fields(call) == [pointer]


@awaited
async def test_somebody_elses_image_takes_precedence_over_a_stale_revision(
    services: Services,
) -> None:
    owner, other = await services.people(2)
    project, image = await services.project(owner), await services.image(other)
    edit = services.projects.edit
    with pytest.raises(InvalidInput):
        await edit(owner, project.id, {"thumbnail_id": image.id}, frozenset({9}))
    with pytest.raises(PreconditionFailed):
        await edit(owner, project.id, {"thumbnail_id": None}, frozenset({9}))
    with pytest.raises(Forbidden):
        await edit(other, project.id, {"thumbnail_id": image.id}, None)


@awaited
async def test_an_administrator_can_use_the_authors_images_only(services: Services) -> None:
    author = await services.person()
    administrator = await services.person(is_admin=True)
    first, second = await services.image(author), await services.image(author)
    own = await services.image(administrator)
    project = await services.projects.publish(author, **{**DRAFT, "thumbnail_id": first.id})

    async def edited(**changes: Any) -> str | None:
        view = await services.projects.edit(administrator, project.card.id, changes, None)
        return view.card.thumbnail_url

    assert await edited(title="neu") == first.url
    assert await edited(thumbnail_id=second.id) == second.url
    with pytest.raises(InvalidInput):
        await edited(thumbnail_id=own.id)
    assert await edited(thumbnail_id=None) is None
