"""Image uploads, quotas and cleanup over stores in memory."""

from datetime import timedelta
from io import BytesIO
from typing import IO, Any

import pytest

from sidepro.domain.errors import (
    BadImage,
    ImageQuota,
    InvalidInput,
    NotAuthenticated,
    Unavailable,
)
from sidepro.domain.idempotency import (
    IdempotencyKey,
    IdempotentRequest,
    ReplayResponse,
)
from sidepro.domain.identity import Caller
from sidepro.domain.images.image import ImageState, Picture
from sidepro.domain.images.urls import (
    ImageKey,
)
from sidepro.domain.images.views import ImageView
from tests.domain.services import DRAFT, PROFILE, Services, awaited
from tests.factories import always, at_once

DAY = timedelta(days=1).total_seconds()


def stored_objects(services: Services) -> set[bytes]:
    """The bytes of all objects in the store."""
    return set(services.objects.objects.values())


def key_of(image: ImageView) -> ImageKey:
    return ImageKey(image.url.rpartition("/")[2])


def html_with(*images: ImageView) -> str:
    """Rendered HTML with these images."""
    return "".join(f'<img src="/media/{key_of(image)}" alt="">' for image in images)


def idempotent_request(owner: Caller) -> IdempotentRequest[ImageView]:
    key = IdempotencyKey(owner.id, "POST /images", "key")
    return IdempotentRequest(key, b"content", lambda view: view.url.encode())


# ------------------------------------------------------------------------------------- uploading


@awaited
async def test_an_upload_is_stored_and_returned(services: Services) -> None:
    owner = await services.person()
    image = await services.image(owner, b"a picture")
    assert (image.width, image.height, image.size) == (640, 480, 9)
    assert image.media_type == "image/webp"
    assert image.url == f"/media/{key_of(image)}"
    assert services.objects.objects == {key_of(image): b"a picture"}
    stored = services.store.state.images[image.id]
    assert (stored.image.owner_id, stored.state) == (owner.id, ImageState.STORED)


@awaited
async def test_a_key_reveals_neither_owner_nor_id(services: Services) -> None:
    owner = await services.person()
    one, other = await services.image(owner), await services.image(owner)
    assert key_of(one) != key_of(other)
    for image in (one, other):
        for secret in (owner.id.hex, image.id.hex):
            assert secret not in key_of(image)


@awaited
async def test_a_file_that_cannot_be_encoded_leaves_nothing(services: Services) -> None:
    class Refusing:
        async def encode(self, file: object, uploader: object = None) -> Any:
            raise BadImage

    owner = await services.person()
    services.use(images={"codec": Refusing()})
    with pytest.raises(BadImage):
        await services.image(owner)
    assert not services.objects.objects
    assert not services.store.state.images


@awaited
async def test_uploads_are_limited_by_the_quota(services: Services) -> None:
    owner, other = await services.people(2)
    await services.image(owner, b"x" * 600)
    await services.image(owner, b"x" * 400)
    with pytest.raises(ImageQuota) as caught:
        await services.image(owner, b"x")
    assert [error.pointer for error in caught.value.errors] == ["/file"]
    assert len(services.objects.objects) == 2
    await services.image(other, b"x" * 1_000)


@awaited
async def test_concurrent_uploads_stay_within_the_quota(services: Services) -> None:
    owner = await services.person()

    async def upload() -> bool:
        try:
            await services.image(owner, b"x" * 300)
        except ImageQuota:
            return False
        return True

    assert sum(await at_once([upload] * 10)) == 3


@awaited
async def test_a_deleted_user_cannot_upload(services: Services) -> None:
    owner = await services.person()
    services.forget(owner.id)
    with pytest.raises(NotAuthenticated):
        await services.image(owner)
    assert not services.objects.objects


# -------------------------------------------------------------------------- interrupted uploads


@awaited
async def test_an_upload_whose_object_was_not_stored_is_cleaned_up(services: Services) -> None:
    owner = await services.person()
    services.objects.broken = True
    with pytest.raises(Unavailable):
        await services.image(owner)
    (row,) = services.store.state.images.values()
    assert row.state == ImageState.NEW
    services.objects.broken = False
    assert await services.images.remove_unused() == 0, "the object may still be on its way"
    services.clock.forward(3_600)
    assert await services.images.remove_unused() == 1
    assert not services.store.state.images


