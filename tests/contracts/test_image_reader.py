"""`ImageReader`, and the deletion of one image by its owner."""

from functools import partial

import pytest

from sidepro.domain.errors import ImageInUse, NotFound
from sidepro.domain.ids import ImageId, UserId
from sidepro.domain.images.image import MEDIA_TYPE, Image
from sidepro.domain.images.urls import ImageKey, ImageUrl
from sidepro.domain.images.views import ImageUsage, OwnImageView
from sidepro.domain.pagination import PageRequest
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, nobody
from tests.contracts.concurrency import race
from tests.contracts.image_data import add_stored, can_lock, claim
from tests.contracts.paging import read_all_pages

pytestmark = pytest.mark.anyio


def view_of(image: Image, *, in_use: bool = False) -> OwnImageView:
    return OwnImageView(
        image.id,
        ImageUrl(f"/media/{image.key}"),
        image.width,
        image.height,
        MEDIA_TYPE,
        image.size,
        image.created_at,
        in_use,
    )


async def claim_own(adapters: Adapters, image_id: ImageId, owner_id: UserId) -> Image:
    async with adapters.unit_of_work() as work:
        claimed = await work.images.claim_own(image_id, owner_id)
        await work.commit()
    return claimed


@pytest.mark.parametrize("limit", [1, 2, 4, 9])
async def test_stored_images_are_listed_newest_first_with_their_use(
    adapters: Adapters, limit: int
) -> None:
    owner, other = factories.user(), factories.user()
    await adapters.add(owner, other)
    images = [
        factories.image(owner.id, created_at=after(number // 2), size=10**number)
        for number in range(5)
    ]
    face, thumbnail, in_text, spare, deleted = images
    await add_stored(adapters, deleted)
    assert await claim(adapters) == {deleted.id}
    await add_stored(adapters, face, thumbnail, in_text, spare, factories.image(other.id))
    async with adapters.unit_of_work() as work:
        await work.images.add(factories.image(owner.id))  # an upload under way
        await work.commit()
    project = factories.project(owner.id, thumbnail_id=thumbnail.id)
    await adapters.add(factories.profile(owner.id, image_id=face.id), project)
    async with adapters.unit_of_work() as work:
        await work.images.set_references(project.id, owner.id, [in_text.key])
        await work.commit()

    found = await read_all_pages(partial(adapters.images.images, owner.id), limit)

    ordered = sorted(images[:4], key=lambda image: (image.created_at, image.id), reverse=True)
    assert found == [view_of(image, in_use=image is not spare) for image in ordered]
    assert await adapters.images.usage(owner.id) == ImageUsage(count=4, size=1_111)
    assert await adapters.images.usage(nobody()) == ImageUsage(count=0, size=0)


async def test_an_owner_claims_an_unused_image_once(adapters: Adapters) -> None:
    owner, other = factories.user(), factories.user()
    await adapters.add(owner, other)
    image = factories.image(owner.id)
    await add_stored(adapters, image)
    for stranger in (other.id, nobody()):
        with pytest.raises(NotFound):
            await claim_own(adapters, image.id, stranger)

    assert await claim_own(adapters, image.id, owner.id) == image

    assert not await can_lock(adapters, image, owner.id)
    with pytest.raises(NotFound):
        await claim_own(adapters, image.id, owner.id)
    async with adapters.unit_of_work() as work:
        await work.images.add(fresh := factories.image(owner.id))
        await work.commit()
    with pytest.raises(NotFound):
        await claim_own(adapters, fresh.id, owner.id)


@pytest.mark.parametrize("by", ["profile", "thumbnail", "text"])
async def test_an_image_in_use_is_not_claimed(adapters: Adapters, by: str) -> None:
    owner = factories.user()
    await adapters.add(owner)
    image = factories.image(owner.id)
    await add_stored(adapters, image)
    thumbnail_id = image.id if by == "thumbnail" else None
    project = factories.project(owner.id, thumbnail_id=thumbnail_id)
    await adapters.add(project)
    if by == "profile":
        await adapters.add(factories.profile(owner.id, image_id=image.id))
    async with adapters.unit_of_work() as work:
        if by == "text":
            await work.images.set_references(project.id, owner.id, [image.key])
        await work.commit()

    with pytest.raises(ImageInUse):
        await claim_own(adapters, image.id, owner.id)

    assert await can_lock(adapters, image, owner.id)


async def test_concurrent_claims_and_references_exclude_each_other(adapters: Adapters) -> None:
    owner = factories.user()
    project = factories.project(owner.id)
    await adapters.add(owner, project)
    images = [factories.image(owner.id) for _ in range(8)]
    await add_stored(adapters, *images)

    async def attempt(index: int) -> None:
        image = images[index // 2]
        if index % 2:
            await claim_own(adapters, image.id, owner.id)
            return
        async with adapters.unit_of_work() as work:
            if not await work.images.lock_for_reference(image.id, owner.id):
                raise NotFound
            shown = factories.project(owner.id, thumbnail_id=image.id)
            await work.projects.add(shown)
            await work.commit()

    results = await race(adapters, 2 * len(images), attempt)

    for referenced, claimed in zip(results[::2], results[1::2], strict=True):
        assert (referenced is None) != (claimed is None), (referenced, claimed)
    left = {view.id for view in (await adapters.images.images(owner.id, PageRequest())).items}
    assert left == {
        image.id for image, claimed in zip(images, results[1::2], strict=True) if claimed
    }


async def test_sizes_are_those_of_stored_images_of_anybody(adapters: Adapters) -> None:
    owner, other = factories.user(), factories.user()
    await adapters.add(owner, other)
    wide = factories.image(owner.id, width=640, height=360)
    tall = factories.image(other.id, width=90, height=160)
    await add_stored(adapters, wide, tall, factories.image(owner.id))
    unfinished = factories.image(owner.id)
    async with adapters.unit_of_work() as work:
        await work.images.add(unfinished)
        await work.commit()

    keys = {wide.key, tall.key, unfinished.key, ImageKey("f" * 32 + ".webp")}
    assert await adapters.images.sizes(keys) == {wide.key: (640, 360), tall.key: (90, 160)}
    assert await adapters.images.sizes(()) == {}
