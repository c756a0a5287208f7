"""Few tones, like a screen print."""

from math import floor
from typing import Literal

from pydantic import Field

from darkroom.operations._base import PointOperation


class Posterize(PointOperation):
    """Leaves only a few tones in each channel, with flat areas like a poster or screen print."""

    op: Literal["posterize"] = "posterize"
    levels: int = Field(4, ge=2, le=256, description="Tones in each channel; 2 to 8 shows clearly, 256 leaves it.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return floor(value * (self.levels - 1) + 0.5) / (self.levels - 1)
