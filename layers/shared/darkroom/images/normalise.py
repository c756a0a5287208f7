"""Pictures as models take them: PNG, JPEG or WebP, upright, one frame, without metadata."""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from darkroom.errors import PayloadTooLarge
from darkroom.images.containers import webp, with_profile
from darkroom.images.decode import MAX_SIDE, decode_file
from darkroom.images.picture import Picture

MOST_BYTES: Final = 20 * 1024 * 1024
MEDIA_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_QUALITY: Final = 95
_LOSSY: Final = ("HEIF", "AVIF")
_LONGEST: Final = {"WEBP": 16383, "JPEG": 65500}


@dataclass(frozen=True, slots=True)
class Normalised:
    """A file for a model to look at; width and height in pixels."""

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    warnings: tuple[str, ...] = ()


def normalise(data: bytes, *, max_megapixels: float) -> Normalised:
    """The picture as models take it: a file written here, of a picture that was decoded to its last pixel.

    Where the pixels are stored in a way that every model reads, their own compressed data go into it, so that nothing
    is lost; around them only what their colours mean. What lies on its side, or is stored in another way, is encoded
    again: JPEG as JPEG, WebP as WebP (each as good as lossless), HEIC as JPEG, everything else as PNG.

    Raises:
        EmptyImage, UnsupportedMediaType, UnsupportedImage, ImageTooLarge, UnreadableImage: as `decode` says.
        PayloadTooLarge: more than 20 MB.
    """
    decoded = decode_file(data, max_megapixels=max_megapixels)
    kind, picture = decoded.kind, decoded.picture
    bare = with_profile(decoded.contents, kind, picture.icc) if decoded.is_as_stored else None
    if bare is None:
        kind = _kind_for(kind, picture)
        bare = _written(picture, kind, lossless=kind == "WEBP" and webp.is_lossless(data))
        if len(bare) > MOST_BYTES and decoded.kind in _LOSSY and picture.pixels.mode == "RGB":
            kind, bare = "JPEG", _written(picture, "JPEG", lossless=False)
    if len(bare) > MOST_BYTES:
        raise _too_large(len(bare), MEDIA_TYPES[kind])
    return Normalised(bare, MEDIA_TYPES[kind], *picture.pixels.size, picture.warnings)


def _kind_for(kind: str, picture: Picture) -> str:
    if kind == "HEIF" and picture.pixels.mode == "RGB":
        return "JPEG"  # a photograph, of which a PNG would be ten times as large
    return kind if kind in MEDIA_TYPES and max(picture.pixels.size) <= _LONGEST.get(kind, MAX_SIDE) else "PNG"


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
