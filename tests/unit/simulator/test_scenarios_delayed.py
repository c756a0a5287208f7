"""Scenarios that delay an answer, and requests that name several models."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic

import httpx
import pytest

from local.simulator import Simulator
from local.simulator.refusals import OF_A_MODEL
from tests.conftest import SteppingClock
from tests.unit.simulator.requests import STREAMING, charged, chat, image

# Longer than headers take to arrive on a busy machine.
SLOW_SECONDS = 3


class TestLate:
    @pytest.mark.parametrize("name", ["slow_headers", "slow_body"])
    def test_slow(self, api: httpx.Client, simulator: Simulator, name: str) -> None:
        simulator.scenario(name, seconds=SLOW_SECONDS)
        begun = monotonic()
        with api.stream("POST", "/images", json=image()) as answer:
            headers_after = monotonic() - begun
            assert answer.headers["x-generation-id"]
            answer.read()
        assert (headers_after >= SLOW_SECONDS) == (name == "slow_headers")
        assert monotonic() - begun >= SLOW_SECONDS

    @pytest.mark.parametrize("stream", [False, True])
    def test_what_is_held_leaves_when_it_is_released(
        self, api: httpx.Client, simulator: Simulator, stream: bool
    ) -> None:
        simulator.scenario("held", key=simulator.key)
        control = f"{simulator.url}/_simulator"
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(api.post, "/images", json=image(model=STREAMING, stream=stream))
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            api.post(f"{control}/release", json={"key": "0" * 64})
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            api.post(f"{control}/release", json={"key": simulator.key})
            assert waiting.result(timeout=60).status_code == 200
        assert api.post("/images", json=image()).status_code == 200

    def test_a_slow_stream_keeps_the_line_open(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("slow_stream", seconds=0.2)
        text = api.post("/chat/completions", json=chat(stream=True)).text
        assert text.count(": OPENROUTER PROCESSING\n\n") > 4

    def test_a_generation_that_is_known_later(self, api: httpx.Client, simulator: Simulator) -> None:
        generation_id = api.post("/images", json=image()).headers["x-generation-id"]
        simulator.scenario("generation_missing", times=3)
        answers = [api.get("/generation", params={"id": generation_id}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 200]
        assert re.search(generation_id, answers[0].json()["error"]["message"])
        assert answers[3].json()["data"]["total_cost"] == 0.014

    def test_a_counter_that_lags(self, api: httpx.Client, simulator: Simulator, clock: SteppingClock) -> None:
        api.post("/images", json=image())
        simulator.scenario("key_lag", times=2)
        clock.step(timedelta(seconds=1))
        api.post("/images", json=image())
        seen = [api.get("/key").json()["data"]["usage"] for _ in range(3)]
        assert seen == [0.014, 0.014, 0.028]


class TestSeveralModels:
    """What is said of one of a chat's models holds for that one."""

    FIRST, SECOND = "google/gemini-2.5-flash", "openai/gpt-4o-mini"

    @pytest.mark.parametrize("scenario", sorted(OF_A_MODEL))
    def test_the_next_one_answers_and_is_charged(self, api: httpx.Client, simulator: Simulator, scenario: str) -> None:
        simulator.scenario(scenario, model=self.FIRST)
        answer = api.post("/chat/completions", json=chat(model=self.FIRST, models=[self.FIRST, self.SECOND]))
        assert (answer.status_code, answer.json()["model"]) == (200, self.SECOND)
        assert len(charged(simulator)) == 1

    @pytest.mark.parametrize("scenario", ["out_of_credit", "unknown_key", "bad_request", "internal"])
    def test_what_is_the_same_for_all_is_refused_at_once(
        self, api: httpx.Client, simulator: Simulator, scenario: str
    ) -> None:
        simulator.scenario(scenario, model=self.FIRST)
        answer = api.post("/chat/completions", json=chat(model=self.FIRST, models=[self.FIRST, self.SECOND]))
        assert answer.status_code >= 400
        assert charged(simulator) == []

    def test_when_all_refuse_the_first_ones_reason_is_told(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("gone", model=self.FIRST)
        simulator.scenario("overloaded", model=self.SECOND)
        answer = api.post("/chat/completions", json=chat(model=self.FIRST, models=[self.FIRST, self.SECOND]))
        assert answer.status_code == 410

    def test_a_rule_for_all_models_is_used_up_once_and_refuses_them_all(
        self, api: httpx.Client, simulator: Simulator
    ) -> None:
        simulator.scenario("overloaded", times=1)
        body = chat(model=self.FIRST, models=[self.FIRST, self.SECOND])
        assert [api.post("/chat/completions", json=body).status_code for _ in range(2)] == [503, 200]

    def test_what_is_the_matter_with_the_refused_one_alone_does_not_change_the_next_ones_answer(
        self, api: httpx.Client, simulator: Simulator
    ) -> None:
        simulator.scenario("missing_usage", model=self.FIRST)
        simulator.scenario("gone", model=self.FIRST)
        simulator.scenario("fractional_tokens", times=1)
        answer = api.post("/chat/completions", json=chat(model=self.FIRST, models=[self.FIRST, self.SECOND]))
        assert answer.json()["usage"]["prompt_tokens"]
