"""Brighter or darker, in the picture's own encoding."""

from typing import Literal

from pydantic import Field

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import Signed


class Brightness(PointOperation):
    """Makes the whole picture brighter or darker; bright parts can turn white (use `gamma` to lift shadows alone)."""

    op: Literal["brightness"] = "brightness"
    amount: Signed = Field(description="Per cent: -100 black, 0 unchanged, 100 twice as bright.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return value * (1 + self.amount / 100)
