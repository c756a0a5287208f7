"""The full range from black to white."""

from typing import Literal

from PIL import Image
from pydantic import Field

from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._histogram import counts, extremes, looked_up


class AutoContrast(Operation):
    """Stretches a dull or hazy picture so that its darkest parts become black and its brightest white."""

    op: Literal["auto_contrast"] = "auto_contrast"
    cutoff: float = Field(
        0.5, ge=0, le=20, description="How much may turn all black, and all white: per cent of the pixels, for each."
    )
    keep_colors: bool = Field(
        True,
        description="true stretches all channels alike, so that hues stay; false each by itself, which also "
        "takes out a color cast.",
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        ranges = self._ranges(canvas.pixels)
        if all(low >= high or (low, high) == (0, 255) for low, high in ranges):
            return canvas
        tables = [_stretched(low, high) for low, high in ranges]
        return canvas.having(looked_up(canvas.pixels, tables))

    def _ranges(self, pixels: Image.Image) -> list[tuple[int, int]]:
        channels = counts(pixels)
        share = self.cutoff / 100
        if not self.keep_colors:
            return [extremes(channel, share) for channel in channels]
        together = [sum(each) for each in zip(*channels, strict=True)]
        return [extremes(together, share)] * 3


def _stretched(low: int, high: int) -> list[float]:
    if low >= high:  # one value alone: there is nothing to stretch
        return [value / 255 for value in range(256)]
    return [(value - low) / (high - low) for value in range(256)]
