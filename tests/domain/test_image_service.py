"""Uploading and removing images, and who may use whose."""

from datetime import timedelta
from io import BytesIO
from typing import IO, Any

import pytest

from sidepro.domain.errors import (
    BadImage,
    Forbidden,
    ImageQuota,
    InvalidInput,
    NotAuthenticated,
    PreconditionFailed,
    Unavailable,
)
from sidepro.domain.idempotency import (
    IdempotencyKey,
    IdempotentRequest,
    ReplayResponse,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ImageId
from sidepro.domain.images.image import ImageState, Picture
from sidepro.domain.images.urls import (
    ImageKey,
    ImageUrls,
    keys_in,
)
from sidepro.domain.images.views import ImageView
from tests.domain.world import World, awaited
from tests.factories import always, at_once, new_id

DAY = timedelta(days=1).total_seconds()
DRAFT: dict[str, Any] = {
    "title": "동네 카페 지도",
    "summary": "조용한 카페",
    "content": "함께 만들어요",
    "repository_url": None,
    "thumbnail_id": None,
    "skills": ["Python"],
}
PROFILE: dict[str, Any] = {
    "bio": "",
    "image_id": None,
    "github_url": None,
    "skills": ["Python"],
    "region": None,
    "meet_time": None,
}


def kept(world: World) -> set[bytes]:
    """What is in the store."""
    return set(world.objects.objects.values())


def key_of(image: ImageView) -> ImageKey:
    return ImageKey(image.url.rpartition("/")[2])


def shows(*images: ImageView) -> str:
    """What the renderer makes of a text that shows these."""
    return "".join(f'<img src="/media/{key_of(image)}" alt="">' for image in images)


# ------------------------------------------------------------------------------------- uploading


@awaited
async def test_an_upload_is_kept_and_told(world: World) -> None:
    owner = await world.person()
    image = await world.image(owner, b"a picture")
    assert (image.width, image.height, image.size) == (640, 480, 9)
    assert image.media_type == "image/webp"
    assert image.url == f"/media/{key_of(image)}"
    assert world.objects.objects == {key_of(image): b"a picture"}
    stored = world.store.state.images[image.id]
    assert (stored.image.owner_id, stored.state) == (owner.id, ImageState.STORED)


@awaited
async def test_a_key_tells_of_nobody(world: World) -> None:
    owner = await world.person()
    one, other = await world.image(owner), await world.image(owner)
    assert key_of(one) != key_of(other)
    for image in (one, other):
        for told in (owner.id.hex, image.id.hex):
            assert told not in key_of(image)


@awaited
async def test_what_cannot_be_encoded_leaves_nothing(world: World) -> None:
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
async def test_images_have_room_up_to_the_quota_and_no_further(world: World) -> None:
    owner, other = await world.people(2)
    await world.image(owner, b"x" * 600)
    await world.image(owner, b"x" * 400)
    with pytest.raises(ImageQuota) as caught:
        await world.image(owner, b"x")
    assert [fault.pointer for fault in caught.value.errors] == ["/file"]
    assert len(world.objects.objects) == 2
    await world.image(other, b"x" * 1_000)


@awaited
async def test_uploads_at_once_stay_within_the_quota(world: World) -> None:
    owner = await world.person()

    async def attempt() -> bool:
        try:
            await world.image(owner, b"x" * 300)
        except ImageQuota:
            return False
        return True

    assert sum(await at_once([attempt] * 10)) == 3


@awaited
async def test_somebody_who_withdrew_meanwhile_keeps_nothing(world: World) -> None:
    owner = await world.person()
    world.forget(owner.id)
    with pytest.raises(NotAuthenticated):
        await world.image(owner)
    assert not world.objects.objects


# --------------------------------------------------------------- an upload that breaks in between


@awaited
async def test_an_upload_whose_object_is_not_kept_is_not_answered_and_goes(world: World) -> None:
    owner = await world.person()
    world.objects.broken = True
    with pytest.raises(Unavailable):
        await world.image(owner)
    (row,) = world.store.state.images.values()
    assert row.state == ImageState.NEW
    world.objects.broken = False
    assert await world.images.remove_unused() == 0, "it may still be on its way"
    world.clock.forward(3_600)
    assert await world.images.remove_unused() == 1
    assert not world.store.state.images


@awaited
async def test_an_upload_that_is_not_confirmed_is_found_with_its_object(world: World) -> None:
    owner = await world.person()
    world.fail_commits(after=1)
    with pytest.raises(Unavailable):
        await world.image(owner)
    assert kept(world) == {b"a picture"}
    world.fail_commits(None)
    world.clock.forward(3_600)
    assert await world.images.remove_unused() == 1
    assert not kept(world)
    assert not world.store.state.images


@awaited
async def test_an_upload_that_took_longer_than_anybody_waits_leaves_nothing(world: World) -> None:
    owner = await world.person()

    async def late() -> None:
        world.clock.forward(3_600)
        assert await world.images.remove_unused() == 1

    world.objects.before_put = late
    with pytest.raises(Unavailable):
        await world.image(owner)
    assert not world.objects.objects
    assert not world.store.state.images


@awaited
async def test_an_attempt_that_took_longer_than_anybody_waits_is_free_again(world: World) -> None:
    owner = await world.person()
    name = IdempotencyKey(owner.id, "POST /images", "key")
    attempt: IdempotentRequest[ImageView] = IdempotentRequest(
        name, b"content", lambda view: view.url.encode()
    )

    async def late() -> None:
        world.clock.forward(3_600)
        await world.images.remove_unused()

    world.objects.before_put = late
    with pytest.raises(Unavailable):
        await world.images.upload(owner, BytesIO(b"a picture"), attempt)
    await world.images.upload(owner, BytesIO(b"a picture"), attempt)
    assert kept(world) == {b"a picture"}


@awaited
async def test_an_image_under_way_cannot_be_used(world: World) -> None:
    owner = await world.person()

    async def meanwhile() -> None:
        (image_id,) = world.store.state.images
        with pytest.raises(InvalidInput):
            await world.profiles.write_profile(owner, **{**PROFILE, "image_id": image_id})

    world.objects.before_put = meanwhile
    await world.image(owner)


@awaited
async def test_of_two_for_which_there_is_no_room_together_the_one_kept_first_stays(
    world: World,
) -> None:
    owner = await world.person()

    async def another_is_quicker() -> None:
        await world.images.upload(owner, BytesIO(b"x" * 995))

    world.objects.before_put = another_is_quicker
    with pytest.raises(ImageQuota):
        await world.image(owner)
    assert await world.images.remove_unused() == 1
    assert kept(world) == {b"x" * 995}


@awaited
async def test_of_two_that_are_the_same_the_second_needs_no_room(world: World) -> None:
    owner = await world.person()
    name = IdempotencyKey(owner.id, "POST /images", "key")
    attempt: IdempotentRequest[ImageView] = IdempotentRequest(
        name, b"content", lambda view: view.url.encode()
    )
    quicker = world.images

    class MeanwhileTheOther:
        async def encode(self, file: IO[bytes]) -> Picture:
            await quicker.upload(owner, BytesIO(b"x" * 995), attempt)
            return await quicker.codec.encode(file)

    world.use(images={"codec": MeanwhileTheOther()})
    with pytest.raises(ReplayResponse):
        await world.images.upload(owner, BytesIO(b"x" * 995), attempt)
    assert kept(world) == {b"x" * 995}


# ------------------------------------------------------------------------------- using an image


@awaited
async def test_a_profile_takes_an_image_of_its_owner(world: World) -> None:
    owner = await world.person()
    image = await world.image(owner)
    account = await world.profiles.write_profile(owner, **{**PROFILE, "image_id": image.id})
    assert account.profile
    assert account.profile.image_url == image.url
    account = await world.profiles.edit_profile(owner, {"bio": "neu"})
    assert account.profile
    assert account.profile.image_url == image.url
    account = await world.profiles.edit_profile(owner, {"image_id": None})
    assert account.profile
    assert account.profile.image_url is None


@pytest.mark.parametrize("whose", ["nobody's", "another's", "going"])
@awaited
async def test_other_images_are_taken_nowhere(world: World, whose: str) -> None:
    owner, other = await world.people(2)
    image_id = ImageId(new_id())
    if whose == "another's":
        image_id = (await world.image(other)).id
    elif whose == "going":
        image_id = (await world.image(owner)).id
        async with world.store.unit_of_work() as work:
            now = world.clock.forward(2 * DAY)
            await work.images.claim_for_deletion(unused_before=now, unfinished_before=now, limit=1)
            await work.commit()
    await world.profiles.write_profile(owner, **PROFILE)
    project = await world.project(owner)
    for attempt, pointer in (
        (world.profiles.write_profile(owner, **{**PROFILE, "image_id": image_id}), "/image_id"),
        (world.profiles.edit_profile(owner, {"image_id": image_id}), "/image_id"),
        (world.projects.publish(owner, **{**DRAFT, "thumbnail_id": image_id}), "/thumbnail_id"),
        (
            world.projects.edit(owner, project.id, {"thumbnail_id": image_id}, None),
            "/thumbnail_id",
        ),
    ):
        with pytest.raises(InvalidInput) as caught:
            await attempt
        assert [fault.pointer for fault in caught.value.errors] == [pointer]


@awaited
async def test_an_image_of_anothers_goes_before_a_stale_revision(world: World) -> None:
    owner, other = await world.people(2)
    project, image = await world.project(owner), await world.image(other)
    edit = world.projects.edit
    with pytest.raises(InvalidInput):
        await edit(owner, project.id, {"thumbnail_id": image.id}, frozenset({9}))
    with pytest.raises(PreconditionFailed):
        await edit(owner, project.id, {"thumbnail_id": None}, frozenset({9}))
    with pytest.raises(Forbidden):
        await edit(other, project.id, {"thumbnail_id": image.id}, None)


@awaited
async def test_an_administrator_chooses_among_the_authors_images(world: World) -> None:
    author = await world.person()
    administrator = await world.person(is_admin=True)
    first, second = await world.image(author), await world.image(author)
    own = await world.image(administrator)
    project = await world.projects.publish(author, **{**DRAFT, "thumbnail_id": first.id})

    async def edited(**changes: Any) -> str | None:
        view = await world.projects.edit(administrator, project.card.id, changes, None)
        return view.card.thumbnail_url

    assert await edited(title="neu") == first.url
    assert await edited(thumbnail_id=second.id) == second.url
    with pytest.raises(InvalidInput):
        await edited(thumbnail_id=own.id)
    assert await edited(thumbnail_id=None) is None


# -------------------------------------------------------------------------------------- removing


async def published(world: World, author: Caller, *shown: ImageView, **members: Any) -> Any:
    """A project whose text shows these images."""
    world.use(projects={"markdown": always(shows(*shown))})
    return await world.projects.publish(author, **{**DRAFT, **members})


@awaited
async def test_an_image_goes_a_day_after_it_was_uploaded_for_nothing(world: World) -> None:
    await world.image(await world.person())
    world.clock.forward(DAY - 1)
    assert await world.images.remove_unused() == 0
    world.clock.forward(1)
    assert await world.images.remove_unused() == 1
    assert not world.objects.objects
    assert not world.store.state.images


@awaited
async def test_an_image_stays_as_long_as_something_refers_to_it(world: World) -> None:
    owner = await world.person()
    picture, thumbnail, shown, unused = [
        await world.image(owner, text) for text in (b"picture", b"thumbnail", b"shown", b"unused")
    ]
    await world.profiles.write_profile(owner, **{**PROFILE, "image_id": picture.id})
    project = await published(world, owner, shown, thumbnail_id=thumbnail.id)
    for _ in range(3):
        world.clock.forward(DAY)
        await world.images.remove_unused()
        assert kept(world) == {b"picture", b"thumbnail", b"shown"}
    assert unused.id not in world.store.state.images

    await world.profiles.edit_profile(owner, {"image_id": None})
    await world.projects.delete(owner, project.card.id)
    for _ in range(24):
        await world.images.remove_unused()
        assert kept(world) == {b"picture", b"thumbnail", b"shown"}, "a day has not passed"
        world.clock.forward(DAY / 24)
    assert await world.images.remove_unused() == 3
    assert not kept(world)


@awaited
async def test_an_image_that_is_used_again_stays(world: World) -> None:
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
    assert kept(world) == {b"a picture"}


@awaited
async def test_an_edit_that_shows_an_image_no_more_lets_it_go(world: World) -> None:
    author = await world.person()
    one, other = await world.image(author, b"one"), await world.image(author, b"other")
    project = await published(world, author, one)
    world.use(projects={"markdown": always(shows(other))})
    await world.projects.edit(author, project.card.id, {"content": "neu"}, None)
    world.clock.forward(DAY)
    await world.images.remove_unused()
    world.clock.forward(DAY)
    await world.images.remove_unused()
    assert kept(world) == {b"other"}


@awaited
async def test_showing_an_image_of_anothers_keeps_it_for_nobody(world: World) -> None:
    author, other = await world.people(2)
    await published(world, author, await world.image(other))
    world.clock.forward(DAY)
    assert await world.images.remove_unused() == 1


@awaited
async def test_images_of_somebody_who_withdrew_go_at_the_next_run(world: World) -> None:
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
    assert kept(world) == {b"another's"}


@awaited
async def test_a_removal_that_breaks_anywhere_is_finished_by_the_next(world: World) -> None:
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
async def test_without_its_store_a_removal_keeps_the_rows(world: World) -> None:
    image = await world.image(await world.person())
    world.clock.forward(DAY)
    world.objects.broken = True
    with pytest.raises(Unavailable):
        await world.images.remove_unused()
    assert world.store.state.images[image.id].state == ImageState.DELETING
    world.objects.broken = False
    assert await world.images.remove_unused() == 1


@awaited
async def test_removals_at_once_remove_everything_once_more_than_a_batch(world: World) -> None:
    for _ in range(3):
        owner = await world.person()
        for _ in range(70):
            await world.image(owner)
    world.clock.forward(DAY)
    removed = await at_once([world.images.remove_unused] * 3)
    assert sum(removed) >= 210
    assert not world.objects.objects
    assert not world.store.state.images


# ------------------------------------------------------------------------------------- addresses

KEY = "0123456789abcdef0123456789abcdef.webp"


@pytest.mark.parametrize(
    "address",
    [
        "",
        KEY,
        f"/media/../{KEY}",
        f"/media/x/{KEY}",
        f"/media/{KEY}?x",
        f"/media/{KEY}#x",
        f"/media/{KEY.upper()}",
        f"/media/{KEY}\n",
        f"media/{KEY}",
        f"//evil.example/media/{KEY}",
        f"https://evil.example/media/{KEY}",
        f"https://images.example/other/{KEY}",
        f"https://images.example.evil.example/b/{KEY}",
        f"https://images.example/b/x/{KEY}",
        f"https://images.example/b/{KEY}/x",
        "/media/0123456789abcdef0123456789abcdef.svg",
        "/media/0123456789abcdef0123456789abcde.webp",
    ],
)
def test_no_other_address_is_one_of_ours(address: str) -> None:
    for addresses in (ImageUrls(), ImageUrls("https://images.example/b/")):
        assert addresses.key_of(address) is None


def test_an_image_may_be_named_by_its_address_and_by_its_key() -> None:
    addresses = ImageUrls("https://images.example/b/")
    assert addresses.url(KEY) == f"https://images.example/b/{KEY}"
    assert addresses.url(None) is None
    assert addresses.key_of(f"https://images.example/b/{KEY}") == KEY
    assert addresses.key_of(f"/media/{KEY}") == KEY


def test_stored_html_follows_the_store() -> None:
    html = (
        f'<p><img src="/media/{KEY}" alt="x"> &lt;img src="/media/{KEY}" <a href="/media/{KEY}">'
    )
    moved = ImageUrls("https://images.example/b/").in_html(html)
    assert moved == html.replace(
        f'<img src="/media/{KEY}"', f'<img src="https://images.example/b/{KEY}"'
    )
    assert ImageUrls().in_html(html) == html
    assert keys_in(html) == {KEY}
