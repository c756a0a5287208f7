"""Routes, headers, the order of checks, and what the simulator remembers of requests."""

import hashlib
from typing import Any

import httpx
import pytest
from PIL import Image

from local.simulator import Simulator
from tests.unit.simulator.requests import FLUX, PAINTER, PLANNER, STREAMING, chat, events, image, picture, reference

BAD_STYLE = {"recraft": {"style": "not_a_real_style"}}


def link(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


class TestWhoMayAsk:
    @pytest.mark.parametrize("path", ["/models", "/images/models", f"/images/models/{FLUX}/endpoints"])
    def test_public_routes_ignore_a_bad_key(self, simulator: Simulator, path: str) -> None:
        headers = {"authorization": "Bearer nonsense"}
        assert httpx.get(f"{simulator.api}{path}", headers=headers, trust_env=False).status_code == 200

    @pytest.mark.parametrize("path", ["/models/user", "/key", "/credits", "/generation?id=x"])
    def test_others_do_not(self, simulator: Simulator, path: str) -> None:
        answers = [
            httpx.get(f"{simulator.api}{path}", headers=headers, trust_env=False)
            for headers in ({}, {"authorization": "Bearer sk-or-v1-unknown"})
        ]
        assert [answer.status_code for answer in answers] == [401, 401]
        messages = [answer.json()["error"]["message"] for answer in answers]
        assert messages == ["No cookie auth credentials found", "User not found."]

    def test_the_key_comes_before_the_body(self, simulator: Simulator) -> None:
        assert httpx.post(f"{simulator.api}/images", content=b"{", trust_env=False).status_code == 401

    def test_somebody_else_s_host(self, simulator: Simulator) -> None:
        headers = {"host": "rebound.example"}
        for path in ("/api/v1/models", "/auth", "/_simulator/invoice"):
            assert httpx.get(f"{simulator.url}{path}", headers=headers, trust_env=False).status_code == 403


class TestRoutes:
    @pytest.mark.parametrize(
        ("method", "path"), [("POST", "/images/edits"), ("GET", "/images"), ("GET", "/nothing"), ("DELETE", "/models")]
    )
    def test_there_is_nothing(self, api: httpx.Client, method: str, path: str) -> None:
        answer = api.request(method, path)
        assert (answer.status_code, answer.json()) == (404, {"error": {"message": "Not Found", "code": 404}})

    def test_the_alias(self, api: httpx.Client) -> None:
        assert api.post("/images/generations", json=image()).status_code == 200

    def test_preflight(self, api: httpx.Client) -> None:
        answer = api.options("/images")
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")

    def test_headers(self, api: httpx.Client) -> None:
        painted, said = api.post("/images", json=image()), api.post("/chat/completions", json=chat())
        assert painted.headers["x-generation-id"].startswith("gen-img-")
        assert painted.headers["x-provider-name"] == "Black Forest Labs"
        assert "x-provider-name" not in said.headers
        assert said.headers["x-generation-id"] == said.json()["id"]
        assert set(painted.json()) == {"created", "data", "usage"}

    def test_endpoints_have_no_envelope(self, api: httpx.Client) -> None:
        assert set(api.get(f"/images/models/{FLUX}/endpoints").json()) == {"id", "endpoints"}
        assert api.get("/images/models/nobody/nothing/endpoints").status_code == 404

    def test_the_list_shows_what_any_endpoint_can(self, api: httpx.Client) -> None:
        listed = {model["id"]: model for model in api.get("/images/models").json()["data"]}
        model = "google/gemini-3-pro-image"
        endpoints = api.get(f"/images/models/{model}/endpoints").json()["endpoints"]
        tiers = [endpoint["supported_parameters"]["resolution"]["values"] for endpoint in endpoints]
        assert tiers == [["1K", "2K"], ["1K", "2K", "4K"]]
        assert listed[model]["supported_parameters"]["resolution"]["values"] == ["1K", "2K", "4K"]

    def test_pages_of_models(self, api: httpx.Client) -> None:
        everything = api.get("/models", params={"output_modalities": "all"}).json()
        page = api.get("/models", params={"output_modalities": "all", "offset": 2, "limit": 3}).json()
        assert page["data"] == everything["data"][2:5]
        assert page["total_count"] == everything["total_count"] == len(everything["data"])
        assert (everything["links"]["next"], page["links"]["next"] is None) == (None, False)

    def test_a_bad_filter(self, api: httpx.Client) -> None:
        refused = api.get("/models", params={"output_modalities": "file"})
        assert (refused.status_code, refused.json()["error"]["name"]) == (400, "ZodError")


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        (image(model="nobody/nothing"), 400, "nobody/nothing is not a valid model ID"),
        (image(model="google/gemini-2.5-flash-image-preview"), 404, "deprecated"),
        (image(model=PLANNER), 400, "not an image generation model"),
        (image(model=STREAMING, size=None, aspect_ratio="21:9"), 400, "Accepted: 1:1, 3:2, 2:3, auto"),
        (image(n=5), 400, 'n "5". Provider rejections: Black Forest Labs: n: must be exactly 1'),
        (image(size="2048x2048", resolution="1K"), 400, "contradicts"),
        (image(size="1024x1024", aspect_ratio="16:9"), 400, "contradicts"),
        (image(model="openai/gpt-image-2", background="transparent"), 400, "background"),
        (image(model=STREAMING, background="transparent", output_format="jpeg"), 400, "output_format png or webp"),
        (image(input_references=[reference()] * 5), 400, "must be between 0 and 4"),
        (
            image(input_references=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]),
            400,
            "read",
        ),
        (
            image(input_references=[{"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}]),
            400,
            "download",
        ),
        (
            image(model="recraft/recraft-v4.1", provider={"options": {"recraft": {"style": "not_a_real_style"}}}),
            400,
            "style",
        ),
        (image(provider={"only": ["somebody-else"]}), 404, "No allowed providers"),
        (chat(model="qwen/qwen-image-3"), 400, "cannot be used with the chat/completions endpoint"),
        (chat(model=FLUX, modalities=["image", "text"]), 404, "requested output modalities: image, text"),
        (chat(model="google/gemma-4-31b-it:free", provider={"data_collection": "deny"}), 404, "data policy"),
        ({"model": PLANNER}, 400, "Input required"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_requests_that_cannot_be_served(api: httpx.Client, body: dict[str, Any], status: int, part: str) -> None:
    path = "/images" if "prompt" in body else "/chat/completions"
    refused = api.post(path, json={name: value for name, value in body.items() if value is not None})
    assert refused.status_code == status
    assert part in refused.json()["error"]["message"]


def test_malformed_json(api: httpx.Client) -> None:
    refused = api.post("/images", content=b"{")
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Input must have at least 1 token.")


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspect_ratio": "1:2", "resolution": "1K"}, (512, 1024)),
        ({"aspect_ratio": "16:9"}, (1024, 576)),
        ({"size": "320x240"}, (320, 240)),
        ({"size": "2K", "aspect_ratio": "2:1"}, (2048, 1024)),
    ],
    ids=str,
)
def test_sizes(api: httpx.Client, given: dict[str, str], size: tuple[int, int]) -> None:
    answer = api.post("/images", json={"model": "qwen/qwen-image-3", "prompt": "A sunset", **given})
    assert picture(answer).size == size


@pytest.mark.parametrize(
    ("model", "kind"),
    [(FLUX, "image/jpeg"), (PAINTER, "image/png"), ("recraft/recraft-v4.1", "image/webp")],
)
def test_formats(api: httpx.Client, model: str, kind: str) -> None:
    answer = api.post("/images", json=image(model=model))
    assert answer.json()["data"][0]["media_type"] == kind
    assert Image.MIME[picture(answer).format or ""] == kind


def test_pictures_in_a_chat_s_stream(api: httpx.Client) -> None:
    with api.stream("POST", "/chat/completions", json=chat("A cat", model=PAINTER, stream=True)) as answer:
        deltas = [event["choices"][0]["delta"] for event in events(answer)]
    [images] = [delta["images"] for delta in deltas if "images" in delta]
    assert images[0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert all(delta["role"] == "assistant" for delta in deltas)


class TestLog:
    def test_what_arrived(self, api: httpx.Client, simulator: Simulator) -> None:
        sent = image(input_references=[reference()])
        answer = api.post("/images", json=sent)
        log = httpx.get(f"{simulator.url}/_simulator/requests", trust_env=False)
        [entry] = log.json()
        key_hash = hashlib.sha256(simulator.key.encode()).hexdigest()
        assert (entry["method"], entry["path"], entry["key_hash"]) == ("POST", "/api/v1/images", key_hash)
        assert entry["headers"]["authorization"] == f"Bearer sha256:{key_hash}"
        assert entry["generation_id"] == answer.headers["x-generation-id"]
        url = sent["input_references"][0]["image_url"]["url"]
        encoded = url.partition(",")[2]
        shortened = entry["body"]["input_references"][0]["image_url"]["url"]
        digest = hashlib.sha256(encoded.encode()).hexdigest()
        assert shortened == f"data:image/png;length={len(encoded)};sha256={digest}"
        assert simulator.key not in log.text

    def test_reset(self, api: httpx.Client, simulator: Simulator) -> None:
        simulator.scenario("internal")
        api.post("/images", json=image())
        httpx.post(f"{simulator.url}/_simulator/reset", trust_env=False)
        assert httpx.get(f"{simulator.url}/_simulator/requests", trust_env=False).json() == []
        assert httpx.get(f"{simulator.url}/_simulator/invoice", trust_env=False).json() == []
        assert api.post("/images", json=image()).status_code == 200
