"""JPEG: ITU-T T.81; JFIF is T.871, the Adobe segment T.872, a profile in segments ICC.1 B.4."""

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec import Struct, field

from darkroom.images.containers.contents import DAMAGED_EXIF, IGNORED_PROFILE, Contents, damaged, unsupported
from darkroom.images.containers.exif import orientation, resolution

# Encoders make 10 scans, the finest scripts for jpegtran a few dozen. Each goes over all of the picture.
MAX_SCANS: Final = 100
# Scans times megapixels: what a decoder may have to do is their product, however few bytes a scan has.
MAX_WORK: Final = 750.0
MAX_PROFILE: Final = 4 * 1024 * 1024
# The largest metadata that a file of 50 MB can hold are in about 800.
MAX_SEGMENTS: Final = 10_000

_DHT, _SOI, _EOI, _SOS, _DQT, _DRI, _DAC, _APP0, _COM = 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xCC, 0xE0, 0xFE
_FRAMES: Final = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))  # baseline, extended, progressive; arithmetic coding
_COMMON: Final = frozenset((0xC0, 0xC1, 0xC2))
_PROGRESSIVE: Final = frozenset((0xC2, 0xCA))
_OTHER_FRAMES: Final = {
    0xC3: "a lossless JPEG",
    0xC5: "a hierarchical JPEG",
    0xC6: "a hierarchical JPEG",
    0xC7: "a hierarchical JPEG",
    0xCB: "a lossless JPEG",
    0xCD: "a hierarchical JPEG",
    0xCE: "a hierarchical JPEG",
    0xCF: "a hierarchical JPEG",
    0xF7: "a JPEG-LS image",
}
_KEPT: Final = _FRAMES | {_DHT, _DQT, _DRI, _DAC, _SOS}
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD8), _SOI))  # markers without a segment
_JFIF, _ADOBE, _ICC, _EXIF = b"JFIF\0", b"Adobe", b"ICC_PROFILE\0", b"Exif\0\0"
# In the data of a scan 0xff stands only before 0, a restart mark, or another 0xff.
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")
_IN_A_SEGMENT: Final = 65_519
# What no picture's data go on with.
_FILLER: Final = bytes((value * 73 + 41) % 255 for value in range(512))


class Segment(NamedTuple):
    marker: int
    body: bytes  # without marker and length; of a scan, its header
    scan: memoryview  # a scan's data; empty for others


class Component(NamedTuple):
    name: int
    across: int
    down: int


class _Frame(Struct):
    marker: int
    width: int
    height: int
    components: tuple[Component, ...]


class _Found(Struct):
    """What has been seen of the file so far."""

    frame: _Frame | None = None
    kept: list[bytes | memoryview] = field(default_factory=list)
    jfif: bytes = b""
    adobe: bytes = b""
    exif: bytes = b""
    profile: dict[int, bytes] = field(default_factory=dict)
    profile_parts: int = 0
    scans: list[bytes] = field(default_factory=list)
    last_scan: memoryview = field(default_factory=lambda: memoryview(b""))
    restart_interval: int = 0
    has_end: bool = False
    ignored: dict[str, None] = field(default_factory=dict)


def contents(data: bytes) -> Contents:
    """What the file holds; see Contents.

    Raises:
        UnreadableImage: damaged where the picture is, cut short, or of more scans than a picture has.
        UnsupportedImage: 12 bits a channel, lossless, hierarchical, JPEG-LS, or of two or more than four channels.
    """
    found = _Found()
    for segment in _segments(data, found):
        _take(segment, found)
    frame = found.frame
    if frame is None or not found.scans:
        raise damaged("The JPEG file holds no pixels.")
    clean = b"".join((b"\xff\xd8", found.jfif, found.adobe, *found.kept, b"\xff\xd9"))
    warnings: tuple[str, ...] = ()
    proof = None
    if not found.has_end:
        if not _has_all_scans(frame, found.scans) or not _has_all_restarts(frame, found):
            raise damaged("The JPEG file is cut short: parts of the picture are missing.")
        proof = clean[:-2] + _FILLER + b"\xff\xd9"
        warnings = ("The file's end mark is missing; the picture itself is whole.",)
    if found.ignored:
        listed = ", ".join(list(found.ignored)[:5])
        warnings += (f"Parts of the file that are not its picture are damaged; they were ignored ({listed}).",)
    icc = _profile(found)
    if found.profile and icc is None:
        warnings += (IGNORED_PROFILE,)
    side = orientation(found.exif) if found.exif else 1
    return Contents(
        clean,
        icc=icc,
        orientation=side or 1,
        is_common=frame.marker in _COMMON and len(frame.components) in (1, 3),
        scans=len(found.scans),
        proof=proof,
        warnings=(*warnings, *(() if side else (DAMAGED_EXIF,))),
        dpi=resolution(found.exif) if found.exif else None,
    )


