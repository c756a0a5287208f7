"""The shadow of a subject on the ground that it stands on, from its alpha alone.

The ground meets the picture at the subject's lowest edge. A contact shadow is what light from all sides leaves under
it; a cast shadow is its outline laid down on the ground, sheared to where the light does not come from.
"""

import math
from typing import Final, Literal

from msgspec import Struct
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from darkroom.models.subject import Box

Kind = Literal["contact", "cast"]

# A shadow is soft: it is made at this many pixels of the longer side, and scaled up.
_WORKING: Final = 1024
# Beyond this many radii nothing is left of a blurred edge.
_REACH: Final = 2.5
# Of a subject's height: how long its cast shadow is to the side, and how long it looks away from the viewer or toward
# them, where the ground is seen at a slant.
_ASIDE, _AWAY = 0.75, 0.34
# What is left of that where light comes exactly from the side.
_LEAST_AWAY: Final = 0.1
# The ground under a column is that of what stands within this share of the subject's width. What is higher above it
# than this share of the height does not touch it, and what is further up than the last one stands on nothing.
_NEAR, _GAP, _FURTHEST = 0.06, 0.05, 0.35


class Shadow(Struct, frozen=True):
    """Args:
    direction: where it falls, in degrees: 0 away from the viewer, 90 to the right, 180 toward the viewer, 270 left.
    strength: 0 to 1; 1 is black where it is darkest.
    softness: 0 to 1.
    """

    kind: Kind
    direction: float = 60
    strength: float = 0.55
    softness: float = 0.5

    def slope(self) -> tuple[float, float]:
        """For each pixel of height: how far it falls to the right, and how far up in the picture."""
        angle = math.radians(self.direction)
        away = _AWAY * math.cos(angle)
        if abs(away) < _LEAST_AWAY:
            away = math.copysign(_LEAST_AWAY, away if abs(away) > 1e-9 else 1)
        return _ASIDE * math.sin(angle), away

    def radii(self, box: Box) -> tuple[float, float]:
        """Of the blur where the subject touches the ground, and far from there; in the box's pixels."""
        side = math.sqrt((box[2] - box[0]) * (box[3] - box[1]))
        return side * (0.004 + 0.014 * self.softness), side * (0.012 + 0.06 * self.softness)


def reach(shadow: Shadow, box: Box) -> Box:
    """How far the shadow of the subject in the box reaches beyond it: pixels left, above, right and below."""
    height = box[3] - box[1]
    room = math.ceil(shadow.radii(box)[1] * _REACH)
    thick = _thickness(box)
    sides, below = room, thick + room
    if shadow.kind == "contact":
        return sides, 0, sides, below
    aside, away = shadow.slope()
    right, left = (math.ceil(max(sign * aside * height, 0)) + room for sign in (1, -1))
    return (
        max(left, sides),
        max(0, math.ceil(away * height) - height),
        max(right, sides),
        max(below, math.ceil(-away * height) + room),
    )


