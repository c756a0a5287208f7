"""What a message would cost, as it is shown."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from darkroom.http.operation import Answer, absent
from darkroom.http.schemas.common import Usd
from darkroom.models.money import in_dollars

if TYPE_CHECKING:
    from darkroom.services.conversations.forecasts import Amount, Forecast


class Refusal(Answer):
    """The limit that a message would not be within."""

    limit: str = Field(
        description="`max_cost_usd`, `max_cost_per_request`, `day`, `month`, `conversation`, `token_day`, "
        "`token_month`; `price` where nobody says what it costs, `key` where nobody would pay."
    )
    code: str
    detail: str
    fix: str
    estimated_usd: Usd | None = absent()
    reserved_usd: Usd | None = absent()
    limit_usd: Usd | None = absent()
    remaining_usd: Usd | None = absent()


class AmountView(Answer):
    """What one paid call of a message would take."""

    model: str
    estimated_usd: Usd | None = Field(description="Null where nobody says what the model costs.")
    reserved_usd: Usd | None = Field(description="What would be set aside for it.")
    allowed: bool
    refused_by: Refusal | None


class MessageEstimate(Answer):
    """What a message would cost. Nothing was asked of a planner, set aside or charged."""

    object: Literal["conversation.estimate"] = "conversation.estimate"
    plan: AmountView
    paint: AmountView | None = Field(description="What painting would add; null where the settings forbid it.")
    estimated_usd: Usd | None = Field(description="Of the planning, which each message takes.")
    reserve: Usd | None = Field(description="What would be set aside when it is said: `plan.reserved_usd`.")
    allowed: bool = Field(description="Whether it may be said: its planning. `paint.allowed` is of what it may paint.")
    refused_by: Refusal | None
    charged: Literal[False] = False
    warnings: tuple[str, ...]


def show_estimate(found: "Forecast") -> MessageEstimate:
    plan = _amount(found.plan)
    return MessageEstimate(
        plan=plan,
        paint=None if found.paint is None else _amount(found.paint),
        estimated_usd=plan.estimated_usd,
        reserve=plan.reserved_usd,
        allowed=plan.allowed,
        refused_by=plan.refused_by,
        warnings=found.warnings,
    )


def _amount(amount: "Amount") -> AmountView:
    estimated, reserved = (
        None if each is None else float(in_dollars(each)) for each in (amount.estimated, amount.reserved)
    )
    refused = None if amount.refused_by is None else Refusal.model_validate(amount.refused_by)
    return AmountView(
        model=amount.model,
        estimated_usd=estimated,
        reserved_usd=reserved,
        allowed=refused is None,
        refused_by=refused,
    )