def with_profile(clean: bytes, icc: bytes | None) -> bytes:
    """Args: clean: `Contents.data`."""
    at = 2
    while clean[at : at + 2] in (b"\xff\xe0", b"\xff\xee"):
        at += 2 + int.from_bytes(clean[at + 2 : at + 4], "big")
    parts = [icc[start : start + _IN_A_SEGMENT] for start in range(0, len(icc), _IN_A_SEGMENT)] if icc else []
    segments = [_written(0xE2, _ICC + bytes((number, len(parts))) + part) for number, part in enumerate(parts, 1)]
    return b"".join((clean[:at], *segments, clean[at:]))


def _segments(data: bytes, found: _Found) -> Iterator[Segment]:
    """From behind the start to the first end. What lies between segments is skipped, as decoders do."""
    view, at, left = memoryview(data), 2, MAX_SEGMENTS
    while marker := _MARKER.search(data, at):
        if marker.start() != at and data[at : marker.start()].strip(b"\xff"):
            found.ignored["bytes between segments"] = None
        code, at, left = marker[0][1], marker.end(), left - 1
        if left < 0:
            raise damaged(f"The JPEG file is in more than {MAX_SEGMENTS} segments.")
        if code == _EOI:
            found.has_end = True
            return
        if code in _ALONE:
            continue
        # A length counts itself. One below 2 belongs to a segment of nothing.
        end = at + max(int.from_bytes(data[at : at + 2], "big"), 2)
        if end > len(data):
            raise damaged("The JPEG file is cut short.")
        body, scan, at = data[at + 2 : end], view[:0], end
        if code == _SOS:
            following = _MARKER.search(data, end)
            at = following.start() if following else len(data)
            # A 0xff in front of the end of a file without an end mark is half of that mark.
            scan = view[end:at] if following else view[end : end + len(data[end:].rstrip(b"\xff"))]
        yield Segment(code, body, scan)


def _take(segment: Segment, found: _Found) -> None:
    marker, body, scan = segment
    if what := _OTHER_FRAMES.get(marker):
        raise unsupported("JPEG", what)
    if marker in _FRAMES:
        if found.frame is not None:
            raise damaged("The JPEG file says twice how large it is.")
        found.frame = _frame(marker, body)
    elif marker == _SOS:
        found.scans.append(body)
        found.last_scan = scan
        _check_work(found)
    elif marker == _DRI and len(body) == 2:
        found.restart_interval = int.from_bytes(body, "big")
    elif _APP0 <= marker <= 0xEF:
        _take_application_data(marker, body, found)
    elif marker not in _KEPT and marker != _COM and not 0xF0 <= marker <= 0xFD and marker not in (0xDC, 0xDE, 0xDF):
        raise damaged(f"The JPEG file has a marker that does not exist (0x{marker:02x}): its data are damaged.")
    if marker in _KEPT:
        found.kept += (_written(marker, body), scan)


