"""The cut itself: a picture and a mask in, the subject on nothing, on a colour or on another picture out."""

import math
import re
from typing import Final

import numpy as np
from msgspec import Struct
from PIL import Image, ImageChops

from darkroom.errors import InvalidParameter, NoForeground
from darkroom.images.bands import in_bands, resize
from darkroom.images.colour import Painter, in_srgb, paint_picture, parse_background
from darkroom.images.edges import Edges
from darkroom.images.picture import Picture
from darkroom.models.cutout import BoundingBox, CutoutOptions

Box = tuple[int, int, int, int]

# From this alpha on a pixel belongs to the subject's box. Masks have a faint haze that reaches far from the subject.
_SUBJECT_FROM: Final = 32
# What the formats can hold along one side.
_LONGEST: Final = {"webp": 16383, "jpeg": 65500}

_MARGIN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(px|%)?\s*")


class Cut(Struct, frozen=True):
    """A cut-out that is not encoded yet.

    Attributes:
        pixels: RGBA with colours that are not multiplied with alpha, and 0 where alpha is; RGB on an opaque
            background; L for a mask alone.
        icc: the profile to embed.
        subject: the subject's box in `pixels`.
        frame: the part of the picture that is left.
        warnings: about this step.
    """

    pixels: Image.Image
    icc: bytes | None
    subject: BoundingBox
    frame: Box
    warnings: tuple[str, ...] = ()

    def in_result(self, box: Box) -> BoundingBox:
        """A box of the picture's in `pixels`."""
        return _in_result(box, self.frame, self.pixels.size)


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
        options: crop, margin, max_size, background, channels, edges and format are used.
        background_image: put behind the subject, covering everything.

    Raises:
        NoForeground: the mask and the picture's own alpha have nothing in common.
        InvalidParameter: the background is not understood, or the result is larger than its format can hold.
    """
    background = choose_background(options, background_image)
    pixels = in_srgb(picture) if background else picture.pixels
    alpha = _combine(resize(mask, pixels.size, Image.Resampling.LANCZOS), pixels)
    subject = _subject_box(alpha)
    frame = _with_margin(subject, options.margin, pixels.size) if options.crop else (0, 0, *pixels.size)
    size = _limited((frame[2] - frame[0], frame[3] - frame[1]), options)
    if options.channels == "alpha":
        result, icc = _resized(_cropped(alpha, frame), size), None
    else:
        edges = Edges(pixels.convert("RGB"), mask) if options.edges == "clean" and _is_opaque(pixels) else None
        transparent = _resized(_merged(_cropped(pixels, frame), _cropped(alpha, frame), edges, frame[:2]), size)
        result, icc = _on_background(transparent, background), None if background else picture.icc
    warnings: tuple[str, ...] = ()
    if options.format == "jpeg" and result.mode == "RGBA":
        result = _on_background(result, lambda size: Image.new("RGB", size, "white"))
        warnings = ("JPEG knows no transparency; the picture was put on white.",)
    return Cut(result, icc, _in_result(subject, frame, size), frame, warnings)


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


def _limited(size: tuple[int, int], options: CutoutOptions) -> tuple[int, int]:
    """The size of the result: scaled down to max_size, and one that the format can hold."""
    if options.max_size is not None and max(size) > options.max_size:
        scale = options.max_size / max(size)
        size = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    longest = _LONGEST.get(options.format)
    if longest is not None and max(size) > longest:
        raise InvalidParameter(
            f"The result has {size[0]} x {size[1]} pixels; {options.format} holds at most {longest} along a side.",
            fix=f"Ask for png, or set max_size to {min(longest, 16384)} or less.",
            param="format",
        )
    return size


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


def _in_result(subject: Box, frame: Box, size: tuple[int, int]) -> BoundingBox:
    """The subject's box after cropping and scaling: every pixel that it touches, and at least one."""
    scale_x, scale_y = size[0] / (frame[2] - frame[0]), size[1] / (frame[3] - frame[1])
    left, top = max(int((subject[0] - frame[0]) * scale_x), 0), max(int((subject[1] - frame[1]) * scale_y), 0)
    left, top = min(left, size[0] - 1), min(top, size[1] - 1)
    right = min(math.ceil((subject[2] - frame[0]) * scale_x), size[0])
    bottom = min(math.ceil((subject[3] - frame[1]) * scale_y), size[1])
    return BoundingBox(left=left, top=top, width=max(right - left, 1), height=max(bottom - top, 1))