def on_ground(alpha: Image.Image, box: Box, shadow: Shadow) -> Image.Image:
    """How dark the ground is, mode L, of the alpha's size.

    Args:
        alpha: mode L, of the whole canvas.
        box: of the subject in it.
    """
    scale = min(1.0, _WORKING / max(alpha.size))
    small = alpha
    if scale < 1:
        size = max(1, round(alpha.width * scale)), max(1, round(alpha.height * scale))
        small = alpha.resize(size, Image.Resampling.BOX)
        left, top, right, bottom = (round(side * scale) for side in box)
        box = left, top, max(right, left + 1), max(bottom, top + 1)
    dark = _contact(small, box, shadow)
    if shadow.kind == "cast":
        dark = ImageChops.lighter(dark.point([value * 3 // 4 for value in range(256)]), _cast(small, box, shadow))
    dark = dark.point([round(value * shadow.strength) for value in range(256)])
    return dark if dark.size == alpha.size else dark.resize(alpha.size, Image.Resampling.BICUBIC)


def shaded(cut: Image.Image, box: Box, shadow: Shadow, color: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    """The cut-out (RGBA) with its shadow below it."""
    below = Image.new("RGBA", cut.size, color)
    below.putalpha(on_ground(cut.getchannel("A"), box, shadow))
    return Image.alpha_composite(below, cut)


def _thickness(box: Box) -> int:
    """Pixels from front to back of the ground that the subject stands on."""
    return max(2, round(0.05 * math.sqrt((box[2] - box[0]) * (box[3] - box[1]))))


def _contact(alpha: Image.Image, box: Box, shadow: Shadow) -> Image.Image:
    near, far = shadow.radii(box)
    thick, ground = _thickness(box), _ground(alpha, box)
    dark = Image.new("L", alpha.size)
    for radius, height, weight in ((far, 1.8 * thick, 0.6), (near, 0.8 * thick, 0.95)):
        layer = Image.new("L", alpha.size)
        pen = ImageDraw.Draw(layer)
        for x, (y, touches) in enumerate(ground, box[0]):
            half = height / 2 * math.sqrt(touches)
            if half > 0:
                middle = y - height / 8
                pen.line((x, round(middle - half), x, round(middle + half)), fill=round(255 * min(1, 1.5 * touches)))
        blurred = layer.filter(ImageFilter.GaussianBlur(radius))
        dark = ImageChops.screen(dark, blurred.point([round(value * weight) for value in range(256)]))
    return dark


def _ground(alpha: Image.Image, box: Box) -> list[tuple[float, float]]:
    """For each column of the box: where the ground is, and how much the subject touches it there, 0 to 1.

    What stands further back stands higher up in the picture: the ground is where the subject is lowest near a column.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    solid = alpha.point([0] * 128 + [255] * 128)
    lowest: list[float] = []
    for x in range(left, right):
        found = solid.crop((x, top, x + 1, bottom)).getbbox()
        lowest.append(top + found[3] if found else top)
    reach, gap, far = max(1, round(_NEAR * width)), max(1.0, _GAP * height), bottom - _FURTHEST * height
    ground = [max(lowest[max(0, x - reach) : x + reach + 1]) for x in range(width)]
    smooth = [sum(part) / len(part) for x in range(width) if (part := ground[max(0, x - reach) : x + reach + 1])]
    return [
        (level, max(0.0, 1 - max(level - low, 0) / gap) if level > far else 0.0)
        for level, low in zip(smooth, lowest, strict=True)
    ]


def _cast(alpha: Image.Image, box: Box, shadow: Shadow) -> Image.Image:
    aside, away = shadow.slope()
    bottom, height = box[3], box[3] - box[1]
    across = aside / away
    # Thinned out along the height first: one row of the shadow is several of the subject.
    laid = alpha.filter(ImageFilter.BoxBlur((0, max(0, round(0.5 / abs(away)) - 1))))
    laid = laid.transform(
        alpha.size,
        Image.Transform.AFFINE,
        (1, across, -across * bottom, 0, 1 / away, bottom * (1 - 1 / away)),
        Image.Resampling.BILINEAR,
    )
    near, far = shadow.radii(box)
    distance = _distances(alpha.size, bottom, -away * height)
    done = Image.composite(
        laid.filter(ImageFilter.GaussianBlur(far)), laid.filter(ImageFilter.GaussianBlur(near)), distance
    )
    fading = distance.point([255 - round(value * 0.6) for value in range(256)])
    return ImageChops.multiply(done, fading)


def _distances(size: tuple[int, int], bottom: int, down: float) -> Image.Image:
    """How far from the foot a row is: 0 there, 255 at the end of the shadow, `down` pixels below (or above) it."""
    length = max(1, round(abs(down)))
    ramp = Image.linear_gradient("L").resize((1, length), Image.Resampling.BILINEAR)
    rows = Image.new("L", (1, size[1]))
    if down > 0:
        rows.paste(255, (0, min(bottom + length, size[1]), 1, size[1]))
        rows.paste(ramp, (0, bottom))
    else:
        rows.paste(255, (0, 0, 1, max(bottom - length, 0)))
        rows.paste(ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM), (0, bottom - length))
    return rows.resize(size, Image.Resampling.NEAREST)
