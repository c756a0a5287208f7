"""Colours told by numbers: CICP (ITU-T H.273) in PNG, AVIF and HEIC, and a PNG's chromaticities and gamma.

What differs from sRGB in a way that a profile can say becomes a profile (Display P3, BT.2020, Adobe RGB …). What few
programs would show right by a profile (HDR, linear light) is brought to sRGB here.
"""

import math
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple

from msgspec import Struct
from PIL import Image, ImageFilter

Matrix = tuple[tuple[float, float, float], ...]
Vector = tuple[float, float, float]


class Chromaticities(NamedTuple):
    """CIE xy of white, red, green and blue."""

    white_x: float
    white_y: float
    red_x: float
    red_y: float
    green_x: float
    green_y: float
    blue_x: float
    blue_y: float


class ColourCode(Struct, frozen=True):
    """Args:
    primaries, transfer: H.273's numbers; 2 is "unspecified", which is taken for sRGB.
    chromaticities, gamma: in their place, as a PNG says them; gamma is the exponent that made the file's values.
    """

    primaries: int = 2
    transfer: int = 2
    is_full_range: bool = True
    chromaticities: Chromaticities | None = None
    gamma: float | None = None


_D65: Final = (0.3127, 0.3290)
_SRGB: Final = Chromaticities(*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES: Final = {
    1: _SRGB,
    4: Chromaticities(0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: Chromaticities(*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: Chromaticities(*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: Chromaticities(*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: Chromaticities(0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: Chromaticities(*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    10: Chromaticities(1 / 3, 1 / 3, 1, 0, 0, 1, 0, 0),
    11: Chromaticities(0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: Chromaticities(*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: Chromaticities(*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
_PRIMARY_NAMES: Final = {9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
_UNSPECIFIED: Final = 2
# sRGB's curve, and those of video, which are shown on the same screens.
_LIKE_SRGB: Final = frozenset((1, 2, 6, 7, 13, 14, 15))
_GAMMAS: Final = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_PQ, _HLG = 16, 18
_NEAR: Final = 0.011  # of two chromaticities: as sRGB's are rounded by various writers
_LINEAR_BELOW: Final = 1.5
_MAX_GAMMA: Final = 10.0  # beyond it, and below its inverse, no picture could be seen
_GRID: Final = 33

# BT.2408: diffuse white of HDR in nits, and the brightest that most pictures hold.
_WHITE_NITS: Final = 203.0
_PEAK: Final = 1000.0 / _WHITE_NITS
_KNEE: Final = 0.6  # up to here tones stay as they are

_BRADFORD: Final[Matrix] = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_D50: Final[Vector] = (0.9642, 1.0, 0.8249)

UNKNOWN_COLOURS: Final = "The file's colours are of a kind that is not known here; they were taken for sRGB."


def interpreted(pixels: Image.Image, code: ColourCode) -> tuple[Image.Image, bytes | None, tuple[str, ...]]:
    """Pixels (RGB or RGBA), the profile that they are in (None for sRGB), and warnings.

    Raises nothing: colours that are not known are taken for sRGB, with a warning.
    """
    if not code.is_full_range:
        pixels = _changed(pixels, lambda rgb: rgb.point([_expanded(value) for value in range(256)] * 3))
    points = code.chromaticities or _PRIMARIES.get(code.primaries, _SRGB)
    is_known = code.chromaticities is not None or code.primaries in (*_PRIMARIES, _UNSPECIFIED)
    if code.transfer in (_PQ, _HLG):
        name = "PQ" if code.transfer == _PQ else "HLG"
        table = _hdr_table(points, code.transfer)
        told = f"The picture is HDR ({name}); it was brought to the range of ordinary screens (sRGB)."
        return _changed(pixels, lambda rgb: rgb.filter(table)), None, (told,)
    gamma = 1 / code.gamma if code.gamma else _GAMMAS.get(code.transfer)
    is_known &= gamma is None or 1 / _MAX_GAMMA < gamma < _MAX_GAMMA
    if not (is_known and (gamma or code.transfer in _LIKE_SRGB)) or not _is_possible(points):
        return pixels, None, (UNKNOWN_COLOURS,)
    if gamma is not None and abs(gamma - 2.2) < 0.03:
        gamma = None if _is_near(points, _SRGB) else 2.2  # what writers of PNG say for sRGB
    if gamma is None and _is_near(points, _SRGB):
        return pixels, None, ()
    if gamma is not None and (gamma < _LINEAR_BELOW or gamma > 3):
        plain = _plain_table(gamma)
        name = _PRIMARY_NAMES.get(code.primaries, "RGB")
        told = f"The file's values are of gamma {gamma:.2g}; they were brought to sRGB's."
        return _changed(pixels, lambda rgb: rgb.point(plain)), _profile_or_none(points, name), (told,)
    return pixels, profile(points, gamma, _PRIMARY_NAMES.get(code.primaries, "RGB by its file's numbers")), ()


def _profile_or_none(points: Chromaticities, name: str) -> bytes | None:
    return None if _is_near(points, _SRGB) else profile(points, None, name)


def _changed(pixels: Image.Image, change: Callable[[Image.Image], Image.Image]) -> Image.Image:
    if pixels.mode != "RGBA":
        return change(pixels)
    changed = change(pixels.convert("RGB"))
    changed.putalpha(pixels.getchannel("A"))
    return changed


def _expanded(value: int) -> int:
    return min(255, max(0, round((value - 16) * 255 / 219)))


def _is_near(one: Chromaticities, other: Chromaticities) -> bool:
    return all(abs(a - b) < _NEAR for a, b in zip(one, other, strict=True))


def _is_possible(points: Chromaticities) -> bool:
    """Whether the three span colours, and white lies among them."""
    if not (0 < points.white_y <= 1 and all(0 <= value <= 1 for value in points)):
        return False
    try:
        return all(0 < share < 100 for share in _shares(points))
    except ZeroDivisionError:
        return False


@cache
def _plain_table(gamma: float) -> list[int]:
    return [round(_srgb_encoded((value / 255) ** gamma) * 255) for value in range(256)] * 3


def _srgb_encoded(light: float) -> float:
    light = min(1.0, max(0.0, light))
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


@cache
def _hdr_table(points: Chromaticities, transfer: int) -> ImageFilter.Color3DLUT:
    """From values of PQ or HLG to sRGB's."""
    decode = _pq_light if transfer == _PQ else _hlg_signal
    levels = [decode(step / (_GRID - 1)) for step in range(_GRID)]
    to_srgb = _product(_inverse(_to_xyz(_SRGB)), _to_xyz(points))

    def colour(red: float, green: float, blue: float) -> Vector:
        light = (
            levels[round(red * (_GRID - 1))],
            levels[round(green * (_GRID - 1))],
            levels[round(blue * (_GRID - 1))],
        )
        if transfer == _HLG:
            light = _hlg_shown(light)
        light = _toned(light)
        return _vector([_srgb_encoded(value) for value in _applied(to_srgb, light)])

    return ImageFilter.Color3DLUT.generate(_GRID, colour)


def _toned(light: Vector) -> Vector:
    """Light where 1 is diffuse white, with what is brighter pressed into the range up to 1; hues stay."""
    brightest = max(light)
    if brightest <= _KNEE:
        return light
    room = 1 - _KNEE
    above, most = (brightest - _KNEE) / room, (_PEAK - _KNEE) / room
    pressed = _KNEE + room * min(1.0, above * (1 + above / most**2) / (1 + above))
    return _vector([value * pressed / brightest for value in light])


def _pq_light(signal: float) -> float:
    """SMPTE ST 2084: light, where 1 is diffuse white."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = signal ** (1 / m2)
    return float(10_000 * (max(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) / _WHITE_NITS)


def _hlg_signal(signal: float) -> float:
    """ARIB STD-B67: light of the scene, 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return signal * signal / 3 if signal <= 0.5 else (math.exp((signal - c) / a) + b) / 12


def _hlg_shown(light: Vector) -> Vector:
    """As a screen of 1000 nits shows it (BT.2100), where 1 is diffuse white."""
    brightness = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2]
    gain = _PEAK * brightness**0.2
    return _vector([value * gain for value in light])


def profile(points: Chromaticities, gamma: float | None, name: str) -> bytes:
    """An ICC profile (version 2.4) of these primaries; its curve is sRGB's where gamma is None."""
    matrix = _product(_adaptation(_xyz(points.white_x, points.white_y)), _to_xyz(points))
    tags = {
        b"desc": _described(name),
        b"cprt": b"text\0\0\0\0Public domain\0",
        b"wtpt": _xyz_tag(_D50),
        **{
            colour + b"XYZ": _xyz_tag(_vector([row[index] for row in matrix]))
            for index, colour in enumerate((b"r", b"g", b"b"))
        },
    }
    curve = _gamma_curve(gamma) if gamma is not None else _srgb_curve()
    offset, body, table = 128 + 4 + 12 * (len(tags) + 3), b"", b""
    for tag, value in tags.items():
        table += tag + struct.pack(">II", offset + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    for tag in (b"rTRC", b"gTRC", b"bTRC"):  # which share one
        table += tag + struct.pack(">II", offset + len(body), len(curve))
    body += curve + bytes(-len(curve) % 4)
    header = struct.pack(">I4xI4s4s4s12x4s28x", offset + len(body), 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    white = struct.pack(">3i", *(round(value * 65536) for value in _D50))
    return (header + white).ljust(128, b"\0") + struct.pack(">I", len(tags) + 3) + table + body


def _xyz_tag(value: Vector) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(part * 65536) for part in value))


def _gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


@cache
def _srgb_curve() -> bytes:
    levels = [step / 1023 for step in range(1024)]
    light = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
    return b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *(round(each * 65535) for each in light))


def _described(name: str) -> bytes:
    text = name.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)


def _xyz(x: float, y: float) -> Vector:
    return x / y, 1.0, (1 - x - y) / y


def _shares(points: Chromaticities) -> Vector:
    """How much of each primary makes white."""
    return _applied(_inverse(_columns(points)), _xyz(points.white_x, points.white_y))


def _columns(points: Chromaticities) -> Matrix:
    colours = ((points.red_x, points.red_y), (points.green_x, points.green_y), (points.blue_x, points.blue_y))
    return tuple(map(_vector, zip(*((x, y, 1 - x - y) for x, y in colours), strict=True)))


def _to_xyz(points: Chromaticities) -> Matrix:
    shares = _shares(points)
    return tuple(_vector([value * share for value, share in zip(row, shares, strict=True)]) for row in _columns(points))


def _adaptation(white: Vector) -> Matrix:
    """From that white to D50, by Bradford."""
    source, target = _applied(_BRADFORD, white), _applied(_BRADFORD, _D50)
    scale: Matrix = tuple(
        _vector([target[row] / source[row] if row == column else 0.0 for column in range(3)]) for row in range(3)
    )
    return _product(_inverse(_BRADFORD), _product(scale, _BRADFORD))


def _vector(values: Sequence[float]) -> Vector:
    return values[0], values[1], values[2]


def _applied(matrix: Matrix, vector: Vector) -> Vector:
    return _vector([sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix])


def _product(a: Matrix, b: Matrix) -> Matrix:
    columns = list(zip(*b, strict=True))
    return tuple(_vector([sum(x * y for x, y in zip(row, column, strict=True)) for column in columns]) for row in a)


def _inverse(m: Matrix) -> Matrix:
    """Raises ZeroDivisionError where there is none."""
    (a, b, c), (d, e, f), (g, h, i) = m
    cofactors = ((e * i - f * h, c * h - b * i, b * f - c * e), (f * g - d * i, a * i - c * g, c * d - a * f),
                 (d * h - e * g, b * g - a * h, a * e - b * d))  # fmt: skip
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    return tuple(_vector([value / determinant for value in row]) for row in cofactors)
