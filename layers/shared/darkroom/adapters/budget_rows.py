"""Budgets as rows, in micro-dollars.

    pk=USER#{user}  sk=BUDGET#{id}   `limit`, `remaining`, `reserved`, `spent`; `warned`, once its user was

`remaining` is limit - reserved - spent, below 0 when overdrawn. It is kept because a condition cannot do sums.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from darkroom.adapters.dynamo import to_item
from darkroom.models.budget import Budget, BudgetRef
from darkroom.models.money import MicroUsd

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UpdateTypeDef

KEPT = timedelta(days=800)
# Of a day, or of a batch, which ends within days.
_DAY_KEPT = timedelta(days=90)

_RESERVE = (
    "SET #limit = :limit, remaining = if_not_exists(remaining, :limit) - :amount,"
    " reserved = if_not_exists(reserved, :zero) + :amount, spent = if_not_exists(spent, :zero),"
    " expires_at = :expires_at"
)
# A row that is gone by then begins anew with this one reservation, for a job must always come to its end.
_SETTLE = (
    "SET #limit = if_not_exists(#limit, :limit), remaining = if_not_exists(remaining, :begun) + :back,"
    " reserved = if_not_exists(reserved, :reserved) - :reserved, spent = if_not_exists(spent, :zero) + :actual,"
    " expires_at = if_not_exists(expires_at, :expires_at)"
)


def budget_key(user: str, budget_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"BUDGET#{budget_id}"}


def to_budget(row: Mapping[str, Any]) -> Budget:
    remaining = int(row["remaining"])
    return Budget(
        id=row["sk"].removeprefix("BUDGET#"),
        limit=int(row["limit"]),
        remaining=max(0, remaining),
        reserved=int(row["reserved"]),
        spent=int(row["spent"]),
        overdrawn=max(0, -remaining),
        is_warned=bool(row.get("warned", False)),
    )


def untouched(ref: BudgetRef) -> Budget:
    """A budget that nothing was ever taken from; it has no row."""
    return Budget(id=ref.id, limit=ref.limit, remaining=ref.limit, reserved=0, spent=0)


def reserve(table: str, user: str, ref: BudgetRef, amount: MicroUsd, now: datetime) -> "UpdateTypeDef":
    """Takes `amount` if it is there and the row's limit is the ref's; a refusal comes with the row."""
    return {
        "TableName": table,
        "Key": to_item(budget_key(user, ref.id)),
        "UpdateExpression": _RESERVE,
        "ConditionExpression": _has_left(ref, amount),
        "ExpressionAttributeNames": {"#limit": "limit"},
        "ExpressionAttributeValues": to_item(
            {":limit": ref.limit, ":amount": amount, ":zero": 0, ":expires_at": _kept_until(ref, now)}
        ),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _has_left(ref: BudgetRef, amount: MicroUsd) -> str:
    enough = "#limit = :limit AND remaining >= :amount"
    # Without a row all of the limit is left, which a condition cannot compare with the amount.
    return f"attribute_not_exists(pk) OR ({enough})" if amount <= ref.limit else enough


def settle(
    table: str,
    user: str,
    ref: BudgetRef,
    *,
    reserved: MicroUsd,
    actual: MicroUsd,
    now: datetime,
    warn_at_percent: int | None = None,
) -> "UpdateTypeDef":
    """Args: warn_at_percent: refused if it may bring the budget to so much of its limit, unless that has been told."""
    values = {
        ":limit": ref.limit,
        ":begun": ref.limit - reserved,
        ":back": reserved - actual,
        ":reserved": reserved,
        ":actual": actual,
        ":zero": 0,
        ":expires_at": _kept_until(ref, now),
    }
    update: UpdateTypeDef = {
        "TableName": table,
        "Key": to_item(budget_key(user, ref.id)),
        "UpdateExpression": _SETTLE,
        "ExpressionAttributeNames": {"#limit": "limit"},
    }
    if warn_at_percent is not None:
        # What may have been spent before, so that it is less with this. Of another limit the row says itself.
        values[":below"] = -((100 * actual - warn_at_percent * ref.limit) // 100)
        update["ConditionExpression"] = (
            "attribute_not_exists(pk) OR attribute_exists(warned) OR (#limit = :limit AND spent < :below)"
        )
    update["ExpressionAttributeValues"] = to_item(values)
    return update


def _kept_until(ref: BudgetRef, now: datetime) -> int:
    kept = _DAY_KEPT if ref.name in ("day", "token_day", "batch") else KEPT
    return int(((ref.resets_at or now) + kept).timestamp())
