"""Models and estimates as answers: OpenAI's list, and beside it what only we know."""

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from darkroom.http.schemas.models import (
    Amount,
    Comparison,
    Estimate,
    EstimateLine,
    Measured,
    ModelLine,
    ModelList,
    NamedModelLine,
    NoteLine,
    OneModel,
    ParameterLine,
    PriceLine,
    Recommendation,
    SegmentationLine,
    SegmentationList,
)
from darkroom.models import segmentation
from darkroom.models.catalogue import ParameterRange
from darkroom.models.model_query import By, ModelQuery
from darkroom.models.model_row import ModelRow, Price
from darkroom.models.money import MicroUsd, in_credits, in_dollars
from darkroom.services.listing.estimates import Sum
from darkroom.services.listing.model_list import Named, Seen, best, tasks_of

# In a list. One model by itself is described in full.
_MAX_TEXT: Final = 300
_BY_THE_MILLION: Final = ("token", "pixel")
_BY: Final[dict[By, str]] = {
    "cheapest": "the lowest estimate",
    "fastest": "the lowest median of the seconds it took here",
}


def model_list(seen: Seen, query: ModelQuery) -> ModelList:
    recommendation = None
    if query.recommend:
        first = seen.rows[0] if seen.rows else None
        recommendation = Recommendation(
            id=first.id if first else None,
            by=query.recommend,
            why=_why(first, query),
            **{"for": query.picture_task},
        )
    data = tuple(ModelLine(**_row(row, seen)) for row in seen.rows)
    return ModelList(data=data, total=len(data), recommendation=recommendation, **_age(seen))


def one_model(named: Named, seen: Seen) -> OneModel:
    return OneModel(**{**_row(named.row, seen, whole=True), **_name(named), **_age(seen)})


def comparison(named: list[Named], seen: Seen) -> Comparison:
    """Rows side by side; who is cheapest and who is fastest among them, where that is known."""
    cheapest = {task: best(seen.rows, "cheapest", task) for task in tasks_of(seen.rows)}
    fastest = best(seen.rows, "fastest")
    return Comparison(
        data=tuple(NamedModelLine(**_row(each.row, seen, whole=True), **_name(each)) for each in named),
        cheapest={task: row.id if row else None for task, row in cheapest.items()},
        fastest=fastest.id if fastest else None,
        **_age(seen),
    )


def estimate(found: Sum) -> Estimate:
    items = tuple(
        EstimateLine(
            model_requested=each.model_requested,
            model=each.model,
            times=each.times,
            each=amount(each.each, found.credit),
            total=amount(each.total, found.credit),
            reserve=amount(each.reserve, found.credit),
            calls=each.calls,
            warnings=each.warnings,
            **{"for": each.task},
        )
        for each in found.items
    )
    return Estimate(items=items, total=amount(found.total, found.credit), known=amount(found.known, found.credit))


def amount(micro: MicroUsd | None, credit: MicroUsd) -> Amount:
    """Micro-dollars beside the dollars, and credits: None is unknown, never free."""
    if micro is None:
        return Amount(usd=None, micro_usd=None, credits=None)
    return Amount(usd=float(in_dollars(micro)), micro_usd=micro, credits=float(in_credits(micro, credit)))


def segmentation_list(
    default: str, acknowledged: Collection[str], weights: Path, baked: Collection[str]
) -> SegmentationList:
    """The models that cut out.

    Args:
        default: the one that does it where none is named.
        weights: their folder. A laptop's functions can all see it; deployed, it is in the image alone.
        baked: those that the image was built with.
    """
    is_seen = weights.is_dir()
    data = tuple(
        SegmentationLine(
            id=each.name,
            best_for=each.best_for,
            license=each.licence,
            license_note=each.licence_note,
            commercial=each.commercial,
            acknowledged=not each.needs_acknowledgement or each.name in acknowledged,
            default=each.name == default,
            installed=(weights / each.file).is_file() if is_seen else each.name in baked,
        )
        for each in segmentation.MODELS.values()
    )
    return SegmentationList(data=data, total=len(data))


def _row(row: ModelRow, seen: Seen, *, whole: bool = False) -> dict[str, Any]:
    """The fields of a line."""
    text = row.description
    same = ("id", "name", "tags", "input_modalities", "output_modalities", "context_length")
    return {
        **{
            name: getattr(row, name)
            for name in (*same, "max_completion_tokens", "options", "recommended", "recommended_for")
        },
        "created": int(row.created.timestamp()) if row.created else 0,
        "owned_by": row.owner,
        "shutdown_date": row.expires_at.date().isoformat() if row.expires_at else None,
        "description": text if whole or len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT].rstrip()}…",
        "capabilities": {name: _parameter(each) for name, each in row.parameters.items()},
        "prices": tuple(map(_price, row.prices)),
        "estimates": {task: amount(micro, seen.credit) for task, micro in row.estimates.items()},
        "measured": Measured(**row.figures.model_dump()) if row.figures else None,
        "median_ms": _milliseconds(row.median_seconds),
        "good_for": row.note.best_for if row.note else None,
        "note": NoteLine(best_for=row.note.best_for, limits=row.note.limits or None) if row.note else None,
        **dict.fromkeys(("favorite", "favourite"), row.id in seen.favourites),
        # A row may be older than others, if its own prices could not be had.
        "as_of": row.as_of,
        "stale": row.as_of is None or seen.is_stale(row.as_of),
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _parameter(found: ParameterRange) -> ParameterLine:
    bounds = {"min": found.min, "max": found.max}
    shown = {name: _number(value) for name, value in bounds.items() if value is not None}
    return ParameterLine(type=found.type, values=found.values or None, **shown)


def _price(price: Price) -> PriceLine:
    return PriceLine(
        billable=price.billable,
        unit=price.unit,
        usd=None if price.usd is None else f"{price.usd.normalize():f}",
        display=None if price.usd is None else _readable(price.usd, price.unit),
        variant=price.variant,
        source=price.source,
    )


def _readable(dollars: Decimal, unit: str) -> str:
    """A price as people read it: of what is paid for by the million, such as tokens, for a million."""
    if unit in _BY_THE_MILLION:
        return f"${(dollars * 1_000_000).normalize():f} per million {unit}s"
    return f"${dollars.normalize():f} per {unit}"


def _number(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() else float(value)


def _name(named: Named) -> dict[str, Any]:
    return {"model_requested": named.name, "warnings": (named.warning,) if named.warning else ()}


def _age(seen: Seen) -> dict[str, Any]:
    is_stale = seen.is_stale(seen.as_of)
    return {"as_of": seen.as_of, "age_seconds": int(seen.age.total_seconds()), "stale": is_stale}


def _why(first: ModelRow | None, query: ModelQuery) -> str:
    by: By = query.recommend or "cheapest"
    if first is not None:
        return f"Of those that can do it, it has {_BY[by]}."
    if by == "fastest":
        return "Of those that can do it, none has been used here yet."
    return "None can do it, or none says what it costs."
