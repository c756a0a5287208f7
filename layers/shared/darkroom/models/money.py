"""Money: whole micro-dollars, counted exactly; a price per unit stays a Decimal of dollars.

The providers' amounts are JSON numbers or strings: `0.014`, `3e-05`, `"0.00003"`. They are read as Decimal (never
through a float) and become integers once, at the edge. What is not an amount (absent, null, NaN, infinite, negative,
a boolean, words) is unknown, which is None and never 0.

Rounding: each charge by itself, up to the next whole micro-dollar. A ledger of charges rounded up is never below what
the provider took, so a budget that is kept against it is never exceeded; it is above by less than a micro-dollar a
charge. The integer is made once and kept, so a sum of charges is a sum of integers. Before that, what lies below a
millionth of a micro-dollar is rounded away: it is the noise of doubles (`0.014000000000000002`), which would cost a
micro-dollar each.
"""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Any

MicroUsd = int
CREDIT: MicroUsd = 400
"""What a credit is worth unless a stack says otherwise: 100 credits are $0.04."""

_MICRO = Decimal(1_000_000)
_NOISE = Decimal("1e-12")
_LARGEST = Decimal(1_000_000_000)  # dollars; more than that is no price but a mistake


def dollars(value: Any) -> Decimal | None:
    """An amount in dollars as it was written, or None if it is not a plain amount of zero or more."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount <= _LARGEST:
        return None
    return abs(amount)  # -0 is 0


def micro_usd(value: Any) -> MicroUsd | None:
    """An amount in dollars as whole micro-dollars, rounded up; None if unknown."""
    amount = dollars(value)
    if amount is None:
        return None
    with localcontext(prec=60):
        exact = amount.quantize(_NOISE, ROUND_HALF_EVEN)
        return int((exact * _MICRO).to_integral_value(ROUND_CEILING))


def in_dollars(amount: MicroUsd) -> Decimal:
    """For showing: 14000 is Decimal("0.014000")."""
    return Decimal(amount).scaleb(-6)


def usd(amount: MicroUsd | None) -> float | None:
    """As a number in JSON; None stays None."""
    return None if amount is None else float(in_dollars(amount))


def said(amount: MicroUsd) -> str:
    """For a sentence: 14000 is "$0.014", 100000 is "$0.10"."""
    dollars, _, cents = f"{in_dollars(amount):f}".partition(".")
    return f"${dollars}.{cents.rstrip('0').ljust(2, '0')}"


def in_credits(amount: MicroUsd, credit: MicroUsd) -> Decimal:
    """The amount in credits of so many micro-dollars each, for showing: 40000 at 400 is Decimal("100")."""
    return Decimal(amount) / Decimal(credit)
