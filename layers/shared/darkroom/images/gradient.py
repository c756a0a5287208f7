"""CSS linear gradients, painted without a loop over pixels."""

import math
import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from PIL import Image

Rgba = tuple[int, int, int, int]

# Steps along the gradient line; between them Pillow interpolates, so that 8 bits are exact at any size.
_STEPS: Final = 2048
_MARGIN: Final = 8
_TURNS: Final = {"deg": 1 / 360, "grad": 1 / 400, "rad": 1 / math.tau, "turn": 1.0}
_ANGLE: Final = re.compile(r"([+-]?\d{0,6}\.?\d{1,6})(deg|grad|rad|turn)")
_SIDES: Final = {"top": (0.0, -1.0), "bottom": (0.0, 1.0), "left": (-1.0, 0.0), "right": (1.0, 0.0)}
_CORNERS: Final = {
    frozenset((vertical, horizontal)): (_SIDES[horizontal][0], _SIDES[vertical][1])
    for vertical in ("top", "bottom")
    for horizontal in ("left", "right")
}
_STOP: Final = re.compile(r"(.+?)(?:\s+([+-]?\d{0,6}\.?\d{1,6})%)?", re.DOTALL)


class Gradient(Struct, frozen=True):
    """A direction and colours along it.

    Attributes:
        direction: of the gradient line, x to the right and y downwards; a corner counts as (+-1, +-1).
        to_corner: whether the direction depends on the picture's shape, as CSS has it for corners.
        stops: position from 0 to 1 and colour, in order.
    """

    direction: tuple[float, float]
    to_corner: bool
    stops: tuple[tuple[float, Rgba], ...]

    def paint(self, size: tuple[int, int]) -> Image.Image:
        """RGB, or RGBA if any of the colours is translucent."""
        width, height = size
        dx, dy = self._line(width, height)
        length = abs(width * dx) + abs(height * dy)
        # Pixel (x, y) lies at `position` of the line; a column of the strip for each step of it.
        per_x, per_y = _STEPS * dx / length, _STEPS * dy / length
        start = _MARGIN + _STEPS * (0.5 - (width * dx + height * dy) / (2 * length))
        rgba = self._strip().transform(
            size, Image.Transform.AFFINE, (per_x, per_y, start, 0, 0, 1.5), Image.Resampling.BILINEAR
        )
        straight = rgba.convert("RGBA")
        return straight if any(colour[3] < 255 for _, colour in self.stops) else straight.convert("RGB")

    def _line(self, width: int, height: int) -> tuple[float, float]:
        dx, dy = self.direction
        if self.to_corner:
            # The line that makes the half-way colour run through the two other corners.
            dx, dy = dx * height, dy * width
        norm = math.hypot(dx, dy)
        return dx / norm, dy / norm

    def _strip(self) -> Image.Image:
        """The colours in a row, premultiplied, since translucent colours are mixed by how much there is of them."""
        count = _STEPS + 2 * _MARGIN
        row = bytearray()
        for column in range(count):
            row += bytes(self._premultiplied((column + 0.5 - _MARGIN) / _STEPS))
        return Image.frombytes("RGBa", (count, 3), bytes(row) * 3)

    def _premultiplied(self, position: float) -> list[int]:
        places = [place for place, _ in self.stops]
        after = bisect_right(places, position)
        (left, a), (right, b) = self.stops[max(after - 1, 0)], self.stops[min(after, len(places) - 1)]
        share = (position - left) / (right - left) if right > left else 0.0
        alpha = a[3] + (b[3] - a[3]) * share
        colour = (x * a[3] + (y * b[3] - x * a[3]) * share for x, y in zip(a[:3], b[:3], strict=True))
        return [*(round(value / 255) for value in colour), round(alpha)]


def parse_gradient(arguments: str, parse_colour: Callable[[str], Rgba]) -> Gradient:
    """What stands between the brackets of linear-gradient(...). Raises ValueError that says what is wrong."""
    parts = _split_at_commas(arguments)
    towards = _parse_direction(parts[0].lower())
    stops = parts if towards is None else parts[1:]
    if len(stops) < 2:
        raise ValueError("a gradient takes at least two colors")
    direction, to_corner = towards or ((0.0, 1.0), False)
    return Gradient(direction, to_corner, _place([_parse_stop(stop, parse_colour) for stop in stops]))


def _split_at_commas(text: str) -> list[str]:
    """At the commas that stand in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _parse_direction(text: str) -> tuple[tuple[float, float], bool] | None:
    """The direction and whether it is a corner; None if the text says no direction."""
    if found := _ANGLE.fullmatch(text):
        radians = float(found[1]) * _TURNS[found[2]] * math.tau
        return (math.sin(radians), -math.cos(radians)), False
    words = text.split()
    if words[:1] != ["to"]:
        return None
    if len(words) == 2 and words[1] in _SIDES:
        return _SIDES[words[1]], False
    if len(words) == 3 and frozenset(words[1:]) in _CORNERS:
        return _CORNERS[frozenset(words[1:])], True
    raise ValueError(f"{text!r} is no side or corner")


def _parse_stop(text: str, parse_colour: Callable[[str], Rgba]) -> tuple[float | None, Rgba]:
    found = _STOP.fullmatch(text)
    if found is None:
        raise ValueError("a color is missing")
    return float(found[2]) / 100 if found[2] else None, parse_colour(found[1])


def _place(stops: list[tuple[float | None, Rgba]]) -> tuple[tuple[float, Rgba], ...]:
    """Gives every stop its position as CSS does: ends at 0 and 100 %, none before its forerunner, the rest evenly."""
    given = [place for place, _ in stops]
    given[0] = given[0] or 0.0
    given[-1] = 1.0 if given[-1] is None else given[-1]
    places: list[float] = []
    for index, place in enumerate(given):
        if place is None:
            following = next(at for at in range(index, len(given)) if given[at] is not None)
            end = max(given[following] or 0.0, places[-1])
            place = places[-1] + (end - places[-1]) / (following - index + 1)
        places.append(max(place, places[-1]) if places else place)
    return tuple((place, colour) for place, (_, colour) in zip(places, stops, strict=True))
