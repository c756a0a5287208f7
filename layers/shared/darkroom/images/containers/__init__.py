"""What is in a file beside pixels, format by format: told from its bytes, before a decoder sees any of them.

A decoder is given the picture's own data and nothing else. So a broken comment, text or profile costs no picture, and
what a file says of its colours and of which side is up is read here, in one way for every format.
"""

from collections.abc import Callable
from typing import Final

from darkroom.images.containers import bmp, gif, jpeg, png, tiff, webp
from darkroom.images.containers.contents import Contents
from darkroom.images.containers.heif import avif_contents, heif_contents

__all__ = ["Contents", "contents", "with_profile"]

_READ: Final[dict[str, Callable[[bytes], Contents]]] = {
    "PNG": png.contents,
    "JPEG": jpeg.contents,
    "WEBP": webp.contents,
    "GIF": gif.contents,
    "TIFF": tiff.contents,
    "BMP": bmp.contents,
    "AVIF": avif_contents,
    "HEIF": heif_contents,
}
_WITH_PROFILE: Final = {"PNG": png.with_profile, "JPEG": jpeg.with_profile, "WEBP": webp.with_profile}


def contents(data: bytes, kind: str) -> Contents:
    """What the file holds.

    Args:
        kind: Pillow's name of the format.

    Raises:
        UnreadableImage: damaged where the picture itself is.
        UnsupportedImage: a sound file of a kind that is not read here.
    """
    read = _READ.get(kind)
    return read(data) if read else Contents(data)


def with_profile(found: Contents, kind: str, icc: bytes | None) -> bytes | None:
    """The picture's own data as a file with that colour profile and nothing else.

    Returns:
        None where the pixels have to be encoded again: another format, or stored in a way that few programs read.
    """
    return _WITH_PROFILE[kind](found.data, icc) if found.is_common else None
