"""Which side of a picture is up, as EXIF says it."""

from typing import Final

from PIL import ExifTags, Image

_START: Final = b"Exif\0\0"
_MOST: Final = 1024 * 1024


def orientation(exif: bytes) -> int | None:
    """1 to 8; 1 where it does not say. None if the data are damaged.

    Args:
        exif: a TIFF header and what follows, with or without `Exif` before it.
    """
    if len(exif) > _MOST:
        return None
    try:
        found = Image.Exif()
        found.load(exif if exif.startswith(_START) else _START + exif)
        value = found.get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF raises anything, and the picture can do without
        return None
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
