"""Tallies: what receipts that have their day, kind, provider, model, token and conversation in common add up to.

A month's usage is the sum of its tallies. They are kept beside the receipts, changed with each of them, so that a month
is read without reading its receipts.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct, field
from ulid import ULID

from darkroom.models.receipt import Receipt
from darkroom.models.usage import HERE, Totals

CUTOUT: Final = "background-removal"
TURN: Final = "turn"
RECIPE: Final = "recipe"
GENERATION: Final = "generation"


class TallyKey(NamedTuple):
    """What the receipts of one tally have in common. `day`: `2026-11-30`, in UTC, of the job's id."""

    day: str
    op: str
    provider: str
    model: str | None = None
    token: str | None = None
    conversation: str | None = None

    @property
    def month(self) -> str:
        return self.day[:7]


class Compared(Struct):
    """What is set beside another model's price: pictures of paid calls, and what these cost; and what is left out."""

    calls: int = 0
    images: int = 0
    cost: int = 0
    cost_unknown: int = 0
    not_succeeded: int = 0
    no_picture: int = 0


Counts = TypeVar("Counts", Totals, Compared)


class Tally(Struct):
    key: TallyKey
    totals: Totals = field(default_factory=Totals)
    compared: Compared = field(default_factory=Compared)


def made_at(job_id: str) -> datetime:
    """When a job was made: its id says so. A part of a turn or a batch has that one's id, and counts with it.

    Raises:
        ValueError: it is no id of a job.
    """
    return ULID.from_str(job_id.removeprefix("job_")[:26]).datetime


def tally_of(receipt: Receipt) -> Tally:
    """A single receipt, paid or not.

    Raises:
        ValueError: its job's id does not say when it was made, so it belongs to no month.
    """
    key = TallyKey(
        day=f"{made_at(receipt.job_id):%Y-%m-%d}",
        op=receipt.op,
        provider=receipt.provider,
        model=receipt.model_used or receipt.model_requested,
        token=receipt.token_id,
        conversation=receipt.conversation_id,
    )
    return Tally(key, _totals(receipt), _compared(receipt))


def tallied(receipts: Iterable[Receipt]) -> list[Tally]:
    """Tallies of receipts, one for each key; without those that belong to no month."""
    found: dict[TallyKey, Tally] = {}
    for receipt in receipts:
        try:
            tally = tally_of(receipt)
        except ValueError:
            continue
        add_to(found.setdefault(tally.key, Tally(tally.key)), tally)
    return list(found.values())


def add_to(tally: Tally, more: Tally) -> None:
    add(tally.totals, more.totals)
    add(tally.compared, more.compared)


def add(counts: Counts, more: Counts) -> None:
    for name in names_of(counts):
        setattr(counts, name, getattr(counts, name) + getattr(more, name))


def names_of(counts: Totals | Compared) -> tuple[str, ...]:
    return counts.__struct_fields__


def _totals(receipt: Receipt) -> Totals:
    totals = Totals()
    is_free, is_done = receipt.provider == HERE, receipt.status == "succeeded"
    if not _is_part(receipt):
        totals.requests = 1
        totals.failed = int(receipt.status == "failed")
    if receipt.op == TURN:
        totals.turns = int(is_done)
    elif receipt.op == CUTOUT:
        totals.cutouts = receipt.images
    elif receipt.op == RECIPE and is_free:
        totals.recipe_images = receipt.images
    else:
        totals.images = receipt.images
    totals.calls = 0 if is_free else _calls(receipt)
    totals.cost = receipt.actual or 0
    totals.unknown = int(_is_unknown(receipt))
    return totals


def _compared(receipt: Receipt) -> Compared:
    """What costs nothing here would cost nothing beside any model, so it is neither counted nor left out."""
    if receipt.provider == HERE or receipt.op == CUTOUT:
        return Compared()
    if receipt.actual is None or _is_unknown(receipt):
        return Compared(cost_unknown=1)
    if receipt.status != "succeeded":
        return Compared(not_succeeded=1)
    if not receipt.images:
        return Compared(no_picture=1)
    return Compared(calls=1, images=receipt.images, cost=receipt.actual)


def _is_unknown(receipt: Receipt) -> bool:
    """Whether what it counts at is not what the provider is known to have taken."""
    return receipt.actual is None or receipt.charged == "unknown" or receipt.together is not None


def _calls(receipt: Receipt) -> int:
    """How many calls of a provider it counts as: one, unless it took several, of which those count that were sent."""
    sent = sum(call.dispatched_at is not None for call in receipt.calls)
    return max(1, sent)


def _is_part(receipt: Receipt) -> bool:
    """Whether it is a paid call of a turn or a batch: `{its id}-plan`."""
    return "-" in receipt.job_id
