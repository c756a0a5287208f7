"""Photographs of any size and format, and colour profiles, for tests.

The photographs are those in scikit-image's wheel: `astronaut` (Eileen Collins; NASA, public domain), `chelsea` (a cat;
Stefan van der Walt, CC0), `coffee` (Rachel Michetti, CC0), `rocket` (SpaceX, CC0), `camera` (Lav Varshney, CC0),
`motorcycle_left` (Middlebury stereo set 2014).
"""

import struct
import zlib
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

SUBJECTS = ("astronaut", "chelsea", "coffee", "rocket")


@cache
def _directory() -> Path:
    spec = find_spec("skimage")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"


@cache
def photo(name: str = "astronaut", megapixels: float | None = None) -> Image.Image:
    """The photograph in RGB, scaled to about that many megapixels. Not to be changed: it is shared."""
    path = next(_directory().glob(f"{name}.*"))
    with Image.open(path) as file:
        original = file.convert("RGB")
    if megapixels is None:
        return original
    scale = (megapixels * 1e6 / (original.width * original.height)) ** 0.5
    return original.resize((round(original.width * scale), round(original.height * scale)), Image.Resampling.BICUBIC)


def save(image: Image.Image, file_format: str, **parameters: Any) -> bytes:
    """The picture as a file."""
    buffer = BytesIO()
    image.save(buffer, file_format, **parameters)
    return buffer.getvalue()


@cache
def jpeg(name: str = "astronaut", megapixels: float | None = None) -> bytes:
    """The photograph as a JPEG file."""
    return save(photo(name, megapixels), "JPEG", quality=92)


def load(data: bytes) -> Image.Image:
    """The picture in a file, all of it read."""
    image = Image.open(BytesIO(data))
    image.load()
    return image


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_file(width: int, height: int, *, depth: int, colour: int, rows: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG with any header, other chunks behind it, and rows or none."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(rows)) if rows else b""
    return b"\x89PNG\r\n\x1a\n" + header + extra + body + png_chunk(b"IEND", b"")


def _profile(colour_space: bytes, connection_space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2.4."""
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        padded = tag + bytes(-len(tag) % 4)
        table += name + struct.pack(">II", offset + len(body), len(tag))
        body += padded
    white = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    device = b"prtr" if colour_space == b"CMYK" else b"mntr"
    header = struct.pack(">I4sI4s4s4s12x4s4s24x", offset + len(body), b"", 0x02400000, device, colour_space,
                         connection_space, b"acsp", b"")  # fmt: skip
    return (header + white).ljust(128, b"\0") + table + body


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in (x, y, z)))


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def _described(name: str) -> bytes:
    text = name.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)


_WHITE = _xyz(0.9642, 1.0, 0.8249)
_RED, _GREEN, _BLUE = _xyz(0.4361, 0.2225, 0.0139), _xyz(0.3851, 0.7169, 0.0971), _xyz(0.1431, 0.0606, 0.7141)


def grey_profile(gamma: float) -> bytes:
    """A profile for grey pictures."""
    return _profile(b"GRAY", b"XYZ ", {b"desc": _described("test grey"), b"wtpt": _WHITE, b"kTRC": _gamma(gamma)})


def swapped_rgb_profile() -> bytes:
    """A profile in which the first channel is green and the second red, with sRGB's primaries and a gamma of 2.2."""
    curve = _gamma(2.2)
    return _profile(
        b"RGB ",
        b"XYZ ",
        {
            b"desc": _described("test swapped"),
            b"wtpt": _WHITE,
            b"rXYZ": _GREEN,
            b"gXYZ": _RED,
            b"bXYZ": _BLUE,
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        },
    )


def one_way_rgb_profile() -> bytes:
    """A profile of a scanner: what its RGB look like is known, but not which RGB would look like something."""
    grid = b"".join(bytes((85 * sum(corner), 128, 128)) for corner in product((0, 1), repeat=3))
    identity = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes((3, 3, 2, 0)) + identity + ramp * 3 + grid + ramp * 3
    return _profile(b"RGB ", b"Lab ", {b"desc": _described("test scanner"), b"wtpt": _WHITE, b"A2B0": lut})


def odd_cmyk_profile() -> bytes:
    """A profile of a press whose cyan ink is green: full cyan alone is Lab (60, -60, 60), everything else grey."""
    grid = b""
    for cyan, magenta, yellow, black in product((0, 1), repeat=4):
        if (cyan, magenta, yellow, black) == (1, 0, 0, 0):
            grid += bytes((153, 128 - 60, 128 + 60))
        else:
            grid += bytes((max(255 - 85 * (cyan + magenta + yellow) - 255 * black, 0), 128, 128))
    identity = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4 + grid + ramp * 3
    return _profile(b"CMYK", b"Lab ", {b"desc": _described("test press"), b"wtpt": _WHITE, b"A2B0": lut})
