"""What a picture's values are like, as far as they can be seen; and tables of values."""

from collections.abc import Sequence

from PIL import Image

from darkroom.operations._tone import to_linear

Counts = Sequence[int]


def counts(pixels: Image.Image) -> tuple[Counts, Counts, Counts]:
    """How often each of the 256 values is there, for red, green and blue; what is fully transparent does not count."""
    mask = pixels.getchannel("A") if pixels.mode == "RGBA" else None
    found = pixels.convert("RGB").histogram(mask)
    return found[:256], found[256:512], found[512:]


def mean_light(channel: Counts) -> float:
    """The mean in linear light, 0 to 1; 0 where there is nothing to count."""
    whole = sum(channel)
    return sum(count * to_linear(value / 255) for value, count in enumerate(channel)) / whole if whole else 0.0


def extremes(channel: Counts, share: float) -> tuple[int, int]:
    """The darkest and the brightest value when `share` (0 to 1) of the pixels is left out at each end."""
    leave = sum(channel) * share
    low = _first(channel, leave)
    high = 255 - _first(list(reversed(channel)), leave)
    return low, high


def _first(channel: Counts, leave: float) -> int:
    seen = 0
    for value, count in enumerate(channel):
        seen += count
        if seen > leave:
            return value
    return 0


def looked_up(pixels: Image.Image, tables: Sequence[Sequence[float]]) -> Image.Image:
    """The picture with each value v of a channel replaced by tables[channel][v], 0 to 1; alpha as it was."""
    table = [int(min(max(value, 0.0), 1.0) * 255 + 0.5) for each in tables for value in each]
    return pixels.point(table + list(range(256)) if pixels.mode == "RGBA" else table)
