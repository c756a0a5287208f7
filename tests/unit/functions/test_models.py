"""The list of models, over the simulator's lists."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from darkroom.http.schemas import model_views
from darkroom.models.segmentation import MODELS
from darkroom.models.user_settings import UserSettings
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.tokens import Tokens
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.functions.browsing import FLASH, GEMMA, GPT, HOUR, KLEIN, MINI, MUSE, OPUS, PRO, World


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def world(running: Simulator, callers: Callers, clock: SteppingClock) -> World:
    running.reset()
    return World(running, callers, clock)


@pytest.fixture
def ask(world: World, token: str) -> Any:
    """What Alice is answered, if all is well."""

    def asked(path: str = "/v1/models", **query: str) -> Any:
        status, body = world.call("GET", path, token=token, query=query)
        assert status == 200, body
        return body

    return asked


def _ids(body: Any) -> list[str]:
    return [row["id"] for row in body["data"]]


def _row(body: Any, model: str) -> Any:
    (found,) = [row for row in body["data"] if row["id"] == model]
    return found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("GET", "/v1/models/compare"),
        ("GET", f"/v1/models/{KLEIN}"),
        ("POST", "/v1/estimates"),
    ],
)
def test_nobody_is_served_without_a_token(world: World, method: str, path: str) -> None:
    status, problem = world.call(method, path, body={} if method == "POST" else None)
    assert (status, problem["code"]) == (401, "UNAUTHENTICATED")
    assert world.asked == 0


class TestRows:
    def test_has_all_that_is_known_of_a_painter(self, ask: Any) -> None:
        row = _row(ask(), KLEIN)
        assert (row["object"], row["owned_by"], row["created"]) == ("model", "black-forest-labs", 1768435663)
        assert (row["name"], row["shutdown_date"]) == ("Black Forest Labs: FLUX.2 Klein 4B", None)
        assert row["tags"] == ["edit", "image", "open-weights", "seed", "zero-data-retention"]
        assert row["capabilities"]["n"] == {"type": "range", "min": 1, "max": 1}
        assert row["capabilities"]["output_format"]["values"] == ["png", "jpeg"]
        assert row["prices"] == [
            {
                "billable": "output_image",
                "unit": "megapixel",
                "usd": "0.014",
                "display": "$0.014 per megapixel",
                "variant": None,
                "source": "black-forest-labs",
            }
        ]
        assert row["estimates"]["generate"] == {"usd": 0.014, "micro_usd": 14_000, "credits": 35}
        assert row["estimates"]["edit"]["micro_usd"] == 14_980
        assert row["note"]["best_for"]
        assert row["measured"] is None

    def test_has_all_that_is_known_of_a_talker(self, ask: Any) -> None:
        row = _row(ask(), OPUS)
        assert row["tags"] == ["chat", "reasoning", "structured-outputs", "vision", "zero-data-retention"]
        assert (row["context_length"], row["max_completion_tokens"]) == (1_000_000, 128_000)
        prices = {price["billable"]: price["usd"] for price in row["prices"]}
        assert prices == {"input_text": "0.000005", "output_text": "0.000025"}
        assert {price["display"] for price in row["prices"]} == {"$5 per million tokens", "$25 per million tokens"}

    def test_a_price_is_what_the_lists_say_at_that_minute(self, ask: Any, world: World) -> None:
        """The published prices, unchanged, of every model that is shown."""
        published = {model.id: model for model in world.simulator.world.catalogue.models.values()}
        for row in ask()["data"]:
            lines = [line for line in published[row["id"]].lines if line.shown]
            painted = [price for price in row["prices"] if price["source"]]
            places = 1 + len(published[row["id"]].also) if lines else 0
            assert sorted(price["usd"] for price in painted) == sorted(f"{line.cost_usd:f}" for line in lines * places)

    def test_the_dear_turn_costs_some_ten_times_the_cheap_one(self, ask: Any) -> None:
        body = ask()
        dear, cheap = (_row(body, model)["estimates"]["chat"]["micro_usd"] for model in (OPUS, FLASH))
        assert cheap == 1785
        assert 9 <= dear / cheap <= 10

    def test_a_price_of_nought_is_free_of_charge_only_with_the_name_for_it(self, ask: Any) -> None:
        body = ask(free="true")
        assert set(_ids(body)) == {GEMMA, "nvidia/nemotron-3-nano-30b-a3b:free"}
        assert {row["estimates"]["chat"]["micro_usd"] for row in body["data"]} == {0}
        listed = {row["id"]: row for row in ask()["data"]}
        assert all("free" not in row["tags"] for each, row in listed.items() if not each.endswith(":free"))
        assert all(
            amount["micro_usd"] != 0
            for each, row in listed.items()
            if not each.endswith(":free")
            for amount in row["estimates"].values()
        )
        assert listed[MUSE]["estimates"] == {"generate": {"usd": None, "micro_usd": None, "credits": None}}
        assert listed["openrouter/auto"]["estimates"]["chat"]["usd"] is None

    def test_the_models_that_cut_out_are_listed_with_their_licenses(self, ask: Any) -> None:
        """Installed or not; which are, of others than the stack's own only the function that cuts out can see."""
        body = ask(**{"for": "Remove"})
        rows = {row["id"]: row for row in body["data"]}
        assert (body["total"], set(rows)) == (len(rows), set(MODELS))
        assert [each for each, row in rows.items() if row["default"] and row["installed"]] == ["u2net"]
        assert (rows["u2net"]["license"], rows["u2net"]["acknowledged"]) == (MODELS["u2net"].licence, True)
        assert (rows["bria-rmbg"]["commercial"], rows["bria-rmbg"]["acknowledged"]) == (False, False)
        assert [each for each, row in rows.items() if row["installed"]] == ["u2net", "u2netp"], "as the image has them"

    def test_a_laptops_weights_are_looked_at(self, tmp_path: Path) -> None:
        (tmp_path / "isnet-anime.onnx").touch()
        found = model_views.segmentation_list("u2netp", (), tmp_path, ()).data
        assert [(each.id, each.default) for each in found if each.installed] == [("isnet-anime", False)]

    def test_the_stacks_own_choice_is_recommended(self, ask: Any) -> None:
        assert {row["id"]: row["recommended_for"] for row in ask()["data"] if row["recommended"]} == {
            KLEIN: ["generate"],
            "google/gemini-2.5-flash-image": ["edit"],
            FLASH: ["chat"],
        }
        recommended = [row["id"] for row in ask()["data"] if row["recommended"]]
        assert set(recommended) == {KLEIN, "google/gemini-2.5-flash-image", FLASH}
        assert _ids(ask())[:3] == recommended, "they come first"

    def test_a_favourite_is_ones_own(self, ask: Any, world: World, tokens: Tokens) -> None:
        world.settings.settings["alice"] = UserSettings(favourite_models=(GPT,), credit=1000)
        row = _row(ask(), GPT)
        assert row["favorite"] is row["favourite"] is True
        assert row["estimates"]["generate"]["credits"] == row["estimates"]["generate"]["micro_usd"] / 1000
        assert _ids(ask(favorite="true")) == _ids(ask(favourite="true")) == [GPT]
        _, bobs = world.call("GET", "/v1/models", token=tokens.create(user="bob")[1])
        assert not any(row["favourite"] for row in bobs["data"])

    def test_what_was_measured_here_is_shown(self, ask: Any, world: World) -> None:
        for seconds in (3, 5, 4):
            world.statistics.record(KLEIN, seconds=seconds, succeeded=True)
        world.statistics.record(KLEIN, seconds=None, succeeded=False)
        measured = _row(ask(), KLEIN)["measured"]
        assert (measured["runs"], measured["success_rate"], measured["median_seconds"]) == (4, 0.75, 4)

    def test_the_end_of_a_model_is_announced(self, ask: Any) -> None:
        row = _row(ask(tag="deprecated"), "google/gemini-3.1-flash-image-preview")
        assert row["shutdown_date"] == "2026-12-31"

    def test_each_is_offered_with_exactly_what_it_takes(self, ask: Any, world: World) -> None:
        painters = {model.id: model.image for model in world.simulator.world.catalogue.painters() if model.image}
        for row in ask(tag="image")["data"]:
            taken = row["capabilities"].get("aspect_ratio", {}).get("values", [])
            assert tuple(taken) == (() if painters[row["id"]].unpublished else painters[row["id"]].ratios)


