"""WebP: RFC 9649."""

from collections.abc import Iterator
from typing import Final

from darkroom.images.containers.contents import DAMAGED_EXIF, IGNORED_PROFILE, Contents
from darkroom.images.containers.exif import orientation

MAX_PROFILE: Final = 4 * 1024 * 1024
MAX_CHUNKS: Final = 100_000

_PICTURE: Final = (b"VP8 ", b"VP8L")
_KEPT: Final = frozenset((*_PICTURE, b"ALPH"))
_ALPHA, _PROFILE, _ANIMATED = 0x10, 0x20, 0x02
_EXTENDED_SIZE: Final = 18


def contents(data: bytes) -> Contents:
    """What the file holds; see Contents. An animation is left as it is, but for the side that is up."""
    chunks: dict[bytes, bytes] = {}
    kept: list[bytes] = []
    is_animated = False
    for number, (name, whole) in enumerate(_chunks(data)):
        if number > MAX_CHUNKS:
            return Contents(data)
        is_animated |= name == b"ANIM" and b"VP8X" in chunks
        if name in _KEPT and name not in chunks and not chunks.keys() & set(_PICTURE):
            kept.append(whole)
        chunks.setdefault(name, whole)
    exif = _body(chunks.get(b"EXIF"))
    side = orientation(exif) if exif else 1
    about_side = () if side else (DAMAGED_EXIF,)
    if is_animated or not chunks.keys() & set(_PICTURE):
        return Contents(data, orientation=side or 1, warnings=about_side)
    extended = chunks.get(b"VP8X", b"")
    if len(extended) >= _EXTENDED_SIZE:
        kept.insert(0, extended[:8] + bytes((extended[8] & _ALPHA,)) + extended[9:_EXTENDED_SIZE])
    icc = _body(chunks.get(b"ICCP"))
    is_too_large = len(icc) > MAX_PROFILE
    return Contents(
        _riff(kept),
        icc=None if is_too_large else icc or None,
        orientation=side or 1,
        is_common=True,
        warnings=(*((IGNORED_PROFILE,) * is_too_large), *about_side),
    )


def with_profile(clean: bytes, icc: bytes | None) -> bytes | None:
    """The file with a profile; None where that would have to be another kind of WebP.

    Args: clean: `Contents.data`.
    """
    if not icc:
        return clean
    if clean[12:16] != b"VP8X":
        return None
    extended = clean[12:20] + bytes((clean[20] | _PROFILE,)) + clean[21 : 12 + _EXTENDED_SIZE]
    profile = b"ICCP" + len(icc).to_bytes(4, "little") + icc + bytes(len(icc) % 2)
    return _riff([extended, profile, clean[12 + _EXTENDED_SIZE :]])


def is_lossless(data: bytes) -> bool:
    return any(name == b"VP8L" for name, _ in _chunks(data))


def _body(chunk: bytes | None) -> bytes:
    return chunk[8 : 8 + int.from_bytes(chunk[4:8], "little")] if chunk else b""


def _riff(chunks: list[bytes]) -> bytes:
    body = b"".join(chunks)
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and all bytes of each, up to the first that is cut off."""
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        whole = data[at : at + 8 + length + length % 2]
        if len(whole) < 8 + max(length, 1):
            return
        yield data[at : at + 4], whole
        at += len(whole)
