"""Budgets: what may be spent in a period, and what of it is set aside or gone."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from darkroom.models.money import MicroUsd
from darkroom.models.value import Value

BudgetName = Literal["day", "month", "conversation", "token_day", "token_month", "batch"]


class BudgetRef(Value):
    """Which budget, and how much it may be. A job keeps those it was reserved from, so it is settled in the same."""

    name: BudgetName
    id: str = Field(
        description="`day#2026-11-21`, `month#2026-11`, `token#{token}#day#…`, `conversation#{id}`, `batch#{job}`."
    )
    limit: MicroUsd = Field(ge=0)
    resets_at: datetime | None = Field(
        None, description="When the next period begins; None for a conversation or batch."
    )


class Budget(Value):
    """A budget as it stands, in micro-dollars: limit + overdrawn = remaining + reserved + spent, all of them >= 0.

    `overdrawn` is above 0 only when something cost more than was reserved for it, or the limit was lowered below what
    was gone; nothing remains then.
    """

    id: str
    limit: MicroUsd
    remaining: MicroUsd
    reserved: MicroUsd
    spent: MicroUsd
    overdrawn: MicroUsd = 0
    is_warned: bool = Field(False, description="Whether somebody was told that it is nearly used up.")
