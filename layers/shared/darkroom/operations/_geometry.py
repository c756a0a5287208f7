"""Frames, shapes and sizes that the geometric operations share. Lengths are in pixels, right and bottom exclusive."""

from typing import Annotated, Final

from PIL import Image
from pydantic import AfterValidator, Field, StringConstraints

from darkroom.errors import InvalidParameter
from darkroom.operations._base import Operation

Size = tuple[int, int]
Box = tuple[int, int, int, int]

# What a picture may grow to. Three copies of it have to fit into a Lambda function's memory.
MOST_PIXELS: Final = 50_000_000
LONGEST_SIDE: Final = 16384


class Geometric(Operation):
    """Changes where pixels are, or how many there are."""

    @property
    def moves_whole_pixels(self) -> bool:
        """Whether it only leaves pixels out or moves them: then it makes no difference if colors change before it."""
        return False


def _ratio(text: str) -> str:
    if not all(float(side) > 0 for side in text.split(":")):
        raise ValueError("both sides of a ratio have to be above 0")
    return text


Ratio = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,5}(\.[0-9]{1,3})?:[0-9]{1,5}(\.[0-9]{1,3})?$"),
    AfterValidator(_ratio),
    Field(examples=["16:9", "1:1"]),
]
Focus = Annotated[float, Field(ge=0, le=100)]


def largest_of_ratio(box: Box, ratio: str, focus: tuple[float, float]) -> Box:
    """The largest box of that ratio inside another, with its middle as near the focus (pixels) as there is room."""
    across, down = (float(side) for side in ratio.split(":"))
    width, height = box[2] - box[0], box[3] - box[1]
    new_width = max(1, min(width, round(height * across / down)))
    new_height = max(1, min(height, round(width * down / across)))
    left = _start(box[0], box[2], new_width, focus[0])
    top = _start(box[1], box[3], new_height, focus[1])
    return left, top, left + new_width, top + new_height


def _start(low: int, high: int, length: int, focus: float) -> int:
    return min(max(round(focus - length / 2), low), high - length)


def cropped(pixels: Image.Image, box: Box) -> Image.Image:
    return pixels if box == (0, 0, *pixels.size) else pixels.crop(box)


def check_room(size: Size, param: str) -> None:
    """Raises InvalidParameter if a picture of that size is more than is worked on."""
    if size[0] * size[1] <= MOST_PIXELS and max(size) <= LONGEST_SIDE:
        return
    raise InvalidParameter(
        f"The picture would have {size[0]} x {size[1]} pixels; at most {MOST_PIXELS // 10**6} megapixels and "
        f"{LONGEST_SIDE} pixels a side can be made.",
        fix="Ask for a smaller picture.",
        param=param,
        context={"max_megapixels": MOST_PIXELS / 1e6, "max_side": LONGEST_SIDE},
    )
