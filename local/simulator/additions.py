"""Things that an edit can put into a picture: "add a balloon"."""

import re
from collections.abc import Callable

import numpy as np
from PIL import Image

from local.simulator.canvas import Ball, Canvas, Colour, rgb
from local.simulator.retouch import named_colour

_ADD = re.compile(r"\b(?:add|put|place|insert|with|wearing|give)\b(.*)", re.IGNORECASE | re.DOTALL)
Thing = Callable[[Canvas, tuple[float, float], Colour], None]


def _balloon(canvas: Canvas, at: tuple[float, float], colour: Colour) -> None:
    x, y = at
    canvas.line([(x, y + 0.12), (x + 0.015, y + 0.22), (x - 0.01, y + 0.3)], 0.005, rgb("#3a3a3a"))
    canvas.ellipse(at, (0.1, 0.125), Ball(colour, (x - 0.04, y - 0.05), 0.16))
    canvas.glow((x - 0.04, y - 0.05), 0.022, rgb("#ffffff"), 0.7)


def _birds(canvas: Canvas, at: tuple[float, float], _: Colour) -> None:
    for across, down in ((0, 0), (0.11, 0.04), (-0.09, 0.07), (0.05, 0.12)):
        x, y = at[0] + across, at[1] + down
        canvas.line(
            [(x - 0.04, y - 0.02), (x - 0.015, y - 0.028), (x, y), (x + 0.015, y - 0.028), (x + 0.04, y - 0.02)],
            0.009,
            rgb("#1b1b22"),
        )


def _sun(canvas: Canvas, at: tuple[float, float], _: Colour) -> None:
    canvas.glow(at, 0.2, rgb("#ffce5a"), 0.7)
    canvas.disc(at, 0.075, rgb("#fff1b0"))


def _moon(canvas: Canvas, at: tuple[float, float], _: Colour) -> None:
    canvas.glow(at, 0.14, rgb("#aab8ff"), 0.4)
    canvas.disc(at, 0.065, rgb("#fbf6df"))


def _rainbow(canvas: Canvas, _: tuple[float, float], __: Colour) -> None:
    centre = (canvas.shape / 2, 0.95)
    distance = np.sqrt((canvas.x - centre[0]) ** 2 + (canvas.y - centre[1]) ** 2)
    for step, colour in enumerate(("#e03b3b", "#ef8a24", "#f4d03c", "#2e9e54", "#2d62d8", "#7b3fc4")):
        ring = np.exp(-(((distance - (0.72 - step * 0.025)) / 0.014) ** 2))
        canvas.blend(rgb(colour), (ring * 0.7).astype(np.float32))


def _hat(canvas: Canvas, _: tuple[float, float], colour: Colour) -> None:
    x = canvas.shape / 2
    canvas.ellipse((x, 0.235), (0.26, 0.045), colour)
    canvas.polygon([(x - 0.15, 0.23), (x - 0.125, 0.05), (x + 0.125, 0.05), (x + 0.15, 0.23)], colour)
    canvas.polygon([(x - 0.15, 0.23), (x - 0.145, 0.19), (x + 0.145, 0.19), (x + 0.15, 0.23)], rgb("#1c1c1c"))


def _boat(canvas: Canvas, at: tuple[float, float], colour: Colour) -> None:
    x, y = at[0], 0.72
    canvas.polygon([(x, y - 0.24), (x, y - 0.02), (x + 0.13, y - 0.02)], rgb("#ffffff"))
    canvas.polygon([(x - 0.12, y), (x + 0.15, y), (x + 0.1, y + 0.05), (x - 0.08, y + 0.05)], colour)


def _tree(canvas: Canvas, at: tuple[float, float], _: Colour) -> None:
    x = at[0]
    canvas.polygon([(x - 0.02, 0.6), (x + 0.02, 0.6), (x + 0.03, 0.92), (x - 0.03, 0.92)], rgb("#5b3a1e"))
    for across, down, radius in ((0, 0.45, 0.13), (-0.1, 0.55, 0.1), (0.1, 0.55, 0.1)):
        canvas.ellipse((x + across, down), (radius, radius), Ball(rgb("#2f7a3a"), (x - 0.05, 0.4), 0.3))


def _star(canvas: Canvas, at: tuple[float, float], colour: Colour) -> None:
    """For whatever else is to be added."""
    points = []
    for step in range(10):
        turn, radius = np.pi * (step / 5 - 0.5), 0.11 if step % 2 == 0 else 0.045
        points.append((at[0] + float(np.cos(turn)) * radius, at[1] + float(np.sin(turn)) * radius))
    canvas.polygon(points, colour)
    canvas.line([*points, points[0]], 0.006, rgb("#ffffff"))


_THINGS: list[tuple[str, Thing]] = [
    (r"balloons?", _balloon),
    (r"birds?|seagulls?", _birds),
    (r"sun", _sun),
    (r"moon", _moon),
    (r"rainbow", _rainbow),
    (r"hat|cap|crown", _hat),
    (r"boats?|ship|sail\w*", _boat),
    (r"trees?", _tree),
]


def added(picture: Image.Image, prompt: str, seed: int) -> Image.Image | None:
    """The picture with what the prompt adds to it, or None when it adds nothing."""
    match = _ADD.search(prompt)
    if match is None:
        return None
    what = match[1]
    known = next((thing for words, thing in _THINGS if re.search(rf"\b(?:{words})\b", what, re.IGNORECASE)), None)
    if known is None and not re.match(r"(?:add|put|place|insert)", match[0], re.IGNORECASE):
        return None
    canvas = Canvas.of(picture, seed)
    # Beside the middle, which is where the subject is most often.
    side = canvas.uniform(0.12, 0.2)
    at = (canvas.shape * (side if seed % 2 else 1 - side), canvas.uniform(0.18, 0.3))
    (known or _star)(canvas, at, named_colour(what) or rgb("#d02c2c"))
    return canvas.image()
