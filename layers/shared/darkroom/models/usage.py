"""Usage: what a month's jobs made and cost, in all and by any of a few dimensions; and what they would have cost."""

from datetime import datetime
from typing import Final, Literal, get_args

from msgspec import Struct, field
from pydantic import Field

from darkroom.models.money import MicroUsd
from darkroom.models.value import Value

Dimension = Literal["day", "model", "op", "token", "conversation", "provider"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)

HERE: Final = "darkroom"
"""The `provider` of what is done here and costs nothing: cut-outs, turns, recipes."""

Key = tuple[str | None, ...]
"""Of a group: a value for each dimension asked for; None where a job has none (no token, no conversation)."""


class Totals(Struct):
    """Counts, and micro-dollars. Sums of these over groups that do not overlap are those of all."""

    requests: int = 0
    """What was asked for. A turn, or a recipe's batch, is one, however many paid calls it took."""
    failed: int = 0
    """Of the requests."""
    calls: int = 0
    """Jobs that could cost money."""
    images: int = 0
    """Pictures that models made."""
    turns: int = 0
    cutouts: int = 0
    recipe_images: int = 0
    """Pictures that recipes gave; those of them that were painted are among `images`, too."""
    cost: MicroUsd = 0
    unknown: int = 0
    """Calls of which nobody could find out what they cost; they are in `cost` with nothing."""


class Savings(Struct):
    """The same pictures from one other model. `would_have_cost` and `cost` are of the pictures that are counted."""

    model: str
    images: int = 0
    cost: MicroUsd = 0
    would_have_cost: MicroUsd = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """How many paid calls are not counted, by the reason why."""


class Statement(Struct):
    """Args: month: `2026-11`, in UTC."""

    user: str
    month: str
    by: tuple[Dimension, ...] = ()
    totals: Totals = field(default_factory=Totals)
    groups: dict[Key, Totals] = field(default_factory=dict)
    savings: Savings | None = None


class UsageReport(Value):
    """A finished month's statement, kept in the outputs bucket."""

    user: str
    month: str
    made_at: datetime
    cost: MicroUsd
    requests: int
    json_key: str
    csv_key: str


class ReportRun(Value):
    """How far the making of a month's reports has come."""

    month: str
    cursor: str | None = Field(None, description="Where the search for users goes on.")
    passes: int = Field(0, description="How often all users were gone through.")
    failed: int = Field(0, description="In the present pass.")
    done: bool = False
