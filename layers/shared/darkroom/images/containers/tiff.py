"""TIFF 6.0 and BigTIFF: only what tells whether the kind of picture is one that comes out right.

The decoder reads some kinds wrongly without a word (16-bit planes, white that is zero, numbers beyond 31 bits), so what
is let through is a list of what is known to come out as it should.
"""

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from darkroom.images.containers.contents import Contents, damaged, unsupported

# As many as three planes of the tallest picture have with one row each.
MAX_STRIPS: Final = 200_000
_MAX_TAGS: Final = 4096

_WIDTH, _HEIGHT = 256, 257
_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 258, 259, 262, 266
_STRIPS, _SAMPLES, _PLANAR, _TILES, _INK_SET = 273, 277, 284, 324, 332
_EXTRA, _FORMAT, _SUBSAMPLING = 338, 339, 530
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_LETTERS: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_COLOURS: Final = {_RGB: 3, _CMYK: 4, _YCBCR: 3, _LAB: 3}
_NAMES: Final = {
    4: "a transparency mask",
    9: "in ICC L*a*b*",
    10: "in ITU L*a*b*",
    32803: "a camera's raw data",
    32844: "in LogL",
    32845: "in LogLuv",
    34892: "a camera's raw data",
}
_COMPRESSIONS: Final = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000))
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_FORMAT_NAMES: Final = {1: "unsigned", 2: "signed", 3: "floating-point", 4: "untyped", 5: "complex", 6: "complex"}


class _Kind(NamedTuple):
    """What the tags say of how pixels are stored."""

    photometric: int
    bits: tuple[int, ...]
    formats: frozenset[int]
    extra: tuple[int, ...]
    planar: bool
    fill_order: int
    compression: int
    subsampling: tuple[int, ...]
    is_big_endian: bool


def contents(data: bytes) -> Contents:
    """The file as it is, once it is known that it will come out right.

    Raises:
        UnreadableImage: no directory of tags, or more strips than a picture has.
        UnsupportedImage: a kind of TIFF that is not read here.
    """
    if data[:4] == b"MM\0+":
        raise unsupported("TIFF", "a big-endian BigTIFF")
    tags = _tags(data)
    if not (tags.keys() >= {_WIDTH, _HEIGHT} and tags.keys() & {_STRIPS, _TILES}):
        raise damaged("The TIFF file does not say how large its picture is, or where it lies.")
    if len(tags.get(_STRIPS, tags.get(_TILES, ()))) > MAX_STRIPS:
        raise damaged(f"The TIFF file is in more than {MAX_STRIPS} strips.")
    samples = _first(tags, _SAMPLES, 1)
    bits = tags.get(_BITS, (1,))
    kind = _Kind(
        photometric=_first(tags, _PHOTOMETRIC, _BLACK_IS_ZERO),
        bits=bits * samples if len(bits) == 1 and samples <= 8 else bits,
        formats=frozenset(tags.get(_FORMAT, (_UNSIGNED,))),
        extra=tags.get(_EXTRA, ()),
        planar=_first(tags, _PLANAR, 1) == 2 and samples > 1,
        fill_order=_first(tags, _FILL_ORDER, 1),
        compression=_first(tags, _COMPRESSION, 1),
        subsampling=tags.get(_SUBSAMPLING, (2, 2)),
        is_big_endian=data[:2] == b"MM",
    )
    if why := _why_not(kind, _first(tags, _INK_SET, 1)):
        raise unsupported("TIFF", f"a TIFF {why}")
    return Contents(data)  # its orientation is a tag like any other, which the decoder obeys


def _why_not(kind: _Kind, ink_set: int) -> str | None:
    """What the kind is, if it is not known to come out right."""
    if kind.photometric in _NAMES:
        return _NAMES[kind.photometric]
    if kind.compression not in _COMPRESSIONS:
        return f"with compression {kind.compression}"
    depth = kind.bits[0] if kind.bits else 0
    described = f"with {len(kind.bits)} x {depth} bits a pixel, {_format_name(kind.formats)}"
    if len(set(kind.bits)) != 1 or len(kind.formats) != 1:
        return "with channels of different depths"
    if kind.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
        return None if _is_readable_grey(kind, depth) else described
    if kind.photometric == _PALETTE:
        is_readable = kind.formats == {_UNSIGNED} and depth <= 8 and (len(kind.bits) == 1 or _is_with_alpha(kind, 1))
        return None if is_readable and not kind.planar else described
    if kind.photometric not in _COLOURS or (kind.photometric == _CMYK and ink_set != 1):
        return f"with colours of kind {kind.photometric}"
    return None if _is_readable_colour(kind, depth) else described + (" in planes" if kind.planar else "")


