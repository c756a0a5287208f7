"""The cut itself: a picture and a mask in, the subject on nothing, on a colour or on another picture out."""

import math
import re
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from PIL import Image, ImageChops

from darkroom.errors import InvalidParameter, NoForeground
from darkroom.images.bands import in_bands, resize
from darkroom.images.colour import Painter, in_srgb, paint_picture, parse_background
from darkroom.images.edges import Edges
from darkroom.images.layout import Layout, around, fitted_in
from darkroom.images.picture import Picture
from darkroom.images.shadow import Shadow, reach, shaded
from darkroom.models.cutout import BoundingBox, CutoutOptions

Box = tuple[int, int, int, int]

# From this alpha on a pixel belongs to the subject's box. Masks have a faint haze that reaches far from the subject.
_SUBJECT_FROM: Final = 32
# What the formats can hold along one side.
_LONGEST: Final = {"webp": 16383, "jpeg": 65500, "zip": 65500}
_NO_GROUND: Final = "The subject reaches the lower edge: there is no ground to be seen that a shadow falls on."
# By how much a subject may be scaled up before somebody should know.
_ENLARGED: Final = 1.05

_MARGIN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(px|%)?\s*")


class Cut(Struct, frozen=True):
    """A cut-out that is not encoded yet.

    Attributes:
        pixels: RGBA with colours that are not multiplied with alpha, and 0 where alpha is; RGB on an opaque
            background; L for a mask alone.
        icc: the profile to embed.
        subject: the subject's box in `pixels`.
        frame: the part of the picture that is left.
        layout: where on the canvas that part is.
        warnings: about this step.
    """

    pixels: Image.Image
    icc: bytes | None
    subject: BoundingBox
    frame: Box
    layout: Layout
    warnings: tuple[str, ...] = ()

    def in_result(self, box: Box) -> BoundingBox:
        """A box of the picture's in `pixels`."""
        left, top, right, bottom = _in_result(box, self.frame, self.layout)
        return BoundingBox(left=left, top=top, width=right - left, height=bottom - top)


def choose_background(options: CutoutOptions, background_image: Picture | None = None) -> Painter | None:
    """What goes behind the subject; None for nothing.

    Raises:
        InvalidParameter: the text is not understood, or both a text and a picture are given.
    """
    if options.background is None:
        return paint_picture(background_image) if background_image is not None else None
    if background_image is not None:
        raise InvalidParameter(
            "There are two backgrounds, a colour and a picture.", fix="Give one.", param="background"
        )
    return parse_background(options.background)


def cut_out(
    picture: Picture, mask: Image.Image, options: CutoutOptions, *, background_image: Picture | None = None
) -> Cut:
    """Cuts the subject out.

    Args:
        picture: in RGB, or in RGBA: what was transparent stays so.
        mask: mode L, of any resolution; 255 where the subject is.
        options: all but those that are about the mask.
        background_image: put behind the subject, covering everything.

    Raises:
        NoForeground: the mask and the picture's own alpha have nothing in common.
        InvalidParameter: the background is not understood, or the result is larger than its format can hold.
    """
    background = choose_background(options, background_image)
    pixels = in_srgb(picture) if background else picture.pixels
    alpha = _combine(resize(mask, pixels.size, Image.Resampling.LANCZOS), pixels)
    subject = _subject_box(alpha)
    is_cropped = options.crop or options.canvas is not None
    frame = _with_margin(subject, options.margin, pixels.size) if is_cropped else (0, 0, *pixels.size)
    shadow = _shadow(options)
    layout, warnings = _layout(options, frame, reach(shadow, subject) if shadow and is_cropped else None)
    if options.channels == "alpha":
        result, icc = _placed(_resized(_cropped(alpha, frame), layout.content), layout), None
    else:
        edges = Edges(pixels.convert("RGB"), mask) if options.edges == "clean" and _is_opaque(pixels) else None
        merged = _merged(_cropped(pixels, frame), _cropped(alpha, frame), edges, frame[:2])
        transparent = _placed(_resized(merged, layout.content), layout)
        if shadow is not None:
            box = _in_result(subject, frame, layout)
            transparent = shaded(transparent, box, shadow)
            if box[3] >= transparent.height:
                warnings += (
                    "The subject reaches the lower edge: there is no ground to be seen that a shadow falls on.",
                )
        result, icc = _on_background(transparent, background), None if background else picture.icc
    if options.format == "jpeg" and result.mode == "RGBA":
        result = _on_background(result, lambda size: Image.new("RGB", size, "white"))
        warnings += ("JPEG knows no transparency; the picture was put on white.",)
    cut = Cut(result, icc, BoundingBox(left=0, top=0, width=1, height=1), frame, layout, warnings)
    return replace(cut, subject=cut.in_result(subject))


def _shadow(options: CutoutOptions) -> Shadow | None:
    if options.shadow == "none" or not options.shadow_strength:
        return None
    strength, softness = options.shadow_strength / 100, options.shadow_softness / 100
    return Shadow(options.shadow, options.shadow_direction, strength, softness)


