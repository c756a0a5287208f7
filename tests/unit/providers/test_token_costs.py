"""What is counted is never less than what is billed, and the same where prices are plain."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from darkroom.models.catalogue import PriceLine, TokenPrices
from darkroom.models.generation import Usage
from darkroom.models.money import MicroUsd, micro_usd
from darkroom.models.rates import Rates
from darkroom.providers._openai_like_chat import usage_of
from darkroom.providers._token_costs import Counts, chat_cost, picture_cost
from tests.contract.providing import Memory, dot
from tests.unit.providers.direct import CLASSES, Direct, simulating

ZERO = Decimal(0)
counts = st.integers(0, 200_000).map(Decimal)
prices = st.integers(1, 150_000).map(lambda price: Decimal(price).scaleb(-9))


def _line(billable: str, usd: Decimal | str | None, unit: str = "token", variant: str | None = None) -> PriceLine:
    return PriceLine(billable=billable, unit=unit, usd=None if usd is None else Decimal(usd), variant=variant)


@given(
    fresh=counts, cached=counts, said=counts, thought=counts, prompt=prices, completion=prices,
    thinking=st.none() | prices, discount=st.decimals(0, 1, places=2), tells=st.booleans(),
)  # fmt: skip
def test_a_chat_never_costs_less_than_its_bill(
    fresh: Decimal, cached: Decimal, said: Decimal, thought: Decimal, prompt: Decimal, completion: Decimal,
    thinking: Decimal | None, discount: Decimal, tells: bool,
) -> None:  # fmt: skip
    rates = Rates(tokens=TokenPrices(prompt=prompt, completion=completion, internal_reasoning=thinking))
    bill = fresh * prompt + cached * prompt * discount + said * completion + thought * (thinking or completion)
    told = Counts(all_in=fresh + cached, all_out=said + thought, reasoning=thought if tells else None)
    cost = chat_cost(rates, told)
    billed = micro_usd(bill)
    assert cost is not None
    assert billed is not None
    assert cost >= billed
    if thinking is None and (discount == 1 or not cached):
        assert cost == billed


@given(
    words=counts, looked_at=counts, cached=counts, said=counts, painted=counts,
    text_in=prices, images_in=prices, text_out=prices, images_out=prices, tells=st.booleans(), lists_text=st.booleans(),
)  # fmt: skip
def test_pictures_never_cost_less_than_their_bill(
    words: Decimal, looked_at: Decimal, cached: Decimal, said: Decimal, painted: Decimal,
    text_in: Decimal, images_in: Decimal, text_out: Decimal, images_out: Decimal, tells: bool, lists_text: bool,
) -> None:  # fmt: skip
    text_in, images_in = min(text_in, images_in), max(text_in, images_in)
    lines = [_line("input_image", images_in), _line("output_image", images_out)]
    lines += [_line("input_text", text_in)] if lists_text else []
    rates = Rates(lines=tuple(lines), tokens=TokenPrices(prompt=text_in, completion=text_out))
    bill = words * text_in + cached * text_in / 2 + looked_at * images_in + said * text_out + painted * images_out
    totals = Counts(all_in=words + cached + looked_at, all_out=said + painted)
    told = Counts(totals.all_in, totals.all_out, words + cached, looked_at, painted) if tells else totals
    cost = picture_cost(rates, told, made=1, shown=1)
    billed = micro_usd(bill)
    assert cost is not None
    assert billed is not None
    assert cost >= billed
    if tells and not cached:
        assert cost == billed


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        (None, Counts(all_in=ZERO, all_out=ZERO)),
        (Rates(), Counts(all_in=ZERO, all_out=ZERO)),
        (Rates(tokens=TokenPrices(prompt=Decimal(1))), Counts(all_in=ZERO, all_out=ZERO)),
        (Rates(tokens=TokenPrices(completion=Decimal(1))), Counts(all_in=ZERO, all_out=ZERO)),
        (Rates(tokens=TokenPrices(prompt=Decimal(1), completion=Decimal(1))), Counts(all_in=ZERO)),
        (Rates(tokens=TokenPrices(prompt=Decimal(1), completion=Decimal(1))), Counts(all_out=ZERO)),
    ],
)
def test_what_is_not_known_of_a_chat_is_unknown_and_not_nothing(rates: Rates | None, told: Counts) -> None:
    assert chat_cost(rates, told) is None


TOLD = Counts(all_in=Decimal(10), all_out=Decimal(100), text_in=Decimal(10), images_out=Decimal(100))
TEN_IN, HUNDRED_OUT = _line("input_text", "0.000001"), _line("output_image", "0.00001")


@pytest.mark.parametrize(
    ("lines", "told", "expected"),
    [
        ((TEN_IN, HUNDRED_OUT), TOLD, 1010),
        ((TEN_IN, HUNDRED_OUT), Counts(), None),
        ((), TOLD, None),
        ((HUNDRED_OUT, _line("input_text", None)), TOLD, None),
        # Of several conditions the dearest.
        ((TEN_IN, HUNDRED_OUT, _line("output_image", "0.00002", variant="2k")), TOLD, 2010),
        ((TEN_IN, _line("output_image", "0.00002", variant="2k"), HUNDRED_OUT), TOLD, 2010),
        # Without a price of their own, words that came in cost what is dearest.
        ((HUNDRED_OUT,), TOLD, 1100),
        # By the picture, nothing is counted.
        ((_line("output_image", "0.04", "image"),), Counts(), 80_000),
        ((_line("output_image", "0.04", "image"), _line("input_image", "0.003", "image")), Counts(), 89_000),
        ((_line("output_image", "0.04", "image"), _line("input_reference", "0.003", "image")), Counts(), 89_000),
        ((_line("output_image", "0.04", "image"), _line("output_image", "0.01", "request")), Counts(), 90_000),
        ((_line("output_image", "0.014", "megapixel"),), TOLD, None),
        ((_line("output_video", "0.014", "image"),), TOLD, None),
    ],
)
def test_pictures_cost_what_the_lines_say(
    lines: tuple[PriceLine, ...], told: Counts, expected: MicroUsd | None
) -> None:
    assert picture_cost(Rates(lines=lines), told, made=2, shown=3) == expected


def test_where_thinking_is_dearer_and_not_told_apart_all_was_thinking() -> None:
    prices = TokenPrices(prompt=ZERO, completion=Decimal("0.000001"), internal_reasoning=Decimal("0.00001"))
    told = Counts(all_in=ZERO, all_out=Decimal(100))
    assert chat_cost(Rates(tokens=prices), told) == 1000
    assert chat_cost(Rates(tokens=prices), replace(told, reasoning=Decimal(10))) == 190


@pytest.mark.parametrize(
    ("usage", "output"),
    [
        ({"prompt_tokens": 21, "completion_tokens": 60, "total_tokens": 81}, 60),
        # As Gemini counts: thinking is in the total alone.
        ({"prompt_tokens": 20, "completion_tokens": 151, "total_tokens": 553}, 533),
        ({"prompt_tokens": 20, "completion_tokens": 0, "completion_tokens_details": {"reasoning_tokens": 60}}, 60),
        ({"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 3}, 5),
    ],
)
def test_thinking_is_paid_for(usage: dict[str, Any], output: int) -> None:
    rates = Rates(tokens=TokenPrices(prompt=ZERO, completion=Decimal("0.000001")))
    found = usage_of(usage, rates)
    assert found.completion_tokens == found.cost == output


@pytest.mark.parametrize("usage", [None, {}, [], {"prompt_tokens": 1}, {"prompt_tokens": -1, "completion_tokens": 2}])
def test_an_answer_without_counts_has_no_cost(usage: object) -> None:
    rates = Rates(tokens=TokenPrices(prompt=ZERO, completion=ZERO))
    assert usage_of(usage, rates).cost is None


def test_a_cost_that_an_answer_claims_is_not_believed() -> None:
    rates = Rates(tokens=TokenPrices(prompt=Decimal("0.000001"), completion=ZERO))
    assert usage_of({"prompt_tokens": 7, "completion_tokens": 1, "cost": 0}, rates).cost == 7


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Direct]]:
    with simulating(*CLASSES) as running:
        yield running


@pytest.fixture
def asking(name: str, running: dict[str, Direct]) -> Direct:
    direct = running[name]
    direct.world.reset()
    direct.memory = Memory()
    return direct


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("how", ["thinking", "cached", "slow"])
def test_a_simulators_bill_for_a_chat_is_covered(how: str, asking: Direct, name: str) -> None:
    asking.world.go_wrong(how)
    cost = asking.talk().usage.cost
    assert cost is not None
    assert cost >= asking.world.invoice() > 0
    if how != "cached":
        assert cost == asking.world.invoice()


@pytest.mark.parametrize("name", ["openai", "gemini"])
@pytest.mark.parametrize("how", ["thinking", "no_details", "slow"])
def test_a_simulators_bill_for_a_picture_is_covered(how: str, asking: Direct, name: str) -> None:
    asking.world.go_wrong(how)
    result = asking.paint(references=(dot(), dot("red")))
    usage: Usage = result.usage
    # What a model drafts while it thinks is paid for, but is no picture.
    assert len(result.images) == 1
    assert usage.cost is not None
    assert usage.cost >= asking.world.invoice() > 0
    if how != "no_details":
        assert usage.cost == asking.world.invoice()


@pytest.mark.parametrize("name", CLASSES)
def test_without_counts_or_prices_a_cost_is_unknown(asking: Direct, name: str) -> None:
    assert asking.talk(rates={}).usage.cost is None
    asking.world.go_wrong("no_usage")
    assert asking.talk().usage.cost is asking.complete().usage.cost is None
    if asking.world.painter:
        assert asking.paint().usage.cost is None
    assert asking.world.invoice() > 0
