"""PNG: https://www.w3.org/TR/png-3/"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from darkroom.images.colour_codes import Chromaticities, ColourCode
from darkroom.images.containers.contents import DAMAGED_EXIF, IGNORED_PROFILE, Contents, damaged, unsupported
from darkroom.images.containers.exif import orientation

START: Final = b"\x89PNG\r\n\x1a\n"
# Writers make IDAT chunks of 8 KB or more, and a few dozen others.
MAX_CHUNKS: Final = 100_000
MAX_PROFILE: Final = 4 * 1024 * 1024

_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_SAMPLES: Final = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS: Final = {
    _GREY: (1, 2, 4, 8, 16),
    _RGB: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GREY_ALPHA: (8, 16),
    _RGBA: (8, 16),
}
_LENGTHS: Final = {b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"cICP": 4, b"pHYs": 9, b"tIME": 7, b"acTL": 8}
# Adam7: first column and row of each pass, and the steps.
_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MAX_INFLATED: Final = 256 * 1024  # bytes at once
_MAX_FILTER: Final = 4
_METERS_PER_INCH: Final = 0.0254
_ADLER32_BYTES: Final = 4
# Of a zlib stream: the logarithm of its window, less 8, and the flag of a preset dictionary.
_MAX_WINDOW: Final = 7
_HAS_DICTIONARY: Final = 0x20


class Chunk(NamedTuple):
    name: bytes
    body: memoryview
    is_intact: bool


class Header(NamedTuple):
    width: int
    height: int
    depth: int
    colour: int
    compression: int
    filtering: int
    interlace: int


def contents(data: bytes) -> Contents:
    """What the file holds; see Contents.

    Raises:
        UnreadableImage: a chunk without which there is no picture is damaged.
        UnsupportedImage: Apple's own variant of the format.
    """
    found: dict[bytes, memoryview] = {}
    pixels: list[Chunk] = []
    ignored: dict[bytes, None] = {}
    for number, chunk in enumerate(_chunks(data)):
        if number >= MAX_CHUNKS:
            raise damaged(f"The PNG file is in more than {MAX_CHUNKS} pieces.")
        if number == 0 and chunk.name == b"CgBI":
            raise unsupported("PNG", "a PNG that Xcode optimized for iOS")
        if chunk.name == b"IDAT":
            pixels.append(chunk)
        elif not _is_sound(chunk):
            if chunk.name in (b"IHDR", b"PLTE"):
                raise damaged(
                    f"The PNG file's {chunk.name.decode()} chunk is damaged: its checksum or length is wrong."
                )
            ignored[chunk.name] = None
        elif not chunk.name[0] & 0x20 and chunk.name not in (b"IHDR", b"PLTE", b"IEND"):
            ignored[chunk.name] = None
        else:
            found.setdefault(chunk.name, chunk.body)
    header = _header(found.get(b"IHDR"))
    warnings = _about(ignored)
    if not all(chunk.is_intact for chunk in pixels):
        if not holds_exactly(pixels, header):
            raise damaged("The PNG file's pixels (IDAT) are damaged: they fail their checksum.")
        warnings += ("A checksum of the file is wrong; its pixels, which have one of their own, are right.",)
    kept, about_kept = _kept(header, found)
    side = orientation(bytes(found[b"eXIf"])) if b"eXIf" in found else 1
    icc, code, about_colour = _colours(found)
    return Contents(
        _file(bytes(found[b"IHDR"]), kept, pixels),
        icc=icc,
        code=code,
        orientation=side or 1,
        has_more_frames=b"acTL" in found and int.from_bytes(found[b"acTL"][:4], "big") > 1,
        is_common=header.colour != _GREY_ALPHA and header.depth <= 8,
        warnings=(*warnings, *about_kept, *(() if side else (DAMAGED_EXIF,)), *about_colour),
        dpi=_dpi(bytes(found[b"pHYs"])) if b"pHYs" in found else None,
    )


def _dpi(pixels_per_unit: bytes) -> tuple[float, float] | None:
    """Of a pHYs chunk, where its unit is the meter."""
    across, down, unit = struct.unpack(">IIB", pixels_per_unit)
    return (across * _METERS_PER_INCH, down * _METERS_PER_INCH) if unit == 1 else None


def with_profile(clean: bytes, icc: bytes | None) -> bytes | None:
    """The file with a profile; None if there is more in its pixels' data than pixels.

    Args: clean: `Contents.data`.
    """
    behind_header = len(START) + 25
    pixels = [chunk for chunk in _chunks(clean) if chunk.name == b"IDAT"]
    if not holds_exactly(pixels, _header(memoryview(clean)[len(START) + 8 : behind_header - 4])):
        return None
    profile = _written(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)) if icc else b""
    return clean[:behind_header] + profile + clean[behind_header:]


def holds_exactly(pixels: list[Chunk], header: Header, *, is_proven: bool = False) -> bool:
    """Whether the chunks are one zlib stream, right to its checksum, of as many bytes as the picture has, and no more.

    It stops inflating at the first piece too many, whatever the stream would come to.

    Args:
        is_proven: the chunks' own checksums are right. The stream's, which takes two fifths of the time and is over
            what they are made of, is then left out.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS if is_proven else zlib.MAX_WBITS)
    wanted, row, size = _raw_size(header), 0 if header.interlace else _row_size(header), 0
    try:
        for piece in _inflated(inflater, _bare(pixels) if is_proven else pixels):
            # Each row begins with the number of its filter.
            if row and max(piece[-size % row :: row], default=0) > _MAX_FILTER:
                return False
            size += len(piece)
            if size > wanted or inflater.unused_data:
                return False
    except zlib.error:
        return False
    return inflater.eof and size == wanted


