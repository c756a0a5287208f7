"""How a model has done here: measured, over everybody's jobs."""

from collections.abc import Sequence
from math import ceil
from statistics import median

from pydantic import Field

from darkroom.models.value import Value


class ModelFigures(Value):
    """Of the last hundred runs or so."""

    runs: int = 0
    success_rate: float | None = Field(None, ge=0, le=1, description="None where nothing was run.")
    median_seconds: float | None = Field(None, description="From the dispatch to the end, of those that succeeded.")
    p95_seconds: float | None = None


Sample = tuple[float | None, bool]
"""Of one run: seconds from the dispatch to the end, where they are known; and whether it succeeded."""


def figures_of(samples: Sequence[Sample]) -> ModelFigures:
    seconds = sorted(took for took, succeeded in samples if succeeded and took is not None)
    return ModelFigures(
        runs=len(samples),
        success_rate=sum(succeeded for _, succeeded in samples) / len(samples) if samples else None,
        median_seconds=median(seconds) if seconds else None,
        # The nearest rank: a time that was really measured.
        p95_seconds=seconds[ceil(0.95 * len(seconds)) - 1] if seconds else None,
    )