@awaited
async def test_an_unconfirmed_upload_is_cleaned_up_with_its_object(services: Services) -> None:
    owner = await services.person()
    services.fail_commits(after=1)
    with pytest.raises(Unavailable):
        await services.image(owner)
    assert stored_objects(services) == {b"a picture"}
    services.fail_commits(None)
    services.clock.forward(3_600)
    assert await services.images.remove_unused() == 1
    assert not stored_objects(services)
    assert not services.store.state.images


@awaited
async def test_an_expired_upload_leaves_nothing(services: Services) -> None:
    owner = await services.person()

    async def expire() -> None:
        services.clock.forward(3_600)
        assert await services.images.remove_unused() == 1

    services.objects.before_put = expire
    with pytest.raises(Unavailable):
        await services.image(owner)
    assert not services.objects.objects
    assert not services.store.state.images


@awaited
async def test_an_expired_upload_leaves_its_idempotency_key_free(services: Services) -> None:
    owner = await services.person()
    request = idempotent_request(owner)

    async def expire() -> None:
        services.clock.forward(3_600)
        await services.images.remove_unused()

    services.objects.before_put = expire
    with pytest.raises(Unavailable):
        await services.images.upload(owner, BytesIO(b"a picture"), request)
    await services.images.upload(owner, BytesIO(b"a picture"), request)
    assert stored_objects(services) == {b"a picture"}


@awaited
async def test_an_unfinished_upload_cannot_be_used(services: Services) -> None:
    owner = await services.person()

    async def use_it() -> None:
        (image_id,) = services.store.state.images
        with pytest.raises(InvalidInput):
            await services.profiles.write_profile(owner, **{**PROFILE, "image_id": image_id})

    services.objects.before_put = use_it
    await services.image(owner)


@awaited
async def test_the_first_finished_of_two_uploads_uses_up_the_quota(
    services: Services,
) -> None:
    owner = await services.person()

    async def faster_upload() -> None:
        await services.images.upload(owner, BytesIO(b"x" * 995))

    services.objects.before_put = faster_upload
    with pytest.raises(ImageQuota):
        await services.image(owner)
    assert await services.images.remove_unused() == 1
    assert stored_objects(services) == {b"x" * 995}


@awaited
async def test_a_concurrent_replay_needs_no_quota(services: Services) -> None:
    owner = await services.person()
    request = idempotent_request(owner)
    images = services.images

    class SlowCodec:
        async def encode(self, file: IO[bytes], uploader: object = None) -> Picture:
            await images.upload(owner, BytesIO(b"x" * 995), request)
            return await images.codec.encode(file)

    services.use(images={"codec": SlowCodec()})
    with pytest.raises(ReplayResponse):
        await services.images.upload(owner, BytesIO(b"x" * 995), request)
    assert stored_objects(services) == {b"x" * 995}


# --------------------------------------------------------------------------------------- cleanup


async def published(services: Services, author: Caller, *images: ImageView, **members: Any) -> Any:
    """A project whose text contains these images."""
    services.use(projects={"markdown": always(html_with(*images))})
    return await services.projects.publish(author, **{**DRAFT, **members})


@awaited
async def test_an_unused_image_is_deleted_after_a_day(services: Services) -> None:
    await services.image(await services.person())
    services.clock.forward(DAY - 1)
    assert await services.images.remove_unused() == 0
    services.clock.forward(1)
    assert await services.images.remove_unused() == 1
    assert not services.objects.objects
    assert not services.store.state.images


