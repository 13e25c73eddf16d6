"""`ImageRepository`: states, references and cleanup of images."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from sidepro.domain.errors import ImageQuota, NotFound
from sidepro.domain.ids import ImageId, UserId
from sidepro.domain.images.image import Image
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.views import BoardQuery
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody
from tests.contracts.concurrency import MANY, race
from tests.factories import NOW

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(days=2)


async def add_stored(adapters: Adapters, *images: Image) -> None:
    """Add images and mark them as stored."""
    async with adapters.unit_of_work() as work:
        for image in images:
            await work.images.add(image)
            assert await work.images.mark_stored(image.id)
        await work.commit()


async def claim(
    adapters: Adapters, *, unused: bool = True, unfinished: bool = False, limit: int = 100
) -> set[ImageId]:
    """Claim images for deletion; `unused` and `unfinished` ones count as old enough."""
    async with adapters.unit_of_work() as work:
        claimed = await work.images.claim_for_deletion(
            unused_before=LATER if unused else NOW - timedelta(days=1),
            unfinished_before=LATER if unfinished else NOW - timedelta(days=1),
            limit=limit,
        )
        await work.commit()
    return {image.id for image in claimed}


async def can_lock(adapters: Adapters, image: Image, owner_id: UserId) -> bool:
    async with adapters.unit_of_work() as work:
        return await work.images.lock_for_reference(image.id, owner_id)


async def mark_unused_after(adapters: Adapters, days: float = 0) -> None:
    async with adapters.unit_of_work() as work:
        await work.images.mark_unused(NOW + timedelta(days=days))
        await work.commit()


# --------------------------------------------------------------------------------- bytes, locking


async def test_bytes_of_sums_the_stored_images_of_one_user(adapters: Adapters) -> None:
    owner, other = factories.user(), factories.user()
    await adapters.add(owner, other)
    new, stored, claimed = [factories.image(owner.id, size=10**n) for n in range(3)]
    await add_stored(adapters, claimed)
    assert await claim(adapters) == {claimed.id}
    await add_stored(adapters, stored, factories.image(other.id, size=5_000))
    async with adapters.unit_of_work() as work:
        await work.images.add(new)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.images.bytes_of(owner.id) == 10
        assert await work.images.bytes_of(nobody()) == 0


async def test_bytes_of_exceeds_32_bits(adapters: Adapters) -> None:
    owner = factories.user()
    await adapters.add(owner)
    await add_stored(adapters, *(factories.image(owner.id, size=2**31 - 1) for _ in range(3)))
    async with adapters.unit_of_work() as work:
        assert await work.images.bytes_of(owner.id) == 3 * (2**31 - 1)


async def test_add_raises_not_found_without_the_owner(adapters: Adapters) -> None:
    with pytest.raises(NotFound):
        await add_stored(adapters, factories.image(nobody()))


async def test_mark_stored_succeeds_once_and_not_after_a_claim(
    adapters: Adapters,
) -> None:
    owner = factories.user()
    await adapters.add(owner)
    image, late = factories.image(owner.id), factories.image(owner.id)
    async with adapters.unit_of_work() as work:
        await work.images.add(image)
        await work.images.add(late)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.images.mark_stored(image.id)
        assert not await work.images.mark_stored(image.id)
        assert not await work.images.mark_stored(ImageId(nobody()))
        await work.commit()
    assert await claim(adapters, unused=False, unfinished=True) == {late.id}
    async with adapters.unit_of_work() as work:
        assert not await work.images.mark_stored(late.id)


async def test_only_stored_images_of_the_owner_can_be_locked(adapters: Adapters) -> None:
    owner, other = factories.user(), factories.user()
    await adapters.add(owner, other)
    stored, new, claimed = [factories.image(owner.id) for _ in range(3)]
    await add_stored(adapters, claimed)
    await claim(adapters)
    await add_stored(adapters, stored)
    async with adapters.unit_of_work() as work:
        await work.images.add(new)
        await work.commit()
    assert await can_lock(adapters, stored, owner.id)
    assert not await can_lock(adapters, stored, other.id)
    assert not await can_lock(adapters, new, owner.id)
    assert not await can_lock(adapters, claimed, owner.id)
    assert not await can_lock(adapters, factories.image(owner.id), owner.id)


async def test_concurrent_uploads_stay_within_the_quota(adapters: Adapters) -> None:
    owner = factories.user()
    await adapters.add(owner)

    async def attempt(_: int) -> None:
        async with adapters.unit_of_work() as work:
            await work.users.get(owner.id)
            if await work.images.bytes_of(owner.id) + 100 > 700:
                raise ImageQuota
            image = factories.image(owner.id, size=100)
            await work.images.add(image)
            await work.images.mark_stored(image.id)
            await work.commit()

    results = await race(adapters, MANY, attempt)
    assert results.count(None) == 7


# ----------------------------------------------------------------------------------------- cleanup


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


# -------------------------------------------------------------------------------------- references


async def test_a_text_references_images_of_its_author_only(adapters: Adapters) -> None:
    author, other = factories.user(), factories.user()
    project = factories.project(author.id)
    await adapters.add(author, other, project)
    own, second, anothers = images = [factories.image(user.id) for user in (author, author, other)]
    await add_stored(adapters, *images)
    unknown = factories.image(author.id).key

    async def refer_to(*targets: Image) -> None:
        async with adapters.unit_of_work() as work:
            keys = [unknown, *(image.key for image in targets)]
            await work.images.set_references(project.id, author.id, keys)
            await work.commit()

    async def referenced() -> set[ImageId]:
        async with adapters.unit_of_work() as work:
            claimed = await work.images.claim_for_deletion(
                unused_before=LATER, unfinished_before=NOW, limit=9
            )
            return {image.id for image in images} - {image.id for image in claimed}

    await refer_to(own, anothers)
    assert await referenced() == {own.id}
    await refer_to(own, second)
    assert await referenced() == {own.id, second.id}
    await refer_to(second)
    assert await referenced() == {second.id}
    await refer_to()
    assert await referenced() == set()


# ----------------------------------------------------------------------------------------- races


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


# ------------------------------------------------------------------------------------ in the views


async def test_image_urls_appear_in_every_view(adapters: Adapters) -> None:
    author, plain = factories.user(), factories.user()
    picture, thumbnail = factories.image(author.id), factories.image(author.id)
    await adapters.add(author, plain)
    await add_stored(adapters, picture, thumbnail)
    shown = f'<p><img src="/media/{thumbnail.key}" alt=""></p>'
    project = factories.project(author.id, thumbnail_id=thumbnail.id, content_html=shown)
    bare = factories.project(plain.id)
    room = factories.room(author.id, plain.id)
    await adapters.add(
        factories.profile(author.id, image_id=picture.id),
        factories.profile(plain.id),
        *(project, bare, room),
        *(factories.comment(bare.id, user.id) for user in (author, plain)),
    )
    await adapters.bookmark(plain.id, project.id)
    face, front = f"/media/{picture.key}", f"/media/{thumbnail.key}"

    account = await adapters.accounts.account(author.id)
    assert account
    assert account.profile
    assert account.profile.image_url == face
    async with adapters.unit_of_work() as work:
        profile, again = await work.profiles.get(author.id), await work.projects.get(project.id)
    assert profile
    assert again
    assert (profile.image_id, again.thumbnail_id) == (picture.id, thumbnail.id)

    pages = [
        await adapters.board.board(BoardQuery(), PageRequest(), plain.id),
        await adapters.board.bookmarked_by(plain.id, PageRequest(), None),
    ]
    cards = [card for page in pages for card in page.items]
    by_author = await adapters.recommendable.projects_by_author(
        [author.id, plain.id], nobody(), most=1, first=0
    )
    cards += [card for hand in by_author.values() for card in hand]
    cards += await adapters.recommendable.popular(nobody(), 9)
    assert len(cards) == 7
    for card in cards:
        expected = (front, face) if card.id == project.id else (None, None)
        assert (card.thumbnail_url, card.author.image_url) == expected
    view = await adapters.board.project(project.id, None)
    assert view
    assert (view.card.thumbnail_url, view.card.author.image_url) == (front, face)
    assert view.content_html == shown

    comments = (await adapters.board.comments(bare.id, PageRequest())).items
    assert {c.author.id: c.author.image_url for c in comments} == {author.id: face, plain.id: None}
    for seen_by, other in ((plain, face), (author, None)):
        (listed,) = (await adapters.rooms.rooms(seen_by.id, PageRequest())).items
        one = await adapters.rooms.room(room.id, seen_by.id)
        assert one == listed
        assert listed.participant
        assert listed.participant.image_url == other
