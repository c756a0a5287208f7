"""The scenes that the painter knows, and the words that ask for them."""

import re
from collections.abc import Callable

import numpy as np

from local.simulator.canvas import Ball, Canvas, Draw, mixed, rgb
from local.simulator.creatures import cat, portrait

Scene = Callable[[Canvas], None]
_BALLS = ("#c8412f", "#2f6fb5", "#d99a25", "#3f8f5b", "#7d4bb0")
_PETALS = ("#e8557f", "#f2c230", "#8a5bd0", "#f07a3c", "#e8e8f4")


def sunset(canvas: Canvas) -> None:
    horizon = canvas.uniform(0.6, 0.68)
    sun = (canvas.shape * canvas.uniform(0.3, 0.7), horizon - canvas.uniform(0.04, 0.12))
    canvas.gradient("#2b1f4f", "#7a2f66", "#e2583e", "#fbb04b", "#ffe29a", bottom=horizon)
    clouds = np.clip(canvas.noise(2, 9) - 0.5, 0, 1) * 3 * np.clip(1 - canvas.y / horizon, 0, 1)
    canvas.blend(rgb("#f0708a"), np.clip(clouds, 0, 0.8))
    canvas.glow(sun, 0.3, rgb("#ff9a3c"), 0.7)
    canvas.disc(sun, 0.085, rgb("#fff3c4"))
    water = canvas.below(np.full(canvas.width, horizon, np.float32))
    depth = np.clip((canvas.y - horizon) / (1 - horizon), 0, 1)
    mirrored = np.interp(depth, [0, 0.35, 1], [0.95, 0.55, 0.2])[..., None] * np.array(rgb("#f08a4b"), np.float32)
    mirrored = mirrored + (1 - mirrored) * np.array(rgb("#2a1742"), np.float32) * 0.35
    canvas.blend(mirrored.astype(np.float32), water)
    path = np.exp(-(((canvas.x - sun[0]) / (0.05 + 0.22 * depth)) ** 2)) * water
    glitter = np.clip(canvas.noise(6, 60, 3) - 0.42, 0, 1) * 4
    canvas.blend(rgb("#ffe7a8"), np.clip(path * glitter, 0, 0.95))


def sea(canvas: Canvas) -> None:
    horizon = canvas.uniform(0.36, 0.46)
    canvas.gradient("#3f8fd6", "#8cc6ee", "#dff1fa", bottom=horizon)
    _clouds(canvas, horizon)
    canvas.gradient("#1f6f9f", "#1a8aa8", "#3fb6b8", "#8fdcd0", top=horizon, bottom=0.92)
    depth = np.clip((canvas.y - horizon) / (1 - horizon), 0.02, 1)
    waves = np.sin((np.log(depth) * 42) + (canvas.noise(3, 3, 3) - 0.5) * 18)
    is_water = canvas.below(np.full(canvas.width, horizon, np.float32))
    canvas.blend(rgb("#e9fbff"), np.clip(waves - 0.82, 0, 1) * 3 * is_water)
    shore = canvas.ridge(0.84, 0.03, 3, 3)
    canvas.blend(rgb("#ffffff"), np.clip(canvas.below(shore - 0.022) * (0.4 + canvas.noise(30, 30, 2)), 0, 1))
    sand = mixed(rgb("#e8cf9a"), rgb("#caa668"), 0.3)
    canvas.blend(sand, canvas.below(shore))
    at = canvas.shape * canvas.uniform(0.25, 0.75)
    base = horizon + 0.05
    canvas.polygon([(at, base - 0.16), (at, base - 0.012), (at + 0.085, base - 0.012)], rgb("#ffffff"))
    canvas.polygon([(at - 0.008, base - 0.14), (at - 0.008, base - 0.012), (at - 0.06, base - 0.012)], rgb("#f3e7d3"))
    hull = [(at - 0.08, base - 0.005), (at + 0.1, base - 0.005), (at + 0.065, base + 0.022), (at - 0.055, base + 0.022)]
    canvas.polygon(hull, rgb("#a33b2e"))


