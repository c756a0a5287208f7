"""Budgets: what may be spent in a period, and what of it is set aside or gone."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.models.money import MicroUsd

BudgetName = Literal["day", "month", "conversation", "token_day", "token_month", "batch"]


class BudgetRef(BaseModel):
    """Which budget, and how much it may be. A job keeps those it was reserved from, so it is settled in the same."""

    model_config = ConfigDict(frozen=True)

    name: BudgetName
    id: str = Field(
        description="`day#2026-11-21`, `month#2026-11`, `token#{token}#day#…`, `conversation#{id}`, `batch#{job}`."
    )
    limit: MicroUsd = Field(ge=0)
    resets_at: datetime | None = Field(
        None, description="When the next period begins; None for a conversation or batch."
    )


class Budget(BaseModel):
    """A budget as it stands, in micro-dollars: limit + overdrawn = remaining + reserved + spent, all of them >= 0.

    `overdrawn` is above 0 only when something cost more than was reserved for it, or the limit was lowered below what
    was gone; nothing remains then.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    limit: MicroUsd
    remaining: MicroUsd
    reserved: MicroUsd
    spent: MicroUsd
    overdrawn: MicroUsd = 0
    is_warned: bool = Field(False, description="Whether somebody was told that it is nearly used up.")
