"""What is measured, and what is kept of what others publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from darkroom.models.value import Value

if TYPE_CHECKING:
    from darkroom.models.job import Job
    from darkroom.models.model_row import ModelFigures
    from darkroom.models.money import MicroUsd


class ModelStatistics(Protocol):
    """How models have done. What is lost of it does not matter: writing never fails its caller."""

    def record(self, model: str, *, seconds: float | None, succeeded: bool) -> None: ...

    def of(self, models: Sequence[str]) -> Mapping[str, ModelFigures]:
        """Of those that were ever run."""


class Telemetry(Protocol):
    """Metrics. Counting never fails its caller."""

    def settled(self, job: Job, actual: MicroUsd | None) -> None:
        """A paid job is over, and what it cost is known, or never will be."""

    def doubted(self, job: Job) -> None:
        """Money may have been spent for the job, and what became of it is being found out."""

    def counted(self, name: str, n: int = 1) -> None:
        """Something happened n times; the name is one of few, as `CatalogueHits`."""


class KeptList(Value):
    """Something that was asked for and that everybody may use for a while."""

    body: bytes = Field(repr=False)
    asked_at: datetime


class CatalogueStore(Protocol):
    """The provider's lists, shared by all functions."""

    def read(self, name: str) -> KeptList | None: ...

    def write(self, name: str, kept: KeptList) -> None: ...

    def claim(self, name: str, *, now: datetime, until: datetime) -> bool:
        """Whether the caller is to ask for the list anew; until then nobody else is told so."""


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""


class Alarm(Protocol):
    def __call__(self, name: str, /, **facts: object) -> None:
        """Has somebody look at what should not have happened. `name` is a constant; facts hold no secret."""
