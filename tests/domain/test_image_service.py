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
from tests.domain.world import DRAFT, World, awaited
from tests.factories import always, at_once

DAY = timedelta(days=1).total_seconds()
PROFILE: dict[str, Any] = {
    "bio": "",
    "image_id": None,
    "github_url": None,
    "skills": ["Python"],
    "region": None,
    "meet_time": None,
}


def stored_objects(world: World) -> set[bytes]:
    """The bytes of all objects in the store."""
    return set(world.objects.objects.values())


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
async def test_an_upload_is_stored_and_returned(world: World) -> None:
    owner = await world.person()
    image = await world.image(owner, b"a picture")
    assert (image.width, image.height, image.size) == (640, 480, 9)
    assert image.media_type == "image/webp"
    assert image.url == f"/media/{key_of(image)}"
    assert world.objects.objects == {key_of(image): b"a picture"}
    stored = world.store.state.images[image.id]
    assert (stored.image.owner_id, stored.state) == (owner.id, ImageState.STORED)


@awaited
async def test_a_key_reveals_neither_owner_nor_id(world: World) -> None:
    owner = await world.person()
    one, other = await world.image(owner), await world.image(owner)
    assert key_of(one) != key_of(other)
    for image in (one, other):
        for secret in (owner.id.hex, image.id.hex):
            assert secret not in key_of(image)


@awaited
async def test_a_file_that_cannot_be_encoded_leaves_nothing(world: World) -> None:
    class Refusing:
        async def encode(self, file: object) -> Any:
            raise BadImage

    owner = await world.person()
    world.use(images={"codec": Refusing()})
    with pytest.raises(BadImage):
        await world.image(owner)
    assert not world.objects.objects
    assert not world.store.state.images


@awaited
async def test_uploads_are_limited_by_the_quota(world: World) -> None:
    owner, other = await world.people(2)
    await world.image(owner, b"x" * 600)
    await world.image(owner, b"x" * 400)
    with pytest.raises(ImageQuota) as caught:
        await world.image(owner, b"x")
    assert [error.pointer for error in caught.value.errors] == ["/file"]
    assert len(world.objects.objects) == 2
    await world.image(other, b"x" * 1_000)


@awaited
async def test_concurrent_uploads_stay_within_the_quota(world: World) -> None:
    owner = await world.person()

    async def upload() -> bool:
        try:
            await world.image(owner, b"x" * 300)
        except ImageQuota:
            return False
        return True

    assert sum(await at_once([upload] * 10)) == 3


@awaited
async def test_a_deleted_user_cannot_upload(world: World) -> None:
    owner = await world.person()
    world.forget(owner.id)
    with pytest.raises(NotAuthenticated):
        await world.image(owner)
    assert not world.objects.objects


# -------------------------------------------------------------------------- interrupted uploads


@awaited
async def test_an_upload_whose_object_was_not_stored_is_cleaned_up(world: World) -> None:
    owner = await world.person()
    world.objects.broken = True
    with pytest.raises(Unavailable):
        await world.image(owner)
    (row,) = world.store.state.images.values()
    assert row.state == ImageState.NEW
    world.objects.broken = False
    assert await world.images.remove_unused() == 0, "the object may still be on its way"
    world.clock.forward(3_600)
    assert await world.images.remove_unused() == 1
    assert not world.store.state.images


@awaited
async def test_an_unconfirmed_upload_is_cleaned_up_with_its_object(world: World) -> None:
    owner = await world.person()
    world.fail_commits(after=1)
    with pytest.raises(Unavailable):
        await world.image(owner)
    assert stored_objects(world) == {b"a picture"}
    world.fail_commits(None)
    world.clock.forward(3_600)
    assert await world.images.remove_unused() == 1
    assert not stored_objects(world)
    assert not world.store.state.images


@awaited
async def test_an_expired_upload_leaves_nothing(world: World) -> None:
    owner = await world.person()

    async def expire() -> None:
        world.clock.forward(3_600)
        assert await world.images.remove_unused() == 1

    world.objects.before_put = expire
    with pytest.raises(Unavailable):
        await world.image(owner)
    assert not world.objects.objects
    assert not world.store.state.images


@awaited
async def test_an_expired_upload_leaves_its_idempotency_key_free(world: World) -> None:
    owner = await world.person()
    request = idempotent_request(owner)

    async def expire() -> None:
        world.clock.forward(3_600)
        await world.images.remove_unused()

    world.objects.before_put = expire
    with pytest.raises(Unavailable):
        await world.images.upload(owner, BytesIO(b"a picture"), request)
    await world.images.upload(owner, BytesIO(b"a picture"), request)
    assert stored_objects(world) == {b"a picture"}


@awaited
async def test_an_unfinished_upload_cannot_be_used(world: World) -> None:
    owner = await world.person()

    async def use_it() -> None:
        (image_id,) = world.store.state.images
        with pytest.raises(InvalidInput):
            await world.profiles.write_profile(owner, **{**PROFILE, "image_id": image_id})

    world.objects.before_put = use_it
    await world.image(owner)


@awaited
async def test_the_first_finished_of_two_uploads_uses_up_the_quota(
    world: World,
) -> None:
    owner = await world.person()

    async def faster_upload() -> None:
        await world.images.upload(owner, BytesIO(b"x" * 995))

    world.objects.before_put = faster_upload
    with pytest.raises(ImageQuota):
        await world.image(owner)
    assert await world.images.remove_unused() == 1
    assert stored_objects(world) == {b"x" * 995}


