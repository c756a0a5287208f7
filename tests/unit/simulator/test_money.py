"""What calls cost, what the invoice says, and what a key may spend."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator import Simulator, costs
from local.simulator.catalogue import load
from local.simulator.money import micro_usd, on_the_wire
from local.simulator.state import hash_of
from tests.conftest import SteppingClock
from tests.unit.simulator.requests import FLUX, PAINTER, PLANNER, STREAMING, charged, chat, events, image, reference


def cost_of(answer: httpx.Response) -> Decimal:
    """`usage.cost` with all its digits."""
    cost: Decimal = json.loads(answer.content, parse_float=Decimal)["usage"]["cost"]
    return cost


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (image(), 14_000),
        (image(size=None), 14_000),
        (image(size="2048x1024"), 28_000),
        (image(input_references=[reference()]), 15_000),
        (image(model="black-forest-labs/flux.2-pro"), 30_000),
        (image(model="bytedance-seed/seedream-4.5", n=3), 120_000),
        (image(model="bytedance-seed/seedream-4.5", size="2K"), 60_000),
        (image(model="x-ai/grok-imagine-image-2.0", quality="medium"), 60_000),
        (image(model="x-ai/grok-imagine-image-2.0", input_references=[reference()]), 50_000),
        (image(model="qwen/qwen-image-3", input_references=[reference(), reference()]), 36_000),
        (image(model="recraft/recraft-v4.1"), 35_000),
        (image(model="recraft/recraft-v4.1-vector"), 80_000),
        (image(model="meta/muse-image"), 10_000),
        # 1290 tokens of a picture at 3e-05, and 2 tokens of text at 3e-07: rounded up to the micro-dollar.
        (image(model=PAINTER, size=None), 38_701),
        (image(model="google/gemini-3.1-flash-image"), 44_821),
        # 272 tokens at 8e-06, and 2 at 2e-06.
        (image(model=STREAMING, quality="low"), 2_180),
        (image(model="openai/gpt-image-2", quality="low", n=2), 16_330),
    ],
    ids=lambda value: value["model"] if isinstance(value, dict) else str(value),
)
def test_the_invoice_says_what_the_answer_said(
    api: httpx.Client, simulator: Simulator, body: dict[str, Any], expected: int
) -> None:
    answer = api.post("/images", json={name: value for name, value in body.items() if value is not None})
    assert answer.status_code == 200, answer.text
    assert micro_usd(cost_of(answer)) == expected
    assert charged(simulator) == [expected]
    [entry] = simulator.state.invoice()
    assert entry["generation_id"] == answer.headers["x-generation-id"]
    assert entry["key_hash"] == hash_of(simulator.key)
    assert entry["model"] == body["model"]


def test_every_price_line_has_an_amount() -> None:
    for model in load().models.values():
        for line in model.lines:
            bill = costs.for_images(
                model, prompt="x" * 4000, references=1, count=1, size=(1024, 1024), resolution="1K", quality="low"
            )
            assert bill.cost > 0, (model.id, line)


@given(st.integers(1, 10_000), st.integers(0, 100_000))
def test_a_cost_arrives_with_all_its_digits(prompt_tokens: int, completion_tokens: int) -> None:
    model = load().models[PLANNER]
    bill = costs.for_chat(model, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
    arrived = json.loads(json.dumps(on_the_wire(bill.cost)), parse_float=Decimal)
    assert Decimal(arrived) == bill.cost


def test_a_chat(api: httpx.Client, simulator: Simulator) -> None:
    answer = api.post("/chat/completions", json=chat())
    usage = answer.json()["usage"]
    expected = usage["prompt_tokens"] * Decimal("5e-7") + usage["completion_tokens"] * Decimal("3e-6")
    assert cost_of(answer) == expected
    assert charged(simulator) == [micro_usd(expected)]


def test_a_free_model_is_not_on_the_invoice(api: httpx.Client, simulator: Simulator) -> None:
    answer = api.post("/chat/completions", json=chat(model="google/gemma-4-31b-it:free"))
    assert answer.json()["usage"]["cost"] == 0
    assert charged(simulator) == []


def test_a_stream_is_charged_at_its_end(api: httpx.Client, simulator: Simulator) -> None:
    simulator.scenario("slow_stream", seconds=0.5)
    body = image(model=STREAMING, quality="low", stream=True)
    with api.stream("POST", "/images", json=body) as answer:
        assert answer.headers["x-generation-id"].startswith("gen-img-")
        for event in events(answer):
            paid = charged(simulator)
            assert bool(paid) == (event["type"] == "image_generation.completed")


@pytest.mark.parametrize("path", ["/images", "/chat/completions"])
def test_a_client_that_leaves_a_stream_pays_nothing(api: httpx.Client, simulator: Simulator, path: str) -> None:
    simulator.scenario("slow_stream", seconds=2)
    body = image(model=STREAMING, stream=True) if path == "/images" else chat(stream=True)
    with api.stream("POST", path, json=body) as answer:
        generation_id = answer.headers["x-generation-id"]
        next(events(answer))
    found = wait_for_generation(api, generation_id)
    assert (found["cancelled"], found["total_cost"]) == (True, 0)
    assert charged(simulator) == []


def test_a_client_that_leaves_a_provider_that_cannot_be_stopped_pays(api: httpx.Client, simulator: Simulator) -> None:
    simulator.scenario("slow_stream", seconds=2)
    simulator.scenario("bill_cancelled")
    with api.stream("POST", "/chat/completions", json=chat(stream=True)) as answer:
        next(events(answer))
    wait_for_generation(api, answer.headers["x-generation-id"])
    assert len(charged(simulator)) == 1


def test_a_client_that_gives_up_on_a_slow_answer_pays(api: httpx.Client, simulator: Simulator) -> None:
    simulator.scenario("slow_headers", seconds=1)
    with pytest.raises(httpx.ReadTimeout):
        api.post("/images", json=image(), timeout=0.5)
    assert charged(simulator) == [14_000]


def wait_for_generation(api: httpx.Client, generation_id: str) -> dict[str, Any]:
    for _ in range(200):
        answer = api.get("/generation", params={"id": generation_id})
        if answer.status_code == 200:
            data: dict[str, Any] = answer.json()["data"]
            return data
    raise AssertionError("The generation does not appear.")


class TestLimits:
    def client(self, simulator: Simulator, **limits: Any) -> httpx.Client:
        minted = httpx.post(f"{simulator.url}/_simulator/keys", json=limits, trust_env=False).json()
        headers = {"authorization": f"Bearer {minted['key']}"}
        return httpx.Client(base_url=simulator.api, headers=headers, trust_env=False)

    def test_what_is_left_goes_down(self, simulator: Simulator) -> None:
        with self.client(simulator, limit=1) as api:
            api.post("/images", json=image())
            key = api.get("/key").json()["data"]
        assert (key["limit"], key["usage"], key["limit_remaining"]) == (1, 0.014, 0.986)

    def test_an_exhausted_key(self, simulator: Simulator) -> None:
        with self.client(simulator, limit=0.02) as api:
            assert api.post("/images", json=image()).status_code == 200
            refused = api.post("/images", json=image())
        assert refused.status_code == 402
        assert refused.json()["error"]["metadata"]["limit_source"] == "openrouter_key_limit"
        assert charged(simulator) == [14_000]

    def test_too_many_tokens_for_what_is_left(self, simulator: Simulator) -> None:
        with self.client(simulator, limit=0.01) as api:
            refused = api.post("/chat/completions", json=chat(max_tokens=60_000))
            assert api.post("/chat/completions", json=chat(max_tokens=100)).status_code == 200
        assert refused.status_code == 402
        assert "can only afford 3333" in refused.json()["error"]["message"]

    def test_the_floor_for_pictures_in_a_chat(self, simulator: Simulator) -> None:
        with self.client(simulator, limit=0.5) as api:
            refused = api.post("/chat/completions", json=chat("A cat", model=PAINTER, modalities=["image", "text"]))
            assert api.post("/images", json=image(model=PAINTER)).status_code == 200
        assert refused.status_code == 402
        assert "at least $1.00" in refused.json()["error"]["message"]

    def test_a_daily_limit_starts_afresh(self, simulator: Simulator, clock: SteppingClock) -> None:
        with self.client(simulator, limit=0.02, limit_reset="daily") as api:
            api.post("/images", json=image())
            assert api.post("/images", json=image()).status_code == 402
            clock.step(timedelta(days=1))
            assert api.post("/images", json=image()).status_code == 200
            key = api.get("/key").json()["data"]
        assert (key["usage"], key["usage_daily"]) == (0.028, 0.014)

    def test_a_disabled_key(self, simulator: Simulator) -> None:
        with self.client(simulator, disabled=True) as api:
            refused = api.post("/images", json=image())
        assert (refused.status_code, refused.json()["error"]["message"]) == (401, "User not found.")

    def test_calls_at_the_same_time_do_not_overspend_together(self, simulator: Simulator) -> None:
        with self.client(simulator, limit=0.07) as api, ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(lambda _: api.post("/images", json=image()), range(24)))
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {200, 402}
        assert charged(simulator) == [14_000] * statuses.count(200)
        assert sum(charged(simulator)) <= 70_000

    def test_an_account_without_money(self) -> None:
        with Simulator(balance=Decimal("0.01")) as poor:
            headers = {"authorization": f"Bearer {poor.key}"}
            refused = httpx.post(f"{poor.api}/images", json=image(), headers=headers, trust_env=False)
        assert refused.json()["error"]["metadata"]["limit_source"] == "openrouter_credits"


def test_many_at_once_all_add_up(api: httpx.Client, simulator: Simulator) -> None:
    def spend(number: int) -> Decimal:
        if number % 2:
            return cost_of(api.post("/chat/completions", json=chat(f"Number {number}")))
        return cost_of(api.post("/images", json=image(seed=number)))

    with ThreadPoolExecutor(16) as threads:
        spent = list(threads.map(spend, range(40)))
    assert sorted(charged(simulator)) == sorted(micro_usd(cost) for cost in spent)
    assert Decimal(str(api.get("/key").json()["data"]["usage"])) == sum(spent)
    assert len({entry["generation_id"] for entry in simulator.state.invoice()}) == 40


def test_models_that_do_not_exist_cost_nothing(api: httpx.Client, simulator: Simulator) -> None:
    for model in ("nobody/nothing", "google/gemini-2.5-flash-image-preview"):
        assert api.post("/images", json=image(model=model)).status_code in (400, 404)
    assert api.post("/images", json=image(model=FLUX, n=5)).status_code == 400
    assert charged(simulator) == []
