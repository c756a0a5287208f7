"""How many pixels a request for a picture means."""

import re

from local.simulator.catalogue import Painting

TIERS = {"512": 512, "768": 768, "1K": 1024, "1.5K": 1536, "2K": 2048, "4K": 4096}
RATIOS = (
    *("1:1", "1:2", "1:4", "1:8", "2:1", "2:3", "2.35:1", "3:2", "3:4", "4:1", "4:3", "4:5", "5:2", "5:4", "5:7"),
    *("7:5", "8:1", "9:16", "16:9", "9:19.5", "19.5:9", "9:20", "20:9", "9:21", "21:9", "auto"),
)
MOST = 4096
_PIXELS = re.compile(r"(\d{2,5})x(\d{2,5})")
# Google's and OpenAI's models have sizes of their own.
_GOOGLE = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
_OPENAI = {"1:1": (1024, 1024), "3:2": (1536, 1024), "2:3": (1024, 1536)}


def parse_pixels(size: str) -> tuple[int, int] | None:
    """The width and height of "1024x768"."""
    match = _PIXELS.fullmatch(size)
    return (int(match[1]), int(match[2])) if match else None


def pixels(painting: Painting, ratio: str, resolution: str) -> tuple[int, int]:
    """The size of a picture of that shape and tier."""
    long_side = TIERS.get(resolution, 1024)
    table = {"google": _GOOGLE, "openai": _OPENAI}.get(painting.sizing, {})
    if ratio in table:
        width, height = table[ratio]
        return width * long_side // 1024, height * long_side // 1024
    across, _, down = ("1:1" if ratio in ("auto", "") else ratio).partition(":")
    return fit(float(across) / float(down), long_side)


def fit(shape: float, long_side: int) -> tuple[int, int]:
    """Width and height, in steps of 16, of a shape (width over height) whose longer side is given."""
    width, height = (long_side, long_side / shape) if shape >= 1 else (long_side * shape, long_side)
    return max(16, round(width / 16) * 16), max(16, round(height / 16) * 16)