class TestChoice:
    def test_vision_is_what_takes_pictures_and_answers_in_words(self, ask: Any, world: World) -> None:
        expected = {
            model.id
            for model in world.simulator.world.catalogue.models.values()
            if "image" in model.input and "text" in model.output
        }
        assert set(_ids(ask(tag="vision"))) == expected
        assert set(_ids(ask(input="image", output="text"))) == expected

    @pytest.mark.parametrize("tag", ["open source", "open-weights", "Open_Source"])
    def test_an_open_model_that_sees_can_be_found(self, ask: Any, tag: str) -> None:
        assert _ids(ask(tag=f"{tag},vision")) == ["qwen/qwen3.6-27b", GEMMA]

    def test_by_words(self, ask: Any) -> None:
        assert set(_ids(ask(q="nano BANANA"))) == {
            "google/gemini-2.5-flash-image",
            "google/gemini-3.1-flash-image",
            "google/gemini-3-pro-image",
        }
        assert ask(q="no such thing")["data"] == []

    def test_by_price(self, ask: Any) -> None:
        found = ask(**{"for": "generate", "max_price": "0.03", "sort": "price"})["data"]
        prices = [row["estimates"]["generate"]["micro_usd"] for row in found]
        assert prices == sorted(prices)
        assert prices[-1] <= 30_000
        assert KLEIN in [row["id"] for row in found]
        assert MUSE not in [row["id"] for row in found], "an unknown price is within no limit"

    def test_by_name_and_by_latency(self, ask: Any, world: World) -> None:
        names = [row["name"].casefold() for row in ask(sort="name")["data"]]
        assert names == sorted(names)
        world.statistics.record(GPT, seconds=9, succeeded=True)
        world.statistics.record(KLEIN, seconds=3, succeeded=True)
        world.start()
        assert _ids(ask(sort="latency"))[:2] == [KLEIN, GPT]

    def test_the_cheapest_that_can_do_it(self, ask: Any) -> None:
        body = ask(
            recommend="cheapest", **{"for": "edit"}, background="transparent", output_format="png", max_price="0.03"
        )
        assert body["recommendation"]["id"] == _ids(body)[0] == MINI
        assert _ids(body) == [MINI], "nothing else makes transparent pictures"
        body = ask(recommend="cheapest", **{"for": "edit"}, resolution="2K", max_price="0.05")
        able = {row["id"]: row["estimates"]["edit"]["micro_usd"] for row in body["data"]}
        assert body["recommendation"]["id"] == min(able, key=lambda each: able[each]) == "qwen/qwen-image-3"
        assert able["qwen/qwen-image-3"] == 33_000
        none = ask(recommend="cheapest", **{"for": "edit"}, resolution="2K", background="transparent")
        assert (none["recommendation"]["id"], none["data"]) == (None, [])

    def test_what_it_says_it_costs_is_what_it_is_quoted_at(self, ask: Any, world: World, token: str) -> None:
        body = ask(recommend="cheapest", resolution="2K", n="2", references="3")
        row = body["data"][0]
        asked = {"model": row["id"], "resolution": "2K", "n": 2, "references": 3}
        _, estimate = world.call("POST", "/v1/estimates", token=token, body=asked)
        assert estimate["items"][0]["each"] == row["estimates"]["edit"]

    def test_the_fastest_is_known_only_of_what_was_used(self, ask: Any, world: World) -> None:
        body = ask(recommend="fastest", **{"for": "generate"})
        assert (body["recommendation"]["id"], body["data"]) == (None, [])
        assert "none has been used here yet" in body["recommendation"]["why"]
        for model, seconds in ((GPT, 9), (PRO, 4), (FLASH, 1)):
            world.statistics.record(model, seconds=seconds, succeeded=True)
        world.start()
        assert _ids(ask(recommend="fastest", **{"for": "generate"})) == [PRO, GPT]

    @pytest.mark.parametrize(
        ("query", "param"),
        [
            ({"sort": "best"}, "sort"),
            ({"max_price": "cheap"}, "max_price"),
            ({"max_price": "NaN"}, "max_price"),
            ({"recommend": "dearest"}, "recommend"),
            ({"api-version": "1", "sort": "best"}, "sort"),
            ({"for": "chat", "resolution": "2K"}, "resolution"),
        ],
    )
    def test_what_cannot_be_asked_is_named(self, world: World, token: str, query: dict[str, str], param: str) -> None:
        status, problem = world.call("GET", "/v1/models", token=token, query=query)
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", param)


