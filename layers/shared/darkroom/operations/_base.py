"""What an operation is: its parameters, and what it does to a picture.

An operation is pure: the same picture and parameters give the same pixels, in every process and on every machine that
runs the same Pillow. It keeps what it does not change: alpha, the color profile, the size.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol

from msgspec import Struct, field
from msgspec.structs import replace
from PIL import Image
from pydantic import BaseModel, ConfigDict

OutputFormat = Literal["png", "jpeg", "webp"]


class Canvas(Struct, frozen=True):
    """A picture while it is being worked on.

    Args:
        pixels: RGB or RGBA, 8 bits, upright.
        icc: the profile its colors are in; None for sRGB.
        format, quality: how it is to be encoded; None leaves that to whoever encodes it.
        warnings: what the person who asked should know.
        uncut: as it would be had none of the steps before cut anything away; for those that put back.
    """

    pixels: Image.Image
    icc: bytes | None = None
    format: OutputFormat | None = None
    quality: int | None = None
    warnings: tuple[str, ...] = field(default=())
    uncut: Image.Image | None = None

    def having(self, pixels: Image.Image) -> "Canvas":
        return replace(self, pixels=pixels)

    def warned(self, sentence: str) -> "Canvas":
        return replace(self, warnings=(*self.warnings, sentence))


class Tools(Protocol):
    """What some operations need beside the picture."""

    def subject(self, image: Image.Image) -> Image.Image:
        """How much each pixel belongs to the subject: mode L, of the image's size. Raises NoForeground."""

    def picture(self, ref: str) -> Image.Image:
        """Another picture of the same user: an upload's id, `job_…/0`, a data URL. RGB or RGBA. Raises NotFound."""


class Operation(BaseModel):
    """One step of a recipe. Fields carry their units and ranges in their descriptions: a planner reads them."""

    # A number is a number: neither "1" nor true is taken for one.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)

    needs_subject: ClassVar[bool] = False
    """Whether it calls `Tools.subject`, which only the function with the segmentation model can."""

    cuts: ClassVar[bool] = False
    """Whether all that it does is to make parts transparent, which can be put back."""

    needs_uncut: ClassVar[bool] = False
    """Whether it puts back what was cut away, and is given `Canvas.uncut` for that."""

    words: ClassVar[str] = ""
    """By which people call it, in six languages; see `_words`."""

    changes_file: ClassVar[bool] = False
    """Whether it is about the file, and not about what is seen."""

    cost: ClassVar[int] = 40
    """Milliseconds that it takes for a megapixel on one vCPU, at most; `python -m benchmarks.operations --costs`."""

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        raise NotImplementedError


# A color as three floats, 0 to 1 each, in the picture's own encoding (not linear light).
Color = tuple[float, float, float]


class PointOperation(Operation):
    """Changes each pixel by itself, and each channel by itself: adjacent ones become one table of 256 entries."""

    def curve(self, channel: int, value: float) -> float:
        """The new value of a channel (0 red, 1 green, 2 blue), 0 to 1; what is beyond is cut off by the caller."""
        raise NotImplementedError


class ColorOperation(Operation):
    """Changes each pixel by itself, the channels together: adjacent ones, with point operations, become one lookup."""

    def color(self) -> Callable[[Color], Color]:
        """The function from color to color; it may prepare what is the same for all colors first."""
        raise NotImplementedError


Schema = dict[str, Any]