@awaited
async def test_a_concurrent_replay_needs_no_quota(world: World) -> None:
    owner = await world.person()
    request = idempotent_request(owner)
    images = world.images

    class SlowCodec:
        async def encode(self, file: IO[bytes]) -> Picture:
            await images.upload(owner, BytesIO(b"x" * 995), request)
            return await images.codec.encode(file)

    world.use(images={"codec": SlowCodec()})
    with pytest.raises(ReplayResponse):
        await world.images.upload(owner, BytesIO(b"x" * 995), request)
    assert stored_objects(world) == {b"x" * 995}


# --------------------------------------------------------------------------------------- cleanup


async def published(world: World, author: Caller, *images: ImageView, **members: Any) -> Any:
    """A project whose text contains these images."""
    world.use(projects={"markdown": always(html_with(*images))})
    return await world.projects.publish(author, **{**DRAFT, **members})


@awaited
async def test_an_unused_image_is_deleted_after_a_day(world: World) -> None:
    await world.image(await world.person())
    world.clock.forward(DAY - 1)
    assert await world.images.remove_unused() == 0
    world.clock.forward(1)
    assert await world.images.remove_unused() == 1
    assert not world.objects.objects
    assert not world.store.state.images


@awaited
async def test_a_referenced_image_stays(world: World) -> None:
    owner = await world.person()
    picture, thumbnail, shown, unused = [
        await world.image(owner, text) for text in (b"picture", b"thumbnail", b"shown", b"unused")
    ]
    await world.profiles.write_profile(owner, **{**PROFILE, "image_id": picture.id})
    project = await published(world, owner, shown, thumbnail_id=thumbnail.id)
    for _ in range(3):
        world.clock.forward(DAY)
        await world.images.remove_unused()
        assert stored_objects(world) == {b"picture", b"thumbnail", b"shown"}
    assert unused.id not in world.store.state.images

    await world.profiles.edit_profile(owner, {"image_id": None})
    await world.projects.delete(owner, project.card.id)
    for _ in range(24):
        await world.images.remove_unused()
        assert stored_objects(world) == {b"picture", b"thumbnail", b"shown"}, (
            "a day has not passed"
        )
        world.clock.forward(DAY / 24)
    assert await world.images.remove_unused() == 3
    assert not stored_objects(world)


@awaited
async def test_an_image_that_is_referenced_again_stays(world: World) -> None:
    owner = await world.person()
    image = await world.image(owner)
    with_image = {**PROFILE, "image_id": image.id}
    await world.profiles.write_profile(owner, **with_image)
    for _ in range(3):
        await world.profiles.write_profile(owner, **PROFILE)
        await world.images.remove_unused()
        world.clock.forward(DAY * 3 / 4)
        await world.profiles.write_profile(owner, **with_image)
        await world.images.remove_unused()
        world.clock.forward(DAY * 3 / 4)
    assert await world.images.remove_unused() == 0
    assert stored_objects(world) == {b"a picture"}


@awaited
async def test_an_image_removed_from_a_text_is_deleted(world: World) -> None:
    author = await world.person()
    one, other = await world.image(author, b"one"), await world.image(author, b"other")
    project = await published(world, author, one)
    world.use(projects={"markdown": always(html_with(other))})
    await world.projects.edit(author, project.card.id, {"content": "neu"}, None)
    world.clock.forward(DAY)
    await world.images.remove_unused()
    world.clock.forward(DAY)
    await world.images.remove_unused()
    assert stored_objects(world) == {b"other"}


@awaited
async def test_a_text_does_not_keep_other_peoples_images(world: World) -> None:
    author, other = await world.people(2)
    await published(world, author, await world.image(other))
    world.clock.forward(DAY)
    assert await world.images.remove_unused() == 1


@awaited
async def test_images_of_a_deleted_user_are_deleted_in_the_next_cleanup(world: World) -> None:
    owner, other = await world.people(2)
    picture, shown = await world.image(owner), await world.image(owner)
    await world.image(other, b"another's")
    await world.profiles.write_profile(owner, **{**PROFILE, "image_id": picture.id})
    await published(world, owner, shown, thumbnail_id=shown.id)
    async with world.store.unit_of_work() as work:
        await work.users.delete(owner.id)
        await work.commit()
    owners = {row.image.owner_id for row in world.store.state.images.values()}
    assert owners == {None, other.id}
    assert await world.images.remove_unused() == 2
    assert stored_objects(world) == {b"another's"}


@awaited
async def test_an_interrupted_cleanup_is_completed_by_the_next(world: World) -> None:
    owner = await world.person()
    for commits in range(4):
        await world.image(owner)
        world.clock.forward(DAY)
        world.fail_commits(after=commits)
        if commits < 3:
            with pytest.raises(Unavailable):
                await world.images.remove_unused()
        else:
            assert await world.images.remove_unused() == 1
        world.fail_commits(None)
        await world.images.remove_unused()
        assert not world.objects.objects
        assert not world.store.state.images


@awaited
async def test_cleanup_keeps_the_rows_while_the_store_is_unreachable(world: World) -> None:
    image = await world.image(await world.person())
    world.clock.forward(DAY)
    world.objects.broken = True
    with pytest.raises(Unavailable):
        await world.images.remove_unused()
    assert world.store.state.images[image.id].state == ImageState.DELETING
    world.objects.broken = False
    assert await world.images.remove_unused() == 1


@awaited
async def test_concurrent_cleanups_delete_several_batches(world: World) -> None:
    for _ in range(3):
        owner = await world.person()
        for _ in range(70):
            await world.image(owner)
    world.clock.forward(DAY)
    removed = await at_once([world.images.remove_unused] * 3)
    assert sum(removed) >= 210
    assert not world.objects.objects
    assert not world.store.state.images