class TestOne:
    @pytest.mark.parametrize("written", [KLEIN, KLEIN.replace("/", "%2F"), "flux.2-klein-4b", KLEIN.upper()])
    def test_by_any_of_its_names(self, ask: Any, written: str) -> None:
        found = ask(f"/v1/models/{written}")
        assert (found["id"], found["object"], found["warnings"]) == (KLEIN, "model", [])

    def test_a_name_that_has_died_leads_on_and_says_so(self, ask: Any) -> None:
        found = ask("/v1/models/dall-e-3")
        assert (found["id"], found["model_requested"]) == (GPT, "dall-e-3")
        assert "retired" in found["warnings"][0]

    def test_what_is_not_there_suggests_what_is(self, world: World, token: str) -> None:
        status, problem = world.call("GET", "/v1/models/nobody/nothing", token=token)
        assert (status, problem["code"]) == (404, "NOT_FOUND")
        assert problem["suggestions"]


class TestComparison:
    def test_side_by_side_with_the_best_of_each(self, ask: Any, world: World) -> None:
        world.statistics.record(GPT, seconds=9, succeeded=True)
        world.statistics.record(KLEIN, seconds=3, succeeded=True)
        body = ask("/v1/models/compare", ids=f"{GPT}, {KLEIN},sdxl,{FLASH}")
        assert _ids(body) == [GPT, KLEIN, KLEIN, FLASH]
        assert body["data"][2]["model_requested"] == "sdxl"
        assert body["cheapest"] == {"generate": KLEIN, "edit": KLEIN, "chat": FLASH}
        assert body["fastest"] == KLEIN
        gpt, klein = (row["estimates"]["generate"]["micro_usd"] for row in body["data"][:2])
        assert gpt > klein > 0

    @pytest.mark.parametrize("ids", ["", " , ", ",".join([KLEIN] * 11)])
    def test_too_few_and_too_many(self, world: World, token: str, ids: str) -> None:
        status, problem = world.call("GET", "/v1/models/compare", token=token, query={"ids": ids} if ids else None)
        assert (status, problem["param"]) == (400, "ids")

    def test_one_that_is_not_there(self, world: World, token: str) -> None:
        status, problem = world.call("GET", "/v1/models/compare", token=token, query={"ids": f"{KLEIN},nobody/nothing"})
        assert (status, problem["param"]) == (404, "ids")


