"""The negative."""

from typing import Literal

from darkroom.operations._base import PointOperation


class Invert(PointOperation):
    """Turns the picture into its negative: black to white, each color to its opposite."""

    op: Literal["invert"] = "invert"

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return 1 - value
