"""AVIF and HEIC: what their primary picture is made of, which colours it has, and which side is up."""

from collections.abc import Iterator
from typing import Final

from darkroom.images.colour_codes import ColourCode
from darkroom.images.containers.av1 import frame_size
from darkroom.images.containers.contents import Contents, damaged, unsupported
from darkroom.images.containers.isobmff import Item, Items, items_of

# As libheif allows. A camera's largest pictures are in about 200 tiles.
MAX_ITEMS: Final = 1000
# A decoder unpacks all that the items hold, whatever size the file tells: frames that are larger than it says, tiles
# beyond the edge, and alpha of another size. Encoders fill up to whole tiles of at most 1 megapixel or so.
_MOST_TO_SHOWN: Final = 3
_SPARE_PIXELS: Final = 4_000_000
_MAX_UNITS: Final = 10_000  # of HEVC in an item; encoders make a few dozen
_HEAD: Final = 4096  # bytes, in which an AV1 sequence header lies

_DERIVED: Final = frozenset((b"grid", b"iden", b"iovl", b"tmap"))
_CODINGS: Final = {
    b"av01": "AV1",
    b"avc1": "H.264",
    b"hvc1": "HEVC",
    b"j2k1": "JPEG 2000",
    b"jpeg": "JPEG",
    b"unci": "plain values",
    b"vvc1": "VVC",
}
_ALPHA: Final = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0")
# Quarters against the clock, and then what changes places: nothing, top and bottom, left and right.
_SIDES: Final = ((1, 4, 2), (8, 5, 7), (3, 2, 4), (6, 7, 5))
_BRANDS_OF_FILMS: Final = frozenset((b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"))


def avif_contents(data: bytes) -> Contents:
    """The file as it is, the colours that it names by numbers, and which side is up, which its decoder does not obey.

    Raises:
        UnreadableImage: cut short, or it holds more than it says.
    """
    try:
        found = items_of(data)
    except IndexError:
        return Contents(data)
    primary = found.items.get(found.primary)
    if primary is None:
        return Contents(data)
    _check(data, found, b"av01", "AVIF")
    turned, mirrored = primary.of(b"irot"), primary.of(b"imir")
    sides = _SIDES[turned[0] & 3 if turned else 0]
    return Contents(
        data,
        code=_code(found, primary),
        orientation=sides[1 + (mirrored[0] & 1) if mirrored else 0],
        size=_size(primary),
    )


def heif_contents(data: bytes) -> Contents:
    """The file as a still picture, and the colours that it names by numbers. Its decoder turns it upright.

    Raises:
        UnreadableImage: cut short, or it holds more than it says.
        UnsupportedImage: coded in another way than HEVC, or there is no still picture in it.
    """
    try:
        found = items_of(data)
    except IndexError:
        return Contents(data)
    primary = found.items.get(found.primary)
    if primary is None:
        if found.has_film:
            raise unsupported("HEIC", "a sequence of images (a film) without a still picture")
        return Contents(data)
    _check(data, found, b"hvc1", "HEIC")
    return Contents(_still(data), code=_code(found, primary), size=_size(primary), has_more_frames=found.has_film)


def _check(data: bytes, found: Items, coding: bytes, name: str) -> None:
    """Before a decoder sees it: it fills in for tiles that are missing, and unpacks more than is shown."""
    shown = _pixels(_size(found.items[found.primary]))
    pixels = held = 0
    for number, item in enumerate(_coded(found)):
        if number >= MAX_ITEMS:
            raise damaged(f"The {name} file is in more than {MAX_ITEMS} tiles.")
        if item.kind in _CODINGS and item.kind != coding:
            raise unsupported(name, f"coded as {_CODINGS[item.kind]} under the name of {name}")
        if any(end > len(data) for _, end in item.extents):
            raise damaged(f"The {name} file is cut short: parts of the picture are missing.")
        held += sum(end - start for start, end in item.extents)
        if held > 2 * len(data):
            raise damaged(f"The {name} file uses the same bytes for many parts of the picture.")
        if item.kind == b"hvc1" and item.extents and not _is_whole_hevc(_bytes_of(data, item)):
            raise damaged(f"The {name} file is damaged: parts of the picture are missing.")
        coded = frame_size(_bytes_of(data, item)[:_HEAD]) if item.kind == b"av01" else None
        pixels += max(_pixels(_size(item)), _pixels(coded))
    if pixels > _MOST_TO_SHOWN * shown + _SPARE_PIXELS:
        raise damaged(f"The {name} file holds more pixels than it says ({pixels / 1e6:.0f} megapixels).")


def _coded(found: Items) -> Iterator[Item]:
    """The items with pixels of the primary picture and of its alpha, as often as they are asked for."""
    waiting, of_alpha = [found.primary], False
    seen = 0
    while waiting:
        number = waiting.pop()
        item = found.items.get(number)
        seen += 1
        if item is not None and seen <= 2 * MAX_ITEMS:
            if item.kind not in _DERIVED:
                yield item
            waiting += item.parts[: 2 * MAX_ITEMS]
        if not waiting and not of_alpha:
            of_alpha = True
            waiting += [
                each for each, other in found.items.items() if found.primary in other.auxiliary_to and _is_alpha(other)
            ]


def _is_alpha(item: Item) -> bool:
    return bytes(item.of(b"auxC") or b"")[4:].startswith(_ALPHA)


def _size(item: Item) -> tuple[int, int] | None:
    ispe = item.of(b"ispe")
    return (int.from_bytes(ispe[4:8], "big"), int.from_bytes(ispe[8:12], "big")) if ispe else None


def _pixels(size: tuple[int, int] | None) -> int:
    return size[0] * size[1] if size else 0


def _bytes_of(data: bytes, item: Item) -> bytes:
    return b"".join(data[start:end] for start, end in item.extents)


def _is_whole_hevc(data: bytes) -> bool:
    """Whether the units, each behind its length, are all there, and one of them is part of a picture."""
    at, has_picture = 0, False
    for _ in range(_MAX_UNITS):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 5 > len(data) or size == 0:
            return has_picture and at <= len(data)
        has_picture |= data[at + 4] >> 1 & 0x3F < 32
        at += 4 + size
    return False


def _still(data: bytes) -> bytes:
    """Without the brands of sequences: for them the decoder would look into the tracks instead of at the picture."""
    end = min(int.from_bytes(data[:4], "big"), 128, len(data))
    places = [at for at in (8, *range(16, end - 3, 4)) if data[at : at + 4] in _BRANDS_OF_FILMS]
    if not places:
        return data
    changed = bytearray(data)
    for at in places:
        changed[at : at + 4] = b"heic" if at == 8 else b"mif1"
    return bytes(changed)


def _code(found: Items, primary: Item) -> ColourCode | None:
    """Its own, or that of the tiles that it is put together from."""
    tiles = [found.items[number] for number in primary.parts[:1] if number in found.items]
    for item in (primary, *tiles):
        for name, body in item.properties:
            if name == b"colr" and bytes(body[:4]) == b"nclx" and len(body) >= 10:
                # The range belongs to the conversion from YCbCr, which the decoder has done.
                return ColourCode(int.from_bytes(body[4:6], "big"), int.from_bytes(body[6:8], "big"))
    return None
