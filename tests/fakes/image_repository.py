"""Images and their references, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sidepro.domain.errors import ImageInUse, NotFound
from sidepro.domain.ids import (
    ImageId,
    ProjectId,
    UserId,
)
from sidepro.domain.images.image import Image, ImageState, WithheldImage, WithholdingState
from sidepro.domain.images.urls import ImageKey
from sidepro.domain.visibility import ANYBODY
from tests.fakes.state import Repository, State, StoredImage


class MemoryImages(Repository):
    """See `sidepro.domain.images.ports.ImageRepository`."""

    async def bytes_of(self, user_id: UserId) -> int:
        return sum(
            row.image.size
            for row in self._state.images.values()
            if row.image.owner_id == user_id and row.state == ImageState.STORED
        )

    async def add(self, image: Image) -> None:
        self._must_be_there(image.owner_id)
        row = StoredImage(image, ImageState.NEW, image.created_at)
        self._state.images[image.id] = row

    async def abandon(self, image_id: ImageId) -> None:
        row = self._state.images.get(image_id)
        if row is not None and row.state == ImageState.NEW:
            self._state.images[image_id] = replace(row, state=ImageState.DELETING)

    async def mark_stored(self, image_id: ImageId) -> bool:
        row = self._state.images.get(image_id)
        if row is None or row.state != ImageState.NEW:
            return False
        self._state.images[image_id] = replace(row, state=ImageState.STORED)
        return True

    async def lock_for_reference(self, image_id: ImageId, owner_id: UserId) -> bool:
        return image_id in self._stored_of(owner_id)

    async def set_references(
        self, project_id: ProjectId, owner_id: UserId, keys: Collection[ImageKey]
    ) -> None:
        images = self._stored_of(owner_id).values()
        self._state.image_references[project_id] = frozenset(i.id for i in images if i.key in keys)

    async def mark_unused(self, now: datetime) -> None:
        used = used_images(self._state)
        for image_id, row in self._state.images.items():
            if row.state == ImageState.STORED:
                since = None if image_id in used else row.unused_since or now
                self._state.images[image_id] = replace(row, unused_since=since)

    async def claim_for_deletion(
        self, *, unused_before: datetime, unfinished_before: datetime, limit: int
    ) -> tuple[Image, ...]:
        used = used_images(self._state)

        def is_claimable(row: StoredImage) -> bool:
            match row.state:
                case ImageState.DELETING:
                    return True
                case ImageState.NEW:
                    return row.image.created_at <= unfinished_before
                case ImageState.STORED:
                    since = row.unused_since
                    expired = since is not None and since <= unused_before
                    return (row.image.owner_id is None or expired) and row.image.id not in used

        images = self._state.images
        claimed = sorted((i for i, row in images.items() if is_claimable(row)))[:limit]
        for image_id in claimed:
            images[image_id] = replace(images[image_id], state=ImageState.DELETING)
        return tuple(images[image_id].image for image_id in claimed)

    async def claim_own(self, image_id: ImageId, owner_id: UserId) -> Image:
        if image_id not in self._stored_of(owner_id):
            raise NotFound
        if image_id in used_images(self._state):
            raise ImageInUse
        row = self._state.images[image_id]
        self._state.images[image_id] = replace(row, state=ImageState.DELETING)
        return row.image

    async def delete(self, image_ids: Collection[ImageId]) -> None:
        for image_id in image_ids:
            row = self._state.images.get(image_id)
            if row is not None and row.state == ImageState.DELETING:
                del self._state.images[image_id]

    def _stored_of(self, owner_id: UserId) -> dict[ImageId, Image]:
        return {
            image_id: row.image
            for image_id, row in self._state.images.items()
            if row.image.owner_id == owner_id and row.state == ImageState.STORED
        }


def used_images(state: State) -> frozenset[ImageId | None]:
    """The images that something refers to."""
    pictures = (profile.image_id for profile in state.profiles.values())
    thumbnails = (project.thumbnail_id for project in state.projects.values())
    return frozenset().union(pictures, thumbnails, *state.image_references.values())


class MemoryWithheldImages(Repository):
    """See `sidepro.domain.images.ports.WithheldImages`."""

    async def to_withhold(self, limit: int) -> tuple[ImageId, ...]:
        known = self._state.withheld_images
        stored = self._state.images
        return tuple(
            image_id
            for image_id in sorted(self._hidden_only())
            if image_id not in known and stored[image_id].state == ImageState.STORED
        )[:limit]

    async def add(self, image_id: ImageId, name: ImageKey) -> None:
        key = self._state.images[image_id].image.key
        added = WithheldImage(image_id, key, name, WithholdingState.MOVING)
        self._state.withheld_images.setdefault(image_id, added)

    async def mark_returning(self) -> None:
        hidden_only = self._hidden_only()
        for image_id, image in list(self._state.withheld_images.items()):
            is_returning = image.state is WithholdingState.RETURNING
            if (image_id in hidden_only) is not is_returning:
                continue
            state = WithholdingState.MOVING if is_returning else WithholdingState.RETURNING
            self._state.withheld_images[image_id] = replace(image, state=state)

    async def unfinished(self) -> tuple[ImageId, ...]:
        images = self._state.withheld_images.values()
        return tuple(i.image_id for i in images if i.state is not WithholdingState.WITHHELD)

    async def lock(self, image_id: ImageId) -> WithheldImage | None:
        row = self._state.images.get(image_id)
        if row is None or row.state != ImageState.STORED:
            return None
        return self._state.withheld_images.get(image_id)

    async def finish(self, image: WithheldImage) -> None:
        if image.state is WithholdingState.RETURNING:
            del self._state.withheld_images[image.image_id]
            return
        finished = replace(image, state=WithholdingState.WITHHELD)
        self._state.withheld_images[image.image_id] = finished

    async def names(self, image_ids: Sequence[ImageId]) -> tuple[ImageKey, ...]:
        known = self._state.withheld_images
        return tuple(known[image_id].name for image_id in image_ids if image_id in known)

    def _hidden_only(self) -> set[ImageId]:
        state = self._state
        shown: set[ImageId | None] = {profile.image_id for profile in state.profiles.values()}
        hidden: set[ImageId | None] = set()
        for project in state.projects.values():
            is_public = project.is_visible_to(ANYBODY)
            images = {project.thumbnail_id, *state.image_references.get(project.id, ())}
            (shown if is_public else hidden).update(images)
        return {image_id for image_id in hidden - shown if image_id is not None}
