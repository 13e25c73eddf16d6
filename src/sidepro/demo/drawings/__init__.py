"""Pictures of the demo data, drawn with Pillow: covers of projects, and faces of people.

The same drawing gives the same picture.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sidepro.demo.drawings import covers, faces, windows
from sidepro.demo.drawings.canvas import Canvas, Palette
from sidepro.demo.randomness import DemoRandom
from sidepro.domain.images.image import Picture

COVER_SIZE = (640, 360)
FACE_SIZE = (192, 192)

Painter = Callable[[Canvas, DemoRandom, Palette], None]

PAINTERS: Mapping[str, Painter] = {
    "browser": windows.browser,
    "phones": windows.phones,
    "code": windows.code,
    "charts": windows.charts,
    "map": covers.street_map,
    "sprite": covers.sprite,
    "tiles": covers.tiles,
    "hills": covers.hills,
    "circuit": covers.circuit,
    "cubes": covers.cubes,
    "face": faces.face,
}

STYLES: Mapping[str, tuple[str, ...]] = {
    "frontend": ("browser", "browser", "phones", "tiles"),
    "node": ("browser", "code", "tiles", "phones"),
    "jvm": ("browser", "charts", "code", "hills"),
    "data": ("charts", "charts", "code", "tiles"),
    "mobile": ("phones", "phones", "hills"),
    "game": ("sprite",),
    "embedded": ("circuit", "circuit", "charts"),
    "operations": ("code", "charts", "circuit"),
    "maps": ("map",),
    "chain": ("cubes",),
}
"""The styles of covers for a kind of project."""

OTHER_STYLES = ("browser", "code", "tiles", "hills", "charts", "phones")


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a picture shows, and the seed of its details."""

    style: str
    seed: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return FACE_SIZE if self.style == "face" else COVER_SIZE

    def draw(self) -> Picture:
        """The picture. Takes about ten milliseconds."""
        rng = DemoRandom(self.seed)
        canvas = Canvas(*self.size)
        PAINTERS[self.style](canvas, rng, Palette.draw(rng))
        return canvas.picture()


def cover_styles(kind: str) -> tuple[str, ...]:
    """The styles of covers for projects of this kind."""
    return STYLES.get(kind, OTHER_STYLES)
