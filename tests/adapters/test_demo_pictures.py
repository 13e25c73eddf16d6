"""The drawings of the demo data: reproducible, small, and files that people could upload."""

from __future__ import annotations

import io

import pytest

from sidepro.adapters.images.codec import PillowCodec
from sidepro.demo.drawings import OTHER_STYLES, PAINTERS, STYLES, Drawing, cover_styles
from sidepro.demo.words import kinds_in
from tests.adapters.demo_data import CATALOGUE

pytestmark = pytest.mark.anyio

SMALL = 20_000
"""Bytes of a picture at the most."""


@pytest.mark.parametrize("style", PAINTERS)
async def test_a_drawing_is_reproducible_small_and_accepted_as_an_upload(style: str) -> None:
    codec = PillowCodec(40_000_000)
    pictures = [Drawing(style, seed).draw() for seed in range(4)]
    assert pictures[3] == Drawing(style, 3).draw()
    assert len({picture.data for picture in pictures}) == len(pictures)
    for picture in pictures:
        assert len(picture.data) < SMALL
        stored = await codec.encode(io.BytesIO(picture.data))
        assert (stored.width, stored.height) == (picture.width, picture.height)
    codec.close()


def test_every_kind_of_project_has_styles_of_covers() -> None:
    kinds = {kind.name for kind in kinds_in(CATALOGUE)}
    assert STYLES.keys() <= kinds
    for kind in kinds:
        assert set(cover_styles(kind)) <= PAINTERS.keys() - {"face"}
    covers = {style for styles in (*STYLES.values(), OTHER_STYLES) for style in styles}
    assert covers == PAINTERS.keys() - {"face"}
