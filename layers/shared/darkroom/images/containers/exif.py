"""Which side of a picture is up and how large it is on paper, as EXIF says it."""

from typing import Final

from PIL import ExifTags, Image

_START: Final = b"Exif\0\0"
_MOST: Final = 1024 * 1024
_INCH, _CENTIMETER = 2, 3
_CM_PER_INCH: Final = 2.54


def orientation(exif: bytes) -> int | None:
    """1 to 8; 1 where it does not say. None if the data are damaged.

    Args:
        exif: a TIFF header and what follows, with or without `Exif` before it.
    """
    found = _loaded(exif)
    if found is None:
        return None
    value = found.get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def resolution(exif: bytes) -> tuple[float, float] | None:
    """Pixels per inch, across and down; None where it says none. Args: as of `orientation`."""
    found = _loaded(exif)
    if found is None:
        return None
    unit = found.get(ExifTags.Base.ResolutionUnit, _INCH)
    try:
        across, down = (float(found[tag]) for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution))
    except Exception:  # noqa: BLE001 - absent, no number, or a fraction of nothing
        return None
    scale = _CM_PER_INCH if unit == _CENTIMETER else 1.0
    return (across * scale, down * scale) if unit in (_INCH, _CENTIMETER) else None


def _loaded(exif: bytes) -> Image.Exif | None:
    """None if the data are damaged."""
    if len(exif) > _MOST:
        return None
    try:
        found = Image.Exif()
        found.load(exif if exif.startswith(_START) else _START + exif)
        found.get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - damaged EXIF raises anything, and the picture can do without
        return None
    return found
