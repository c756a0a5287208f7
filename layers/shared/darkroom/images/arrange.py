"""A cut-out arranged on a canvas: room around it, its size and place, what is behind it and its shadow."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from darkroom.images.shadow import Shadow, shaded
from darkroom.models.subject import Box, Length

_SHADOW: Final = Shadow("contact")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Args:
    max_pixels: of the result; a larger picture is scaled down.
    crop_margins: top, right, bottom, left, per cent of the subject's own sides; None does not crop.
    scale: of the canvas, that the subject's longer side (relative to it) takes, from 0 to 1.
    position: of the subject, from 0 (left, top) to 1; None leaves it where it is.
    shadow: on the ground, below the subject.
    is_solid: what is half transparent inside becomes opaque.
    """

    max_pixels: int | None = None
    crop_margins: tuple[Length, Length, Length, Length] | None = None
    scale: float | None = None
    position: tuple[float, float] | None = None
    shadow: bool = False
    is_solid: bool = False


def arrange(cutout: Image.Image, wanted: Arrangement) -> tuple[Image.Image, Box | None]:
    """Args: cutout: RGBA.

    Returns:
        The picture, RGBA, and where its subject is; None where nothing is left of it.
    """
    cutout = _shrunk(cutout, wanted.max_pixels)
    if wanted.is_solid:
        cutout.putalpha(cutout.getchannel("A").point(lambda alpha: min(255, alpha * 3 // 2)))
    found = cutout.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox()
    if found is None:
        return cutout, None
    subject, size = cutout.crop(found), cutout.size
    place = (found[0], found[1])
    if wanted.crop_margins is not None:
        size, place = _cropped(subject.size, wanted.crop_margins)
    if wanted.scale is not None:
        subject = _scaled(subject, size, wanted.scale)
    if (position := wanted.position or ((0.5, 0.5) if wanted.scale is not None else None)) is not None:
        room = (size[0] - subject.width, size[1] - subject.height)
        place = (round(room[0] * position[0]), round(room[1] * position[1]))
    made = Image.new("RGBA", size)
    made.paste(subject, place)
    box = (place[0], place[1], place[0] + subject.width, place[1] + subject.height)
    return (shaded(made, box, _SHADOW) if wanted.shadow else made), box


def _shrunk(picture: Image.Image, max_pixels: int | None) -> Image.Image:
    pixels = picture.width * picture.height
    if max_pixels is None or pixels <= max_pixels:
        return picture
    factor = (max_pixels / pixels) ** 0.5
    size = (max(1, int(picture.width * factor)), max(1, int(picture.height * factor)))
    # Premultiplied, or what is under transparent pixels would bleed into the edge.
    return picture.convert("RGBa").resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0).convert("RGBA")


def _cropped(
    subject: tuple[int, int], margins: tuple[Length, Length, Length, Length]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The canvas around the subject, and where on it that is."""
    sides = (subject[1], subject[0], subject[1], subject[0])
    top, right, bottom, left = (each.of(side) for each, side in zip(margins, sides, strict=True))
    return (subject[0] + left + right, subject[1] + top + bottom), (left, top)


def _scaled(subject: Image.Image, canvas: tuple[int, int], scale: float) -> Image.Image:
    factor = scale / max(subject.width / canvas[0], subject.height / canvas[1])
    size = (max(1, round(subject.width * factor)), max(1, round(subject.height * factor)))
    return subject.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