def _clouds(canvas: Canvas, bottom: float) -> None:
    clouds = np.clip(canvas.noise(3, 5) - 0.5, 0, 1) * 4 * np.clip(1 - canvas.y / bottom, 0, 1)
    canvas.blend(rgb("#ffffff"), np.clip(clouds, 0, 0.9))


def mountain(canvas: Canvas) -> None:
    canvas.gradient("#4e8fd0", "#a9d2ee", "#f3e9d8", bottom=0.7)
    _clouds(canvas, 0.5)
    peak = canvas.shape * canvas.uniform(0.35, 0.65)
    slope = np.abs(canvas.x[0] - peak)
    line = np.minimum(canvas.ridge(0.24, 0.05, 8) + slope * 0.75, canvas.ridge(0.55, 0.07))
    rock = canvas.below(line)
    canvas.blend(Ball(rgb("#6a7389"), (peak - 0.4, 0.1), 1.1), rock)
    snow = np.clip((line[None, :] + 0.17 - canvas.y + (canvas.noise(24, 24, 3) - 0.5) * 0.2) * 30, 0, 1)
    canvas.blend(rgb("#f7fbff"), snow * rock * np.clip((0.62 - line[None, :]) * 8, 0, 1))
    for height, colour in ((0.62, "#5d7a74"), (0.72, "#40665a"), (0.84, "#2c4d3c")):
        canvas.blend(rgb(colour), canvas.below(canvas.ridge(height, 0.045, 5)))


def forest(canvas: Canvas) -> None:
    canvas.gradient("#dfeedd", "#c4dfc0", "#86b58a", "#3d6f4a")
    canvas.glow((canvas.shape * canvas.uniform(0.3, 0.7), 0.2), 0.35, rgb("#fff6c9"), 0.5)
    for step, shade in enumerate((0.15, 0.4, 0.65, 1.0)):
        colour = mixed(rgb("#9cc6a0"), rgb("#12331f"), shade)
        canvas.blend(colour, canvas.mask(_trees(canvas, step)))
        mist = np.clip(canvas.noise(2, 4, 3) - 0.45, 0, 1) * np.clip(1.2 - np.abs(canvas.y - 0.75) * 4, 0, 1)
        canvas.blend(rgb("#e3f0e2"), np.clip(mist * (1.4 - shade), 0, 0.6))
    canvas.blend(rgb("#1c3a22"), canvas.below(canvas.ridge(0.94, 0.02, 9)))


def _trees(canvas: Canvas, step: int) -> Callable[[Draw, float], None]:
    """A row of conifers; later ones stand nearer."""
    count = int((16 - step * 3) * max(1, canvas.shape)) + 2
    size = 0.3 + step * 0.17
    places = canvas.random.uniform(-0.05, canvas.shape + 0.05, count)
    heights = canvas.random.uniform(0.8, 1.25, count) * size
    base = 0.78 + step * 0.075

    def draw(on: Draw, scale: float) -> None:
        for x, height in zip(places, heights, strict=True):
            on.rectangle(
                (
                    (x - height * 0.025) * scale,
                    (base - 0.1) * scale,
                    (x + height * 0.025) * scale,
                    (base + 0.3) * scale,
                ),
                fill=255,
            )
            for tier in range(5):
                top = base - height + tier * height * 0.18
                half = height * (0.07 + tier * 0.045)
                foot = top + height * 0.3
                on.polygon(
                    [(x * scale, top * scale), ((x - half) * scale, foot * scale), ((x + half) * scale, foot * scale)],
                    fill=255,
                )

    return draw


