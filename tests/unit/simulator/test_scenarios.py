"""Everything that can be made to go wrong, as it arrives."""

import base64
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from local.simulator import Simulator
from local.simulator.refusals import REFUSALS
from local.simulator.scenarios import QUIRKS
from tests.photos import load
from tests.unit.simulator.requests import PAINTER, STREAMING, charged, chat, events, image, picture

ROWS = {
    400: "bad_request invalid_prompt unknown_model model_not_found no_messages malformed_json incapable "
    "too_many_images option_refused wrong_endpoint zod content_policy refusal context_length invalid_image "
    "image_too_large image_download_failed",
    401: "no_key unknown_key",
    402: "out_of_credit key_limit reservation in_flight image_floor",
    403: "forbidden moderation guardrail workspace_budget region_restricted",
    404: "data_policy no_endpoints model_deprecated model_unavailable privacy_restricted constraint_filtered "
    "free_variant_ended not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    410: "gone",
    412: "precondition_failed",
    413: "too_large",
    422: "unprocessable",
    429: "rate_limited free_per_day upstream_limited capacity_exhausted",
    499: "client_closed",
    500: "internal error",
    502: "provider_failed bad_gateway_page",
    503: "overloaded temporarily_unavailable",
    504: "gateway_timeout",
    524: "edge_timeout edge_timeout_page",
    529: "provider_overloaded",
}
TABLE = [(name, status) for status, names in ROWS.items() for name in names.split()]
SIGNING_IN = {"invalid_code", "invalid_method", "wrong_verifier", "expired_code"}


def test_the_table_is_complete() -> None:
    assert {name for name, _ in TABLE} | SIGNING_IN == set(REFUSALS)


@pytest.mark.parametrize(("name", "status"), TABLE)
@pytest.mark.parametrize("path", ["/images", "/chat/completions"])
def test_refusals(api: httpx.Client, simulator: Simulator, name: str, status: int, path: str) -> None:
    simulator.scenario(name, times=1)
    body = image() if path == "/images" else chat()
    refused = api.post(path, json=body)
    assert refused.status_code == status
    assert refused.headers["x-generation-id"].startswith("gen-")
    if name.endswith("_page"):
        assert refused.headers["content-type"].startswith("text/html")
    elif name == "zod":
        error = refused.json()["error"]
        assert (error["name"], "code" in error) == ("ZodError", False)
        assert json.loads(error["message"])[0]["path"] == ["prompt"]
    else:
        assert refused.json()["error"]["code"] == status
        assert refused.json()["error"]["message"]
    assert charged(simulator) == []
    assert api.post(path, json=body).status_code == 200


def error_of(api: httpx.Client) -> dict[str, Any]:
    error: dict[str, Any] = api.post("/images", json=image()).json()["error"]
    return error


