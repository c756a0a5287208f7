"""Warmer or cooler light."""

from typing import Literal

from pydantic import Field

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import Signed, from_linear, luma, to_linear


class ColorTemperature(PointOperation):
    """Makes the light warmer (orange) or cooler (blue), or shifts it between green and magenta; brightness stays."""

    op: Literal["color_temperature"] = "color_temperature"
    temperature: Signed = Field(
        0,
        description="Warm above 0, cool below: 20 a golden evening, 100 candlelight, -100 deep blue shade; 0 leaves.",
    )
    tint: Signed = Field(0, description="Magenta above 0, green below; 0 leaves.")

    def curve(self, channel: int, value: float) -> float:
        return from_linear(to_linear(value) * self._gain(channel))

    def _gain(self, channel: int) -> float:
        """How much more light, such that white keeps its luminance."""
        warm, magenta = self.temperature / 100, self.tint / 100
        gains = (2 ** (0.6 * warm + 0.2 * magenta), 2 ** (-0.4 * magenta), 2 ** (-1.2 * warm + 0.2 * magenta))
        return float(gains[channel] / luma(*gains))
