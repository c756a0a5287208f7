"""How a sum is divided among the calls that cost it together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import Charged
from darkroom.services.paid.shares import Range, divided

_RANGE = st.builds(lambda low, more: Range(low, low + more), st.integers(0, 50), st.integers(0, 20_000))


@pytest.mark.parametrize(
    ("highs", "total", "parts", "charged"),
    [
        ([15, 15, 15], 0, [0, 0, 0], [False, False, False]),
        ([15, 15, 15], 45, [15, 15, 15], [True, True, True]),
        ([15], 7, [7], [True]),
        ([15, 15, 15], 28, [10, 9, 9], ["unknown", "unknown", "unknown"]),
        ([15, 15, 15], 31, [11, 10, 10], [True, True, True]),
        ([10, 30], 11, [3, 8], ["unknown", True]),
        ([0, 30], 11, [0, 11], [False, True]),
    ],
)
def test_a_part_is_in_proportion_and_says_truly_whether_it_was_charged(
    highs: list[int], total: int, parts: list[int], charged: list[Charged]
) -> None:
    shares = divided([Range(0, high) for high in highs], total)
    assert shares is not None
    assert [share.amount for share in shares] == parts
    assert [share.charged for share in shares] == charged
    assert {(share.together.jobs, share.together.total) for share in shares} == {(len(highs), total)}


def test_what_was_delivered_was_charged_and_of_the_rest_that_is_unknown() -> None:
    shares = divided([Range(1, 10), Range(0, 10)], 10)
    assert shares is not None
    assert [(share.amount, share.charged) for share in shares] == [(5, True), (5, "unknown")]


@pytest.mark.parametrize("total", [-1, 4, 21])
def test_a_sum_that_they_cannot_have_cost_is_not_divided(total: int) -> None:
    assert divided([Range(5, 10), Range(0, 10)], total) is None


@given(st.lists(_RANGE, min_size=1, max_size=12), st.data())
def test_the_parts_are_within_their_ranges_and_the_sum_is_exact(ranges: list[Range], data: st.DataObject) -> None:
    costs = [data.draw(st.integers(each.low, each.high)) for each in ranges]
    shares = divided(ranges, sum(costs))
    assert shares is not None
    assert sum(share.amount for share in shares) == sum(costs)
    for each, share, cost in zip(ranges, shares, costs, strict=True):
        assert each.low <= share.amount <= each.high
        assert share.charged in (cost > 0, "unknown")
        if share.is_certain:
            assert share.amount == cost
