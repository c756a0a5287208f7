"""Dollars, exactly: prices are `Decimal`, and what a call costs is computed once and never again.

The wire carries costs as JSON numbers with as many digits as they need (12 tokens at 3e-07 dollars are 3.6e-06), often
less than a micro-dollar. The invoice is kept in whole micro-dollars, each call rounded **up**: an invoice that rounds
down would let a ledger that loses fractions of a micro-dollar pass.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Any

ZERO = Decimal(0)
_MICRO = Decimal(1_000_000)
# More digits than a price line has, few enough for a double to carry them without loss.
_PLACES = Decimal("1e-12")


def micro_usd(cost: Decimal) -> int:
    """Whole micro-dollars, rounded up."""
    return int((cost * _MICRO).to_integral_value(ROUND_CEILING))


def exact(value: Decimal) -> Decimal:
    """The value as it will arrive: with no more digits than a JSON number carries faithfully."""
    return value.quantize(_PLACES).normalize()


def on_the_wire(value: Any) -> Any:
    """The same data with decimals as JSON numbers; small ones come out in exponent form, as they really do."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: on_the_wire(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [on_the_wire(each) for each in value]
    return value


def as_string(value: Decimal) -> str:
    """A price as `/models` writes it: a decimal string without an exponent."""
    return f"{value.normalize():f}"