def _bare(pixels: list[Chunk]) -> list[Chunk]:
    """The data as one chunk, without the stream's header and checksum (RFC 1950); none where the header is another."""
    data = b"".join(chunk.body for chunk in pixels)
    head = int.from_bytes(data[:2], "big")
    is_deflated = head >> 8 & 0x0F == zlib.DEFLATED and head >> 12 <= _MAX_WINDOW and head % 31 == 0
    if not is_deflated or head & _HAS_DICTIONARY:
        return []
    return [Chunk(b"IDAT", memoryview(data)[2:-_ADLER32_BYTES], is_intact=True)]


def _inflated(inflater: "zlib._Decompress", pixels: list[Chunk]) -> Iterator[bytes]:
    """Yields what comes of the chunks, in pieces that a processor's cache holds. Raises zlib.error."""
    for chunk in pixels:
        left: bytes | memoryview = chunk.body
        while left:
            if inflater.eof:
                raise zlib.error
            yield inflater.decompress(left, _MAX_INFLATED)
            left = inflater.unconsumed_tail
    # What did not fit into the last piece.
    while piece := inflater.decompress(b"", _MAX_INFLATED):
        yield piece


def is_whole(clean: bytes, require_size: Callable[[tuple[int, int]], None]) -> bool:
    """Whether a decoder would find a picture in one pass with all of its pixels, for a fifth of a decoder's work.

    Args:
        clean: `Contents.data`.
        require_size: told width and height before anything is inflated; what it raises is raised.
    """
    behind_header = len(START) + 25
    header = _header(memoryview(clean)[len(START) + 8 : behind_header - 4])
    require_size((header.width, header.height))
    if header.interlace:
        return False
    # Its chunks were written here, of data that was proven by its checksums or by the stream's.
    return holds_exactly([each for each in _chunks(clean) if each.name == b"IDAT"], header, is_proven=True)


def _row_size(header: Header) -> int:
    """Bytes, with the filter's."""
    return 1 + (header.width * header.depth * _SAMPLES[header.colour] + 7) // 8


