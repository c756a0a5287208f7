"""Laws of choosing among models: whoever is chosen satisfies, is the least, and nobody who satisfies is left out."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from darkroom.models.model_query import ModelQuery
from darkroom.models.model_row import TASKS, ModelFigures, ModelRow
from darkroom.services.listing.model_choice import chosen, measure, ordered, satisfies
from darkroom.services.listing.model_list import best

TAGS = ("chat", "edit", "free", "image", "vision", "open-weights")
MODALITIES = ("text", "image", "audio")

amounts = st.none() | st.integers(0, 200_000)
figures = st.none() | st.builds(
    ModelFigures, runs=st.integers(0, 9), median_seconds=st.none() | st.floats(0, 100, allow_nan=False)
)
one = st.builds(
    ModelRow,
    id=st.from_regex(r"[a-c]{1,2}/[a-d]{1,3}", fullmatch=True),
    name=st.text("abcABC ", max_size=6),
    tags=st.sets(st.sampled_from(TAGS)).map(lambda tags: tuple(sorted(tags))),
    input_modalities=st.sets(st.sampled_from(MODALITIES)).map(tuple),
    output_modalities=st.sets(st.sampled_from(MODALITIES)).map(tuple),
    estimates=st.dictionaries(st.sampled_from(TASKS), amounts),
    figures=figures,
    recommended_for=st.sampled_from([(), ("generate",), ("generate", "edit")]),
)
many = st.lists(one, max_size=6, unique_by=lambda row: row.id)
queries = st.builds(
    ModelQuery,
    q=st.sampled_from(["", "a", "b/", "image"]),
    tag=st.sets(st.sampled_from(TAGS), max_size=2).map(tuple),
    input=st.sets(st.sampled_from(MODALITIES), max_size=1).map(tuple),
    output=st.sets(st.sampled_from(MODALITIES), max_size=1).map(tuple),
    free=st.none() | st.booleans(),
    favorite=st.none() | st.booleans(),
    favourite=st.none() | st.booleans(),
    max_price=st.none() | st.decimals(0, Decimal("0.2"), places=3),
    sort=st.sampled_from([None, "price", "latency", "name"]),
    task=st.sampled_from([None, *TASKS]),
)


@given(many, queries, st.sets(st.sampled_from(["a/a", "b/b"])))
def test_everything_that_satisfies_is_there_and_nothing_else(
    rows: list[ModelRow], query: ModelQuery, favourites: set[str]
) -> None:
    found = chosen(rows, query, favourites=favourites)
    assert all(satisfies(row, query, favourites=favourites) for row in found)
    assert {row.id for row in found} == {row.id for row in rows if satisfies(row, query, favourites=favourites)}
    for row in found:
        assert set(query.tag) <= set(row.tags)
        assert query.free in (None, "free" in row.tags)
        assert query.is_favorite in (None, row.id in favourites)
        if query.max_price is not None:
            price = row.price(query.task)
            assert price is not None
            assert Decimal(price) <= query.max_price * 1_000_000


@given(many, st.sampled_from(["price", "latency"]), st.sampled_from([None, *TASKS]))
def test_the_known_come_first_and_rise(rows: list[ModelRow], sort: str, task: str | None) -> None:
    query = ModelQuery.model_validate({"sort": sort, "for": task})
    found = [
        measure(row, "cheapest" if sort == "price" else "fastest", query.task)
        for row in ordered(rows, query.sort, query.task)
    ]
    known = [each for each in found if each is not None]
    assert found == [*sorted(known), *[None] * (len(found) - len(known))]


@given(many)
def test_by_name_is_as_people_read_it_and_nobody_is_lost(rows: list[ModelRow]) -> None:
    found = ordered(rows, "name")
    assert [row.name.casefold() for row in found] == sorted(row.name.casefold() for row in rows)
    assert {row.id for row in found} == {row.id for row in rows}


@given(many)
def test_without_an_order_the_recommended_come_first_and_the_rest_stays(rows: list[ModelRow]) -> None:
    found = ordered(rows, None)
    assert found == [row for row in rows if row.recommended] + [row for row in rows if not row.recommended]


@given(many, queries, st.sampled_from(["cheapest", "fastest"]))
def test_the_recommended_one_is_the_least_of_those_that_satisfy(
    rows: list[ModelRow], query: ModelQuery, by: str
) -> None:
    asked = query.model_copy(update={"recommend": by})
    found = chosen(rows, asked)
    assert asked.recommend is not None
    able = [measure(row, asked.recommend, asked.task) for row in rows if satisfies(row, asked)]
    known = [each for each in able if each is not None]
    assert bool(found) == bool(known)
    if found:
        assert measure(found[0], asked.recommend, asked.task) == min(known)


@given(many, st.sampled_from(TASKS))
def test_the_best_is_the_first_that_is_known(rows: list[ModelRow], task: str) -> None:
    query = ModelQuery.model_validate({"for": task})
    prices = [price for row in rows if (price := row.price(query.task)) is not None]
    found = best(rows, "cheapest", query.task)
    assert (found.price(query.task) if found else None) == min(prices, default=None)


@given(st.sampled_from(["open source", "Open_Source", " OPEN-WEIGHTS ", "open"]))
def test_a_tag_is_one_word_for_many(written: str) -> None:
    assert ModelQuery.model_validate({"tag": f"{written},vision"}).tag == ("open-weights", "vision")
