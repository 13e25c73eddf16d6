"""Covers that are pictures: a map, a game's figure, tiles, hills, a circuit, cubes."""

from math import cos, pi, sin

from sidepro.demo.drawings.canvas import Canvas, Palette, mix
from sidepro.demo.randomness import DemoRandom


def street_map(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """Streets, a river, parks and pins."""
    canvas.box(0, 0, 640, 360, mix(palette.paper, palette.tint, 0.45))
    for _ in range(3):
        x, y = rng.randint(0, 560), rng.randint(0, 280)
        canvas.box(x, y, rng.randint(70, 160), rng.randint(50, 110), "#cfe3c4", 16)
    start, end = rng.randint(-40, 200), rng.randint(160, 420)
    canvas.line([(-10, start), (220, start + 60), (420, end - 40), (650, end)], "#b9d8ec", 34)
    slope = rng.uniform(-0.25, 0.25)
    for number in range(-1, 8):
        width = 16 if number % 3 == 0 else 8
        x, y = 100 * number + rng.randint(-14, 14), 74 * number + rng.randint(-10, 10)
        canvas.line([(x, -10), (x - 360 * slope, 370)], palette.paper, width)
        canvas.line([(-10, y), (650, y + 640 * slope)], palette.paper, width)
    pins = [(rng.randint(60, 580), rng.randint(70, 330)) for _ in range(5)]
    for x, y in sorted(pins, key=lambda pin: pin[1]):
        _pin(canvas, x, y, 15, palette.main, palette.paper)
    x, y = 320 + rng.randint(-70, 70), 200 + rng.randint(-30, 40)
    _pin(canvas, x, y, 27, palette.accent, "#ffffff")


def _pin(canvas: Canvas, x: float, y: float, radius: float, colour: str, hole: str) -> None:
    canvas.oval(x, y, radius * 0.5, radius * 0.2, "#9aa39b")
    head = y - 2.1 * radius
    left, right = (
        (x - 0.88 * radius, head + 0.5 * radius),
        (x + 0.88 * radius, head + 0.5 * radius),
    )
    canvas.polygon([left, right, (x, y)], colour)
    canvas.disc(x, head, radius, colour)
    canvas.disc(x, head, radius * 0.42, hole)


def sprite(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """A figure of an old game, symmetric, above a floor of blocks."""
    night = mix(palette.deep, "#0b0d16", 0.5)
    canvas.gradient(night, mix(palette.deep, palette.main, 0.35))
    for _ in range(46):
        shade = mix(night, palette.tint, rng.uniform(0.2, 0.9))
        size = rng.choice((2, 3, 4))
        canvas.box(rng.randrange(640), rng.randrange(300), size, size, shade)
    for column in range(20):
        canvas.box(32 * column, 320, 31, 19, mix(palette.main, palette.deep, 0.15))
        canvas.box(32 * column - 16, 340, 31, 20, mix(palette.main, palette.deep, 0.4))
    colours = (palette.tint, palette.tint, palette.accent)
    for row in range(8):
        for column in range(5):
            if rng.random() < (0.8 if 1 <= row <= 5 and column else 0.42):
                colour = rng.choice(colours)
                for x in {320 - 22 * column - 11, 320 + 22 * column - 11}:
                    canvas.box(x, 96 + 22 * row, 22, 22, colour)
    for x in (287, 331):
        canvas.box(x, 140, 22, 22, night)


def tiles(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """Squares with quarters of circles, half circles and discs."""
    size = 80
    colours = (palette.paper, palette.tint, palette.main, palette.deep, palette.accent)
    weights = (3, 4, 4, 2, 1.2)
    for top in range(0, 400, size):
        for left in range(0, 640, size):
            ground, shape = rng.choices(colours, weights)[0], rng.choices(colours, weights)[0]
            canvas.box(left, top, size, size, ground)
            corner = rng.randrange(4)
            x, y = left + size * (corner % 2), top + size * (corner // 2)
            start = (0, 90, 270, 180)[corner]
            form = rng.random()
            if form < 0.5:
                canvas.slice(x, y, size, start, start + 90, shape)
            elif form < 0.7:
                canvas.disc(left + size / 2, top + size / 2, size * 0.3, shape)
            elif form < 0.85:
                canvas.polygon([(left, top), (left + size, top), (left, top + size)], shape)


def hills(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """Layers of hills before a sun or a moon."""
    if is_night := rng.random() < 0.35:
        canvas.gradient(palette.deep, mix(palette.deep, palette.main, 0.75))
    else:
        canvas.gradient(palette.paper, palette.tint)
    sky = palette.paper if is_night else palette.accent
    canvas.disc(rng.randint(210, 430), rng.randint(80, 150), rng.randint(32, 58), sky)
    for layer in range(4):
        base = 190 + 46 * layer
        waves = [
            (rng.uniform(10, 26), rng.uniform(0.6, 2.2), rng.uniform(0, 2 * pi)) for _ in range(2)
        ]
        ridge = [
            (x, base + sum(high * sin(x / 640 * often * 2 * pi + at) for high, often, at in waves))
            for x in range(0, 648, 8)
        ]
        near = (layer + 1) / 4
        far = mix(palette.tint, palette.main, 0.35)
        canvas.polygon([*ridge, (648, 400), (0, 400)], mix(far, palette.deep, near * 0.85))


def circuit(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """A chip with its traces."""
    board = mix(palette.deep, palette.main, 0.3)
    canvas.gradient(board, palette.deep)
    trace = mix(board, palette.tint, 0.45)
    for side in (-1, 1):
        for number in range(7):
            y = 108 + 24 * number
            bend, end = rng.randint(150, 230), rng.randint(250, 320)
            rise = (number - 3) * rng.randint(6, 18)
            path = [(320 + 80 * side, y), (320 + bend * side, y)]
            path += [(320 + (bend + 20) * side, y + rise), (320 + end * side, y + rise)]
            canvas.line(path, trace, 4)
            canvas.disc(*path[-1], 8, trace)
            canvas.disc(*path[-1], 4, palette.accent if rng.random() < 0.3 else board)
            canvas.box(320 + 80 * side - 10, y - 5, 20, 10, palette.tint, 2)
    canvas.box(236, 88, 168, 184, mix(palette.deep, "#0b0d12", 0.6), 12)
    canvas.box(262, 116, 116, 128, mix(palette.deep, palette.main, 0.15), 8)
    canvas.disc(280, 134, 6, palette.accent)
    for number in range(3):
        canvas.box(286, 160 + 22 * number, rng.randint(40, 70), 9, trace, 4)


def cubes(canvas: Canvas, rng: DemoRandom, palette: Palette) -> None:
    """A tower of cubes, seen from above a corner."""
    canvas.gradient(palette.paper, palette.tint)
    size = 44.0
    across, down = size * cos(pi / 6), size / 2
    for row in range(4):
        for column in range(4):
            x = 320 + (column - row) * across
            y = 150 + (column + row) * down
            height = rng.choice((0.4, 1, 1, 1.6, 2.2)) * size
            top = rng.choices((palette.tint, palette.main, palette.accent), (3, 4, 1))[0]
            _cube(canvas, x, y, across, down, height, top, palette.deep)


def _cube(
    canvas: Canvas,
    x: float,
    y: float,
    across: float,
    down: float,
    height: float,
    top: str,
    deep: str,
) -> None:
    roof, floor = y - height, y + down
    left = [(x - across, roof), (x, roof + down), (x, floor + down), (x - across, floor)]
    right = [(x + across, roof), (x, roof + down), (x, floor + down), (x + across, floor)]
    canvas.polygon(left, mix(top, deep, 0.3))
    canvas.polygon(right, mix(top, deep, 0.55))
    canvas.polygon(
        [(x, roof - down), (x + across, roof), (x, roof + down), (x - across, roof)], top
    )
