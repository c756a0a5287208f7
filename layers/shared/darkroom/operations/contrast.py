"""More or less difference between light and dark."""

from typing import Literal

from pydantic import Field

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import Signed


class Contrast(PointOperation):
    """Raises or lowers the difference between light and dark parts, around middle grey."""

    op: Literal["contrast"] = "contrast"
    amount: Signed = Field(description="Per cent: -100 flat grey, 0 unchanged, 100 twice the contrast.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return value + (value - 0.5) * self.amount / 100
