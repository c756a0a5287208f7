"""The calculator, over the simulator's lists."""

from collections.abc import Iterator
from typing import Any

import pytest

from darkroom.models.user_settings import UserSettings
from darkroom.services.accounts.callers import Callers
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.functions.browsing import FLASH, GPT, KLEIN, MUSE, OPUS, PRO, World


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def world(running: Simulator, callers: Callers, clock: SteppingClock) -> World:
    running.reset()
    return World(running, callers, clock)


class TestEstimates:
    @pytest.fixture
    def estimate(self, world: World, token: str) -> Any:
        def asked(body: Any) -> Any:
            status, found = world.call("POST", "/v1/estimates", token=token, body=body)
            assert status == 200, found
            return found

        return asked

    def test_of_many_and_in_all(self, estimate: Any, world: World) -> None:
        found = estimate(
            {
                "items": [
                    {"model": KLEIN, "times": 3},
                    {"model": "bytedance-seed/seedream-4.5", "n": 2, "size": "2K"},
                    {"model": KLEIN, "references": 1},
                    {"model": OPUS, "prompt_tokens": 1000, "completion_tokens": 100},
                ]
            }
        )
        assert [item["for"] for item in found["items"]] == ["generate", "generate", "edit", "chat"]
        assert [item["total"]["micro_usd"] for item in found["items"]] == [42_000, 120_000, 15_400, 7_500]
        assert found["total"] == {"usd": 0.1849, "micro_usd": 184_900, "credits": 462.25} == found["known"]
        assert world.simulator.state.invoice() == []

    def test_a_hundred_credits_are_four_cents(self, estimate: Any) -> None:
        found = estimate({"model": "bytedance-seed/seedream-4.5", "resolution": "1K"})
        assert (found["total"]["usd"], found["total"]["credits"]) == (0.06, 150), "the dearest line that may apply"

    @pytest.mark.parametrize(
        ("items", "dollars"),
        [
            # A hundred turns a month.
            ([{"model": FLASH, "prompt_tokens": 2000, "completion_tokens": 1000, "times": 100}], 0.50),
            # The same, and forty pictures.
            (
                [
                    {"model": FLASH, "prompt_tokens": 2000, "completion_tokens": 1000, "times": 100},
                    {"model": "google/gemini-2.5-flash-image", "times": 40},
                ],
                2.00,
            ),
        ],
    )
    def test_a_month(self, estimate: Any, items: list[Any], dollars: float) -> None:
        total = estimate({"items": items})["total"]["usd"]
        assert total == pytest.approx(dollars, rel=0.21)
        assert total <= dollars

    def test_what_a_month_costs_exactly(self, estimate: Any) -> None:
        turn = {"model": FLASH, "prompt_tokens": 2000, "completion_tokens": 1000}
        assert estimate(turn)["total"]["micro_usd"] == 4000
        assert estimate({**turn, "times": 100})["total"]["usd"] == 0.4

    def test_a_request_as_it_would_be_sent(self, estimate: Any) -> None:
        pictures = estimate({"prompt": "A red fox", "model": KLEIN, "size": "1024x1024", "response_format": "url"})
        assert pictures["items"][0]["each"]["micro_usd"] == 14_000
        edit = estimate({"prompt": "Add a hat", "model": KLEIN, "image_url": "https://example.com/a.png"})
        assert (edit["items"][0]["for"], edit["items"][0]["each"]["micro_usd"]) == ("edit", 15_400)
        assert "taken for a megapixel" in edit["items"][0]["warnings"][-1]
        chat = estimate({"messages": [{"role": "user", "content": "Hello"}], "model": FLASH, "max_tokens": 100})
        assert chat["items"][0]["for"] == "chat"
        assert 300 < chat["items"][0]["each"]["micro_usd"] < 1000

    def test_what_nobody_says_is_unknown_and_the_rest_is_told(self, estimate: Any) -> None:
        found = estimate({"items": [{"model": MUSE}, {"model": KLEIN}]})
        assert found["items"][0]["each"] == {"usd": None, "micro_usd": None, "credits": None}
        assert (found["total"]["usd"], found["known"]["usd"]) == (None, 0.014)

    def test_ones_own_default_is_taken(self, estimate: Any, world: World) -> None:
        assert estimate({"n": 1})["items"][0]["model"] == KLEIN
        world.settings.settings["alice"] = UserSettings(image_generation_model=PRO, chat_model=OPUS)
        assert estimate({"n": 1})["items"][0]["model"] == PRO
        assert estimate({"prompt_tokens": 1})["items"][0]["model"] == OPUS

    def test_a_name_that_has_died_says_what_stands_in(self, estimate: Any) -> None:
        item = estimate({"model": "gpt-3.5-turbo", "prompt_tokens": 10})["items"][0]
        assert (item["model_requested"], item["model"]) == ("gpt-3.5-turbo", "openai/gpt-4o-mini")
        assert item["warnings"]

    @pytest.mark.parametrize(
        ("body", "code", "param"),
        [
            ({"items": []}, "INVALID_PARAMETER", "items"),
            ({"items": [{}] * 101}, "INVALID_PARAMETER", "items"),
            ({"items": {"model": KLEIN}}, "INVALID_PARAMETER", "items"),
            ({"items": [{"model": KLEIN}, 7]}, "INVALID_PARAMETER", "items.1"),
            ({"items": [{"model": KLEIN}, {"model": "zzz"}]}, "UNSUPPORTED_MODEL", "items.1.model"),
            ({"items": [{"model": KLEIN, "size": "5000x5000"}]}, "INVALID_DIMENSIONS", "items.0.size"),
            ({"model": KLEIN, "n": 2}, "INVALID_PARAMETER", "n"),
            ({"model": KLEIN, "n": "many"}, "INVALID_PARAMETER", "n"),
            ({"model": KLEIN, "times": 0}, "INVALID_PARAMETER", "times"),
            ({"model": KLEIN, "wheels": 4}, "INVALID_PARAMETER", "wheels"),
            ({"model": KLEIN, "provider": "acme"}, "INVALID_PARAMETER", "provider"),
            ({"model": GPT, "seed": 7}, "INVALID_PARAMETER", "seed"),
            ({"prompt_tokens": -1}, "INVALID_PARAMETER", "prompt_tokens"),
        ],
    )
    def test_what_cannot_be_done_is_refused_as_the_request_would_be(
        self, world: World, token: str, body: Any, code: str, param: str
    ) -> None:
        status, problem = world.call("POST", "/v1/estimates", token=token, body=body)
        assert (status, problem["code"], problem["param"], problem["charged"]) == (400, code, param, False)
