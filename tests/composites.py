"""Pictures with a known foreground and a known alpha, drawn from a seed: what cut-outs are scored on.

A subject with an edge of one kind (hair strokes, fur, glass, motion blur, holes, or plain) over a background, both with
a texture. Nothing in them is anybody's.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

KINDS: Final = ("plain", "hair", "fur", "glass", "motion", "holes")

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Composite:
    """Colors are (rows, columns, 3) from 0 to 255.

    Attributes:
        picture: mode RGB, the blend of the two.
        alpha: mode L.
    """

    picture: Image.Image
    alpha: Image.Image
    foreground: Values
    background: Values


def composite(kind: str, seed: int, size: tuple[int, int] = (480, 360), *, hard: bool = False) -> Composite:
    """The picture of that kind and seed, of `size` pixels.

    Args:
        hard: with colors that may be alike, and with other things in the background, so that models go wrong.
    """
    random = np.random.default_rng([KINDS.index(kind), seed])
    front, back = _two_colors(random, 20 if hard else 150)
    foreground = _texture(random, size, front, amount=10, grain=max(size) / 120)
    background = _texture(random, size, back, amount=22, grain=max(size) / 30)
    if hard:
        background = _cluttered(random, background, front, back)
    alpha = _shape(random, kind, size)
    share = np.asarray(alpha, np.float64)[..., np.newaxis] / 255
    blend = foreground * share + background * (1 - share)
    return Composite(Image.fromarray((blend + 0.5).astype(np.uint8)), alpha, foreground, background)


def _two_colors(random: np.random.Generator, apart: float) -> tuple[Values, Values]:
    """At least so far apart, in levels of all three channels together."""
    while True:
        front, back = random.uniform(25, 230, 3), random.uniform(25, 230, 3)
        if np.abs(front - back).sum() > apart:
            return front, back


def _cluttered(random: np.random.Generator, background: Values, front: Values, back: Values) -> Values:
    """With soft boxes and discs in colors between those of the subject and of the background."""
    height, width = background.shape[:2]
    for _ in range(int(random.integers(2, 9))):
        mask = Image.new("L", (width, height))
        left, top = random.uniform(-0.2, 1) * width, random.uniform(-0.2, 1) * height
        box = (left, top, left + random.uniform(0.1, 0.5) * width, top + random.uniform(0.1, 0.6) * height)
        draw = ImageDraw.Draw(mask)
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)(box, fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(max(width, height) * random.uniform(0, 0.03)))
        share = np.asarray(mask, np.float64)[..., np.newaxis] / 255
        color = front + (back - front) * random.uniform(0, 1) + random.uniform(-25, 25, 3)
        background = background * (1 - share) + color.clip(0, 255) * share
    return background


def _texture(
    random: np.random.Generator, size: tuple[int, int], color: Values, *, amount: float, grain: float
) -> Values:
    noise = Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    values = np.asarray(noise.filter(ImageFilter.GaussianBlur(grain)), np.float64)
    values = (values - values.mean()) / max(float(values.std()), 1e-6)
    return np.asarray((values * amount + color).clip(0, 255))


def _shape(random: np.random.Generator, kind: str, size: tuple[int, int]) -> Image.Image:
    scale = 2
    width, height = size[0] * scale, size[1] * scale
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    x, y = width * random.uniform(0.42, 0.58), height * random.uniform(0.42, 0.58)
    radius = min(width, height) * random.uniform(0.22, 0.32)
    draw.ellipse((x - radius, y - radius * 1.15, x + radius, y + radius * 1.15), fill=255)
    if kind in ("hair", "fur"):
        _strokes(random, draw, (x, y), radius, long=kind == "hair")
    elif kind == "holes":
        for _ in range(3):
            hole = radius * random.uniform(0.12, 0.22)
            left, top = x + radius * random.uniform(-0.5, 0.3), y + radius * random.uniform(-0.5, 0.3)
            draw.ellipse((left, top, left + 2 * hole, top + 2 * hole), fill=0)
    elif kind == "glass":
        inner = radius * 0.75
        draw.ellipse((x - inner, y - inner, x + inner, y + inner), fill=int(random.integers(90, 170)))
    mask = mask.resize(size, Image.Resampling.LANCZOS)
    if kind == "motion":
        return mask.filter(ImageFilter.BoxBlur((max(size) / 50, 0)))
    return mask.filter(ImageFilter.GaussianBlur(max(size) * random.uniform(0.001, 0.004)))


def _strokes(
    random: np.random.Generator, draw: ImageDraw.ImageDraw, center: tuple[float, float], radius: float, *, long: bool
) -> None:
    reach, thick = ((0.15, 0.4), (2, 6)) if long else ((0.04, 0.12), (2, 4))
    for _ in range(240 if long else 500):
        angle = random.uniform(0, 2 * np.pi)
        x, y = center[0] + radius * 0.95 * np.cos(angle), center[1] + radius * 1.08 * np.sin(angle)
        length, bend = radius * random.uniform(*reach), angle + random.uniform(-0.6, 0.6)
        end = (x + length * np.cos(bend), y + length * np.sin(bend))
        draw.line((x, y, *end), fill=255, width=int(random.integers(*thick)))
