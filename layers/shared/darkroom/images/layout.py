"""Where on its canvas a cut-out goes: room around it, or a canvas of a given size of which it fills a share."""

import re
from typing import Final

from msgspec import Struct

from darkroom.errors import InvalidParameter
from darkroom.models.subject import Box, Length, Position

Size = tuple[int, int]
# Of a canvas that is larger than the picture on it.
_MOST_PIXELS: Final = 50_000_000
_LENGTH: Final = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)(px|%)?", re.ASCII)
_SPREAD: Final = {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 3: (0, 1, 2, 1), 4: (0, 1, 2, 3)}


class Layout(Struct, frozen=True):
    """Args:
    size: of the canvas.
    content: of the picture on it.
    place: of that picture's upper left corner.
    """

    size: Size
    content: Size
    place: tuple[int, int] = (0, 0)

    @property
    def is_plain(self) -> bool:
        """Whether the picture is all of the canvas."""
        return self.content == self.size

    def limited(self, most: int | None) -> "Layout":
        """Scaled down so that its longer side has at most so many pixels."""
        if most is None or max(self.size) <= most:
            return self
        scale = most / max(self.size)
        size, content = _scaled(self.size, scale), _scaled(self.content, scale)
        place = [min(round(self.place[axis] * scale), size[axis] - content[axis]) for axis in (0, 1)]
        return Layout(size, content, (max(place[0], 0), max(place[1], 0)))


def around(content: Size, pad: str, grown: Box = (0, 0, 0, 0)) -> Layout:
    """The picture with room around it.

    Args:
        pad: as CSS has it, of one to four lengths; per cent are of the picture's longer side.
        grown: pixels more at the left, above, at the right and below.

    Raises:
        InvalidParameter: the canvas would be too large.
    """
    top, right, bottom, left = (side.of(max(content)) for side in sides(pad))
    place = (left + grown[0], top + grown[1])
    size = (place[0] + content[0] + right + grown[2], place[1] + content[1] + bottom + grown[3])
    if size[0] * size[1] > max(_MOST_PIXELS, content[0] * content[1]):
        raise InvalidParameter(
            f"With this room the result would have {size[0]} x {size[1]} pixels.", fix="Give less.", param="pad"
        )
    return Layout(size, content, place)


def fitted_in(content: Size, canvas: Size, *, fill: float, pad: str, position: Position) -> Layout:
    """The picture scaled so that it fills `fill` per cent of the canvas's width or height, whichever comes first.

    Raises:
        InvalidParameter: there is no room left inside of `pad`.
    """
    top, right, bottom, left = (side.of(max(canvas)) for side in sides(pad))
    inner = canvas[0] - left - right, canvas[1] - top - bottom
    if min(inner) < 1:
        raise InvalidParameter(
            f"`pad` leaves no room on a canvas of {canvas[0]} x {canvas[1]} pixels.", fix="Give less.", param="pad"
        )
    scale = min(fill / 100 * inner[axis] / content[axis] for axis in (0, 1))
    size = tuple(min(side, most) for side, most in zip(_scaled(content, scale), inner, strict=True))
    x, y = ((inner[axis] - size[axis]) // 2 for axis in (0, 1))
    x = 0 if position.endswith("left") else inner[0] - size[0] if position.endswith("right") else x
    y = 0 if position.startswith("top") else inner[1] - size[1] if position.startswith("bottom") else y
    return Layout(canvas, (size[0], size[1]), (left + x, top + y))


def sides(pad: str) -> tuple[Length, Length, Length, Length]:
    """Top, right, bottom and left. Raises InvalidParameter."""
    parts = pad.replace(",", " ").split()
    found = [_LENGTH.fullmatch(part) for part in parts]
    lengths = [Length(float(each[1]), each[2] == "%") for each in found if each]
    is_long = any(each.value > 200 for each in lengths if each.is_percent)
    if len(lengths) != len(parts) or len(lengths) not in _SPREAD or is_long:
        raise InvalidParameter(
            f"The room {pad[:40]!r} is not understood.",
            fix="Give one to four lengths in the order of CSS, such as `5%` or `10px 20px`; 200% at the most.",
            param="pad",
        )
    top, right, bottom, left = (lengths[place] for place in _SPREAD[len(lengths)])
    return top, right, bottom, left


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