class TestAge:
    def test_two_page_loads_ask_once(self, ask: Any, world: World) -> None:
        first = ask()
        asked = world.asked
        assert (first["stale"], first["age_seconds"], first["as_of"]) == (False, 0, world.clock().isoformat())
        world.clock.step(timedelta(seconds=HOUR - 1))
        world.start()
        second = ask()
        assert world.asked == asked > 0
        assert (second["data"], second["age_seconds"]) == (first["data"], HOUR - 1)

    def test_without_anybody_to_ask_it_still_answers_and_says_how_old_it_is(
        self, callers: Callers, clock: SteppingClock, token: str
    ) -> None:
        with Simulator() as simulator:
            world = World(simulator, callers, clock)
            known = world.call("GET", "/v1/models", token=token)[1]
        for fresh_container in (False, True):
            clock.step(timedelta(days=2))
            if fresh_container:
                world.start()
            status, body = world.call("GET", "/v1/models", token=token)
            assert (status, body["stale"]) == (200, True)
            assert body["data"] == [{**row, "stale": True} for row in known["data"]]
            assert body["age_seconds"] == (clock() - datetime.fromisoformat(known["as_of"])).total_seconds()
            assert body["as_of"] == known["as_of"]

    def test_one_models_prices_that_cannot_be_had_look_as_old_as_they_are(self, ask: Any, world: World) -> None:
        begun = world.clock().isoformat()
        ask()
        world.simulator.scenario("internal", path=f"/images/models/{PRO}/endpoints")
        for _ in range(3):
            world.clock.step(timedelta(days=1))
            body = ask()
        now, age = world.clock().isoformat(), 3 * 24 * HOUR
        assert (body["as_of"], body["age_seconds"], body["stale"]) == (begun, age, True), "the list's oldest part"
        assert {row["id"] for row in body["data"] if row["stale"]} == {PRO}
        old, new = ask(f"/v1/models/{PRO}"), ask(f"/v1/models/{KLEIN}")
        assert (old["as_of"], old["age_seconds"], old["stale"]) == (begun, age, True)
        assert (new["as_of"], new["age_seconds"], new["stale"]) == (now, 0, False)
        assert ask("/v1/models/compare", ids=f"{GPT},{KLEIN}")["stale"] is False
        both = ask("/v1/models/compare", ids=f"{KLEIN},{PRO}")
        assert (both["as_of"], both["stale"]) == (begun, True)

    def test_nothing_known_and_nobody_to_ask_is_nobodys_charge(self, world: World, token: str) -> None:
        world.simulator.scenario("overloaded", path="/images/models")
        status, problem = world.call("GET", "/v1/models", token=token)
        assert (status, problem["charged"], problem["retryable"]) == (503, False, True)


def test_a_fresh_catalogue_is_written_for_the_other_containers(world: World, ask: Any) -> None:
    ask()
    assert set(world.store.lists) == {"image-models", "chat-models", "image-sources", "private-models"}
