"""What was spent, and on what: what comes in and goes out."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.errors import Charged
from darkroom.http.operation import JSON, Answer, Operation, absent, json_of
from darkroom.http.schemas.account import KeyState
from darkroom.http.schemas.common import MicroUsdAmount, Moment, Month, Page, SettledTogetherLine, Usd
from darkroom.http.schemas.jobs import CallLine
from darkroom.models.money import MicroUsd, in_credits, usd
from darkroom.models.receipt import Receipt


class UsageQuery(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    month: Month = None
    by: Annotated[str, Field(max_length=100)] = Field(
        "", description="`day`, `model`, `op`, `token`, `conversation`, `provider`, several with commas."
    )
    against: Annotated[str | None, Field(min_length=1, max_length=200)] = Field(
        None, description="A model: what the same pictures would have cost there."
    )
    format: Literal["json", "csv"] | None = None


class ReceiptsQuery(Page):
    limit: int = Field(50, ge=1, le=100)
    month: Month = None


class Limits(Answer):
    """Dollars; null is without limit."""

    max_cost_per_request: Usd | None
    max_cost_per_conversation: Usd | None
    max_cost_per_day: Usd | None
    max_cost_per_month: Usd | None


class BudgetStanding(Answer):
    """Where a budget stands now."""

    name: str
    limit_usd: Usd
    remaining_usd: Usd
    reserved_usd: Usd
    spent_usd: Usd
    overdrawn_usd: Usd
    resets_at: Moment | None


class UsageTotals(Answer):
    """Counts, and what it cost."""

    requests: int = Field(description="What was asked for; a turn or a batch is one.")
    failed: int
    calls: int = Field(description="Jobs that could cost money.")
    images: int = Field(description="Pictures that models made.")
    turns: int
    cutouts: int
    recipe_images: int
    unknown: int = Field(description="Calls of which it could not be found out what they cost.")
    cost_usd: Usd
    cost_micro_usd: MicroUsdAmount
    credits: float


def _unless_asked() -> Any:
    """Left out where it was not asked for; null where a job has none."""
    return Field("", exclude_if=lambda value: value == "")


class UsageGroup(UsageTotals):
    """The totals of one group, under the dimensions that were asked for."""

    day: str | None = _unless_asked()
    model: str | None = _unless_asked()
    op: str | None = _unless_asked()
    token: str | None = _unless_asked()
    conversation: str | None = _unless_asked()
    provider: str | None = _unless_asked()


class SavingsLine(Answer):
    """What the same pictures would have cost from another model."""

    model: str
    images: int
    cost_usd: Usd
    would_have_cost_usd: Usd | None
    saved_usd: Usd | None = Field(description="Below 0 where the other model would have been cheaper.")
    left_out: dict[str, int] = Field(description="How many paid calls are not counted, by the reason why.")


class KeyFiguresLine(Answer):
    """What a provider itself says of the user's own key."""

    provider: str
    status: KeyState | None
    reason: str | None = Field(description="Why `status` is null.")


class UsageStatement(Answer):
    object: Literal["usage"] = "usage"
    limits: Limits
    warn_at_percent: int
    budgets: tuple[BudgetStanding, ...]
    month: str
    totals: UsageTotals
    by: tuple[str, ...]
    groups: tuple[UsageGroup, ...]
    savings: SavingsLine | None = absent()
    provider_key: KeyFiguresLine | None = Field(description="Null for a month that is over.")


class ReceiptLine(Answer):
    """What a job cost. Micro-dollars stand beside the dollars: a sum of those is exact."""

    object: Literal["receipt"] = "receipt"
    job_id: str
    op: str
    status: str
    model_requested: str | None
    model_used: str | None
    provider: str
    images: int
    seconds: float | None
    generation_id: str | None
    token_id: str | None
    conversation_id: str | None
    charged: Charged
    created_at: datetime
    settled_at: datetime
    calls: tuple[CallLine, ...] | None = absent()
    settled_together: SettledTogetherLine | None = absent()
    actual_usd: Usd | None
    estimated_usd: Usd | None
    reserved_usd: Usd | None
    actual_micro_usd: int | None
    actual_credits: float | None


class ReceiptList(Answer):
    object: Literal["list"] = "list"
    data: tuple[ReceiptLine, ...]
    next_cursor: str | None


class ReportUrls(Answer):
    json_: str = Field(alias="json")
    csv: str


class Report(Answer):
    """A finished month."""

    object: Literal["usage_report"] = "usage_report"
    month: str
    made_at: Moment
    requests: int
    cost_micro_usd: MicroUsdAmount
    urls: ReportUrls


class ReportList(Answer):
    object: Literal["list"] = "list"
    data: tuple[Report, ...]


def receipt_line(receipt: Receipt, credit: MicroUsd) -> ReceiptLine:
    """Args: credit: what one is worth."""
    derived = ("object", "calls", "settled_together", "actual_micro_usd", "actual_credits")
    same = [name for name in ReceiptLine.model_fields if name not in derived and not name.endswith("_usd")]
    amounts = {f"{name}_usd": usd(getattr(receipt, name)) for name in ("estimated", "reserved", "actual")}
    return ReceiptLine(
        **{name: getattr(receipt, name) for name in same},
        **amounts,
        calls=tuple(CallLine(**each.line()) for each in receipt.calls) or None,
        settled_together=SettledTogetherLine(**receipt.together.line()) if receipt.together else None,
        actual_micro_usd=receipt.actual,
        actual_credits=None if receipt.actual is None else float(in_credits(receipt.actual, credit)),
    )


SHOW_USAGE: Final = Operation("GET /v1/usage", {200: {JSON: UsageStatement, "text/csv": "text"}}, query=UsageQuery)
LIST_REPORTS: Final = Operation("GET /v1/usage/reports", json_of(ReportList))
LIST_RECEIPTS: Final = Operation("GET /v1/usage/receipts", json_of(ReceiptList), query=ReceiptsQuery)
