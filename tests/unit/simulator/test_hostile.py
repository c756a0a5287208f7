"""Whatever a request holds, the simulator answers it or refuses it; it never fails itself."""

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.models.image_request import ImageRequest
from local.simulator import Simulator
from tests.unit.simulator.requests import FLUX, PAINTER, PLANNER, SMALL, STREAMING, charged, chat, image

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=12) | st.sampled_from(["auto", "1K", "1:1", "0:0", "x", "128x128", "png", "svg", "-1"])
values = st.recursive(
    scalars | words,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(words, inside, max_size=3),
    max_leaves=6,
)
PICTURE_FIELDS = (
    *("prompt", "n", "size", "seed", "quality", "background", "output_format", "output_compression", "aspect_ratio"),
    *("resolution", "input_references", "provider", "stream", "user"),
)
CHAT_FIELDS = (
    *("messages", "max_tokens", "seed", "temperature", "modalities", "image_config", "response_format", "tools"),
    *("tool_choice", "models", "provider", "stream", "stop"),
)
calm = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
pictures = st.fixed_dictionaries(
    {"model": st.sampled_from([FLUX, STREAMING])},
    optional=dict.fromkeys(PICTURE_FIELDS, values),
)
chats = st.fixed_dictionaries(
    {"model": st.sampled_from([PLANNER, PAINTER])},
    optional=dict.fromkeys(CHAT_FIELDS, values),
)


@calm
@given(fields=pictures)
def test_a_request_for_pictures(api: httpx.Client, simulator: Simulator, fields: dict[str, object]) -> None:
    simulator.reset()
    answer = api.post("/images", json=image(**fields))
    assert answer.status_code < 500, (fields, answer.text)
    assert bool(charged(simulator)) == (answer.status_code == 200)


@calm
@given(fields=chats)
def test_a_request_for_a_chat(api: httpx.Client, simulator: Simulator, fields: dict[str, object]) -> None:
    simulator.reset()
    answer = api.post("/chat/completions", json={**chat(), **fields})
    assert answer.status_code < 500, (fields, answer.text)


@calm
@given(seed=st.integers(-(2**63), 2**63 - 1))
def test_every_seed_that_the_api_lets_through(api: httpx.Client, seed: int) -> None:
    request = ImageRequest(prompt="A sunset", seed=seed)
    sent = {} if request.seed is None else {"seed": request.seed}
    assert (request.seed is None) == (seed == -1)
    assert api.post("/images", json=image(size=SMALL, **sent)).status_code == 200


@pytest.mark.parametrize("seed", [-1, "-1", " -1 "])
def test_minus_one_is_no_seed(seed: object) -> None:
    assert ImageRequest.model_validate({"prompt": "A sunset", "seed": seed}).seed is None