class TestDetails:
    @pytest.mark.parametrize(
        ("name", "source"),
        [
            ("out_of_credit", "openrouter_credits"),
            ("key_limit", "openrouter_key_limit"),
            ("reservation", None),
            ("in_flight", "openrouter_in_flight_budget"),
            ("image_floor", "openrouter_key_limit"),
        ],
    )
    def test_the_five_kinds_of_402(
        self, api: httpx.Client, simulator: Simulator, name: str, source: str | None
    ) -> None:
        simulator.scenario(name)
        refused = api.post("/images", json=image())
        assert refused.json()["error"]["metadata"].get("limit_source") == source
        # The one that is worth another attempt says when.
        assert ("retry-after" in refused.headers) == (name == "in_flight")

    def test_own_limit(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("rate_limited", retry_after=7)
        refused = api.post("/images", json=image())
        assert refused.headers["retry-after"] == "7"
        assert refused.headers["x-ratelimit-remaining"] == "0"

    def test_a_date(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("rate_limited", retry_after=30, retry_after_form="date")
        header = api.post("/images", json=image()).headers["retry-after"]
        assert 20 < (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds() < 31

    def test_the_provider_s_limit(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("upstream_limited", times=1)
        simulator.scenario("upstream_limited", retry_after=1)
        first, second = (api.post("/images", json=image()) for _ in range(2))
        assert "retry-after" not in first.headers
        assert "x-ratelimit-limit" not in second.headers
        assert second.headers["retry-after"] == "1"
        assert second.json()["error"]["metadata"]["retry_after_seconds"] == 1

    def test_availability(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("temporarily_unavailable", retry_after=3, retry_after_form="body")
        refused = api.post("/images", json=image())
        assert refused.json()["error"]["availability"] == {
            "code": "temporarily_unavailable",
            "retryable": True,
            "retry_after": 3,
        }
        assert "retry-after" not in refused.headers

    def test_a_model_that_ended_names_others(self, api: httpx.Client, simulator: Simulator) -> None:
        refused = api.post("/chat/completions", json=chat(model="openai/gpt-oss-20b:free"))
        assert refused.status_code == 404
        availability = refused.json()["error"]["availability"]
        assert (availability["code"], availability["fallback_models"]) == ("free_variant_ended", ["openai/gpt-oss-20b"])

    def test_anything(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("error", status=418, message="Short and stout", metadata={"spout": True})
        assert error_of(api) == {"code": 418, "message": "Short and stout", "metadata": {"spout": True}}


class TestAim:
    def test_at_a_key(self, api: httpx.Client, simulator: Simulator) -> None:
        other = simulator.state.mint()
        simulator.scenario("internal", key=other)
        assert api.post("/images", json=image()).status_code == 200
        theirs = {"authorization": f"Bearer {other}"}
        assert api.post("/images", json=image(), headers=theirs).status_code == 500

    def test_at_a_model(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("internal", model=STREAMING)
        assert api.post("/images", json=image()).status_code == 200
        assert api.post("/images", json=image(model=STREAMING)).status_code == 500

    def test_at_a_path(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("internal", path="/key")
        assert api.post("/images", json=image()).status_code == 200
        assert api.get("/key").status_code == 500

    def test_one_after_the_other(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("rate_limited", times=2)
        simulator.scenario("overloaded", times=1)
        assert [api.post("/images", json=image()).status_code for _ in range(4)] == [429, 429, 503, 200]

    def test_an_unknown_name(self, simulator: Simulator) -> None:
        refused = httpx.post(f"{simulator.url}/_simulator/scenario", json={"name": "earthquake"}, trust_env=False)
        assert refused.status_code == 400

    def test_the_list(self, simulator: Simulator) -> None:
        listed = httpx.get(f"{simulator.url}/_simulator/scenario", trust_env=False).json()
        assert set(listed) == set(REFUSALS) | set(QUIRKS)


class TestInsideA200:
    @pytest.mark.parametrize("path", ["/images", "/chat/completions"])
    def test_only_an_error(self, api: httpx.Client, simulator: Simulator, path: str) -> None:
        simulator.scenario("error_body")
        answer = api.post(path, json=image() if path == "/images" else chat())
        assert (answer.status_code, answer.json()["error"]["code"]) == (200, 502)
        assert "choices" not in answer.json()
        assert charged(simulator) == []

    def test_a_choice_that_failed(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("choice_error")
        [choice] = api.post("/chat/completions", json=chat()).json()["choices"]
        assert (choice["finish_reason"], choice["error"]["code"]) == ("error", 502)
        assert charged(simulator) == []

    def test_no_image(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("no_image")
        answer = api.post("/images", json=image()).json()
        assert (answer["data"], answer["usage"]["cost"]) == ([], 0)
        assert charged(simulator) == []

    def test_words_instead_of_an_image_are_charged(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("no_image", form="text", native_finish_reason="IMAGE_SAFETY")
        [choice] = api.post("/chat/completions", json=chat("A cat", model=PAINTER)).json()["choices"]
        assert choice["native_finish_reason"] == "IMAGE_SAFETY"
        assert choice["message"]["content"]
        assert "images" not in choice["message"]
        assert len(charged(simulator)) == 1

    def test_nothing_but_thoughts(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("empty_answer")
        [choice] = api.post("/chat/completions", json=chat()).json()["choices"]
        assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "")

    def test_fewer_images(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("fewer_images")
        answer = api.post("/images", json=image(model="qwen/qwen-image-3", n=3))
        assert len(answer.json()["data"]) == 2

    def test_a_smaller_picture_costs_the_same(self, api: httpx.Client, simulator: Simulator) -> None:
        api.post("/images", json=image()).raise_for_status()
        simulator.scenario("small_picture", side=96)
        small = api.post("/images", json=image()).json()["data"][0]["b64_json"]
        assert max(load(base64.b64decode(small)).size) == 96
        [choice] = api.post("/chat/completions", json=chat("A cat", model=PAINTER)).json()["choices"]
        url = choice["message"]["images"][0]["image_url"]["url"]
        assert max(load(base64.b64decode(url.partition(",")[2])).size) == 96
        first, second, _ = charged(simulator)
        assert first == second


class TestBrokenBodies:
    @pytest.mark.parametrize("path", ["/images", "/chat/completions"])
    @pytest.mark.parametrize("billed", [True, False])
    def test_cut(self, api: httpx.Client, simulator: Simulator, path: str, billed: bool) -> None:
        simulator.scenario("cut_body", billed=billed)
        with pytest.raises(httpx.RemoteProtocolError):
            api.post(path, json=image() if path == "/images" else chat())
        assert len(charged(simulator)) == int(billed)

    def test_not_json(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("truncated_json")
        answer = api.post("/images", json=image())
        with pytest.raises(ValueError, match="Unterminated string"):
            answer.json()

    def test_not_base64(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("invalid_base64")
        with pytest.raises(ValueError, match="base64"):
            picture(api.post("/images", json=image()))

    def test_not_an_image(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("not_an_image")
        with pytest.raises(OSError, match="cannot identify"):
            picture(api.post("/images", json=image()))

    @pytest.mark.parametrize("path", ["/images", "/chat/completions"])
    @pytest.mark.parametrize(
        ("options", "count"), [({}, 0), ({"billed": True}, 1), ({"after": "billed"}, 1), ({"after": 2}, 0)]
    )
    def test_cut_streams(
        self, api: httpx.Client, simulator: Simulator, path: str, options: dict[str, Any], count: int
    ) -> None:
        simulator.scenario("cut_stream", **options)
        body = image(model=STREAMING, stream=True) if path == "/images" else chat(stream=True)
        with pytest.raises(httpx.RemoteProtocolError), api.stream("POST", path, json=body) as answer:
            list(answer.iter_lines())
        assert len(charged(simulator)) == count

    @pytest.mark.parametrize("path", ["/images", "/chat/completions"])
    def test_a_stream_without_its_end(self, api: httpx.Client, simulator: Simulator, path: str) -> None:
        simulator.scenario("stream_without_done")
        body = image(model=STREAMING, stream=True) if path == "/images" else chat(stream=True)
        text = api.post(path, json=body).text
        assert "[DONE]" not in text
        assert "usage" in text
        assert len(charged(simulator)) == 1

    @pytest.mark.parametrize("done", [True, False])
    @pytest.mark.parametrize("path", ["/images", "/chat/completions"])
    def test_an_error_in_a_stream(self, api: httpx.Client, simulator: Simulator, path: str, done: bool) -> None:
        simulator.scenario("stream_error", done=done)
        body = image(model=STREAMING, stream=True) if path == "/images" else chat(stream=True)
        answer = api.post(path, json=body)
        *_, last = events(answer)
        assert last["error"]["message"]
        assert answer.text.endswith("data: [DONE]\n\n") == done
        assert charged(simulator) == []


class TestNumbersAndLabels:
    def usage(self, api: httpx.Client) -> dict[str, Any]:
        usage: dict[str, Any] = api.post("/images", json=image()).json()["usage"]
        return usage

    def test_fractions_of_tokens(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("fractional_tokens")
        assert self.usage(api)["completion_tokens"] == 64.92

    def test_exponents(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("exponent_cost")
        assert '"cost":3e-05' in api.post("/images", json=image()).text
        assert charged(simulator) == [30]

    def test_no_cost(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("missing_cost", times=1)
        assert "cost" not in self.usage(api)
        simulator.scenario("missing_cost", form="null", times=1)
        assert self.usage(api)["cost"] is None
        simulator.scenario("missing_usage")
        assert "usage" not in api.post("/images", json=image()).json()
        assert charged(simulator) == [14_000] * 3

    @pytest.mark.parametrize(
        ("form", "text"), [("nan", '"cost":NaN'), ("string", '"cost":"0.014"'), ("negative", '"cost":-1')]
    )
    def test_no_number(self, api: httpx.Client, simulator: Simulator, form: str, text: str) -> None:
        simulator.scenario("nan_cost", form=form)
        assert text in api.post("/images", json=image()).text
        assert charged(simulator) == [14_000]

    def test_more_than_was_expected(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("overcharge", factor=3)
        assert self.usage(api)["cost"] == 0.042
        assert charged(simulator) == [42_000]

    def test_the_owner_s_own_provider_key(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("byok")
        usage = self.usage(api)
        assert (usage["cost"], usage["cost_details"]["upstream_inference_cost"]) == (0.0007, 0.014)
        assert charged(simulator) == [700]

    def test_labels(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("wrong_media_type", times=1)
        first = api.post("/images", json=image()).json()["data"][0]
        simulator.scenario("missing_media_type")
        second = api.post("/images", json=image()).json()["data"][0]
        assert first["media_type"] == "image/png"
        assert first["b64_json"].startswith("/9j/")
        assert "media_type" not in second
