"""What a request becomes for the provider, and what it may cost."""

from pydantic import Field

from darkroom.models.generation import GenerationRequest
from darkroom.models.job import CutoutFormat
from darkroom.models.money import MicroUsd
from darkroom.models.rates import RatesByModel
from darkroom.models.value import Value


class InputShape(Value):
    """The size in pixels of a picture to work from, upright."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)

    @property
    def pixels(self) -> int:
        return self.width * self.height


class Quote(Value):
    """What was made of a request, before any money moves."""

    request: GenerationRequest = Field(description="For the provider; the references are added later.")
    model_requested: str = Field(description="What the caller named, or else the default's name.")
    estimate: MicroUsd | None = Field(description="What it will probably cost; None: unknown.")
    bound: MicroUsd | None = Field(
        description="The dearest that may apply, over every model and source that may serve it; None: unknown."
    )
    reserve: MicroUsd | None = Field(description="The bound with a margin.")
    least: MicroUsd = Field(0, description="With a margin, of those models and sources that say what they cost.")
    pixels: int = Field(0, description="The most that one picture has.")
    calls: tuple[int, ...] = Field((), description="Pictures per call of the provider, where it takes several.")
    max_seed: int | None = Field(None, description="The largest seed that one of several calls may be given.")
    cutout_format: CutoutFormat | None = Field(None, description="See PaidWork.")
    warnings: tuple[str, ...] = ()
    other_providers: tuple[str, ...] = Field((), description="That may do the same for no more than the reserve.")
    rates: dict[str, RatesByModel] = Field(default_factory=dict, description="By provider, of those that tell no cost.")
