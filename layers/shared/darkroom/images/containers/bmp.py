"""BMP: https://learn.microsoft.com/windows/win32/gdi/bitmap-header-types"""

import struct
from typing import Final, NamedTuple

from darkroom.images.containers.contents import Contents, unsupported

_WITH_PROFILE: Final = 124
_WITH_ALPHA_MASK: Final = 56
_MASKS: Final = 54  # where they stand, whether in the header or behind it
_BIT_FIELDS: Final = (3, 6)  # the latter with alpha
_COMPRESSIONS: Final = {
    1: (8,),  # RLE8
    2: (4,),  # RLE4
    3: (16, 32),
    6: (16, 32),
}
_NAMES: Final = {1: "RLE8", 2: "RLE4", 4: "JPEG", 5: "PNG", 11: "CMYK", 12: "CMYK RLE8", 13: "CMYK RLE4"}
_EMBEDDED: Final = b"DEBM"
_RUN_LENGTHS: Final = (1, 2)
# The decoder takes half a microsecond for each, and the runs may be of no length.
MAX_RUN_LENGTH_BYTES: Final = 10 * 1024 * 1024

_BGRA: Final = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
_UNTOLD: Final = (0, 0, 0)  # which decoders take for the usual ones
_PLACES: Final = (2, 1, 0, 3)  # of these four in a pixel's bytes
_OF_16_BITS: Final = ((0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F))
_END: Final = b"\0\1"
_SKIPPED_ROWS: Final = b"\0\2\0\xff"  # 255 of them


class _Header(NamedTuple):
    size: int
    width: int
    height: int  # negative where the first row is the uppermost
    depth: int
    compression: int


def contents(data: bytes) -> Contents:
    """What the file holds; see Contents.

    Raises:
        UnsupportedImage: a compression, a depth or masks that are not read here, or too many bytes of run lengths.
    """
    if len(data) < _MASKS + 16:
        return Contents(data)
    header = _header(data)
    if header.depth not in _depths(header.compression):
        how = _NAMES.get(header.compression, f"compression {header.compression}")
        raise unsupported(
            "BMP", f"a BMP with {header.depth} bits a pixel and {how if header.compression else 'no compression'}"
        )
    run_lengths = len(data) if header.compression in _RUN_LENGTHS else 0
    if run_lengths > MAX_RUN_LENGTH_BYTES:
        name = _NAMES[header.compression]
        raise unsupported("BMP", f"a BMP with {name} of more than {MAX_RUN_LENGTH_BYTES // 1024**2} MB")
    icc = _profile(data, header.size)
    if header.compression in _BIT_FIELDS:
        return Contents(_with_usual_masks(data, header), icc=icc)
    if run_lengths and data.endswith(_END):
        data = data[: -len(_END)] + _SKIPPED_ROWS * (abs(header.height) // 255 + 1) + _END
    return Contents(data, icc=icc, run_length_bytes=run_lengths)


def _header(data: bytes) -> _Header:
    (size,) = struct.unpack_from("<I", data, 14)
    if size == 12:
        width, height, depth = struct.unpack_from("<HH2xH", data, 18)
        return _Header(size, width, height, depth, 0)
    return _Header(size, *struct.unpack_from("<ii2xHI", data, 18))


def _depths(compression: int) -> tuple[int, ...]:
    return (1, 4, 8, 16, 24, 32) if compression == 0 else _COMPRESSIONS.get(compression, ())


def _with_usual_masks(data: bytes, header: _Header) -> bytes:
    """With the bytes of each pixel in the order that every decoder reads."""
    masks = struct.unpack_from("<4I", data, _MASKS)
    if header.size < _WITH_ALPHA_MASK and header.compression == 3:
        masks = (*masks[:3], 0)
    if header.compression == 3 and (
        (header.depth == 16 and masks[:3] in _OF_16_BITS) or (header.depth == 32 and masks[:3] in (_BGRA[:3], _UNTOLD))
    ):
        return data
    sources = [_BGRA.index(mask) if mask in _BGRA else None for mask in masks]
    if header.depth != 32 or None in sources[:3] or (masks[3] and sources[3] is None):
        told = " ".join(f"{mask:x}" for mask in masks)
        raise unsupported("BMP", f"a BMP with {header.depth} bits a pixel and the masks {told}")
    (start,) = struct.unpack_from("<I", data, 10)
    pixels = data[start : start + 4 * abs(header.width * header.height)]
    ordered = bytearray(len(pixels))
    for place, source in zip(_PLACES, sources, strict=True):
        if source is not None:
            part = pixels[_PLACES[source] :: 4]
            ordered[place : place + 4 * len(part) : 4] = part
    at = 14 + _WITH_ALPHA_MASK
    written = struct.pack("<IiiHHI20x", _WITH_ALPHA_MASK, header.width, header.height, 1, 32, 3)
    alpha = _BGRA[3] if masks[3] else 0
    return (
        struct.pack("<2sI4xI", b"BM", at + len(ordered), at) + written + struct.pack("<4I", *_BGRA[:3], alpha) + ordered
    )


def _profile(data: bytes, size: int) -> bytes | None:
    if size < _WITH_PROFILE or data[14 + 56 : 14 + 60] != _EMBEDDED:
        return None
    at, length = struct.unpack_from("<II", data, 14 + 112)
    return data[14 + at : 14 + at + length] or None
