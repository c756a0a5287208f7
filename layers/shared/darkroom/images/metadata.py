"""Takes out of a file whatever is not its picture, and leaves the bytes of the picture as they are.

A list of what stays, not of what goes: EXIF and XMP name the place, but so may IPTC, comments, text chunks, previews,
and the video that a phone puts behind the last byte of a photograph.
"""

import re
from collections.abc import Iterator
from typing import Final

Chunks = Iterator[tuple[bytes, bytes]]  # what it is, and all of its bytes

_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"sBIT")
)
_PNG_COLOURS: Final = (0, 2, 3, 6)  # grey, RGB, palette, RGBA
_WEBP_KEPT: Final = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ICCP"))
_WEBP_FLAGS_KEPT: Final = 0x20 | 0x10  # a profile, alpha

_SOS, _EOI = 0xDA, 0xD9
_FRAMES: Final = frozenset((0xC0, 0xC1, 0xC2))  # baseline, extended, progressive: what everybody reads
_JPEG_KEPT: Final = _FRAMES | {0xC4, 0xDB, 0xDD, 0xDA, 0xD9}  # with Huffman and quantisation tables, restart interval
_JPEG_APPS: Final = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
# In the data of a scan 0xff stands only before 0, a restart mark, or another 0xff.
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def without_metadata(data: bytes, kind: str) -> bytes | None:
    """The file with nothing in it but one picture and what its colours mean. The same bytes if it was so already.

    What the metadata said of the picture (that it lies on its side) is lost with them.

    Args:
        kind: Pillow's name of the format.

    Returns:
        None for a file that is to be written anew: another format, an animated WebP, broken, or with pixels stored in a
        way that not everybody reads (CMYK, 16 bits, grey with alpha).
    """
    strip = {"PNG": _png, "JPEG": _jpeg, "WEBP": _webp}.get(kind)
    return strip(data) if strip else None


def is_lossless_webp(data: bytes) -> bool:
    return any(name == b"VP8L" for name, _ in _webp_chunks(data))


def _png(data: bytes) -> bytes | None:
    depth, colour = data[24:25], data[25:26]
    chunks = list(_png_chunks(data))
    names = [name for name, _ in chunks]
    plain = colour and colour[0] in _PNG_COLOURS and depth[0] <= 8
    if not plain or names[-1:] != [b"IEND"]:
        return None
    return _PNG_START + b"".join(chunk for name, chunk in chunks if name in _PNG_KEPT)


def _png_chunks(data: bytes) -> Chunks:
    at = len(_PNG_START)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if end > len(data):
            return
        yield name, data[at:end]
        if name == b"IEND":
            return
        at = end


def _webp(data: bytes) -> bytes | None:
    chunks = dict(_webp_chunks(data))
    if b"ANIM" in chunks or not chunks.keys() & {b"VP8 ", b"VP8L"}:
        return None
    kept = b"".join(chunk for name, chunk in _webp_chunks(data) if name in _WEBP_KEPT)
    if extended := chunks.get(b"VP8X"):
        kept = extended[:8] + bytes((extended[8] & _WEBP_FLAGS_KEPT,)) + extended[9:] + kept
    return b"RIFF" + (len(kept) + 4).to_bytes(4, "little") + b"WEBP" + kept


def _webp_chunks(data: bytes) -> Chunks:
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        whole = data[at : at + 8 + length + length % 2]
        if len(whole) < 8 + max(length, 1):
            return
        yield data[at : at + 4], whole
        at += len(whole)


def _jpeg(data: bytes) -> bytes | None:
    kept = [b"\xff\xd8"]
    for marker, segment in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in _JPEG_KEPT:
            return None
        if marker in _FRAMES and segment[9:10] not in (b"\1", b"\3"):
            return None
        if marker in _JPEG_KEPT or segment[4:].startswith(_JPEG_APPS.get(marker, b"\xff\xff")):
            kept.append(segment)
    return b"".join(kept) if kept[-1] == b"\xff\xd9" else None


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """From behind the start to the first end; the data of a scan belong to its header."""
    at = 2
    while marker := _MARKER.match(data, at):
        code = marker[0][1]
        end = at + 2 if code == _EOI else at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if code == _SOS:
            following = _MARKER.search(data, end)
            end = following.start() if following else len(data)
        yield code, data[at:end]
        if code == _EOI or end == at + 2:
            return
        at = end
