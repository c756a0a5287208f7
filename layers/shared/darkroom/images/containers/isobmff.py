"""ISO media files (ISO/IEC 14496-12, 23008-12): which items a file has, and what it says of each."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from darkroom.images.containers.contents import damaged

_MAX_BOXES: Final = 10_000
_FULL_BOX: Final = 4  # bytes of version and flags
_IN_FILE: Final = 0  # the construction method of an item whose place is counted from the file's beginning


class Item(Struct):
    """One of a file's items.

    Attributes:
        kind: such as `hvc1`, `av01`, `grid`.
        properties: name and body of each, in their order.
        parts: the items that it is made from, as often as it names them.
        auxiliary_to: the items whose alpha, depth or gain map it is.
        extents: where its bytes lie: first, and one behind the last. Empty if not in the file itself.
    """

    kind: bytes = b""
    properties: list[tuple[bytes, memoryview]] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    auxiliary_to: list[int] = field(default_factory=list)
    extents: list[tuple[int, int]] = field(default_factory=list)

    def of(self, name: bytes) -> memoryview | None:
        """The body of its first property of that name."""
        return next((body for each, body in self.properties if each == name), None)


class Items(Struct):
    """Attributes: primary: 0 if the file names none; items: by their numbers; has_film: whether there are tracks."""

    primary: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    has_film: bool = False


def items_of(data: bytes) -> Items:
    """What the file says of its items.

    Raises:
        IndexError: it breaks off in the middle of that.
        UnreadableImage: in more boxes than a picture has.
    """
    view, found = memoryview(data), Items()
    top = dict(boxes(view))
    found.has_film = b"moov" in top
    meta = dict(boxes(top.get(b"meta", view[:0])[_FULL_BOX:]))
    if (pitm := meta.get(b"pitm")) is not None:
        found.primary = int.from_bytes(pitm[4:8] if pitm[0] else pitm[4:6], "big")
    _read_kinds(meta.get(b"iinf"), found)
    _read_places(meta.get(b"iloc"), found, len(data))
    _read_references(meta.get(b"iref"), found)
    described = list(boxes(meta.get(b"iprp", view[:0])))
    properties = [each for name, body in described if name == b"ipco" for each in boxes(body)]
    for name, body in described:
        if name == b"ipma":
            _associate(body, properties, found)
    return found


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Name and body of each box; of one that is cut off, what there is.

    Raises:
        UnreadableImage: in more boxes than a picture has.
    """
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


def _of(found: Items, number: int) -> Item:
    return found.items.setdefault(number, Item())


def _read_kinds(iinf: memoryview | None, found: Items) -> None:
    if iinf is None:
        return
    for name, body in boxes(iinf[6 if iinf[0] == 0 else 8 :]):
        if name == b"infe" and body[0] >= 2:
            size = 2 if body[0] == 2 else 4
            _of(found, int.from_bytes(body[4 : 4 + size], "big")).kind = bytes(body[6 + size : 10 + size])


def _read_places(iloc: memoryview | None, found: Items, length: int) -> None:
    if iloc is None:
        return
    version, sizes = iloc[0], (iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15)
    offset_size, length_size, base_size, index_size = sizes
    number_size, at = (4 if version == 2 else 2), 6

    def take(size: int) -> int:
        nonlocal at
        if at + size > len(iloc):
            raise IndexError
        at += size
        return int.from_bytes(iloc[at - size : at], "big")

    for _ in range(min(take(number_size), _MAX_BOXES)):
        item = _of(found, take(number_size))
        method = take(2) & 15 if version else _IN_FILE
        is_here = take(2) == 0 and method == _IN_FILE
        base = take(base_size)
        for _ in range(min(take(2), _MAX_BOXES)):
            take(index_size if version else 0)
            start = base + take(offset_size)
            size = take(length_size)
            if is_here:
                item.extents.append((start, start + size if size else max(start, length)))


def _read_references(iref: memoryview | None, found: Items) -> None:
    if iref is None:
        return
    size = 4 if iref[0] else 2
    for name, body in boxes(iref[_FULL_BOX:]):
        if name not in (b"dimg", b"auxl"):
            continue
        count = int.from_bytes(body[size : size + 2], "big")
        to = [int.from_bytes(body[at : at + size], "big") for at in range(size + 2, size * (count + 1) + 2, size)]
        item = _of(found, int.from_bytes(body[:size], "big"))
        (item.parts if name == b"dimg" else item.auxiliary_to).extend(to)


def _associate(ipma: memoryview, properties: list[tuple[bytes, memoryview]], found: Items) -> None:
    size, wide, at = (4 if ipma[0] else 2), bool(ipma[3] & 1), 8
    each = 2 if wide else 1
    for _ in range(min(int.from_bytes(ipma[4:8], "big"), _MAX_BOXES)):
        item, count = _of(found, int.from_bytes(ipma[at : at + size], "big")), ipma[at + size]
        at += size + 1
        for _ in range(count):
            number = int.from_bytes(ipma[at : at + each], "big") & (0x7FFF if wide else 0x7F)
            if 0 < number <= len(properties):
                item.properties.append(properties[number - 1])
            at += each
