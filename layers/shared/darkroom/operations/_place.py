"""Where on a picture something goes, and how large per cents are."""

from typing import Annotated

from PIL import Image
from pydantic import Field

from darkroom.models.subject import Position

Size = tuple[int, int]
Margin = Annotated[
    float,
    Field(ge=0, le=40, description="Room kept to the picture's edges, in per cent of its longer side."),
]
Opacity = Annotated[float, Field(ge=0, le=100, description="In per cent: 0 is invisible, 100 hides what is below.")]


def of_longer_side(per_cent: float, size: Size) -> float:
    """Pixels."""
    return per_cent * max(size) / 100


def placed(mark: Size, size: Size, position: Position, margin: float) -> tuple[int, int]:
    """The mark's upper left corner on a picture of that size, margin in pixels."""
    x, y = ((size[axis] - mark[axis]) / 2 for axis in (0, 1))
    if position.endswith("left"):
        x = margin
    elif position.endswith("right"):
        x = size[0] - mark[0] - margin
    if position.startswith("top"):
        y = margin
    elif position.startswith("bottom"):
        y = size[1] - mark[1] - margin
    return round(x), round(y)


def stamp(pixels: Image.Image, mark: Image.Image, at: tuple[int, int]) -> None:
    """Puts the mark (RGB or RGBA) on the picture, which it changes; what reaches beyond the edges is left out."""
    left, top = max(at[0], 0), max(at[1], 0)
    right, bottom = min(at[0] + mark.width, pixels.width), min(at[1] + mark.height, pixels.height)
    if left >= right or top >= bottom:
        return
    seen = mark.crop((left - at[0], top - at[1], right - at[0], bottom - at[1]))
    if pixels.mode == "RGBA":
        pixels.alpha_composite(seen.convert("RGBA"), (left, top))
    elif seen.mode == "RGBA":
        pixels.paste(seen.convert("RGB"), (left, top), seen.getchannel("A"))
    else:
        pixels.paste(seen, (left, top))


def faded(mark: Image.Image, opacity: float) -> Image.Image:
    """RGBA, with its alpha scaled by opacity in per cent."""
    done = mark.convert("RGBA")
    done.putalpha(done.getchannel("A").point([round(value * opacity / 100) for value in range(256)]))
    return done
