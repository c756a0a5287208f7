"""What the painter paints on: colours as an array, and the few strokes that its scenes are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Plane: TypeAlias = NDArray[np.floating[Any]]
Colour: TypeAlias = tuple[float, float, float]
Point: TypeAlias = tuple[float, float]
Draw: TypeAlias = ImageDraw.ImageDraw
_FINER = 2


@dataclass(frozen=True)
class Ball:
    """A colour that is lighter towards a point: it makes a disc look like a ball."""

    colour: Colour
    at: Point
    radius: float
    depth: float = 0.55

    def shade(self, x: Plane, y: Plane) -> Plane:
        distance = np.sqrt((x - self.at[0]) ** 2 + (y - self.at[1]) ** 2) / self.radius
        light = np.clip(1.2 - distance * self.depth, 0.25, 1.25)
        return (light[..., None] * np.asarray(self.colour, np.float32)).astype(np.float32)


Paint: TypeAlias = Colour | Plane | Ball


def rgb(text: str) -> Colour:
    """The colour of "#rrggbb", each part from 0 to 1."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red / 255, green / 255, blue / 255


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    first, second = np.array(one), np.array(other)
    red, green, blue = first + (second - first) * share
    return float(red), float(green), float(blue)


class Canvas:
    """A picture in the making.

    `accent` is the colour that the main thing is to have, if one was named.
    `x` goes from 0 at the left to `width / height`, `y` from 0 at the top to 1, so that a circle is round on any shape.
    """

    def __init__(self, size: tuple[int, int], seed: int) -> None:
        self.width, self.height = size
        self.random = np.random.default_rng(seed)
        self.shape = self.width / self.height
        self.accent: Colour | None = None
        self.colours: Plane = np.zeros((self.height, self.width, 3), np.float32)
        ys, xs = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        self.x: Plane = xs / self.height
        self.y: Plane = ys / self.height

    @classmethod
    def of(cls, picture: Image.Image, seed: int) -> "Canvas":
        canvas = cls(picture.size, seed)
        canvas.colours = np.asarray(picture.convert("RGB"), np.float32) / 255
        return canvas

    def image(self) -> Image.Image:
        return Image.fromarray((np.clip(self.colours, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")

    def uniform(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def gradient(self, *stops: str, top: float = 0, bottom: float = 1) -> None:
        """Colours from top to bottom, between those heights."""
        places = np.linspace(top, bottom, len(stops))
        colours = np.array([rgb(stop) for stop in stops])
        rows = (self.y[:, 0] >= top) & (self.y[:, 0] <= bottom)
        for channel in range(3):
            shade = np.interp(self.y[rows, 0], places, colours[:, channel]).astype(np.float32)
            self.colours[rows, :, channel] = shade[:, None]

    def blend(self, colour: Paint, mask: Plane) -> None:
        """Puts a colour where the mask is 1."""
        value = colour.shade(self.x, self.y) if isinstance(colour, Ball) else np.asarray(colour, np.float32)
        self.colours += (value - self.colours) * mask[..., None].astype(np.float32)

    def glow(self, at: tuple[float, float], radius: float, colour: Colour, strength: float = 1) -> None:
        distance = (self.x - at[0]) ** 2 + (self.y - at[1]) ** 2
        self.colours += np.exp(-distance / radius**2)[..., None] * np.asarray(colour, np.float32) * strength

    def disc(self, at: tuple[float, float], radius: float, colour: Colour, softness: float = 0.004) -> None:
        distance = np.sqrt((self.x - at[0]) ** 2 + (self.y - at[1]) ** 2)
        self.blend(colour, np.clip((radius - distance) / softness, 0, 1))

    def noise(self, across: float, down: float, octaves: int = 4) -> Plane:
        """Clouds from 0 to 1, in so many patches across and down."""
        total = np.zeros((self.height, self.width), np.float32)
        weight = 0.0
        for octave in range(octaves):
            grid = (max(2, round(across * 2**octave)), max(2, round(down * 2**octave)))
            patches = Image.fromarray(self.random.random((grid[1], grid[0]), np.float32))
            share = 0.5**octave
            total += np.asarray(patches.resize((self.width, self.height), Image.Resampling.BICUBIC)) * share
            weight += share
        return total / weight

    def ridge(self, height: float, roughness: float, detail: int = 6, octaves: int = 5) -> Plane:
        """A line of hills: its height for each column."""
        places = np.linspace(0, 1, self.width, dtype=np.float32)
        line = np.zeros(self.width, np.float32)
        for octave in range(octaves):
            knots = self.random.uniform(-1, 1, detail * 2**octave + 1)
            line += np.interp(places, np.linspace(0, 1, len(knots)), knots).astype(np.float32) * 0.5**octave
        return height + line * roughness

    def below(self, line: Plane) -> Plane:
        """The mask of all that lies below a line."""
        return np.clip((self.y - line[None, :]) * self.height, 0, 1)

    def mask(self, draw: Callable[[Draw, float], None]) -> Plane:
        """The mask of what is drawn; the second argument is how many pixels the canvas is high."""
        layer = Image.new("L", (self.width * _FINER, self.height * _FINER))
        draw(ImageDraw.Draw(layer), self.height * _FINER)
        return np.asarray(layer.reduce(_FINER), np.float32) / 255

    def polygon(self, points: Sequence[Point], colour: Paint) -> None:
        self._stroke(points, 0, colour, lambda on, placed, _: on.polygon(placed, fill=255))

    def ellipse(self, at: Point, radii: tuple[float, float], colour: Paint) -> None:
        corners = [(at[0] - radii[0], at[1] - radii[1]), (at[0] + radii[0], at[1] + radii[1])]
        self._stroke(corners, 0, colour, lambda on, placed, _: on.ellipse(placed, fill=255))

    def line(self, points: Sequence[Point], width: float, colour: Paint) -> None:
        def draw(on: Draw, placed: Sequence[Point], scale: float) -> None:
            on.line(placed, fill=255, width=max(1, round(width * scale)), joint="curve")

        self._stroke(points, width, colour, draw)

    def _stroke(
        self,
        points: Sequence[Point],
        margin: float,
        colour: Paint,
        draw: Callable[[Draw, Sequence[Point], float], None],
    ) -> None:
        """Draws within the points' bounding box, which is most often a small part of the picture."""
        scale = self.height
        xs, ys = [x * scale for x, _ in points], [y * scale for _, y in points]
        left, top = max(0, int(min(xs) - margin * scale) - 2), max(0, int(min(ys) - margin * scale) - 2)
        right = min(self.width, int(max(xs) + margin * scale) + 3)
        bottom = min(self.height, int(max(ys) + margin * scale) + 3)
        if right <= left or bottom <= top:
            return
        layer = Image.new("L", ((right - left) * _FINER, (bottom - top) * _FINER))
        placed = [((x - left) * _FINER, (y - top) * _FINER) for x, y in zip(xs, ys, strict=True)]
        draw(ImageDraw.Draw(layer), placed, scale * _FINER)
        mask = np.asarray(layer.reduce(_FINER), np.float32)[..., None] / 255
        part = (slice(top, bottom), slice(left, right))
        if isinstance(colour, Ball):
            value = colour.shade(self.x[part], self.y[part])
        else:
            value = colour[part] if isinstance(colour, np.ndarray) else np.asarray(colour, np.float32)
        self.colours[part] += (value - self.colours[part]) * mask

    def grain(self, strength: float = 0.015) -> None:
        speckles = self.random.standard_normal((self.height, self.width), np.float32)
        self.colours += speckles[..., None] * strength
