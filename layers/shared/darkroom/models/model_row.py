"""A model as it is shown: what it can do, what it costs, how it has done here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import ceil
from statistics import median
from typing import Final, Literal, get_args

from msgspec import Struct, field
from pydantic import Field

from darkroom.models.catalogue import ParameterRange
from darkroom.models.money import MicroUsd
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


Task = Literal["generate", "edit", "chat"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)


class Note(Struct, frozen=True):
    """What people have found, in a few words; never a price."""

    best_for: str
    limits: str = ""
    tags: tuple[str, ...] = ()


class Price(Struct, frozen=True):
    """A line of the price list.

    Args:
        source: who takes it, where several serve the model; None for the cheapest of them.
        usd: None is unknown, never free.
    """

    billable: str
    unit: str
    usd: Decimal | None
    variant: str | None = None
    source: str | None = None


class ModelRow(Struct, frozen=True):
    """Args:
    tags: sorted.
    parameters: of a model that makes pictures: what it takes.
    options: of a model that makes text: the names of what it takes.
    estimates: for one ordinary picture or turn, of what it can do; None is unknown.
    as_of: when the oldest of this was asked for; None of one that nobody has published.
    """

    id: str
    name: str
    description: str = ""
    created: datetime | None = None
    tags: tuple[str, ...] = ()
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    context_length: int | None = None
    max_completion_tokens: int | None = None
    parameters: Mapping[str, ParameterRange] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    prices: tuple[Price, ...] = ()
    estimates: Mapping[Task, MicroUsd | None] = field(default_factory=dict)
    figures: ModelFigures | None = None
    note: Note | None = None
    recommended_for: tuple[Task, ...] = ()
    expires_at: datetime | None = None
    as_of: datetime | None = None

    @property
    def owner(self) -> str:
        return self.id.partition("/")[0].removeprefix("~")

    @property
    def is_free(self) -> bool:
        return "free" in self.tags

    @property
    def recommended(self) -> bool:
        """Whether the stack takes it by itself for anything."""
        return bool(self.recommended_for)

    def price(self, task: Task | None = None) -> MicroUsd | None:
        """Of one picture or turn; without a task, of the first thing that it does."""
        done = task or next((each for each in TASKS if each in self.estimates), None)
        return self.estimates.get(done) if done else None

    @property
    def median_seconds(self) -> float | None:
        return self.figures.median_seconds if self.figures else None
