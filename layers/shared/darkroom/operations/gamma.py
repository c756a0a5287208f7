"""Lighter or darker middle tones."""

from typing import Literal

from pydantic import Field

from darkroom.operations._base import PointOperation


class Gamma(PointOperation):
    """Lightens or darkens the middle tones and leaves black and white where they are."""

    op: Literal["gamma"] = "gamma"
    gamma: float = Field(ge=0.1, le=10, description="Above 1 lightens, below 1 darkens, 1 leaves it.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return float(value ** (1 / self.gamma))
