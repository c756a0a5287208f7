"""AVIF and HEIC: the boxes (ISO/IEC 14496-12, 23008-12) that say what the primary picture's colours are."""

from collections.abc import Iterator
from typing import Final

from darkroom.images.colour_codes import ColourCode
from darkroom.images.containers.contents import Contents, damaged

_MAX_BOXES: Final = 10_000
_FULL_BOX: Final = 4  # bytes of version and flags


def contents(data: bytes) -> Contents:
    """The file as it is, and the colours that it names by numbers.

    Raises:
        UnreadableImage: in more boxes than a picture has.
    """
    try:
        return Contents(data, code=_code(memoryview(data)))
    except IndexError:
        return Contents(data)


def _code(data: memoryview) -> ColourCode | None:
    meta = _found(data, b"meta")[_FULL_BOX:]
    primary = _found(meta, b"pitm")
    item = int.from_bytes(primary[4:8] if bytes(primary[:1]) == b"\1" else primary[4:6], "big")
    described = _found(meta, b"iprp")
    properties = list(_boxes(_found(described, b"ipco")))
    own = _associated(_found(described, b"ipma"), item)
    for number in own or range(1, len(properties) + 1):
        name, body = properties[number - 1] if 0 < number <= len(properties) else (b"", data[:0])
        if name == b"colr" and bytes(body[:4]) == b"nclx" and len(body) >= 10:
            # The range belongs to the conversion from YCbCr, which the decoder has done.
            return ColourCode(int.from_bytes(body[4:6], "big"), int.from_bytes(body[6:8], "big"))
    return None


def _associated(box: memoryview, item: int) -> list[int]:
    """The numbers, from 1, of the item's properties."""
    if len(box) < 8:
        return []
    id_size, wide = (4 if box[0] else 2), bool(box[3] & 1)
    at, size = 8, 2 if wide else 1
    for _ in range(min(int.from_bytes(box[4:8], "big"), _MAX_BOXES)):
        identity, count = int.from_bytes(box[at : at + id_size], "big"), box[at + id_size]
        at += id_size + 1
        if identity == item:
            entries = [int.from_bytes(box[at + size * each : at + size * (each + 1)], "big") for each in range(count)]
            return [entry & (0x7FFF if wide else 0x7F) for entry in entries]
        at += size * count
    return []


def _found(data: memoryview, wanted: bytes) -> memoryview:
    return next((body for name, body in _boxes(data) if name == wanted), data[:0])


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            return
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = at + size if size else len(data)
        if end < at + head:
            return
        yield bytes(data[at + 4 : at + 8]), data[at + head : end]
        at = end
    raise damaged("The file is in more boxes than a picture has.")
