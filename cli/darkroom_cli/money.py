"""What was charged, in words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def dollars(amount: Any) -> str:
    """`$0.014`, `$12.30`: at least cents, and no more places than there are."""
    if amount is None:
        return "not known yet"
    plain = f"{Decimal(str(amount)).normalize():f}"
    whole, _, part = plain.partition(".")
    return f"${whole}.{part.ljust(2, '0')}"


def charged(cost: Mapping[str, Any]) -> str:
    """One line for a job's `cost`."""
    if not cost.get("settled", True):
        return "Charged: not known yet; `darkroom spend` tells within some minutes."
    if cost.get("charged") == "unknown":
        counted = dollars(cost.get("actual_usd"))
        return f"Charged: could not be found out; it counts as {counted}."
    if not cost.get("charged"):
        return "Charged: nothing."
    return f"Charged: {dollars(cost.get('actual_usd'))}."
