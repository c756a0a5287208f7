"""Whether a picture meets the rules of a place where it is to be shown: its size, background, fill and file."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image

from darkroom.images.colour import in_srgb
from darkroom.images.picture import Picture, opaque
from darkroom.models.presets import Rules

# By how much a ratio may be off, which rounding does.
_RATIO: Final = 0.02
# How much of the edge of a picture has to be background: a subject may reach it.
_MOSTLY: Final = 0.97
# How far pixels of a plain background may be from its middle, of 255; more than noise of a JPEG file.
_PLAIN: Final = 10
# From this distance to the background on a pixel belongs to the subject, at so many pixels of the longer side.
_DIFFERS: Final = 24
_LOOKED_AT: Final = 500

Colors = NDArray[np.int16]


class Finding(Struct, frozen=True):
    """One rule, what it asks for and what was found; in words."""

    rule: str
    ok: bool
    found: str
    wanted: str
    fix: str | None = None


def check(picture: Picture, size: int, rules: Rules) -> tuple[Finding, ...]:
    """Args: size: of the file, in bytes."""
    return (*_of_sides(picture, rules), *_of_file(picture, size, rules), *_of_background(picture, rules))


def _of_sides(picture: Picture, rules: Rules) -> Iterator[Finding]:
    width, height = picture.pixels.size
    longest, shortest, found = max(width, height), min(width, height), f"{width} x {height} pixels"
    on = "pixels on the"
    enlarge, reduce = "Use a larger picture, or a preset with `fit`.", "Scale it down (`max_size`)."
    if rules.least_longest is not None:
        least = rules.least_longest
        yield Finding("least_longest", longest >= least, found, f"at least {least} {on} longer side", enlarge)
    if rules.least_shortest is not None:
        least = rules.least_shortest
        yield Finding("least_shortest", shortest >= least, found, f"at least {least} {on} shorter side", enlarge)
    if rules.most_longest is not None:
        most = rules.most_longest
        yield Finding("most_longest", longest <= most, found, f"at most {most} {on} longer side", reduce)
    if rules.ratio is not None:
        across, down = rules.ratio
        is_ratio = abs(width * down / (height * across) - 1) <= _RATIO
        yield Finding("ratio", is_ratio, f"{width / height:.3g}:1", f"{across}:{down}", "Put it into a frame (`fit`).")


def _of_file(picture: Picture, size: int, rules: Rules) -> Iterator[Finding]:
    if rules.formats is not None:
        is_known = picture.source_format in rules.formats
        fix = "Convert it (`format`)."
        yield Finding("format", is_known, picture.source_format, " or ".join(rules.formats), fix)
    if rules.most_bytes is not None:
        most = rules.most_bytes
        found, wanted = (f"{each / 1e6:.2f} MB" for each in (size, most))
        yield Finding("bytes", size <= most, found, f"at most {wanted}", "Scale it down, or make it a JPEG.")


def _of_background(picture: Picture, rules: Rules) -> Iterator[Finding]:
    fix = f"Cut it out with `background: {'white' if rules.background == 'white' else '#f3f3f3'}`."
    if rules.background == "transparent":
        share = _clear_share(picture.pixels)
        wanted, fix = "a transparent background", "Cut it out, as a PNG."
        yield Finding("background", share >= _MOSTLY, f"{share:.0%} of the edge is transparent", wanted, fix)
        return
    pixels = np.asarray(opaque(in_srgb(picture))).astype(np.int16)
    edge = _edge(pixels)
    middle = np.median(edge, axis=0).astype(np.int16)
    if rules.background == "white":
        share = float((edge == 255).all(axis=1).mean())
        yield Finding("background", share >= _MOSTLY, f"{share:.0%} of the edge is pure white", "pure white", fix)
    if rules.background == "plain":
        upper = _edge(pixels[: max(1, len(pixels) // 2)], has_lower=False)
        share = float((np.abs(upper - np.median(upper, axis=0)) <= _PLAIN).all(axis=1).mean())
        yield Finding("background", share >= _MOSTLY, f"{share:.0%} of the upper edge is one color", "one color", fix)
    if rules.fill is not None:
        share = 100 * _fill(picture, middle)
        least, most = rules.fill
        wanted = f"{least:g} to {most:g} % of the width or height"
        yield Finding("fill", least - 0.5 <= share <= most + 0.5, f"{share:.0f} %", wanted, "Set `fit` and `fill`.")


def _edge(pixels: Colors, *, has_lower: bool = True) -> Colors:
    """The pixels along the sides, one after the other."""
    lower = (pixels[-1],) if has_lower else ()
    return np.concatenate((pixels[0], *lower, pixels[:, 0], pixels[:, -1]))


def _clear_share(pixels: Image.Image) -> float:
    if pixels.mode != "RGBA":
        return 0.0
    alpha = np.asarray(pixels.getchannel("A"))
    edge = np.concatenate((alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
    return float((edge == 0).mean())


def _fill(picture: Picture, background: Colors) -> float:
    """How much of the width or height the subject takes, whichever is more: 0 to 1."""
    pixels = opaque(in_srgb(picture), (int(background[0]), int(background[1]), int(background[2])))
    scale = min(1.0, _LOOKED_AT / max(pixels.size))
    small = pixels.resize([max(1, round(side * scale)) for side in pixels.size], Image.Resampling.BOX)
    differs = (np.abs(np.asarray(small).astype(np.int16) - background).max(axis=2)) > _DIFFERS
    found = [np.flatnonzero(differs.any(axis=axis)) for axis in (0, 1)]
    shares = [(each[-1] + 1 - each[0]) / side for each, side in zip(found, small.size, strict=True) if each.size]
    return float(max(shares, default=0.0))
