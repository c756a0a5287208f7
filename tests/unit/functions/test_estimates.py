"""The calculator, over the simulator's lists."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any

import pytest

from darkroom.models.user_settings import UserSettings
from darkroom.services.accounts.callers import Callers
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.functions.browsing import FLASH, GPT, KLEIN, LLAMA, MUSE, OPUS, PRO, World


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def world(running: Simulator, callers: Callers, clock: SteppingClock) -> World:
    running.reset()
    return World(running, callers, clock)


PLACE = "items.0.provider"
CHAT = {"model": FLASH, "prompt_tokens": 2000, "completion_tokens": 1000}
NANO = {"model": "google/gemini-2.5-flash-image"}
NO_CHAT = {"messages": [{"role": "user", "content": "Hello"}], "provider": "removebg"}


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
        assert [item["total"]["micro_usd"] for item in found["items"]] == [42_000, 120_000, 14_980, 7_500]
        assert found["total"] == {"usd": 0.18448, "micro_usd": 184_480, "credits": 461.2} == found["known"]
        assert world.simulator.state.invoice() == []

    def test_says_what_is_set_aside_and_in_how_many_calls(self, estimate: Any) -> None:
        turn = {"model": FLASH, "prompt_tokens": 2000, "completion_tokens": 1000}
        four, one, told = estimate({"items": [{"model": KLEIN, "n": 4}, {"model": KLEIN}, turn]})["items"]
        assert (four["calls"], four["reserve"]["micro_usd"]) == (4, 61_600)
        assert (one["calls"], one["reserve"]["micro_usd"]) == (1, 15_400)
        assert (told["calls"], told["reserve"]["micro_usd"]) == (1, None)
        words = {"messages": [{"role": "user", "content": "Hello"}], "model": FLASH, "max_tokens": 100}
        chat = estimate(words)["items"][0]
        assert chat["each"]["micro_usd"] < chat["reserve"]["micro_usd"]

    def test_a_hundred_credits_are_four_cents(self, estimate: Any) -> None:
        for resolution, usd, worth in (("1K", 0.04, 100), ("2K", 0.06, 150), ("4K", 0.06, 150)):
            found = estimate({"model": "bytedance-seed/seedream-4.5", "resolution": resolution})
            assert (found["total"]["usd"], found["total"]["credits"]) == (usd, worth)

    @pytest.mark.parametrize(
        ("items", "dollars"),
        [
            # A hundred turns a month, of as many tokens as the document says, and the cut-outs.
            ([{**CHAT, "times": 100}, {"for": "remove", "times": 50}], "0.50"),
            # The same, and forty pictures.
            ([{**CHAT, "times": 100}, {"for": "remove", "times": 50}, {**NANO, "times": 40}], "2.00"),
        ],
    )
    def test_a_month(self, estimate: Any, items: list[Any], dollars: str) -> None:
        """The documents round what their own inputs come to up to half dollars: $0.40 to 0.50, and $1.95 to 2.00."""
        total = Decimal(str(estimate({"items": items})["total"]["usd"]))
        assert str(total) in ("0.4", "1.94828")
        assert f"{(total * 2).to_integral_value(ROUND_CEILING) / 2:.2f}" == dollars

    def test_a_cut_out_costs_nothing_here_and_a_credit_at_remove_bg(self, estimate: Any, world: World) -> None:
        found = estimate({"items": [{"for": "remove", "times": 500}, {"for": "remove", "provider": "removebg"}]})
        assert [(item["for"], item["model"], item["calls"]) for item in found["items"]] == [
            ("remove", "u2net", 0),
            ("remove", "removebg", 1),
        ]
        assert [item["total"]["micro_usd"] for item in found["items"]] == [0, 200_000]
        as_sent = {"for": "remove", "model": "silueta", "image_url": "https://x.example/a.png", "crop": True}
        assert (estimate(as_sent)["items"][0]["model"], estimate(as_sent)["total"]["micro_usd"]) == ("silueta", 0)
        world.settings.settings["alice"] = UserSettings(cloud_removal="always")
        assert estimate({"for": "remove"})["total"]["usd"] == 0.2

    def test_a_turn_is_what_the_list_of_models_says(self, estimate: Any, world: World, token: str) -> None:
        both = [{"for": "turn"}, {"for": "turn", "paint": True, "image_model": KLEIN}]
        plain, painted = estimate({"items": both})["items"]
        listed = world.call("GET", f"/v1/models/{FLASH}", token=token)[1]["estimates"]["chat"]["micro_usd"]
        assert (plain["for"], plain["model"], plain["calls"]) == ("turn", FLASH, 1)
        assert (plain["each"]["micro_usd"], painted["each"]["micro_usd"]) == (listed, listed + 14_980)
        assert plain["reserve"]["micro_usd"] > plain["each"]["micro_usd"] > 0
        assert painted["calls"] == 2
        opus = estimate({"for": "turn", "model": OPUS, "times": 10})["total"]["micro_usd"]
        assert opus == 10 * world.call("GET", f"/v1/models/{OPUS}", token=token)[1]["estimates"]["chat"]["micro_usd"]

    def test_what_a_month_costs_exactly(self, estimate: Any) -> None:
        turn = {"model": FLASH, "prompt_tokens": 2000, "completion_tokens": 1000}
        assert estimate(turn)["total"]["micro_usd"] == 4000
        assert estimate({**turn, "times": 100})["total"]["usd"] == 0.4

    def test_a_request_as_it_would_be_sent(self, estimate: Any) -> None:
        pictures = estimate({"prompt": "A red fox", "model": KLEIN, "size": "1024x1024", "response_format": "url"})
        assert pictures["items"][0]["each"]["micro_usd"] == 14_000
        edit = estimate({"prompt": "Add a hat", "model": KLEIN, "image_url": "https://example.com/a.png"})
        assert (edit["items"][0]["for"], edit["items"][0]["each"]["micro_usd"]) == ("edit", 14_980)
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
            ({"model": KLEIN, "n": 11}, "INVALID_PARAMETER", "n"),
            ({"model": KLEIN, "n": "many"}, "INVALID_PARAMETER", "n"),
            ({"model": KLEIN, "times": 0}, "INVALID_PARAMETER", "times"),
            ({"model": KLEIN, "wheels": 4}, "INVALID_PARAMETER", "wheels"),
            ({"model": KLEIN, "provider": "acme"}, "INVALID_PARAMETER", "provider"),
            ({"prompt": "x", "provider": "groq"}, "INVALID_PARAMETER", "provider"),
            ({"items": [{"image_url": "https://example.com/a.png", "provider": "groq"}]}, "INVALID_PARAMETER", PLACE),
            (
                {"messages": [{"role": "user", "content": "Hi"}], "provider": "removebg"},
                "INVALID_PARAMETER",
                "provider",
            ),
            ({"prompt_tokens": 1, "provider": "removebg"}, "INVALID_PARAMETER", "provider"),
            ({"prompt_tokens": 1, "provider": "acme"}, "INVALID_PARAMETER", "provider"),
            ({"prompt_tokens": 1, "provider": ""}, "INVALID_PARAMETER", "provider_name"),
            ({"prompt_tokens": 1, "provider": 7}, "INVALID_PARAMETER", "provider"),
            ({"prompt_tokens": 1, "provider": "groq", "model": OPUS}, "UNSUPPORTED_MODEL", "model"),
            ({"model": GPT, "resolution": "2K"}, "INVALID_DIMENSIONS", "resolution"),
            ({"prompt_tokens": -1}, "INVALID_PARAMETER", "prompt_tokens"),
            ({"prompt": ""}, "INVALID_PROMPT", "prompt"),
            ({"for": "turn", "model": "zzz"}, "UNSUPPORTED_MODEL", "model"),
            ({"for": "turn", "paint": True, "image_model": "zzz"}, "UNSUPPORTED_MODEL", "image_model"),
            ({"for": "turn", "n": 2}, "INVALID_PARAMETER", "n"),
            ({"for": "remove", "model": "zzz"}, "UNSUPPORTED_MODEL", "model"),
            ({"for": "remove", "provider": "groq"}, "INVALID_PARAMETER", "provider"),
            ({"for": "remove", "wheels": 4}, "INVALID_PARAMETER", "wheels"),
            ({"for": "ponder"}, "INVALID_PARAMETER", "for"),
            ({"items": [{"n": 1}, {"prompt": " \n"}]}, "INVALID_PROMPT", "items.1.prompt"),
            ({"prompt": "x" * 32_001}, "INVALID_PROMPT", "prompt"),
            ({"messages": [{"role": "user", "content": " "}]}, "INVALID_PROMPT", "messages"),
        ],
    )
    def test_what_cannot_be_done_is_refused_as_the_request_would_be(
        self, world: World, token: str, body: Any, code: str, param: str
    ) -> None:
        status, problem = world.call("POST", "/v1/estimates", token=token, body=body)
        assert (status, problem["code"], problem["param"], problem["charged"]) == (400, code, param, False)

    @pytest.mark.parametrize(
        ("beside", "first"), [({"n": 5}, "n"), ({"bogus": 1, "n": 5}, "bogus"), ({"times": 2}, "times")]
    )
    def test_what_stands_beside_the_items_is_not_dropped_without_a_word(
        self, world: World, token: str, beside: dict[str, Any], first: str
    ) -> None:
        body = {**beside, "items": [{"model": KLEIN}]}
        status, problem = world.call("POST", "/v1/estimates", token=token, body=body)
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", first)
        assert all(f"`{name}`" in problem["detail"] for name in beside)
        assert [fault["param"] for fault in problem["faults"]] == list(beside)

    @pytest.mark.parametrize(
        ("body", "accepted"),
        [
            ({"prompt": "x", "provider": "groq"}, ["auto", "gemini", "openrouter"]),
            ({"prompt_tokens": 1, "provider": "removebg"}, ["auto", "gemini", "groq", "openrouter"]),
            ({"prompt": "x", "provider": "acme"}, ["auto", "gemini", "groq", "openrouter", "removebg"]),
        ],
    )
    def test_a_provider_that_cannot_do_it_is_refused_with_those_that_can(
        self, world: World, token: str, body: dict[str, Any], accepted: list[str]
    ) -> None:
        _, problem = world.call("POST", "/v1/estimates", token=token, body=body)
        assert problem["accepted"] == accepted
        is_known = body["provider"] != "acme"
        assert ("cannot do this" if is_known else "no such provider") in problem["detail"]

    @pytest.mark.parametrize("name", ["llama-3.3-70b-versatile", LLAMA])
    def test_a_chat_is_priced_by_the_provider_that_is_named(self, estimate: Any, name: str) -> None:
        turn = {"model": name, "prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}
        dollars = {
            provider: estimate({**turn, **({"provider": provider} if provider else {})})["total"]["usd"]
            for provider in (None, "auto", "openrouter", "groq")
        }
        assert dollars == {None: 0.42, "auto": 0.42, "openrouter": 0.42, "groq": 1.38}

    def test_a_whole_chat_is_priced_by_it_too(self, estimate: Any) -> None:
        chat = {"messages": [{"role": "user", "content": "Hello"}], "model": LLAMA, "max_tokens": 1000}
        groq, openrouter = (estimate({**chat, "provider": name})["total"]["usd"] for name in ("groq", "openrouter"))
        assert groq > openrouter > 0

    def test_preferences_among_sources_may_be_given(self, estimate: Any) -> None:
        turn = {"model": LLAMA, "prompt_tokens": 10}
        assert estimate({**turn, "provider": {"only": ["groq"]}})["items"][0]["model"] == LLAMA

    def test_a_named_provider_without_a_model_takes_one_of_its_own(self, estimate: Any, world: World) -> None:
        assert estimate({"prompt_tokens": 10, "provider": "groq"})["items"][0]["each"]["micro_usd"] is not None
        assert estimate({"prompt": "x", "provider": "gemini"})["items"][0]["model"].startswith("google/")
        world.settings.settings["alice"] = UserSettings(image_generation_model=PRO, chat_model=OPUS)
        for body in ({"prompt_tokens": 10, "provider": "groq"}, {"prompt": "x", "provider": "gemini"}):
            (item,) = estimate(body)["items"]
            assert any("cannot be had now" in warning for warning in item["warnings"])

    @pytest.mark.parametrize("size", ["5000x5000", "1024x100"])
    def test_a_size_that_is_not_made_is_refused_with_what_is(self, world: World, token: str, size: str) -> None:
        _, problem = world.call("POST", "/v1/estimates", token=token, body={"model": KLEIN, "size": size})
        assert "16:9" in problem["accepted"]
