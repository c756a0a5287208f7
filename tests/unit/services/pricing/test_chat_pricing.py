"""What a chat may cost: that it never costs more than was set aside, and that the unknown is not guessed at."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.models.catalogue import ChatModel, TokenPrices
from darkroom.models.job import JobStatus
from darkroom.models.user_settings import Limits
from darkroom.services.pricing import chat_pricing
from darkroom.services.pricing.chat_pricing import ChatShape
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.unit.services.completing import BLIND, FREE, SMALL_TALKER, TALKER, asked, done, look, tool

SHAPE = ChatShape(prompt_bytes=1000, max_completion_tokens=100)


def _model(name: str = "acme/talker", **prices: str | None) -> ChatModel:
    given = {"prompt": "0.000002", "completion": "0.00001", **prices}
    found = {each: None if price is None else Decimal(price) for each, price in given.items()}
    return ChatModel(id=name, name=name, output_modalities=("text",), prices=TokenPrices(**found))


@pytest.mark.parametrize(
    ("prices", "shape", "expected"),
    [
        # 1000 bytes are 500 tokens, and 512 are put around them.
        ({}, SHAPE, 1012 * 2 + 100 * 10),
        ({"request": "0.005"}, SHAPE, 3024 + 5000),
        ({"internal_reasoning": "0.00002"}, SHAPE, 1012 * 2 + 100 * 20),
        ({"internal_reasoning": "0.000001"}, SHAPE, 3024),
        ({"prompt": "0", "completion": "0"}, SHAPE, 0),
        ({"prompt": None}, SHAPE, None),
        ({"completion": None}, SHAPE, None),
        # A picture of a megapixel, and one of which nothing is known: as four.
        ({}, ChatShape(1000, 100, (1024 * 1024,)), 3024 + 2 * 4096),
        ({}, ChatShape(1000, 100, (None,)), 3024 + 2 * 4 * 4096),
        ({}, ChatShape(1000, 100, (90_000_000,)), 3024 + 2 * 4 * 4096),
        ({"image": "0.001"}, ChatShape(1000, 100, (1, 1)), 3024 + 2 * 2 * 4096 + 2000),
    ],
)
def test_an_estimate(prices: dict[str, Any], shape: ChatShape, expected: int | None) -> None:
    assert chat_pricing.estimate([_model(**prices)], shape) == expected


def test_the_reserve_is_a_token_for_each_byte_at_the_dearest_that_may_serve() -> None:
    assert chat_pricing.reserve([_model()], SHAPE) == (1512 * 2 + 100 * 10) * 3 // 2


def test_of_several_models_the_dearest_counts_and_none_may_be_unknown() -> None:
    dear = _model("acme/dear", completion="0.0001")
    assert chat_pricing.estimate([_model(), dear], SHAPE) == chat_pricing.estimate([dear], SHAPE)
    assert chat_pricing.estimate([_model(), _model(prompt=None)], SHAPE) is None
    assert chat_pricing.reserve([], SHAPE) is None


def test_what_is_free_costs_nothing_whatever_its_prices_say() -> None:
    free = _model("acme/talker:free", prompt=None, completion=None)
    assert chat_pricing.estimate([free], SHAPE) == chat_pricing.reserve([free], SHAPE) == 0
    assert chat_pricing.max_price([free]) == {}


@pytest.mark.parametrize(
    ("models", "limits"),
    [
        ([_model()], {"prompt": "3", "completion": "15"}),
        (
            [_model(request="0.01", image="0.0002")],
            {"prompt": "3", "completion": "15", "request": "0.015", "image": "0.0003"},
        ),
        ([_model(), _model(prompt="0.00003")], {"prompt": "45", "completion": "15"}),
        ([_model(), _model("acme/talker:free")], {"prompt": "3", "completion": "15"}),
        # What costs nothing and does not say that it is free must not become dear.
        ([_model(prompt="0", completion="0")], {"prompt": "0", "completion": "0"}),
        ([_model(prompt=None)], {}),
    ],
)
def test_no_dearer_source_may_serve(models: list[ChatModel], limits: dict[str, str]) -> None:
    assert chat_pricing.max_price(models) == limits


@pytest.mark.parametrize(("model", "tokens"), [("anthropic/claude", 5000), ("google/gemini-2.5-flash", 3096)])
def test_a_picture_counts_by_its_model(model: str, tokens: int) -> None:
    one, none = (chat_pricing.estimate([_model(model)], ChatShape(0, 1, each)) for each in ((None,), ()))
    assert one is not None
    assert none is not None
    assert one - none == 2 * tokens


@given(
    prompt_bytes=st.integers(0, 4_000_000),
    most=st.integers(1, 128_000),
    pictures=st.lists(st.one_of(st.none(), st.integers(1, 50_000_000)), max_size=5),
)
def test_more_is_never_cheaper_and_the_reserve_never_below(
    prompt_bytes: int, most: int, pictures: list[int | None]
) -> None:
    shape = ChatShape(prompt_bytes, most, tuple(pictures))
    more = ChatShape(prompt_bytes + 1, most + 1, (*pictures, 1))
    estimate, reserve = (price([_model()], shape) or 0 for price in (chat_pricing.estimate, chat_pricing.reserve))
    assert 0 < estimate * 3 // 2 <= reserve
    assert estimate <= (chat_pricing.estimate([_model()], more) or 0)
    assert reserve <= (chat_pricing.reserve([_model()], more) or 0)


@pytest.mark.parametrize("model", [TALKER, SMALL_TALKER, BLIND, FREE, "anthropic/claude-opus-4.6"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=3000),
    most=st.integers(1, 4000),
    tools=st.sampled_from([None, [tool()], [tool("x" * 500, city={"type": "string"})]]),
    seen=st.booleans(),
)
def test_nothing_costs_more_than_was_set_aside(
    model: str, text: str, most: int, tools: Any, seen: bool, studio_simulator: Simulator, clock: SteppingClock
) -> None:
    studio = Studio(studio_simulator, clock, limits=Limits())
    studio.connect("alice")
    fields = {"messages": look(text=text)} if seen and model != BLIND else {}
    job = done(studio, asked(f"{text} weather", model=model, max_completion_tokens=most, tools=tools, **fields))
    assert job.status is JobStatus.SUCCEEDED, job.error
    assert job.cost.actual is not None
    assert sum(studio.charged("alice")) == job.cost.actual <= job.cost.reserved
    assert (job.cost.estimated or 0) <= job.cost.reserved
