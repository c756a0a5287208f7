"""HEIF and AVIF files put together item by item (ISO/IEC 23008-12), from what encoders made."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

__all__ = ["Item", "box", "full_box", "heif_file", "imir", "irot", "ispe", "items_of", "nclx", "prof", "replace"]


@dataclass(frozen=True)
class Item:
    """One of a file's items, numbered from 1 by its place.

    Attributes:
        kind: such as `hvc1`, `av01`, `grid`, `Exif`.
        properties: whole boxes, in the order in which they apply.
        refers: numbers of other items by the kind of reference, such as `dimg` or `auxl`.
    """

    kind: bytes
    data: bytes = b""
    properties: tuple[bytes, ...] = ()
    refers: tuple[tuple[bytes, tuple[int, ...]], ...] = ()
    is_hidden: bool = False

    def of_kind(self, name: bytes) -> bytes:
        """The property box of that name."""
        return next(each for each in self.properties if each[4:8] == name)

    def without(self, *names: bytes) -> "Item":
        return replace(self, properties=tuple(each for each in self.properties if each[4:8] not in names))

    def adding(self, *properties: bytes) -> "Item":
        return replace(self, properties=(*self.properties, *properties))


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def full_box(name: bytes, body: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags) + body)


def ispe(width: int, height: int) -> bytes:
    return full_box(b"ispe", struct.pack(">II", width, height))


def irot(quarters: int) -> bytes:
    """Turned by that many quarters, counterclockwise."""
    return box(b"irot", bytes((quarters,)))


def imir(axis: int) -> bytes:
    """0: top and bottom change places; 1: left and right do."""
    return box(b"imir", bytes((axis,)))


def nclx(primaries: int, transfer: int, matrix: int, *, full: bool = True) -> bytes:
    return box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, matrix, full << 7))


def prof(icc: bytes) -> bytes:
    return box(b"colr", b"prof" + icc)


def grid(rows: int, columns: int, width: int, height: int) -> bytes:
    """The data of a grid item."""
    return struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)


def heif_file(
    items: Sequence[Item], *, primary: int = 1, brands: Sequence[bytes] = (b"heic", b"mif1", b"heic")
) -> bytes:
    """The file. The first brand is the major one."""
    ftyp = box(b"ftyp", brands[0] + bytes(4) + b"".join(brands[1:]))
    every = list(dict.fromkeys(each for item in items for each in item.properties))
    place = {each: number for number, each in enumerate(every, 1)}
    infos = b"".join(
        full_box(b"infe", struct.pack(">HH4s", number, 0, item.kind) + b"\0", version=2, flags=int(item.is_hidden))
        for number, item in enumerate(items, 1)
    )
    associations = b"".join(
        struct.pack(">HB", number, len(item.properties))
        + b"".join(struct.pack(">H", place[each] | _essential(each)) for each in item.properties)
        for number, item in enumerate(items, 1)
        if item.properties
    )
    count = sum(1 for item in items if item.properties)
    references = b"".join(
        box(kind, struct.pack(">IH", number, len(to)) + struct.pack(f">{len(to)}I", *to))
        for number, item in enumerate(items, 1)
        for kind, to in item.refers
    )

    def meta(start: int) -> bytes:
        at, located = start, b""
        for number, item in enumerate(items, 1):
            located += struct.pack(">HHHII", number, 0, 1, at, len(item.data))
            at += len(item.data)
        body = full_box(b"hdlr", struct.pack(">I4s12x", 0, b"pict") + b"\0") + full_box(
            b"pitm", struct.pack(">H", primary)
        )
        body += full_box(b"iloc", b"\x44\0" + struct.pack(">H", len(items)) + located)
        body += full_box(b"iinf", struct.pack(">H", len(items)) + infos)
        ipma = full_box(b"ipma", struct.pack(">I", count) + associations, flags=1)
        body += box(b"iprp", box(b"ipco", b"".join(every)) + ipma)
        return full_box(b"meta", body + (full_box(b"iref", references, version=1) if references else b""))

    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", b"".join(item.data for item in items))


def _essential(prop: bytes) -> int:
    return 0x8000 if prop[4:8] in (b"hvcC", b"av1C", b"irot", b"imir", b"clap") else 0


def items_of(data: bytes) -> list[Item]:
    """The items of a file by an encoder, whose numbers go from 1 without a gap, the primary one first."""
    meta = _boxes(_boxes(data)[b"meta"][0][4:])
    (iprp,) = meta[b"iprp"]
    inside = _boxes(iprp)
    (ipco,), (ipma,) = inside[b"ipco"], inside[b"ipma"]
    every = [ipco[at : at + size] for at, size in _places(ipco)]
    idat = meta.get(b"idat", [b""])[0]
    properties = _associations(ipma, every)
    references: dict[int, list[tuple[bytes, tuple[int, ...]]]] = {}
    for body in meta.get(b"iref", []):
        for at, size in _places(body[4:]):
            found = body[4 + at : 4 + at + size]
            count = struct.unpack_from(">HH", found, 8)[1]
            source, _, *to = struct.unpack_from(f">HH{count}H", found, 8)
            references.setdefault(source, []).append((found[4:8], tuple(to)))
    kinds = {}
    for body in meta[b"iinf"]:
        for at, size in _places(body[6:]):
            info = body[6 + at : 6 + at + size]
            kinds[struct.unpack_from(">H", info, 12)[0]] = info[16:20]
    located = _located(meta[b"iloc"][0], data, idat)
    return [
        Item(kind, located[number], properties.get(number, ()), tuple(references.get(number, ())))
        for number, kind in sorted(kinds.items())
    ]


def _located(iloc: bytes, data: bytes, idat: bytes) -> Mapping[int, bytes]:
    version, found, at = iloc[0], {}, 8
    base_size = iloc[5] >> 4
    for _ in range(struct.unpack_from(">H", iloc, 6)[0]):
        (number,) = struct.unpack_from(">H", iloc, at)
        method = struct.unpack_from(">H", iloc, at + 2)[0] if version == 1 else 0
        at += 6 if version == 1 else 4
        base = int.from_bytes(iloc[at : at + base_size], "big")
        at += base_size
        (count,) = struct.unpack_from(">H", iloc, at)
        parts = struct.unpack_from(f">{2 * count}I", iloc, at + 2)
        at += 2 + 8 * count
        where = idat if method == 1 else data
        found[number] = b"".join(
            where[base + start : base + start + size] for start, size in zip(parts[::2], parts[1::2], strict=True)
        )
    return found


def _associations(ipma: bytes, every: Sequence[bytes]) -> Mapping[int, tuple[bytes, ...]]:
    found, at = {}, 8
    for _ in range(struct.unpack_from(">I", ipma, 4)[0]):
        number, count = struct.unpack_from(">HB", ipma, at)
        found[number] = tuple(every[(each & 0x7F) - 1] for each in ipma[at + 3 : at + 3 + count])
        at += 3 + count
    return found


def _places(data: bytes) -> list[tuple[int, int]]:
    found, at = [], 0
    while at + 8 <= len(data):
        size = struct.unpack_from(">I", data, at)[0] or len(data) - at
        found.append((at, size))
        at += size
    return found


def _boxes(data: bytes) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for at, size in _places(data):
        found.setdefault(data[at + 4 : at + 8], []).append(data[at + 8 : at + size])
    return found