def _raw_size(header: Header) -> int:
    bits = header.depth * _SAMPLES[header.colour]
    if not header.interlace:
        return _row_size(header) * header.height
    total = 0
    for left, top, across, down in _PASSES:
        width, height = -(-(header.width - left) // across), -(-(header.height - top) // down)
        total += (1 + (width * bits + 7) // 8) * height if width > 0 and height > 0 else 0
    return total


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Up to IEND, or to where no chunk begins any more. Of one that is cut off, what there is."""
    view, at = memoryview(data), len(START)
    while at + 8 <= len(data):
        name = data[at + 4 : at + 8]
        if not name.isalpha():
            return
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        body = view[at + 8 : end]
        is_intact = end + 4 <= len(data) and zlib.crc32(body, zlib.crc32(name)) == int.from_bytes(
            data[end : end + 4], "big"
        )
        yield Chunk(name, body, is_intact)
        if name == b"IEND":
            return
        at = end + 4


def _is_sound(chunk: Chunk) -> bool:
    return chunk.is_intact and len(chunk.body) == _LENGTHS.get(chunk.name, len(chunk.body))


def _header(body: memoryview | None) -> Header:
    if body is None or len(body) != 13:
        raise damaged("The PNG file has no header.")
    header = Header(*struct.unpack(">IIBBBBB", body))
    if header.depth not in _DEPTHS.get(header.colour, ()) or header[4:6] != (0, 0) or header.interlace > 1:
        raise damaged("The PNG file's header names a way of storing pixels that does not exist.")
    return header


def _kept(header: Header, found: dict[bytes, memoryview]) -> tuple[list[tuple[bytes, bytes]], tuple[str, ...]]:
    """Palette and transparency, as far as they fit the picture."""
    kept: list[tuple[bytes, bytes]] = []
    if header.colour == _PALETTE:
        palette = bytes(found.get(b"PLTE", b""))
        if not palette or len(palette) % 3:
            raise damaged("The PNG file has no palette that could be used.")
        kept.append((b"PLTE", palette[: 3 << header.depth]))
    if b"tRNS" not in found:
        return kept, ()
    alpha = bytes(found[b"tRNS"])
    fits = {_GREY: len(alpha) == 2, _RGB: len(alpha) == 6, _PALETTE: 0 < len(alpha) <= 256}.get(header.colour, False)
    if not fits:
        return kept, _about({b"tRNS": None})
    kept.append((b"tRNS", alpha[: 1 << header.depth] if header.colour == _PALETTE else alpha))
    return kept, ()


def _colours(found: dict[bytes, memoryview]) -> tuple[bytes | None, ColourCode | None, tuple[str, ...]]:
    """A profile or what stands in its place, in the order of preference that the standard gives."""
    if b"cICP" in found:
        primaries, transfer, matrix, full = found[b"cICP"]
        if matrix == 0:
            return None, ColourCode(primaries, transfer, is_full_range=bool(full)), ()
    warnings: tuple[str, ...] = ()
    if b"iCCP" in found:
        if icc := _profile(bytes(found[b"iCCP"])):
            return icc, None, ()
        warnings = (IGNORED_PROFILE,)
    if b"sRGB" in found:
        return None, None, warnings
    gamma = int.from_bytes(found.get(b"gAMA", b""), "big") / 100_000
    points = tuple(value / 100_000 for value in struct.unpack(">8I", found[b"cHRM"])) if b"cHRM" in found else None
    if not gamma and points is None:
        return None, None, warnings
    return None, ColourCode(chromaticities=Chromaticities(*points) if points else None, gamma=gamma or None), warnings


def _profile(body: bytes) -> bytes | None:
    """Inflates no more than a profile may have."""
    name, zero, rest = body.partition(b"\0")
    if not zero or not 1 <= len(name) <= 79 or rest[:1] != b"\0":
        return None
    inflater = zlib.decompressobj()
    try:
        icc = inflater.decompress(rest[1:], MAX_PROFILE + 1)
    except zlib.error:
        return None
    return icc if icc and len(icc) <= MAX_PROFILE else None


def _about(names: dict[bytes, None]) -> tuple[str, ...]:
    if not names:
        return ()
    listed = ", ".join(name.decode("ascii") for name in list(names)[:5]) + (" and others" if len(names) > 5 else "")
    return (f"Parts of the file that are not its picture are damaged or unknown; they were ignored ({listed}).",)


def _file(header: bytes, kept: list[tuple[bytes, bytes]], pixels: list[Chunk]) -> bytes:
    parts: list[bytes | memoryview] = [START, _written(b"IHDR", header), *(_written(name, body) for name, body in kept)]
    for chunk in pixels:
        parts += (
            len(chunk.body).to_bytes(4, "big"),
            b"IDAT",
            chunk.body,
            zlib.crc32(chunk.body, zlib.crc32(b"IDAT")).to_bytes(4, "big"),
        )
    return b"".join((*parts, _written(b"IEND", b"")))


def _written(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
