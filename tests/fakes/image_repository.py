"""What is known of images, in memory."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sidepro.domain.ids import (
    ImageId,
    ProjectId,
    UserId,
)
from sidepro.domain.images.image import Image, ImageState
from sidepro.domain.images.urls import ImageKey
from tests.fakes.state import Repository, StoredImage


class MemoryImages(Repository):
    """See `sidepro.domain.images.ports.ImageRepository`."""

    async def bytes_of(self, user_id: UserId) -> int:
        return sum(
            kept.image.size
            for kept in self._state.images.values()
            if kept.image.owner_id == user_id and kept.state == ImageState.STORED
        )

    async def add(self, image: Image) -> None:
        self._must_be_there(image.owner_id)
        kept = StoredImage(image, ImageState.NEW, image.created_at)
        self._state.images[image.id] = kept

    async def abandon(self, image_id: ImageId) -> None:
        kept = self._state.images.get(image_id)
        if kept is not None and kept.state == ImageState.NEW:
            self._state.images[image_id] = replace(kept, state=ImageState.DELETING)

    async def mark_stored(self, image_id: ImageId) -> bool:
        kept = self._state.images.get(image_id)
        if kept is None or kept.state != ImageState.NEW:
            return False
        self._state.images[image_id] = replace(kept, state=ImageState.STORED)
        return True

    async def lock_for_reference(self, image_id: ImageId, owner_id: UserId) -> bool:
        return image_id in self._stored_of(owner_id)

    async def set_references(
        self, project_id: ProjectId, owner_id: UserId, keys: Collection[ImageKey]
    ) -> None:
        images = self._stored_of(owner_id).values()
        self._state.shown[project_id] = frozenset(i.id for i in images if i.key in keys)

    async def mark_unused(self, now: datetime) -> None:
        used = self._used()
        for image_id, kept in self._state.images.items():
            if kept.state == ImageState.STORED:
                since = None if image_id in used else kept.unused_since or now
                self._state.images[image_id] = replace(kept, unused_since=since)

    async def claim_for_deletion(
        self, *, unused_before: datetime, unfinished_before: datetime, limit: int
    ) -> tuple[Image, ...]:
        used = self._used()

        def may_go(kept: StoredImage) -> bool:
            match kept.state:
                case ImageState.DELETING:
                    return True
                case ImageState.NEW:
                    return kept.image.created_at <= unfinished_before
                case ImageState.STORED:
                    since = kept.unused_since
                    old = since is not None and since <= unused_before
                    return (kept.image.owner_id is None or old) and kept.image.id not in used

        images = self._state.images
        going = sorted((i for i, kept in images.items() if may_go(kept)))[:limit]
        for image_id in going:
            images[image_id] = replace(images[image_id], state=ImageState.DELETING)
        return tuple(images[image_id].image for image_id in going)

    async def delete(self, image_ids: Collection[ImageId]) -> None:
        for image_id in image_ids:
            kept = self._state.images.get(image_id)
            if kept is not None and kept.state == ImageState.DELETING:
                del self._state.images[image_id]

    def _stored_of(self, owner_id: UserId) -> dict[ImageId, Image]:
        return {
            image_id: kept.image
            for image_id, kept in self._state.images.items()
            if kept.image.owner_id == owner_id and kept.state == ImageState.STORED
        }

    def _used(self) -> frozenset[ImageId | None]:
        state = self._state
        pictures = (profile.image_id for profile in state.profiles.values())
        thumbnails = (project.thumbnail_id for project in state.projects.values())
        return frozenset().union(pictures, thumbnails, *state.shown.values())
