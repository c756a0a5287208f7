"""A month's statement: tallies added up. No ports: what is added comes from its reader."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from darkroom.errors import InvalidParameter
from darkroom.models.money import MicroUsd
from darkroom.models.tally import GENERATION, Tally, TallyKey, add
from darkroom.models.usage import Dimension, Savings, Statement, Totals

MOST_GROUPS: Final = 10_000

PriceOf = Callable[[str, int, bool], MicroUsd | None]
"""(model, how many pictures, whether they are made from others) -> what they cost; None where nobody knows. So many
pictures cost so many times what one does.
"""


def month_of(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m}"


def month_before(moment: datetime) -> str:
    first = moment.astimezone(UTC).replace(day=1)
    return month_of(first - timedelta(days=1))


def statement(
    user: str,
    month: str,
    tallies: Iterable[Tally],
    *,
    by: tuple[Dimension, ...] = (),
    against: str | None = None,
    price_of: PriceOf,
    most_groups: int = MOST_GROUPS,
) -> Statement:
    """Adds the tallies up; holds no more of them than one at a time.

    Raises:
        InvalidParameter: `by` makes more groups than an answer can hold.
    """
    made = Statement(user, month, by)
    comparison = _Comparison(against, price_of) if against else None
    for tally in tallies:
        add(made.totals, tally.totals)
        if by:
            key = tuple(_value(tally.key, dimension) for dimension in by)
            add(made.groups.setdefault(key, Totals()), tally.totals)
            if len(made.groups) > most_groups:
                raise _too_many(most_groups)
        if comparison:
            comparison.add(tally)
    made.groups = dict(sorted(made.groups.items(), key=lambda item: [value or "" for value in item[0]]))
    made.savings = comparison.savings if comparison else None
    return made


def _value(key: TallyKey, dimension: Dimension) -> str | None:
    value: str | None = getattr(key, dimension)
    return value


class _Comparison:
    def __init__(self, model: str, price_of: PriceOf) -> None:
        self.savings = Savings(model)
        self._price_of = price_of
        # Of one picture, by whether it is made from others: it is looked up when it is first wanted.
        self._each: dict[bool, MicroUsd | None] = {}

    def add(self, tally: Tally) -> None:
        compared, is_edit = tally.compared, tally.key.op != GENERATION
        for why in ("cost_unknown", "not_succeeded", "no_picture"):
            self._leave_out(why, getattr(compared, why))
        if not compared.calls:
            return
        if is_edit not in self._each:
            self._each[is_edit] = self._price_of(self.savings.model, 1, is_edit)
        each = self._each[is_edit]
        if each is None:
            self._leave_out("price_unknown", compared.calls)
        else:
            self.savings.images += compared.images
            self.savings.cost += compared.cost
            self.savings.would_have_cost += each * compared.images

    def _leave_out(self, why: str, calls: int) -> None:
        if calls:
            self.savings.left_out[why] = self.savings.left_out.get(why, 0) + calls


def _too_many(most: int) -> InvalidParameter:
    return InvalidParameter(
        f"That makes more than {most} groups.",
        fix="Name fewer dimensions in `by`: `day` and `conversation` make the most.",
        param="by",
    )
