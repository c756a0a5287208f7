"""Models as JSON: OpenAI's list, and beside it what only we know."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from darkroom.models.catalogue import ParameterRange
from darkroom.models.model_query import By, ModelQuery
from darkroom.models.model_row import ModelRow, Price
from darkroom.models.money import MicroUsd, in_credits, in_dollars
from darkroom.services.listing.model_list import Named, Seen, best, tasks_of

# In a list. One model by itself is described in full.
_MOST_TEXT: Final = 300
_BY: Final[dict[By, str]] = {
    "cheapest": "the lowest estimate",
    "fastest": "the lowest median of the seconds it took here",
}


def list_view(seen: Seen, query: ModelQuery) -> dict[str, Any]:
    recommendation = {}
    if query.recommend:
        first = seen.rows[0] if seen.rows else None
        recommendation = {
            "recommendation": {
                "id": first.id if first else None,
                "by": query.recommend,
                "for": query.picture_task,
                "why": _why(first, query),
            }
        }
    data = [_row_view(row, seen) for row in seen.rows]
    return {"object": "list", "data": data, "total": len(data), **recommendation, **_age(seen)}


def model_view(named: Named, seen: Seen) -> dict[str, Any]:
    return {**_row_view(named.row, seen, whole=True), **_name(named), **_age(seen)}


def comparison_view(named: list[Named], seen: Seen) -> dict[str, Any]:
    """Rows side by side; who is cheapest and who is fastest among them, where that is known."""
    cheapest = {task: best(seen.rows, "cheapest", task) for task in tasks_of(seen.rows)}
    fastest = best(seen.rows, "fastest")
    return {
        "object": "comparison",
        "data": [{**_row_view(each.row, seen, whole=True), **_name(each)} for each in named],
        "cheapest": {task: row.id if row else None for task, row in cheapest.items()},
        "fastest": fastest.id if fastest else None,
        **_age(seen),
    }


def amount_view(amount: MicroUsd | None, credit: MicroUsd) -> dict[str, Any]:
    """Micro-dollars beside the dollars, and credits: null is unknown, never free."""
    if amount is None:
        return {"usd": None, "micro_usd": None, "credits": None}
    return {"usd": float(in_dollars(amount)), "micro_usd": amount, "credits": float(in_credits(amount, credit))}


def _row_view(row: ModelRow, seen: Seen, *, whole: bool = False) -> dict[str, Any]:
    text = row.description
    return {
        "id": row.id,
        "object": "model",
        "created": int(row.created.timestamp()) if row.created else 0,
        "owned_by": row.owner,
        "shutdown_date": row.expires_at.date().isoformat() if row.expires_at else None,
        "name": row.name,
        "description": text if whole or len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT].rstrip()}…",
        "tags": list(row.tags),
        "input_modalities": list(row.input_modalities),
        "output_modalities": list(row.output_modalities),
        "context_length": row.context_length,
        "max_completion_tokens": row.max_completion_tokens,
        "capabilities": {name: _range_view(each) for name, each in row.parameters.items()},
        "options": list(row.options),
        "prices": [_price_view(each) for each in row.prices],
        "estimates": {task: amount_view(amount, seen.credit) for task, amount in row.estimates.items()},
        "measured": row.figures.model_dump() if row.figures else None,
        "note": {"best_for": row.note.best_for, "limits": row.note.limits or None} if row.note else None,
        "recommended": row.recommended,
        "favourite": row.id in seen.favourites,
        **_row_age(row, seen),
    }


def _range_view(found: ParameterRange) -> dict[str, Any]:
    bounds = {"min": found.min, "max": found.max}
    shown: dict[str, Any] = {name: _number(value) for name, value in bounds.items() if value is not None}
    return {"type": found.type, **({"values": list(found.values)} if found.values else {}), **shown}


def _price_view(price: Price) -> dict[str, Any]:
    return {
        "billable": price.billable,
        "unit": price.unit,
        "usd": None if price.usd is None else f"{price.usd.normalize():f}",
        "variant": price.variant,
        "source": price.source,
    }


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _name(named: Named) -> Mapping[str, Any]:
    return {"model_requested": named.name, "warnings": [named.warning] if named.warning else []}


def _age(seen: Seen) -> Mapping[str, Any]:
    is_stale = seen.is_stale(seen.as_of)
    return {"as_of": seen.as_of.isoformat(), "age_seconds": int(seen.age.total_seconds()), "stale": is_stale}


def _row_age(row: ModelRow, seen: Seen) -> Mapping[str, Any]:
    """A row may be older than others, if its own prices could not be had."""
    if row.as_of is None:
        return {"as_of": None, "stale": True}
    return {"as_of": row.as_of.isoformat(), "stale": seen.is_stale(row.as_of)}


def _why(first: ModelRow | None, query: ModelQuery) -> str:
    by: By = query.recommend or "cheapest"
    if first is not None:
        return f"Of those that can do it, it has {_BY[by]}."
    if by == "fastest":
        return "Of those that can do it, none has been used here yet."
    return "None can do it, or none says what it costs."
