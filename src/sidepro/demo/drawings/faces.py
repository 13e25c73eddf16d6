"""Profile pictures: simple faces."""

from sidepro.demo.drawings.canvas import Canvas, Palette, mix
from sidepro.demo.randomness import DemoRandom

SKIN = ("#f6d7bd", "#f1c9a5", "#e8b88f", "#d9a27a", "#b97f56", "#8a5a3c")
HAIR = ("#1d1a1a", "#2a211d", "#3a2a20", "#5a3b26", "#7a4a2a", "#a4713f")


def face(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """Head and shoulders, from the front."""
    skin = rng.choices(SKIN, (5, 5, 4, 3, 1, 1))[0]
    hair = rng.choices(HAIR, (6, 5, 4, 2, 1, 1))[0]
    ground = rng.choice((palette.tint, mix(palette.main, palette.tint, 0.35), palette.accent))
    canvas.box(0, 0, 192, 192, mix(ground, palette.paper, 0.15))
    style = rng.randrange(5)
    if style == 3:
        canvas.box(50, 66, 92, 100, hair, 40)
    shirt = palette.deep if ground == palette.accent else rng.choice((palette.main, palette.deep))
    canvas.oval(96, 200, 74, 58, shirt)
    canvas.box(82, 122, 28, 36, mix(skin, "#7a4a2a", 0.18), 13)
    if style == 4:
        canvas.disc(96, 36, 20, hair)
    for x in (57, 135):
        canvas.disc(x, 96, 8, mix(skin, "#7a4a2a", 0.1))
    canvas.oval(96, 92, 39, 44, skin)
    _hair(canvas, style, hair)
    _features(canvas, rng, mix(hair, "#000000", 0.2), mix(skin, "#a43b2a", 0.55))


def _hair(canvas: Canvas, style: int, hair: str) -> None:
    if style == 0:  # short
        canvas.slice(96, 88, 44, 180, 360, hair)
        canvas.box(52, 80, 9, 18, hair, 4)
        canvas.box(131, 80, 9, 18, hair, 4)
    elif style == 1:  # parted
        canvas.slice(96, 84, 45, 178, 362, hair)
        canvas.polygon([(56, 84), (116, 58), (136, 84), (140, 74), (110, 46), (60, 60)], hair)
    elif style == 2:  # curls
        for x, y in ((58, 74), (68, 56), (86, 46), (106, 46), (124, 56), (134, 74)):
            canvas.disc(x, y, 17, hair)
    else:  # long, or a bun
        canvas.slice(96, 86, 45, 182, 358, hair)
        canvas.polygon([(54, 88), (96, 56), (138, 88), (138, 62), (96, 44), (54, 62)], hair)


def _features(canvas: Canvas, rng: DemoRandom, dark: str, mouth: str) -> None:
    for x in (81, 111):
        canvas.oval(x, 96, 4, 5, dark)
        canvas.line([(x - 7, 84), (x + 7, 84 + rng.choice((-1, 0, 1)))], dark, 3)
    if rng.random() < 0.35:
        for x in (81, 111):
            canvas.arc(x, 96, 14, 0, 360, dark, 3)
        canvas.line([(94, 95), (98, 95)], dark, 3)
    if rng.random() < 0.75:
        canvas.arc(96, 108, 13, 25, 155, mouth, 4)
    else:
        canvas.slice(96, 111, 13, 0, 180, mouth)