@awaited
async def test_a_referenced_image_stays(services: Services) -> None:
    owner = await services.person()
    picture, thumbnail, in_text, unused = [
        await services.image(owner, text)
        for text in (b"picture", b"thumbnail", b"text", b"unused")
    ]
    await services.profiles.write_profile(owner, **{**PROFILE, "image_id": picture.id})
    project = await published(services, owner, in_text, thumbnail_id=thumbnail.id)
    for _ in range(3):
        services.clock.forward(DAY)
        await services.images.remove_unused()
        assert stored_objects(services) == {b"picture", b"thumbnail", b"text"}
    assert unused.id not in services.store.state.images

    await services.profiles.edit_profile(owner, {"image_id": None})
    await services.projects.delete(owner, project.card.id)
    for _ in range(24):
        await services.images.remove_unused()
        assert stored_objects(services) == {b"picture", b"thumbnail", b"text"}, (
            "a day has not passed"
        )
        services.clock.forward(DAY / 24)
    assert await services.images.remove_unused() == 3
    assert not stored_objects(services)


@awaited
async def test_an_image_that_is_referenced_again_stays(services: Services) -> None:
    owner = await services.person()
    image = await services.image(owner)
    with_image = {**PROFILE, "image_id": image.id}
    await services.profiles.write_profile(owner, **with_image)
    for _ in range(3):
        await services.profiles.write_profile(owner, **PROFILE)
        await services.images.remove_unused()
        services.clock.forward(DAY * 3 / 4)
        await services.profiles.write_profile(owner, **with_image)
        await services.images.remove_unused()
        services.clock.forward(DAY * 3 / 4)
    assert await services.images.remove_unused() == 0
    assert stored_objects(services) == {b"a picture"}


@awaited
async def test_an_image_removed_from_a_text_is_deleted(services: Services) -> None:
    author = await services.person()
    one, other = await services.image(author, b"one"), await services.image(author, b"other")
    project = await published(services, author, one)
    services.use(projects={"markdown": always(html_with(other))})
    await services.projects.edit(author, project.card.id, {"content": "neu"}, None)
    services.clock.forward(DAY)
    await services.images.remove_unused()
    services.clock.forward(DAY)
    await services.images.remove_unused()
    assert stored_objects(services) == {b"other"}


@awaited
async def test_a_text_does_not_keep_other_peoples_images(services: Services) -> None:
    author, other = await services.people(2)
    await published(services, author, await services.image(other))
    services.clock.forward(DAY)
    assert await services.images.remove_unused() == 1


@awaited
async def test_images_of_a_deleted_user_are_deleted_in_the_next_cleanup(
    services: Services,
) -> None:
    owner, other = await services.people(2)
    picture, in_text = await services.image(owner), await services.image(owner)
    await services.image(other, b"another's")
    await services.profiles.write_profile(owner, **{**PROFILE, "image_id": picture.id})
    await published(services, owner, in_text, thumbnail_id=in_text.id)
    async with services.store.unit_of_work() as work:
        await work.users.delete(owner.id)
        await work.commit()
    owners = {row.image.owner_id for row in services.store.state.images.values()}
    assert owners == {None, other.id}
    assert await services.images.remove_unused() == 2
    assert stored_objects(services) == {b"another's"}


@awaited
async def test_an_interrupted_cleanup_is_completed_by_the_next(services: Services) -> None:
    owner = await services.person()
    for commits in range(4):
        await services.image(owner)
        services.clock.forward(DAY)
        services.fail_commits(after=commits)
        if commits < 3:
            with pytest.raises(Unavailable):
                await services.images.remove_unused()
        else:
            assert await services.images.remove_unused() == 1
        services.fail_commits(None)
        await services.images.remove_unused()
        assert not services.objects.objects
        assert not services.store.state.images


@awaited
async def test_cleanup_keeps_the_rows_while_the_store_is_unreachable(services: Services) -> None:
    image = await services.image(await services.person())
    services.clock.forward(DAY)
    services.objects.broken = True
    with pytest.raises(Unavailable):
        await services.images.remove_unused()
    assert services.store.state.images[image.id].state == ImageState.DELETING
    services.objects.broken = False
    assert await services.images.remove_unused() == 1


@awaited
async def test_concurrent_cleanups_delete_several_batches(services: Services) -> None:
    for _ in range(3):
        owner = await services.person()
        for _ in range(70):
            await services.image(owner)
    services.clock.forward(DAY)
    removed = await at_once([services.images.remove_unused] * 3)
    assert sum(removed) >= 210
    assert not services.objects.objects
    assert not services.store.state.images