def city(canvas: Canvas) -> None:
    canvas.gradient("#1b2145", "#4a3a78", "#b5617f", "#f2a56f", bottom=0.85)
    canvas.disc((canvas.shape * canvas.uniform(0.15, 0.85), 0.18), 0.045, rgb("#fdf3d0"))
    for colour, low, high, lit in (
        ("#5a4b7c", 0.3, 0.5, 0.1),
        ("#332d57", 0.38, 0.66, 0.35),
        ("#15172f", 0.52, 0.78, 0.5),
    ):
        _buildings(canvas, colour, (low, high), lit)
    canvas.blend(rgb("#0c0d1c"), canvas.below(np.full(canvas.width, 0.94, np.float32)))
    for x in canvas.random.uniform(0, canvas.shape, 14):
        canvas.glow((float(x), 0.955), 0.012, rgb("#ffd98a"), 0.9)


def _buildings(canvas: Canvas, colour: str, tops: tuple[float, float], lit: float) -> None:
    boxes, windows = [], []
    x = -0.02
    while x < canvas.shape:
        width, top = canvas.uniform(0.07, 0.16), canvas.uniform(*tops)
        boxes.append((x, top, x + width, 1.0))
        if canvas.uniform(0, 1) < 0.3:
            boxes.append((x + width * 0.47, top - 0.06, x + width * 0.53, top))
        for column in np.arange(x + 0.012, x + width - 0.016, 0.02):
            for row in np.arange(top + 0.02, 0.92, 0.028):
                if canvas.uniform(0, 1) < lit:
                    windows.append((float(column), float(row), float(column) + 0.009, float(row) + 0.014))
        x += width + canvas.uniform(0, 0.02)

    def draw(shapes: list[tuple[float, float, float, float]]) -> Callable[[Draw, float], None]:
        def each(on: Draw, scale: float) -> None:
            for box in shapes:
                on.rectangle([side * scale for side in box], fill=255)

        return each

    canvas.blend(rgb(colour), canvas.mask(draw(boxes)))
    canvas.blend(rgb("#ffd27a"), canvas.mask(draw(windows)) * 0.85)


def flower(canvas: Canvas) -> None:
    canvas.gradient("#bfe3c0", "#6fae6f", "#2f6b3c")
    canvas.blend(rgb("#d9f2cf"), np.clip(canvas.noise(6, 6, 3) - 0.5, 0, 1) * 1.6)
    middle = (canvas.shape / 2, 0.42)
    canvas.line([middle, (middle[0] + 0.03, 0.75), (middle[0] - 0.02, 1.05)], 0.022, rgb("#2d6a33"))
    canvas.ellipse((middle[0] + 0.1, 0.76), (0.1, 0.035), rgb("#3b8440"))
    petal = canvas.accent or rgb(_PETALS[int(canvas.random.integers(len(_PETALS)))])
    for turn in np.arange(0, 2 * np.pi, 2 * np.pi / 11):
        at = (middle[0] + float(np.cos(turn)) * 0.17, middle[1] + float(np.sin(turn)) * 0.17)
        canvas.ellipse(at, (0.082, 0.082), Ball(petal, middle, 0.34, 0.5))
    canvas.disc(middle, 0.095, rgb("#7a4a1e"))
    canvas.glow(middle, 0.06, rgb("#e0a437"), 0.5)


def space(canvas: Canvas) -> None:
    canvas.gradient("#05060f", "#0c1030", "#1a0f33")
    canvas.blend(rgb("#5b3fa0"), np.clip(canvas.noise(3, 3, 5) - 0.5, 0, 1) * 1.6)
    canvas.blend(rgb("#2fa0b0"), np.clip(canvas.noise(4, 2, 5) - 0.55, 0, 1) * 1.4)
    canvas.blend(
        rgb("#ffffff"), (canvas.random.random((canvas.height, canvas.width), np.float32) > 0.9988).astype(np.float32)
    )
    at, radius = (canvas.shape * canvas.uniform(0.35, 0.65), canvas.uniform(0.45, 0.6)), canvas.uniform(0.2, 0.28)
    bands = Ball(rgb("#d9955b"), (at[0] - radius * 0.5, at[1] - radius * 0.5), radius * 1.4, 0.7)
    shaded = bands.shade(canvas.x, canvas.y) * (0.85 + 0.3 * canvas.noise(1, 14, 2))[..., None]
    canvas.ellipse(at, (radius, radius), shaded)
    ring = [
        (at[0] + float(np.cos(turn)) * radius * 1.7, at[1] + float(np.sin(turn)) * radius * 0.32)
        for turn in np.linspace(-0.3, np.pi + 0.3, 60)
    ]
    canvas.line(ring, 0.014, rgb("#f1dcb4"))


