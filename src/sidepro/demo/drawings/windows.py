"""Covers that look like screenshots: a browser, telephones, an editor, charts."""

from sidepro.demo.drawings.canvas import Canvas, Palette, Point, mix
from sidepro.demo.randomness import DemoRandom


def browser(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """A page in a browser's window."""
    canvas.gradient(palette.tint, mix(palette.tint, palette.main, 0.45))
    _frame(canvas, 76, 44, 488, 340, palette)
    rng.choice((_gallery, _list_with_sidebar, _landing_page))(canvas, rng, palette)


def _frame(
    canvas: Canvas, x: float, y: float, width: float, height: float, palette: Palette
) -> None:
    shadow = mix(palette.main, palette.deep, 0.3)
    canvas.box(x + 5, y + 8, width, height, mix(palette.tint, shadow, 0.35), 14)
    canvas.box(x, y, width, height, palette.paper, 14)
    canvas.box(x, y, width, 34, mix(palette.paper, palette.tint, 0.6), 14)
    canvas.box(x, y + 20, width, 14, mix(palette.paper, palette.tint, 0.6))
    for number, colour in enumerate((palette.accent, palette.main, palette.tint)):
        canvas.disc(x + 20 + 16 * number, y + 17, 5, colour)
    canvas.box(x + 90, y + 9, width - 180, 16, palette.paper, 8)


def _gallery(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    canvas.box(104, 100, 150, 16, palette.deep, 5)
    canvas.box(444, 98, 92, 22, palette.main, 11)
    for number in range(6):
        x, y = 104 + 147 * (number % 3), 136 + 122 * (number // 3)
        colour = rng.choice((palette.tint, mix(palette.tint, palette.main, 0.4), palette.main))
        canvas.box(x, y, 135, 68, colour, 8)
        if rng.random() < 0.5:
            canvas.disc(x + 67, y + 34, 17, mix(colour, palette.paper, 0.5))
        else:
            points = [(x + 20, y + 68), (x + 58, y + 24), (x + 80, y + 48), (x + 96, y + 34)]
            canvas.polygon([*points, (x + 124, y + 68)], mix(colour, palette.paper, 0.45))
        canvas.box(x, y + 78, rng.randint(70, 125), 9, mix(palette.deep, palette.paper, 0.2), 4)
        canvas.box(x, y + 94, rng.randint(40, 90), 7, mix(palette.tint, palette.main, 0.15), 3)


def _list_with_sidebar(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    canvas.box(76, 78, 118, 306, mix(palette.paper, palette.tint, 0.35))
    chosen = rng.randrange(5)
    for number in range(7):
        y = 98 + 34 * number
        if number == chosen:
            canvas.box(86, y - 9, 98, 26, palette.main, 7)
        colour = palette.paper if number == chosen else mix(palette.tint, palette.main, 0.25)
        canvas.box(98, y, rng.randint(45, 74), 8, colour, 4)
    canvas.box(216, 98, 130, 16, palette.deep, 5)
    for number in range(5):
        y = 134 + 52 * number
        canvas.box(216, y, 322, 42, mix(palette.paper, palette.tint, 0.3), 8)
        canvas.disc(240, y + 21, 12, rng.choice((palette.main, palette.accent, palette.tint)))
        canvas.box(262, y + 11, rng.randint(90, 180), 8, mix(palette.deep, palette.paper, 0.2), 4)
        canvas.box(262, y + 25, rng.randint(60, 140), 7, mix(palette.tint, palette.main, 0.2), 3)
        if rng.random() < 0.5:
            canvas.box(486, y + 13, 38, 16, mix(palette.accent, palette.paper, 0.55), 8)


def _landing_page(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    canvas.box(104, 112, 196, 22, palette.deep, 6)
    canvas.box(104, 144, 150, 22, palette.deep, 6)
    for number, width in enumerate((190, 176, rng.randint(80, 160))):
        canvas.box(104, 186 + 17 * number, width, 8, mix(palette.tint, palette.main, 0.25), 4)
    canvas.box(104, 252, 92, 30, palette.main, 15)
    canvas.box(206, 252, 92, 30, mix(palette.paper, palette.tint, 0.6), 15)
    canvas.disc(430, 200, 92, palette.tint)
    canvas.disc(430 + rng.randint(-30, 30), 200, 58, mix(palette.tint, palette.main, 0.6))
    canvas.disc(rng.randint(470, 510), rng.randint(120, 160), 26, palette.accent)
    canvas.box(rng.randint(340, 380), rng.randint(230, 250), 74, 40, palette.deep, 10)
    for number in range(3):
        canvas.box(104 + 148 * number, 318, 134, 60, mix(palette.paper, palette.tint, 0.4), 8)


def phones(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """Two or three telephones side by side."""
    canvas.gradient(mix(palette.main, palette.tint, 0.25), mix(palette.main, palette.deep, 0.35))
    count = rng.choice((2, 3))
    for number in range(count):
        x = 320 - 84 * count + 168 * number + 12
        y = 48 + (26 if number % 2 == count % 2 else 0)
        canvas.box(x - 7, y - 7, 158, 344, palette.deep, 26)
        canvas.box(x, y, 144, 330, palette.paper, 20)
        canvas.box(x + 50, y + 8, 44, 8, palette.deep, 4)
        rng.choice((_feed, _progress, _conversation))(canvas, rng, palette, x, y + 30)


def _feed(canvas: Canvas, rng: DemoRandom, palette: Palette, x: float, y: float) -> None:
    canvas.box(x + 12, y, 70, 12, palette.deep, 5)
    for number in range(3):
        top = y + 26 + 92 * number
        colour = rng.choice((palette.tint, mix(palette.tint, palette.main, 0.5), palette.accent))
        canvas.box(x + 12, top, 120, 58, colour, 9)
        canvas.disc(x + 40, top + 30, 14, mix(colour, palette.paper, 0.5))
        canvas.box(x + 12, top + 66, rng.randint(60, 110), 8, mix(palette.deep, "#ffffff", 0.2), 4)


def _progress(canvas: Canvas, rng: DemoRandom, palette: Palette, x: float, y: float) -> None:
    canvas.box(x + 42, y, 60, 12, palette.deep, 5)
    canvas.arc(x + 72, y + 84, 50, 0, 360, palette.tint, 12)
    canvas.arc(x + 72, y + 84, 50, -90, rng.randint(60, 230), palette.main, 12)
    canvas.box(x + 54, y + 78, 36, 13, palette.deep, 5)
    for number in range(3):
        top = y + 156 + 40 * number
        canvas.box(x + 12, top, 120, 32, mix(palette.paper, palette.tint, 0.5), 9)
        canvas.disc(x + 29, top + 16, 8, rng.choice((palette.main, palette.accent)))
        canvas.box(x + 46, top + 12, rng.randint(40, 76), 8, mix(palette.deep, "#ffffff", 0.2), 4)


def _conversation(canvas: Canvas, rng: DemoRandom, palette: Palette, x: float, y: float) -> None:
    canvas.disc(x + 24, y + 6, 10, palette.accent)
    canvas.box(x + 42, y + 1, 60, 10, palette.deep, 5)
    top = y + 30
    while top < y + 260:
        width, height = rng.randint(56, 92), rng.choice((20, 20, 34))
        if rng.random() < 0.5:
            canvas.box(x + 132 - width, top, width, height, palette.main, 10)
        else:
            canvas.box(x + 12, top, width, height, mix(palette.paper, palette.tint, 0.8), 10)
        top += height + 10


def code(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """An editor or a terminal in the dark."""
    night = mix(palette.deep, "#0b0d12", 0.55)
    canvas.gradient(mix(palette.main, palette.deep, 0.2), palette.deep)
    canvas.box(84, 40, 472, 340, night, 14)
    for number, colour in enumerate((palette.accent, palette.main, palette.tint)):
        canvas.disc(108 + 16 * number, 60, 5, colour)
    canvas.box(268, 55, 104, 9, mix(night, palette.tint, 0.25), 4)
    colours = (palette.tint, palette.accent, mix(palette.main, palette.tint, 0.5), palette.paper)
    indent = 0
    for number in range(12):
        y = 90 + 23 * number
        canvas.box(104, y, 12, 8, mix(night, palette.tint, 0.2), 3)
        x = 134 + 26 * indent
        for _ in range(rng.choice((0, 2, 3, 3, 4))):
            width = rng.randint(22, 84)
            if x + width > 530:
                break
            shade = mix(night, rng.choice(colours), 0.8)
            canvas.box(x, y, width, 9, shade, 4)
            x += width + 10
        indent = max(0, min(3, indent + rng.choice((-1, 0, 0, 1))))


def charts(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """A dashboard."""
    canvas.gradient(palette.paper, palette.tint)
    card = mix(palette.paper, "#ffffff", 0.6)
    for x, y, width, height in ((56, 40, 344, 190), (420, 40, 164, 190), (56, 250, 528, 130)):
        canvas.box(x + 3, y + 5, width, height, mix(palette.tint, palette.main, 0.2), 12)
        canvas.box(x, y, width, height, card, 12)
        canvas.box(x + 18, y + 16, 74, 10, mix(palette.deep, palette.paper, 0.15), 4)
    bar = rng.uniform(40, 80)
    for number in range(9):
        bar = min(118.0, max(22.0, bar + rng.uniform(-28, 34)))
        colour = palette.accent if number == 6 else mix(palette.main, palette.tint, 0.15)
        canvas.box(78 + 34 * number, 212 - bar, 22, bar, colour, 5)
    first, second = rng.randint(80, 150), rng.randint(180, 290)
    canvas.slice(502, 142, 60, -90, 270, palette.tint)
    canvas.slice(502, 142, 60, -90, first, palette.main)
    canvas.slice(502, 142, 60, first, second, palette.accent)
    canvas.disc(502, 142, 34, card)
    level, points = 320.0, list[Point]()
    for number in range(12):
        level = min(346.0, max(284.0, level + rng.uniform(-20, 15)))
        points.append((78 + 44 * number, level))
    canvas.polygon([*points, (562, 380), (78, 380)], mix(palette.tint, card, 0.4))
    canvas.line(points, palette.main, 4)
    canvas.disc(*points[-3], 7, palette.accent)
