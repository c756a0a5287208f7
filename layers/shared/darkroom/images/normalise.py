"""Pictures as models take them: PNG, JPEG or WebP, upright, one frame, without metadata."""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from PIL import ImageChops

from darkroom.errors import CallerError, PayloadTooLarge
from darkroom.images.decode import decode
from darkroom.images.metadata import is_lossless_webp, without_metadata
from darkroom.images.picture import Picture
from darkroom.images.sniff import sniff

MOST_BYTES: Final = 20 * 1024 * 1024
MEDIA_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_QUALITY: Final = 95


@dataclass(frozen=True, slots=True)
class Normalised:
    """A file for a model to look at; width and height in pixels."""

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    warnings: tuple[str, ...] = ()


def normalise(data: bytes, *, max_megapixels: float) -> Normalised:
    """The picture as models take it, with as little done to it as possible.

    What is fit already stays as it is, byte for byte. Metadata are cut out of the file around the picture. Only what
    lies on its side, or is stored in a way that models do not read, is written anew: JPEG as JPEG, WebP as WebP (each
    as good as lossless), everything else as PNG.

    Raises:
        EmptyImage, UnsupportedMediaType, ImageTooLarge, UnreadableImage: as `decode` says.
        PayloadTooLarge: more than 20 MB.
    """
    picture = decode(data, max_megapixels=max_megapixels)
    kind = sniff(data)
    bare = without_metadata(data, kind)
    if bare is None or (bare != data and not _shows(bare, picture, max_megapixels)):
        kind = kind if kind in MEDIA_TYPES else "PNG"
        bare = _written(picture, kind, lossless=kind == "WEBP" and is_lossless_webp(data))
    if len(bare) > MOST_BYTES:
        raise _too_large(len(bare), MEDIA_TYPES[kind])
    return Normalised(bare, MEDIA_TYPES[kind], *picture.pixels.size, picture.warnings)


def _shows(data: bytes, picture: Picture, max_megapixels: float) -> bool:
    """Whether the file is that picture. It is not if metadata said which side is up."""
    try:
        other = decode(data, max_megapixels=max_megapixels).pixels
    except CallerError:
        return False
    return (other.mode, other.size) == (picture.pixels.mode, picture.pixels.size) and ImageChops.difference(
        other, picture.pixels
    ).getbbox(alpha_only=False) is None


def _written(picture: Picture, kind: str, *, lossless: bool) -> bytes:
    buffer = BytesIO()
    profile = picture.icc or b""
    if kind == "JPEG":
        picture.pixels.save(buffer, "JPEG", quality=_QUALITY, subsampling=0, icc_profile=picture.icc)
    elif kind == "WEBP":
        picture.pixels.save(
            buffer,
            "WEBP",
            lossless=lossless,
            quality=20 if lossless else _QUALITY,  # of a lossless file: how long to look for a smaller one
            method=1,
            exact=True,
            icc_profile=profile,
        )
    else:
        picture.pixels.save(buffer, "PNG", compress_level=1, icc_profile=picture.icc)
    return buffer.getvalue()


def _too_large(size: int, media_type: str) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"As {media_type} the picture has {size / 1024**2:.1f} MB; for models a picture may have 20 MB.",
        fix="Scale it down, or send it as JPEG or WebP.",
        context={"max_bytes": MOST_BYTES},
    )
