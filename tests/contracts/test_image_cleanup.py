"""`ImageRepository`: cleanup, and its races with references."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from sidepro.domain.ids import ImageId
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.concurrency import MANY, race
from tests.contracts.image_data import LATER, add_stored, can_lock, claim
from tests.factories import NOW

pytestmark = pytest.mark.anyio


async def mark_unused_after(adapters: Adapters, days: float = 0) -> None:
    async with adapters.unit_of_work() as work:
        await work.images.mark_unused(NOW + timedelta(days=days))
        await work.commit()


async def test_an_unfinished_upload_is_claimed_after_its_ttl(adapters: Adapters) -> None:
    owner = factories.user()
    await adapters.add(owner)
    image = factories.image(owner.id)
    async with adapters.unit_of_work() as work:
        await work.images.add(image)
        await work.commit()
    assert await claim(adapters) == set()
    assert await claim(adapters, unfinished=True) == {image.id}


async def test_a_referenced_image_is_not_claimed(adapters: Adapters) -> None:
    owner = factories.user()
    await adapters.add(owner)
    picture, thumbnail, shown, unused = images = [factories.image(owner.id) for _ in range(4)]
    await add_stored(adapters, *images)
    project = factories.project(owner.id, thumbnail_id=thumbnail.id)
    await adapters.add(factories.profile(owner.id, image_id=picture.id), project)
    async with adapters.unit_of_work() as work:
        await work.images.set_references(project.id, owner.id, [shown.key])
        await work.commit()
    assert await claim(adapters) == {unused.id}
    async with adapters.unit_of_work() as work:
        await work.projects.delete(project.id)
        await work.profiles.save(factories.profile(owner.id))
        await work.commit()
    assert await claim(adapters) == {picture.id, thumbnail.id, shown.id, unused.id}


async def test_mark_unused_records_the_first_time_only(adapters: Adapters) -> None:
    owner = factories.user()
    await adapters.add(owner)
    image = factories.image(owner.id)
    await add_stored(adapters, image)

    async def is_claimed(after_days: float) -> bool:
        """Whether it is claimed when `unused_before` is so many days after NOW."""
        async with adapters.unit_of_work() as work:
            before = NOW + timedelta(days=after_days)
            return bool(
                await work.images.claim_for_deletion(
                    unused_before=before, unfinished_before=NOW, limit=9
                )
            )

    assert await is_claimed(0), "unused since its creation"
    await adapters.add(factories.profile(owner.id, image_id=image.id))
    await mark_unused_after(adapters, 3)
    await adapters.add(factories.profile(owner.id))
    assert not await is_claimed(9), "not marked as unused yet"
    await mark_unused_after(adapters, 5)
    await mark_unused_after(adapters, 6)
    assert not await is_claimed(4.9)
    assert await is_claimed(5)


async def test_an_image_without_an_owner_is_claimed_at_once(adapters: Adapters) -> None:
    leaving, staying = factories.user(), factories.user()
    await adapters.add(leaving, staying)
    ownerless, other, new = [factories.image(user.id) for user in (leaving, staying, leaving)]
    await add_stored(adapters, ownerless, other)
    project = factories.project(leaving.id, thumbnail_id=ownerless.id)
    await adapters.add(factories.profile(leaving.id, image_id=ownerless.id), project)
    async with adapters.unit_of_work() as work:
        await work.images.add(new)
        await work.images.set_references(project.id, leaving.id, [ownerless.key])
        await work.users.delete(leaving.id)
        await work.commit()
    assert await claim(adapters, unused=False) == {ownerless.id}, "the new one is not expired"
    assert await claim(adapters, unused=False, unfinished=True) == {ownerless.id, new.id}


async def test_claimed_images_are_returned_again_until_they_are_deleted(
    adapters: Adapters,
) -> None:
    owner = factories.user()
    await adapters.add(owner)
    images = sorted((factories.image(owner.id) for _ in range(5)), key=lambda image: image.id)
    await add_stored(adapters, *images)
    async with adapters.unit_of_work() as work:
        claimed = await work.images.claim_for_deletion(
            unused_before=LATER, unfinished_before=NOW, limit=2
        )
        await work.commit()
    assert sorted(claimed, key=lambda image: image.id) == images[:2]
    assert await claim(adapters, unused=False) == {image.id for image in images[:2]}
    async with adapters.unit_of_work() as work:
        for _ in range(2):
            await work.images.delete([image.id for image in images])
        await work.commit()
    assert await claim(adapters) == {image.id for image in images[2:]}, (
        "only claimed ones were deleted"
    )


async def test_an_uncommitted_claim_changes_nothing(adapters: Adapters) -> None:
    owner = factories.user()
    await adapters.add(owner)
    image = factories.image(owner.id)
    await add_stored(adapters, image)
    async with adapters.unit_of_work() as work:
        assert await work.images.claim_for_deletion(
            unused_before=LATER, unfinished_before=NOW, limit=1
        )
    assert await can_lock(adapters, image, owner.id)


async def test_a_locked_image_is_not_claimed(adapters: Adapters) -> None:
    owner = factories.user()
    await adapters.add(owner)
    image = factories.image(owner.id)
    await add_stored(adapters, image)
    async with adapters.unit_of_work() as work:
        assert await work.images.lock_for_reference(image.id, owner.id)
        await work.profiles.save(factories.profile(owner.id, image_id=image.id))
        if adapters.database is not None and not adapters.database.is_sqlite:
            # A concurrent claim must skip it or wait.
            other = await adapters.another()
            async with asyncio.timeout(5):
                assert await claim(other) == set()
        await work.commit()
    assert await claim(adapters) == set()


@pytest.mark.parametrize("reference", ["picture", "thumbnail", "text"])
async def test_a_reference_and_a_concurrent_claim_never_both_succeed(
    adapters: Adapters, reference: str
) -> None:
    owner = factories.user()
    people = [factories.user() for _ in range(MANY // 2)]
    projects = [factories.project(owner.id) for _ in people]
    await adapters.add(owner, *people, *projects)
    images = [
        factories.image(person.id if reference == "picture" else owner.id) for person in people
    ]
    await add_stored(adapters, *images)

    async def refer(number: int) -> bool:
        image, project, person = images[number], projects[number], people[number]
        async with adapters.unit_of_work() as work:
            match reference:
                case "picture":
                    if not await work.images.lock_for_reference(image.id, person.id):
                        return False
                    profile = factories.profile(person.id, image_id=image.id)
                    await work.profiles.save(profile)
                case "thumbnail":
                    if not await work.images.lock_for_reference(image.id, owner.id):
                        return False
                    await work.projects.save(replace(project, thumbnail_id=image.id))
                case _:
                    await work.images.set_references(project.id, owner.id, [image.key])
            await work.commit()
        return True

    async def attempt(index: int) -> bool | set[ImageId]:
        return await (refer(index // 2) if index % 2 else claim(adapters, limit=3))

    results = await race(adapters, MANY, attempt)
    claimed = await claim(adapters, unused=False)
    for number, image in enumerate(images):
        referred = results[2 * number + 1]
        assert isinstance(referred, bool)
        if reference != "text":
            assert referred == (image.id not in claimed)
    assert await delete_claimed(adapters, claimed) == len(claimed), "a claimed image is referenced"


async def delete_claimed(adapters: Adapters, image_ids: set[ImageId]) -> int:
    async with adapters.unit_of_work() as work:
        await work.images.delete(image_ids)
        await work.commit()
    return len(image_ids - await claim(adapters, unused=False))
