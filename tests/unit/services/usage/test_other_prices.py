"""What the same pictures would cost from another model."""

import pytest
from msgspec.structs import replace

from darkroom.errors import UnsupportedModel
from darkroom.services.usage.other_prices import OtherPrices
from tests.application import KLEIN, UNPRICED, Studio

ONE = 14_000


@pytest.fixture
def prices(studio: Studio) -> OtherPrices:
    return OtherPrices(studio.app.quotes)


@pytest.mark.parametrize("images", [1, 3, 40])
def test_as_many_times_the_price_of_one(prices: OtherPrices, images: int) -> None:
    assert prices(KLEIN, images, False) == images * ONE


def test_pictures_to_work_from_are_paid_for_as_in_a_request(prices: OtherPrices) -> None:
    edit = prices(KLEIN, 1, True)
    assert edit is not None
    assert edit > ONE


def test_nobody_says(prices: OtherPrices) -> None:
    assert prices(UNPRICED, 1, False) is None


def test_a_model_that_there_is_not(prices: OtherPrices) -> None:
    with pytest.raises(UnsupportedModel) as refused:
        prices("nobody/nothing", 1, False)
    assert refused.value.param == "against"


def test_nor_is_it_compared_with_where_there_is_nothing_to_compare(prices: OtherPrices, studio: Studio) -> None:
    usage = replace(studio.app.usage, price_of=prices)
    with pytest.raises(UnsupportedModel) as refused:
        usage.statement("alice", against="nobody/nothing")
    assert refused.value.param == "against"
    savings = usage.statement("alice", against=KLEIN).savings
    assert savings is not None
    assert (savings.model, savings.images) == (KLEIN, 0)
