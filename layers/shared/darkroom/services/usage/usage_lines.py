"""A statement as it is shown: as JSON, and as lines of a table (RFC 4180)."""

import csv
import io
from typing import Any

from darkroom.models.money import MicroUsd, in_credits, in_dollars
from darkroom.models.usage import Savings, Statement, Totals

_COUNTS = ("requests", "failed", "calls", "images", "turns", "cutouts", "recipe_images", "unknown")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def show(statement: Statement, credit: MicroUsd) -> dict[str, Any]:
    groups = [
        {**dict(zip(statement.by, key, strict=True)), **_shown(totals, credit)}
        for key, totals in statement.groups.items()
    ]
    return {
        "month": statement.month,
        "totals": _shown(statement.totals, credit),
        "by": list(statement.by),
        "groups": groups,
        **({"savings": _saved(statement.savings)} if statement.savings else {}),
    }


def as_csv(statement: Statement, credit: MicroUsd) -> str:
    """A line for each group, or one for the whole month where no dimension was asked for."""
    written = io.StringIO(newline="")
    lines = csv.writer(written, lineterminator="\r\n")
    amounts = ("cost_micro_usd", "cost_usd", "credits")
    lines.writerow(["month", *statement.by, *_COUNTS, *amounts])
    groups = statement.groups if statement.by else {(): statement.totals}
    for key, totals in groups.items():
        shown = _shown(totals, credit)
        cost = [str(totals.cost), f"{in_dollars(totals.cost):f}", f"{in_credits(totals.cost, credit):f}"]
        lines.writerow([statement.month, *map(_cell, key), *(shown[name] for name in _COUNTS), *cost])
    return written.getvalue()


def _cell(value: str | None) -> str:
    value = value or ""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _shown(totals: Totals, credit: MicroUsd) -> dict[str, Any]:
    return {
        **{name: getattr(totals, name) for name in _COUNTS},
        "cost_usd": float(in_dollars(totals.cost)),
        "cost_micro_usd": totals.cost,
        "credits": float(in_credits(totals.cost, credit)),
    }


def _saved(savings: Savings) -> dict[str, Any]:
    """`saved_usd` is below 0 where the other model would have been cheaper."""
    has_pictures = savings.images > 0
    saved = savings.would_have_cost - savings.cost
    return {
        "model": savings.model,
        "images": savings.images,
        "cost_usd": float(in_dollars(savings.cost)),
        "would_have_cost_usd": float(in_dollars(savings.would_have_cost)) if has_pictures else None,
        "saved_usd": float(in_dollars(saved)) if has_pictures else None,
        "left_out": savings.left_out,
    }
