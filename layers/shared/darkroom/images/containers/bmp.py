"""BMP: https://learn.microsoft.com/windows/win32/gdi/bitmap-header-types"""

import struct
from typing import Final

from darkroom.images.containers.contents import Contents, unsupported

_WITH_PROFILE: Final = 124
_COMPRESSIONS: Final = {
    1: (8,),  # RLE8
    2: (4,),  # RLE4
    3: (16, 32),  # masks
    6: (16, 32),
}
_EMBEDDED: Final = b"DEBM"
_RUN_LENGTHS: Final = (1, 2)
# The decoder takes half a microsecond for each, and the runs may be of no length.
MAX_RUN_LENGTH_BYTES: Final = 10 * 1024 * 1024


def contents(data: bytes) -> Contents:
    """What the file holds; see Contents.

    Raises:
        UnsupportedImage: a compression or depth that is not read here, or too many bytes of run lengths.
    """
    if len(data) < 18 + 16:
        return Contents(data)
    (size,) = struct.unpack_from("<I", data, 14)
    if size == 12:
        depth, compression = struct.unpack_from("<H", data, 24)[0], 0
    else:
        depth, compression = struct.unpack_from("<HI", data, 28)
    allowed = (1, 4, 8, 16, 24, 32) if compression == 0 else _COMPRESSIONS.get(compression, ())
    names = {1: "RLE8", 2: "RLE4", 4: "JPEG", 5: "PNG", 11: "CMYK", 12: "CMYK RLE8", 13: "CMYK RLE4"}
    if depth not in allowed:
        how = names.get(compression, f"compression {compression}") if compression else "no compression"
        raise unsupported("BMP", f"a BMP with {depth} bits a pixel and {how}")
    run_lengths = len(data) if compression in _RUN_LENGTHS else 0
    if run_lengths > MAX_RUN_LENGTH_BYTES:
        raise unsupported("BMP", f"a BMP with {names[compression]} of more than {MAX_RUN_LENGTH_BYTES // 1024**2} MB")
    return Contents(data, icc=_profile(data, size), run_length_bytes=run_lengths)


def _profile(data: bytes, size: int) -> bytes | None:
    if size < _WITH_PROFILE or data[14 + 56 : 14 + 60] != _EMBEDDED:
        return None
    at, length = struct.unpack_from("<II", data, 14 + 112)
    return data[14 + at : 14 + at + length] or None
