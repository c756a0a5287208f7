"""More or less light, as if the photograph had been exposed longer or shorter."""

from typing import Literal

from pydantic import Field

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import from_linear, to_linear


class Exposure(PointOperation):
    """Corrects an under- or overexposed photograph as a camera would: more or less light, in stops."""

    op: Literal["exposure"] = "exposure"
    stops: float = Field(ge=-5, le=5, description="Stops (EV): 1 doubles the light, -1 halves it, 0 leaves it.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return from_linear(to_linear(value) * 2**self.stops)