def _take_application_data(marker: int, body: bytes, found: _Found) -> None:
    if marker == 0xE0 and body.startswith(_JFIF[:4]):
        if len(body) < 14 or not body.startswith(_JFIF):
            found.ignored["JFIF"] = None
        elif not found.jfif:
            found.jfif = _written(0xE0, body[:12] + b"\0\0")  # without its preview
    elif marker == 0xEE and body.startswith(_ADOBE):
        if len(body) < 12:
            found.ignored["Adobe"] = None
        elif not found.adobe:
            found.adobe = _written(0xEE, body[:12])
    elif marker == 0xE1 and body.startswith(_EXIF) and not found.exif:
        found.exif = body
    elif marker == 0xE2 and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
        number, found.profile_parts = body[len(_ICC)], body[len(_ICC) + 1]
        found.profile.setdefault(number, body[len(_ICC) + 2 :])


def _frame(marker: int, body: bytes) -> _Frame:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise damaged("The JPEG file's header is damaged.")
    precision, height, width, count = struct.unpack(">BHHB", body[:6])
    if precision != 8:
        raise unsupported("JPEG", f"a {precision}-bit JPEG")
    if height == 0:
        raise unsupported("JPEG", "a JPEG that says its height behind the pixels")
    if count not in (1, 3, 4):
        raise unsupported("JPEG", f"a JPEG of {count} channels")
    described = [body[at : at + 3] for at in range(6, 6 + 3 * count, 3)]
    components = tuple(Component(each[0], each[1] >> 4, each[1] & 15) for each in described)
    if not width or any(not 1 <= side <= 4 for each in components for side in each[1:]):
        raise damaged("The JPEG file's header is damaged.")
    return _Frame(marker, width, height, components)


def _check_work(found: _Found) -> None:
    """Before anything is decoded: a few kilobytes can hold thousands of scans."""
    if found.frame is None:
        raise damaged("The JPEG file has pixels before it says how large it is.")
    count = len(found.scans)
    work = count * found.frame.width * found.frame.height / 1e6
    if count > MAX_SCANS or (count > 16 and work > MAX_WORK):
        raise damaged(f"The JPEG file is in {count} scans or more, which no encoder makes of a picture of this size.")


def _profile(found: _Found) -> bytes | None:
    parts = [found.profile.get(number) for number in range(1, found.profile_parts + 1)]
    if not parts or None in parts or len(parts) != len(found.profile):
        return None
    icc = b"".join(part for part in parts if part)
    return icc if len(icc) <= MAX_PROFILE else None


def _has_all_scans(frame: _Frame, scans: list[bytes]) -> bool:
    """Whether every component of the picture occurs, and of a progressive one every coefficient to its last bit."""
    coefficients = range(64) if frame.marker in _PROGRESSIVE else range(1)
    missing = {(component.name, index) for component in frame.components for index in coefficients}
    for header in scans:
        count = header[0] if header else 0
        if len(header) < 4 + 2 * count:
            return False
        first, last, low = header[1 + 2 * count], header[2 + 2 * count], header[3 + 2 * count] & 15
        if frame.marker not in _PROGRESSIVE:
            first, last, low = 0, 0, 0
        if low == 0:
            names = header[1 : 1 + 2 * count : 2]
            missing -= {(name, index) for name in names for index in range(first, min(last, 63) + 1)}
    return not missing


def _has_all_restarts(frame: _Frame, found: _Found) -> bool:
    """Whether the last scan has as many restart marks as its size asks for."""
    if not found.restart_interval:
        return True
    names = found.scans[-1][1 : 1 + 2 * found.scans[-1][0] : 2]
    most_across = max(each.across for each in frame.components)
    most_down = max(each.down for each in frame.components)
    across, down = 8 * most_across, 8 * most_down
    width, height = frame.width, frame.height
    if len(names) == 1:  # then a unit is one block of the component's own
        component = next((each for each in frame.components if each.name == names[0]), frame.components[0])
        width, height = -(-width * component.across // most_across), -(-height * component.down // most_down)
        across = down = 8
    units = -(-width // across) * -(-height // down)
    return len(_RESTART.findall(found.last_scan)) >= -(-units // found.restart_interval) - 1


def _written(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes((marker,)) + (len(body) + 2).to_bytes(2, "big") + body
