"""The laws of money."""

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.models.money import dollars, in_dollars, micro_usd
from darkroom.providers._wire import parse_json

_AMOUNTS = st.decimals(0, 10_000, allow_nan=False, allow_infinity=False, places=12)


@given(_AMOUNTS)
def test_a_charge_is_rounded_up_and_by_less_than_a_micro_dollar(amount: Decimal) -> None:
    charged = micro_usd(amount)
    assert charged is not None
    assert charged == ceil(Fraction(amount) * 1_000_000)
    assert 0 <= in_dollars(charged) - amount < Decimal("0.000001")


@given(_AMOUNTS, _AMOUNTS)
def test_more_dollars_are_never_fewer_micro_dollars(one: Decimal, other: Decimal) -> None:
    small, large = sorted((one, other))
    assert (micro_usd(small) or 0) <= (micro_usd(large) or 0)
    assert (micro_usd(one + other) or 0) <= (micro_usd(one) or 0) + (micro_usd(other) or 0)


@given(st.integers(0, 10**14))
def test_whole_micro_dollars_are_themselves(amount: int) -> None:
    assert micro_usd(in_dollars(amount)) == amount


@given(st.integers(0, 10**9))
def test_however_it_is_written_it_is_the_same_amount(amount: int) -> None:
    """As a JSON number through a double, in exponent form, and as a string."""
    written = in_dollars(amount)
    for form in (repr(float(written)), f"{written:e}", f"{written:f}", f'"{written:f}"'):
        assert micro_usd(parse_json(form)) == amount


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_the_noise_of_doubles_costs_nothing(charges: list[int]) -> None:
    total = 0.0
    for charge in charges:
        total += charge / 1_000_000
    assert micro_usd(parse_json(repr(total))) == sum(charges)


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("0", 0),
        ("-0.0", 0),
        ("0.014", 14_000),
        ("3e-05", 30),
        ("3e-07", 1),
        ("0.0387036", 38_704),
        ("0.014000000000000002", 14_000),
        ("0.013999999999999999", 14_000),
        ("1e-13", 0),
        ('"0.00003"', 30),
        ("1e9", 10**15),
    ],
)
def test_amounts_as_they_come(written: str, amount: int) -> None:
    assert micro_usd(parse_json(written)) == amount


@pytest.mark.parametrize(
    "written",
    ["null", "true", "false", "NaN", "Infinity", "-Infinity", "-1", "-1e-9", "[]", "{}", "1e10", "1e999999"]
    + [f'"{word}"' for word in ("", "-1", "NaN", "sNaN", "free", "0x10", "1e999999999999")],
)
def test_what_is_no_amount_is_unknown_and_never_nothing(written: str) -> None:
    assert micro_usd(parse_json(written)) is None


@given(st.one_of(st.text(max_size=20), st.floats(), st.integers(), st.decimals(), st.none(), st.binary(max_size=5)))
def test_anything_is_an_amount_or_unknown(value: object) -> None:
    amount = dollars(value)
    assert amount is None or (amount.is_finite() and amount >= 0 and not amount.is_signed())
    assert (micro_usd(value) is None) is (amount is None)
