"""`ImageRepository`: storage, locking, references and views."""

import pytest

from sidepro.domain.errors import ImageQuota, NotFound
from sidepro.domain.ids import ImageId
from sidepro.domain.images.image import Image
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.views import BoardQuery
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody
from tests.contracts.concurrency import MANY, race
from tests.contracts.image_data import LATER, add_stored, can_lock, claim
from tests.factories import NOW

pytestmark = pytest.mark.anyio


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

    comments = (await adapters.board.comments(bare.id, PageRequest(), None)).items
    assert {c.author.id: c.author.image_url for c in comments} == {author.id: face, plain.id: None}
    for seen_by, other in ((plain, face), (author, None)):
        (listed,) = (await adapters.rooms.rooms(seen_by.id, PageRequest())).items
        one = await adapters.rooms.room(room.id, seen_by.id)
        assert one == listed
        assert listed.participant
        assert listed.participant.image_url == other
