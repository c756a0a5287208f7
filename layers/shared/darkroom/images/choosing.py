"""Which part of a picture is its subject, where the caller says so: by a box, by points, or by strokes."""

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from darkroom.errors import InvalidParameter, NoForeground
from darkroom.images.picture import Picture, opaque
from darkroom.images.regions import regions
from darkroom.models.subject import HOW, Box, Subject

Mask = Callable[[Image.Image], Image.Image]
"""(RGB) -> the subject in white, mode L, of any resolution"""

# From this value of a mask on, of 255, a pixel surely belongs to what is around it. Below that two that touch hang
# together by the haze between them.
_SURELY: Final = 128
# How far haze may be from what it belongs to, in pixels of a mask of 320.
_HAZE: Final = 6
_LOOKED_AT: Final = 320
# Of the picture's sides: what is looked at around points at which nothing was found.
_NEAR: Final = 0.5
# By how much a mask's shape may differ from its picture's, which rounding does.
_SAME_SHAPE: Final = 0.02


def masked(pixels: Image.Image, subject: Subject | None, mask: Mask) -> Image.Image:
    """The mask of what is meant, mode L, of any resolution.

    Args:
        pixels: RGB.
        subject: a box is cut out of the picture, so that the network looks at nothing else; what lies outside is no
            subject. Of points those parts of the mask are taken on which they lie.

    Raises:
        InvalidParameter: the box is empty, or it or a point lies outside of the picture.
        NoForeground: nothing stands out there.
    """
    if subject is None:
        return mask(pixels)
    if subject.box:
        return _inside(pixels, box_of(subject, pixels.size), mask)
    places = points_of(subject, pixels.size)
    try:
        return at_points(mask(pixels), places)
    except NoForeground:
        return at_points(_inside(pixels, _around(places, pixels.size), mask), places)


def limited(mask: Image.Image, subject: Subject | None, size: tuple[int, int]) -> Image.Image:
    """A mask that is there already, without what is not meant; `size` is its picture's. Raises as `masked` does."""
    if subject is None:
        return mask
    if not subject.box:
        return at_points(mask, points_of(subject, size))
    full = mask.resize(size, Image.Resampling.LANCZOS)
    box = box_of(subject, size)
    done = Image.new("L", size)
    done.paste(full.crop(box), box[:2])
    if done.getbbox() is None:
        raise _nothing("in that box")
    return done


def box_of(subject: Subject, size: tuple[int, int]) -> Box:
    """In pixels, as far as it lies in the picture. Raises InvalidParameter where nothing of it does."""
    left, top, right, bottom = (side.of(size[place % 2]) for place, side in enumerate(subject.box))
    if right <= left or bottom <= top:
        what = "The box has no inside: its right side has to lie right of its left one, its bottom below."
        raise _refused(what, is_empty=True)
    box = max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])
    if box[2] <= box[0] or box[3] <= box[1]:
        raise _refused(f"The box lies outside of the picture, which has {size[0]} x {size[1]} pixels.")
    return box


def points_of(subject: Subject, size: tuple[int, int]) -> list[tuple[float, float]]:
    """As shares of the picture's sides. Raises InvalidParameter for one that lies outside."""
    found = [tuple(side.of(size[axis]) for axis, side in enumerate(point)) for point in subject.points]
    for x, y in found:
        if not (0 <= x <= size[0] and 0 <= y <= size[1]):
            raise _refused(f"The point {x} {y} lies outside of the picture, which has {size[0]} x {size[1]} pixels.")
    return [((min(x, size[0] - 1) + 0.5) / size[0], (min(y, size[1] - 1) + 0.5) / size[1]) for x, y in found]