def thing(canvas: Canvas) -> None:
    """A ball on a table: what is painted for products and single objects."""
    canvas.gradient("#f1ede6", "#e2dbcf", bottom=0.68)
    canvas.gradient("#c9b79c", "#a48c6b", top=0.68)
    at = (canvas.shape / 2, 0.52)
    shadow = np.exp(-(((canvas.x - at[0] - 0.06) / 0.27) ** 2) - (((canvas.y - 0.76) / 0.045) ** 2))
    canvas.blend(rgb("#4a3b28"), shadow * 0.65)
    colour = canvas.accent or rgb(_BALLS[int(canvas.random.integers(len(_BALLS)))])
    canvas.ellipse(at, (0.25, 0.25), Ball(colour, (at[0] - 0.1, at[1] - 0.12), 0.36, 0.7))
    canvas.glow((at[0] - 0.1, at[1] - 0.12), 0.05, rgb("#ffffff"), 0.65)


def abstract(canvas: Canvas) -> None:
    hues = canvas.random.permutation(["#e4572e", "#f3a712", "#2e86ab", "#a23b72", "#3b8f6b", "#f2e8cf", "#22223b"])
    bend = (canvas.noise(2, 2, 3) - 0.5) * canvas.uniform(2.5, 4.5)
    field = np.sin(canvas.x * canvas.uniform(2, 5) + bend * 3) + np.cos(canvas.y * canvas.uniform(2, 5) - bend * 2)
    levels = np.linspace(-2, 2, len(hues) + 1)
    for place, hue in enumerate(hues):
        inside = np.clip((field - levels[place]) * 24, 0, 1) * np.clip((levels[place + 1] - field) * 24, 0, 1)
        canvas.blend(rgb(str(hue)), inside)
    for _ in range(5):
        at = (canvas.uniform(0, canvas.shape), canvas.uniform(0, 1))
        canvas.disc(at, canvas.uniform(0.03, 0.13), rgb(str(hues[int(canvas.random.integers(len(hues)))])))


# The first whose words occur decides.
SCENES: list[tuple[str, Scene]] = [
    (r"cats?|kittens?|kitty", cat),
    (r"portraits?|face|wom[ae]n|m[ae]n|person|people|girl|boy|selfie|headshot", portrait),
    (r"sunsets?|sunrise|dusk|dawn|golden hour", sunset),
    (r"cit(?:y|ies)|skyline|street|skyscrapers?|town|buildings?|downtown", city),
    (r"mountains?|alps|peaks?|hills?|volcano|landscape", mountain),
    (r"forests?|woods?|trees?|jungle|pines?", forest),
    (r"seas?|ocean|beach|coast|waves?|lake|boats?|ship|sailing", sea),
    (r"flowers?|rose|tulip|daisy|garden|bloom|bouquet", flower),
    (r"space|planets?|galaxy|stars|nebula|astronaut|cosmos", space),
    (r"circle|ball|product|mug|cup|bottle|object|apple|shoe|chair|vase|toy|watch", thing),
]


def scene_for(prompt: str) -> Scene:
    """The scene that a prompt describes; an abstract one when none is known."""
    for words, scene in SCENES:
        if re.search(rf"\b(?:{words})\b", prompt, re.IGNORECASE):
            return scene
    return abstract


# Whose main thing takes the colour that the prompt names.
ACCENTED: tuple[Scene, ...] = (thing, flower, cat, portrait)
