"""A month's statement: receipts added up, each of them once. No ports: what is added comes from whoever reads it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from ulid import ULID

from darkroom.errors import InvalidParameter
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import Receipt
from darkroom.models.usage import HERE, Dimension, Savings, Statement, Totals

CUTOUT: Final = "background-removal"
TURN: Final = "turn"
RECIPE: Final = "recipe"
GENERATION: Final = "generation"
MOST_GROUPS: Final = 10_000

PriceOf = Callable[[str, int, bool], MicroUsd | None]
"""(model, how many pictures, whether they are made from others) -> what they cost; None where nobody knows."""


def nobody_knows(_model: str, _images: int, _is_edit: bool) -> MicroUsd | None:
    return None


def made_at(job_id: str) -> datetime:
    """When a job was made: its id says so. A part of a turn or a batch has that one's id, and counts with it."""
    return ULID.from_str(job_id.removeprefix("job_")[:26]).datetime


def month_of(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m}"


def month_before(moment: datetime) -> str:
    first = moment.astimezone(UTC).replace(day=1)
    return month_of(first - timedelta(days=1))


def statement(
    user: str,
    month: str,
    receipts: Iterable[Receipt],
    *,
    by: tuple[Dimension, ...] = (),
    against: str | None = None,
    price_of: PriceOf = nobody_knows,
    most_groups: int = MOST_GROUPS,
) -> Statement:
    """Adds the receipts up; holds no more of them than one at a time.

    Raises:
        InvalidParameter: `by` makes more groups than an answer can hold.
    """
    made = Statement(user, month, by)
    comparison = _Comparison(against, price_of) if against else None
    for receipt in receipts:
        _add(made.totals, receipt)
        if by:
            key = tuple(_value(receipt, dimension) for dimension in by)
            _add(made.groups.setdefault(key, Totals()), receipt)
            if len(made.groups) > most_groups:
                raise _too_many(most_groups)
        if comparison:
            comparison.add(receipt)
    made.groups = dict(sorted(made.groups.items(), key=lambda item: [value or "" for value in item[0]]))
    made.savings = comparison.savings if comparison else None
    return made


def _add(totals: Totals, receipt: Receipt) -> None:
    is_free, is_done = receipt.provider == HERE, receipt.status == "succeeded"
    if not _is_part(receipt):
        totals.requests += 1
        totals.failed += receipt.status == "failed"
    if receipt.op == TURN:
        totals.turns += is_done
    elif receipt.op == CUTOUT:
        totals.cutouts += receipt.images
    elif receipt.op == RECIPE and is_free:
        totals.recipe_images += receipt.images
    else:
        totals.images += receipt.images
    totals.calls += 0 if is_free else _calls(receipt)
    totals.cost += receipt.actual or 0
    totals.unknown += _is_unknown(receipt)


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


def _value(receipt: Receipt, dimension: Dimension) -> str | None:
    match dimension:
        case "day":
            return f"{made_at(receipt.job_id):%Y-%m-%d}"
        case "model":
            return receipt.model_used or receipt.model_requested
        case "op":
            return receipt.op
        case "token":
            return receipt.token_id
        case "conversation":
            return receipt.conversation_id
        case "provider":
            return receipt.provider


class _Comparison:
    def __init__(self, model: str, price_of: PriceOf) -> None:
        self.savings = Savings(model)
        self._price = cache(lambda images, is_edit: price_of(model, images, is_edit))

    def add(self, receipt: Receipt) -> None:
        """What costs nothing here would cost nothing beside any model, so it is neither counted nor left out."""
        if receipt.provider == HERE or receipt.op == CUTOUT:
            return
        if receipt.actual is None or _is_unknown(receipt):
            self._leave_out("cost_unknown")
        elif receipt.status != "succeeded":
            self._leave_out("not_succeeded")
        elif not receipt.images:
            self._leave_out("no_picture")
        elif (price := self._price(receipt.images, receipt.op != GENERATION)) is None:
            self._leave_out("price_unknown")
        else:
            self.savings.images += receipt.images
            self.savings.cost += receipt.actual
            self.savings.would_have_cost += price

    def _leave_out(self, why: str) -> None:
        self.savings.left_out[why] = self.savings.left_out.get(why, 0) + 1


def _too_many(most: int) -> InvalidParameter:
    return InvalidParameter(
        f"That makes more than {most} groups.",
        fix="Name fewer dimensions in `by`: `day` and `conversation` make the most.",
        param="by",
    )