def _is_readable_grey(kind: _Kind, depth: int) -> bool:
    if len(kind.bits) == 2:
        return depth == 8 and kind.photometric == _BLACK_IS_ZERO and _is_with_alpha(kind, 1) and not kind.planar
    if len(kind.bits) != 1:
        return False
    if kind.formats == {_UNSIGNED}:
        return depth in (1, 2, 4, 8) or (depth == 16 and kind.photometric == _BLACK_IS_ZERO and kind.fill_order == 1)
    if kind.photometric == _WHITE_IS_ZERO or kind.fill_order != 1 or (kind.is_big_endian and kind.compression != 1):
        return False
    return depth == 32 and kind.formats in ({_SIGNED}, {_FLOAT})


def _is_readable_colour(kind: _Kind, depth: int) -> bool:
    colours = _COLOURS[kind.photometric]
    further = len(kind.bits) - colours
    if kind.formats != {_UNSIGNED} or further < 0 or depth not in (8, 16):
        return False
    if depth == 16 and (kind.planar or further > 1 or kind.photometric not in (_RGB, _CMYK)):
        return False
    if kind.fill_order != 1 and (depth != 8 or further or kind.photometric != _RGB):
        return False
    if kind.photometric == _YCBCR:
        # Raw colours that are coarser than brightness are taken for whole pixels.
        return not further and not kind.planar and (kind.compression != 1 or kind.subsampling == (1, 1))
    if kind.photometric == _LAB:
        return not further and not kind.planar
    if kind.planar and further:
        return False
    if kind.photometric == _CMYK and further:  # its extra channels have no meaning, or the decoder knows none
        return depth == 8 and kind.extra in ((0,), (0, 0)) and len(kind.extra) == further
    return not further or _is_with_alpha(kind, colours)


def _is_with_alpha(kind: _Kind, colours: int) -> bool:
    """One extra channel of whatever meaning, or an alpha channel and up to two that mean nothing."""
    further = len(kind.bits) - colours
    if further == 1:
        return kind.extra[:1] in ((), (0,), (1,), (2,))
    return kind.photometric == _RGB and further <= 3 and len(kind.extra) == further and not any(kind.extra[1:])


def _format_name(formats: frozenset[int]) -> str:
    return " and ".join(_FORMAT_NAMES.get(each, "of an unknown form") for each in sorted(formats))


def _first(tags: Mapping[int, tuple[int, ...]], tag: int, otherwise: int) -> int:
    values = tags.get(tag)
    return values[0] if values else otherwise


def _tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """The whole numbers in the first directory; of strips and tiles only how many there are."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    at_word, count_word, width, inline = ("Q", "Q", 20, 8) if is_big else ("I", "H", 12, 4)
    try:
        (at,) = struct.unpack_from(order + at_word, data, 8 if is_big else 4)
        (count,) = struct.unpack_from(order + count_word, data, at)
        at += struct.calcsize(order + count_word)
        if count > _MAX_TAGS or at + width * count > len(data):
            raise damaged("The TIFF file's directory is damaged.")
        entries = [data[at + width * index : at + width * (index + 1)] for index in range(count)]
        return dict(_tag(data, entry, order, inline) for entry in entries)
    except (struct.error, OverflowError) as error:
        raise damaged("The TIFF file has no directory, or a damaged one.") from error


def _tag(data: bytes, entry: bytes, order: str, inline: int) -> tuple[int, tuple[int, ...]]:
    tag, kind = struct.unpack_from(order + "HH", entry)
    (count,) = struct.unpack_from(order + ("Q" if inline == 8 else "I"), entry, 4)
    if tag in (_STRIPS, _TILES):
        return tag, (0,) * min(count, MAX_STRIPS + 1)
    letter, size = _LETTERS.get(kind), _SIZES.get(kind, 1) * count
    if letter is None or not 0 < count <= 32:
        return tag, ()
    value = entry[-inline:]
    if size > inline:
        (at,) = struct.unpack(order + ("Q" if inline == 8 else "I"), value)
        value = data[at : at + size]
    return tag, struct.unpack_from(f"{order}{count}{letter}", value)
