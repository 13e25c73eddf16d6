"""A canvas with smooth edges, and palettes."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Self

from PIL import Image, ImageDraw

from sidepro.demo.randomness import DemoRandom
from sidepro.domain.images.image import Picture

SCALE = 2
"""Drawn pixels per pixel of the picture. Scaling down smooths the edges."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that go together, as `#rrggbb`, from light to dark, and one that stands out."""

    paper: str
    tint: str
    main: str
    deep: str
    accent: str

    @classmethod
    def draw(cls, rng: DemoRandom) -> Self:
        return cls(*rng.choice(_PALETTES))


_PALETTES = (
    ("#faf6ee", "#ead9c1", "#a8703a", "#4c301a", "#1d46b0"),
    ("#f3f6fd", "#cddbf8", "#2c57c4", "#142c6b", "#f2a33a"),
    ("#f0f7f2", "#c4e0cf", "#2f7d5b", "#15402d", "#e4683c"),
    ("#fdf3ef", "#f4d0c4", "#c8553d", "#5f2015", "#2d5d7b"),
    ("#f7f4fc", "#dacef0", "#6c4ab6", "#31205c", "#f0b429"),
    ("#eff8f8", "#bbe0e3", "#1b7f8c", "#0d4047", "#f26b5b"),
    ("#fef8e7", "#f6dc97", "#cf9420", "#5f4007", "#3a5a9b"),
    ("#fbf2f6", "#edcbdb", "#b23a6b", "#561632", "#2f7d5b"),
    ("#f5f7f5", "#d2d9d3", "#55665d", "#202b26", "#d9822b"),
)


def mix(one: str, other: str, share: float) -> str:
    """A colour between two; `share` from 0 to 1 is that of the other."""
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round(a + (b - a) * share) for a, b in pairs).hex()


class Canvas:
    """Shapes in pixels of the final picture, from its upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * SCALE, height * SCALE))
        self._draw = ImageDraw.Draw(self._image)

    def gradient(self, top: str, bottom: str) -> None:
        """Fills everything."""
        for y in range(0, self._image.height, 4):
            colour = mix(top, bottom, y / self._image.height)
            self._draw.rectangle((0, y, self._image.width, y + 3), colour)

    def box(
        self, x: float, y: float, width: float, height: float, colour: str, radius: float = 0
    ) -> None:
        """A rectangle, perhaps with round corners."""
        corners = (x * SCALE, y * SCALE, (x + width) * SCALE - 1, (y + height) * SCALE - 1)
        if radius:
            self._draw.rounded_rectangle(corners, radius * SCALE, colour)
        else:
            self._draw.rectangle(corners, colour)

    def oval(self, x: float, y: float, across: float, down: float, colour: str) -> None:
        """An ellipse by its centre and its radii."""
        self._draw.ellipse(_around(x, y, across, down), colour)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        self.oval(x, y, radius, radius, colour)

    def slice(
        self, x: float, y: float, radius: float, start: float, end: float, colour: str
    ) -> None:
        """A part of a disc, in degrees clockwise from three o'clock."""
        self._draw.pieslice(_around(x, y, radius, radius), start, end, colour)

    def arc(
        self, x: float, y: float, radius: float, start: float, end: float, colour: str, width: int
    ) -> None:
        self._draw.arc(_around(x, y, radius, radius), start, end, colour, width * SCALE)

    def polygon(self, points: Sequence[Point], colour: str) -> None:
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], colour)

    def line(self, points: Sequence[Point], colour: str, width: int) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, colour, width * SCALE, joint="curve")

    def picture(self) -> Picture:
        """What was drawn, encoded."""
        encoded = BytesIO()
        self._image.reduce(SCALE).save(encoded, "WEBP", quality=80, method=2)
        return Picture(encoded.getvalue(), self.width, self.height)


def _around(x: float, y: float, across: float, down: float) -> tuple[float, float, float, float]:
    return (x - across) * SCALE, (y - down) * SCALE, (x + across) * SCALE, (y + down) * SCALE