def at_points(mask: Image.Image, places: list[tuple[float, float]]) -> Image.Image:
    """The parts of a mask on which the points lie.

    Raises:
        NoForeground: on none of them is there anything.
    """
    small = mask
    if max(mask.size) > _LOOKED_AT:
        scale = _LOOKED_AT / max(mask.size)
        size = max(1, round(mask.width * scale)), max(1, round(mask.height * scale))
        small = mask.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    labels, _ = regions(np.asarray(small) >= _SURELY)
    meant = {int(labels[int(y * small.height), int(x * small.width)]) for x, y in places} - {0}
    if not meant:
        raise _nothing("at the point" if len(places) == 1 else "at the points")
    # Haze goes with the part that it is nearest to.
    chosen, others = (
        _spread(where) for where in (np.isin(labels, list(meant)), (labels > 0) & ~np.isin(labels, [*meant]))
    )
    near = (chosen >= others) & (chosen > 0)
    stays = Image.fromarray(np.where(near, 255, 0).astype(np.uint8))
    return ImageChops.multiply(mask, stays.resize(mask.size, Image.Resampling.BILINEAR))


def corrected(
    mask: Image.Image, size: tuple[int, int], keep: Image.Image | None, erase: Image.Image | None
) -> Image.Image:
    """The mask at its picture's size, with what was drawn by hand: white where it is to stay, or to go.

    Args:
        keep, erase: mode L, of any size; where both are white it goes.
    """
    done = mask if mask.size == size else mask.resize(size, Image.Resampling.LANCZOS)
    if keep is not None:
        done = ImageChops.lighter(done, _at(keep, size))
    if erase is not None:
        done = ImageChops.darker(done, ImageChops.invert(_at(erase, size)))
    return done


def strokes_of(picture: Picture, size: tuple[int, int], name: str) -> tuple[Image.Image, tuple[str, ...]]:
    """What a mask picture means, mode L, and a warning where that is nothing: white is meant, and where the picture is
    transparent it counts as black.

    Args:
        size: of the picture that it is for.

    Raises:
        InvalidParameter: it has another shape; `param` is the name.
    """
    given = picture.pixels
    across = given.height * size[0] / size[1]
    if abs(across - given.width) > max(_SAME_SHAPE * given.width, 2):
        raise InvalidParameter(
            f"`{name}` has {given.width} x {given.height} pixels and the picture {size[0]} x {size[1]}: another shape.",
            fix="Draw it on the picture as it is shown, the right way up; it may be smaller or larger.",
            param=name,
            context={"mask_size": f"{given.width}x{given.height}", "image_size": f"{size[0]}x{size[1]}"},
        )
    light = opaque(given, "black").convert("L")
    told = () if light.getextrema() != (0, 0) else (f"`{name}` is black all over: what is meant has to be white.",)
    return light, told


def _at(drawn: Image.Image, size: tuple[int, int]) -> Image.Image:
    return drawn if drawn.size == size else drawn.resize(size, Image.Resampling.BILINEAR)


def _inside(pixels: Image.Image, box: Box, mask: Mask) -> Image.Image:
    """The mask of what is in the box, at the picture's size; empty elsewhere."""
    found = mask(pixels.crop(box))
    done = Image.new("L", pixels.size)
    done.paste(found.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.LANCZOS), box[:2])
    return done


def _around(places: list[tuple[float, float]], size: tuple[int, int]) -> Box:
    sides = []
    for axis in (0, 1):
        low, high = (bound(place[axis] for place in places) for bound in (min, max))
        length = max(high - low + _NEAR / 2, _NEAR)
        start = min(max((low + high - length) / 2, 0), max(1 - length, 0))
        sides.append((int(start * size[axis]), max(int(min(start + length, 1) * size[axis]), 1)))
    return sides[0][0], sides[1][0], max(sides[0][1], sides[0][0] + 1), max(sides[1][1], sides[1][0] + 1)


def _spread(where: np.typing.NDArray[np.bool_]) -> np.typing.NDArray[np.uint8]:
    """255 where it is so, less and less near it, and 0 beyond."""
    solid = Image.fromarray(np.where(where, 255, 0).astype(np.uint8))
    return np.asarray(ImageChops.lighter(solid, solid.filter(ImageFilter.GaussianBlur(_HAZE))))


def _refused(what: str, *, is_empty: bool = False) -> InvalidParameter:
    return InvalidParameter(what, fix=HOW, param="subject", context={"empty": is_empty})


def _nothing(where: str) -> NoForeground:
    return NoForeground(
        f"Nothing stands out {where}.",
        fix="Give a box or a point that lies on the subject, or draw it with `keep`.",
        param="subject",
    )
