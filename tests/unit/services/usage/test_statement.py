"""A month's statement: what is counted as what, and the laws of its sums."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from darkroom.errors import InvalidParameter
from darkroom.models.job import SettledTogether
from darkroom.models.money import CREDIT, in_credits
from darkroom.models.receipt import Receipt
from darkroom.models.tally import made_at, tally_of
from darkroom.models.usage import DIMENSIONS, HERE, Dimension, Statement, Totals
from darkroom.services.usage.statement import month_before, statement
from darkroom.services.usage.usage_lines import as_csv, show
from tests.months import unpriced

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
COUNTS = ("requests", "failed", "calls", "images", "turns", "cutouts", "recipe_images", "unknown", "cost")


def receipt(op: str = "generation", *, part: str = "", at: datetime = NOW, **changes: Any) -> Receipt:
    return Receipt(
        job_id=f"job_{ULID.from_datetime(at)}{part}",
        user="alice",
        op=op,
        status="succeeded",
        model_requested="a/b",
        model_used="a/b",
        images=1,
        reserved=20,
        actual=14,
        charged=True,
        created_at=at,
        settled_at=at,
    ).model_copy(update=changes)


def free(op: str, **changes: Any) -> Receipt:
    return receipt(op, **{"provider": HERE, "model_used": None, "model_requested": None, "actual": 0, **changes})


def of(*receipts: Receipt, **more: Any) -> Statement:
    return statement("alice", "2026-11", map(tally_of, receipts), **{"price_of": unpriced, **more})


def counted(totals: Totals) -> dict[str, int]:
    return {name: value for name in COUNTS if (value := getattr(totals, name))}


@pytest.mark.parametrize(
    ("receipts", "expected"),
    [
        ([], {}),
        ([receipt(images=4)], {"requests": 1, "calls": 1, "images": 4, "cost": 14}),
        ([receipt(status="failed", images=0, actual=0)], {"requests": 1, "failed": 1, "calls": 1}),
        ([receipt(status="canceled", images=0, actual=0)], {"requests": 1, "calls": 1}),
        (
            [receipt(status="failed", images=0, actual=None)],
            {"requests": 1, "failed": 1, "calls": 1, "unknown": 1},
        ),
        (
            [receipt(status="failed", images=0, actual=15, charged="unknown")],
            {"requests": 1, "failed": 1, "calls": 1, "unknown": 1, "cost": 15},
        ),
        (
            [receipt(status="failed", images=0, actual=15, together=SettledTogether(jobs=2, total=20))],
            {"requests": 1, "failed": 1, "calls": 1, "unknown": 1, "cost": 15},
        ),
        (
            [
                receipt("plan", part="-plan", images=0, actual=1),
                receipt("paint", part="-paint0"),
                free("turn", images=1),
            ],
            {"requests": 1, "calls": 2, "images": 1, "turns": 1, "cost": 15},
        ),
        (
            [receipt("plan", part="-plan", status="failed", images=0, actual=3), free("turn", status="failed")],
            {"requests": 1, "failed": 1, "calls": 1, "cost": 3},
        ),
        ([free("background-removal")], {"requests": 1, "cutouts": 1}),
        (
            [receipt("background-removal", provider="removebg", actual=200_000)],
            {"requests": 1, "calls": 1, "cutouts": 1, "cost": 200_000},
        ),
        ([free("recipe", images=500)], {"requests": 1, "recipe_images": 500}),
    ],
)
def test_what_counts_as_what(receipts: list[Receipt], expected: dict[str, int]) -> None:
    assert counted(of(*receipts).totals) == expected


_RECEIPTS = st.lists(
    st.builds(
        lambda op, part, days, model, token, talk, provider, actual, images, status: receipt(
            op,
            part=part,
            at=NOW + timedelta(days=days),
            model_used=model,
            token_id=token,
            conversation_id=talk,
            provider=provider,
            actual=actual,
            images=images,
            status=status,
        ),
        op=st.sampled_from(["generation", "edit", "turn", "background-removal", "recipe", "completion"]),
        part=st.sampled_from(["", "-plan", "-paint0"]),
        days=st.integers(-20, 9),
        model=st.sampled_from(["a/b", "c/d", None]),
        token=st.sampled_from(["tok_1", None]),
        talk=st.sampled_from(["conv_1", None]),
        provider=st.sampled_from(["openrouter", "openai", HERE]),
        actual=st.none() | st.integers(0, 10**9),
        images=st.integers(0, 10),
        status=st.sampled_from(["succeeded", "failed", "canceled"]),
    ),
    max_size=30,
)
_BY = st.lists(st.sampled_from(DIMENSIONS), unique=True).map(tuple)


@given(receipts=_RECEIPTS, by=_BY)
def test_however_it_is_divided_the_groups_are_the_whole(receipts: list[Receipt], by: tuple[Dimension, ...]) -> None:
    made = of(*receipts, by=by)
    assert made.totals.cost == sum(each.actual or 0 for each in receipts)
    if by:
        for name in COUNTS:
            assert sum(getattr(each, name) for each in made.groups.values()) == getattr(made.totals, name)
    assert of(*reversed(receipts), by=by) == made, "in whatever order they come"


@given(receipts=_RECEIPTS, by=_BY)
def test_the_csv_is_the_statement_to_the_micro_dollar(receipts: list[Receipt], by: tuple[Dimension, ...]) -> None:
    made = of(*receipts, by=by)
    text = as_csv(made, CREDIT)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert sum(int(row["cost_micro_usd"]) for row in rows) == made.totals.cost
    assert sum(int(row["images"]) for row in rows) == made.totals.images
    assert text.count("\r\n") == len(rows) + 1
    assert "\n" not in text.replace("\r\n", "")


@given(value=st.text(max_size=20))
def test_no_cell_is_a_formula_and_every_cell_is_read_back(value: str) -> None:
    made = of(receipt(model_used=value or None, model_requested=None), by=("model",))
    (row,) = csv.DictReader(io.StringIO(as_csv(made, CREDIT), newline=""))
    assert not row["model"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["model"].removeprefix("'") == value.removeprefix("'")


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x","y")'])
def test_what_a_spreadsheet_would_run_is_text(value: str) -> None:
    made = of(receipt(model_used=value), by=("model",))
    (row,) = csv.DictReader(io.StringIO(as_csv(made, CREDIT), newline=""))
    assert row["model"] == f"'{value}"


def test_a_part_counts_on_the_day_of_its_turn() -> None:
    eve = datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC)
    part = receipt("paint", part="-paint0", at=eve, created_at=eve + timedelta(hours=1))
    assert list(of(part, by=("day",)).groups) == [("2026-11-30",)]
    assert made_at(part.job_id) == eve


def test_more_groups_than_an_answer_holds_are_refused() -> None:
    days = [receipt(at=NOW + timedelta(days=n)) for n in range(3)]
    assert len(of(*days, by=("day",), most_groups=3).groups) == 3
    with pytest.raises(InvalidParameter) as refused:
        of(*days, by=("day",), most_groups=2)
    assert refused.value.param == "by"


class TestSavings:
    def test_the_same_pictures_on_another_model(self) -> None:
        asked: list[tuple[str, int, bool]] = []

        def price_of(model: str, images: int, is_edit: bool) -> int | None:
            asked.append((model, images, is_edit))
            return images * (300 if is_edit else 100)

        made = of(
            receipt(images=2, actual=14),
            receipt(images=2, actual=14),
            receipt("edit", actual=15),
            receipt("completion", images=0),
            receipt(status="failed", images=0, actual=5),
            receipt(images=1, actual=None),
            receipt(images=1, actual=15, charged="unknown"),
            free("background-removal"),
            free("turn"),
            against="x/y",
            price_of=price_of,
        )
        assert asked == [("x/y", 1, False), ("x/y", 1, True)], "each kind of request once"
        assert show(made, CREDIT)["savings"] == {
            "model": "x/y",
            "images": 5,
            "cost_usd": 0.000043,
            "would_have_cost_usd": 0.0007,
            "saved_usd": 0.000657,
            "left_out": {"no_picture": 1, "not_succeeded": 1, "cost_unknown": 2},
        }

    def test_a_price_that_nobody_knows_is_no_saving(self) -> None:
        shown = show(of(receipt(), against="x/y"), CREDIT)["savings"]
        assert (shown["would_have_cost_usd"], shown["saved_usd"]) == (None, None)
        assert shown["left_out"] == {"price_unknown": 1}

    @given(receipts=_RECEIPTS, price=st.integers(0, 10**9))
    def test_every_paid_call_is_counted_or_left_out(self, receipts: list[Receipt], price: int) -> None:
        savings = of(*receipts, against="x/y", price_of=lambda _model, images, _is_edit: images * price).savings
        assert savings is not None
        paid = [each for each in receipts if each.provider != HERE and each.op != "background-removal"]
        taken = [each for each in paid if each.images and each.actual is not None and each.status == "succeeded"]
        assert savings.images == sum(each.images for each in taken)
        assert savings.cost == sum(each.actual or 0 for each in taken)
        assert savings.would_have_cost == savings.images * price
        assert sum(savings.left_out.values()) == len(paid) - len(taken)


def test_a_hundred_credits_are_four_cents() -> None:
    assert in_credits(40_000, CREDIT) == 100
    assert show(of(receipt(actual=40_000)), CREDIT)["totals"]["credits"] == 100
    assert show(of(receipt(actual=40_000)), CREDIT)["totals"]["cost_usd"] == 0.04


@pytest.mark.parametrize(
    ("now", "month"),
    [("2026-12-01T00:00:00Z", "2026-11"), ("2026-11-30T23:59:59Z", "2026-10"), ("2027-01-31T12:00:00Z", "2026-12")],
)
def test_the_month_before(now: str, month: str) -> None:
    assert month_before(datetime.fromisoformat(now)) == month