def _layout(options: CutoutOptions, frame: Box, grown: Box | None) -> tuple[Layout, tuple[str, ...]]:
    """Where the frame's part of the picture goes, and warnings. Args: grown: room that a shadow takes."""
    size, warnings = (frame[2] - frame[0], frame[3] - frame[1]), tuple[str, ...]()
    if options.canvas is not None:
        layout = fitted_in(size, options.canvas, fill=options.fill, pad=options.pad, position=options.position)
        enlarged = layout.content[0] / size[0]
        if enlarged > _ENLARGED:
            warnings = (f"The subject was enlarged {enlarged:.1f} times: a larger picture would be sharper.",)
    else:
        layout = around(size, options.pad, grown or (0, 0, 0, 0))
    layout = layout.limited(options.max_size)
    _check_format(layout.size, options.format)
    return layout, warnings


def _placed(image: Image.Image, layout: Layout) -> Image.Image:
    if layout.is_plain:
        return image
    canvas = Image.new(image.mode, layout.size)
    canvas.paste(image, layout.place)
    return canvas


def _combine(alpha: Image.Image, pixels: Image.Image) -> Image.Image:
    return ImageChops.multiply(alpha, pixels.getchannel("A")) if pixels.mode == "RGBA" else alpha


def _is_opaque(pixels: Image.Image) -> bool:
    """Whether nothing is transparent; what was is a cut-out already, with colors of its subject at its edges."""
    return pixels.mode == "RGB" or pixels.getchannel("A").getextrema() == (255, 255)


def _subject_box(alpha: Image.Image) -> Box:
    box = alpha.point([0] * _SUBJECT_FROM + [255] * (256 - _SUBJECT_FROM)).getbbox()
    if box is None:
        raise NoForeground(
            "Nothing in the picture stands out from its background.",
            fix="Send a picture with a clear subject, or try another model.",
        )
    return box


def _with_margin(box: Box, margin: str, size: tuple[int, int]) -> Box:
    """The box and some room around it, as far as there is picture."""
    found = _MARGIN.fullmatch(margin)
    if found is None:
        raise InvalidParameter(
            f"The margin {margin[:20]!r} is not understood.", fix="Give `20px` or `5%`.", param="margin"
        )
    amount = float(found[1])
    room = round(amount * max(box[2] - box[0], box[3] - box[1]) / 100 if found[2] == "%" else amount)
    return max(box[0] - room, 0), max(box[1] - room, 0), min(box[2] + room, size[0]), min(box[3] + room, size[1])


def _check_format(size: tuple[int, int], output_format: str) -> None:
    """Raises InvalidParameter where a file of the format cannot hold so much."""
    longest = _LONGEST.get(output_format)
    if longest is not None and max(size) > longest:
        raise InvalidParameter(
            f"The result has {size[0]} x {size[1]} pixels; {output_format} holds at most {longest} along a side.",
            fix=f"Ask for png, or set max_size to {min(longest, 16384)} or less.",
            param="format",
        )


def _cropped(image: Image.Image, frame: Box) -> Image.Image:
    return image if frame == (0, 0, *image.size) else image.crop(frame)


def _merged(
    pixels: Image.Image, alpha: Image.Image, edges: Edges | None = None, origin: tuple[int, int] = (0, 0)
) -> Image.Image:
    """RGBA. Colours are not multiplied with alpha: that is what makes a dark rim on a light background.

    Where nothing is left of a pixel its colour goes too: it is the background that nobody asked for.

    Args:
        edges: put the subject's own color into half-opaque pixels.
        origin: where in the picture of `edges` the pixels begin, left and top.
    """
    width, height = pixels.size
    merged = np.empty((height, width, 4), np.uint8)
    words = merged.view(np.uint32)[..., 0]

    def fill(top: int, bottom: int) -> None:
        band = pixels.crop((0, top, width, bottom))
        band.putalpha(alpha.crop((0, top, width, bottom)))
        source = np.asarray(band)
        np.multiply(source.view(np.uint32)[..., 0], source[..., 3] != 0, out=words[top:bottom])
        if edges is not None:
            edges.clean(merged[top:bottom], origin[0], origin[1] + top)

    in_bands(pixels.size, fill)
    return Image.fromarray(merged)


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scaled down; a pixel counts by its alpha, so that the black of transparent ones does not bleed in."""
    if image.size == size:
        return image
    if image.mode != "RGBA":
        return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    weighted = image.convert("RGBa").resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    straight = weighted.convert("RGBA")
    return _merged(straight, straight.getchannel("A"))


def _on_background(transparent: Image.Image, background: Painter | None) -> Image.Image:
    if background is None:
        return transparent
    behind = background(transparent.size)
    if behind.mode == "RGBA":
        return Image.alpha_composite(behind, transparent)
    behind.paste(transparent, mask=transparent)
    return behind


def _in_result(subject: Box, frame: Box, layout: Layout) -> Box:
    """The subject's box after cropping, scaling and placing: every pixel that it touches, and at least one."""
    sides: list[tuple[int, int]] = []
    for axis in (0, 1):
        scale = layout.content[axis] / (frame[axis + 2] - frame[axis])
        low = max(int((subject[axis] - frame[axis]) * scale), 0)
        low = min(low, layout.content[axis] - 1)
        high = min(math.ceil((subject[axis + 2] - frame[axis]) * scale), layout.content[axis])
        sides.append((layout.place[axis] + low, layout.place[axis] + max(high, low + 1)))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]
