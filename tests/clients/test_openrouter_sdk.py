"""The official `openrouter` SDK, unmodified, against the simulator: where the two disagree, the simulator is wrong."""

import base64
import io
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from openrouter import OpenRouter, components, errors
from PIL import Image

from local.simulator import Simulator
from local.simulator.oauth import challenge_for

# Its own models warn of fields of theirs that will go.
pytestmark = pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning")

FLUX = "black-forest-labs/flux.2-klein-4b"
STREAMING = "openai/gpt-image-1-mini"
PLANNER = "google/gemini-3-flash-preview"
PAINTER = "google/gemini-2.5-flash-image"


@pytest.fixture
def client(simulator: Simulator) -> Iterator[OpenRouter]:
    # Without retries: a test that expects a 503 should not wait for an hour of them.
    with OpenRouter(api_key=simulator.key, server_url=simulator.api, retry_config=None) as client:
        yield client


def opened(b64_json: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(b64_json, validate=True)))


def data_url(colour: str = "teal") -> str:
    data = io.BytesIO()
    Image.new("RGB", (96, 64), colour).save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def listed(client: OpenRouter, **query: Any) -> dict[str, components.Model]:
    answer = client.models.list(**query, retries=None)
    assert answer is not None
    return {model.id: model for model in answer.result.data}


def invoice(simulator: Simulator) -> list[tuple[str, int]]:
    return [(charge["model"], charge["micro_usd"]) for charge in simulator.state.invoice()]


class TestLists:
    def test_models(self, client: OpenRouter) -> None:
        found = listed(client)
        assert found[PLANNER].pricing.prompt == "0.0000005"
        assert "image" in found[PLANNER].architecture.input_modalities
        assert FLUX not in found

    def test_models_that_only_paint(self, client: OpenRouter) -> None:
        found = listed(client, output_modalities="all")
        assert (found[FLUX].pricing.prompt, found[FLUX].pricing.completion) == ("0", "0")
        assert found["openrouter/auto"].pricing.prompt == "-1"

    def test_models_of_the_user(self, client: OpenRouter, simulator: Simulator) -> None:
        from openrouter.operations import ListModelsUserSecurity

        found = client.models.list_for_user(security=ListModelsUserSecurity(bearer=simulator.key), retries=None)
        assert found is not None
        assert PLANNER in {model.id for model in found.result.data}

    def test_count(self, client: OpenRouter) -> None:
        assert client.models.count(retries=None).data.count == len(listed(client))

    def test_one_model_and_its_endpoints(self, client: OpenRouter) -> None:
        assert client.models.get(author="google", slug="gemini-3-flash-preview", retries=None).data.id == PLANNER
        found = client.endpoints.list(author="google", slug="gemini-3-flash-preview", retries=None).data
        assert [endpoint.model_id for endpoint in found.endpoints] == [PLANNER]

    def test_image_models(self, client: OpenRouter) -> None:
        found = {model.id: model for model in client.images.list_models(retries=None).data}
        references = found[FLUX].supported_parameters["input_references"]
        assert isinstance(references, components.RangeCapability)
        assert references.max == 4
        assert found["meta/muse-image"].supported_parameters == {}
        assert found[STREAMING].supports_streaming

    def test_prices_of_an_image_model(self, client: OpenRouter) -> None:
        found = client.images.list_model_endpoints(author="openai", slug="gpt-image-2", retries=None)
        prices = {(line.billable, line.unit): line.cost_usd for line in found.endpoints[0].pricing}
        assert prices["output_image", "token"] == 0.00003

    def test_a_model_that_publishes_nothing(self, client: OpenRouter) -> None:
        assert client.images.list_model_endpoints(author="meta", slug="muse-image", retries=None).endpoints == []


class TestImages:
    def test_generates(self, client: OpenRouter, simulator: Simulator) -> None:
        made = client.images.generate(model=FLUX, prompt="A sunset over the sea", aspect_ratio="16:9", retries=None)
        assert isinstance(made, components.ImageGenerationResponse)
        assert opened(made.data[0].b64_json).size == (1024, 576)
        assert made.data[0].media_type == "image/jpeg"
        assert made.usage is not None
        assert made.usage.cost == 0.014
        assert invoice(simulator) == [(FLUX, 14_000)]

    def test_edits(self, client: OpenRouter, simulator: Simulator) -> None:
        reference: Any = {"type": "image_url", "image_url": {"url": data_url()}}
        made = client.images.generate(model=FLUX, prompt="as a watercolour", input_references=[reference], retries=None)
        assert isinstance(made, components.ImageGenerationResponse)
        picture = opened(made.data[0].b64_json)
        assert picture.width / picture.height == pytest.approx(96 / 64, rel=0.02)
        assert made.usage is not None
        assert (made.usage.prompt_tokens, made.usage.cost) == (4096, 0.015)
        assert invoice(simulator) == [(FLUX, 15_000)]

    def test_streams(self, client: OpenRouter, simulator: Simulator) -> None:
        events = list(
            client.images.generate(model=STREAMING, prompt="A forest", quality="low", stream=True, retries=None)
        )
        assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
        done = events[-1]
        assert isinstance(done, components.ImageGenCompletedEvent)
        assert opened(done.b64_json).size == (1024, 1024)
        assert done.usage is not None
        assert done.usage.completion_tokens == 372
        assert invoice(simulator) == [(STREAMING, 2_980)]

    def test_a_model_that_cannot_stream_answers_plainly(self, client: OpenRouter) -> None:
        made = client.images.generate(model=FLUX, prompt="A forest", stream=True, retries=None)
        assert isinstance(made, components.ImageGenerationResponse)

    def test_an_error_in_a_stream(self, client: OpenRouter, simulator: Simulator) -> None:
        simulator.scenario("stream_error")
        events = list(client.images.generate(model=STREAMING, prompt="A forest", stream=True, retries=None))
        assert isinstance(events[-1], components.ImageGenStreamErrorEvent)
        assert invoice(simulator) == []


class TestChat:
    def test_answers(self, client: OpenRouter, simulator: Simulator) -> None:
        answer = client.chat.send(model=PLANNER, messages=said("Make it warmer"), retries=None)
        assert isinstance(answer, components.ChatResult)
        assert answer.choices[0].message.content == "I made it warmer."
        assert answer.usage is not None
        assert answer.usage.cost is not None
        assert invoice(simulator) == [(PLANNER, math.ceil(Decimal(str(answer.usage.cost)) * 1_000_000))]

    def test_streams(self, client: OpenRouter) -> None:
        chunks = list(client.chat.send(model=PLANNER, messages=said("Make it warmer"), stream=True, retries=None))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert text == "I made it warmer."
        assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == ["stop", "stop"]
        assert [chunk.usage is not None for chunk in chunks[-2:]] == [False, True]

    def test_follows_a_schema(self, client: OpenRouter) -> None:
        schema = {
            "type": "object",
            "properties": {"reply": {"type": "string"}, "prompt": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "required": ["reply", "prompt"],
            "additionalProperties": False,
        }
        form: Any = {"type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": schema}}
        answer = client.chat.send(model=PLANNER, messages=said("as a watercolour"), response_format=form, retries=None)
        assert isinstance(answer, components.ChatResult)
        content = answer.choices[0].message.content
        assert isinstance(content, str)
        assert json.loads(content) == {"reply": "I painted that.", "prompt": "as a watercolour"}

    def test_sees(self, client: OpenRouter) -> None:
        content = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": data_url("red")}},
        ]
        messages: Any = [{"role": "user", "content": content}]
        answer = client.chat.send(model=PLANNER, messages=messages, retries=None)
        assert isinstance(answer, components.ChatResult)
        assert "mostly red picture of 96 by 64" in str(answer.choices[0].message.content)

    def test_paints(self, client: OpenRouter, simulator: Simulator) -> None:
        answer = client.chat.send(model=PAINTER, messages=said("A cat"), modalities=["image", "text"], retries=None)
        assert isinstance(answer, components.ChatResult)
        images = answer.choices[0].message.images
        assert images
        kind, _, data = images[0].image_url.url.partition(";base64,")
        assert kind == "data:image/png"
        assert opened(data).size == (1024, 1024)
        assert [micro_usd for _, micro_usd in invoice(simulator)] == [38_701]

    def test_falls_back_to_another_model(self, client: OpenRouter) -> None:
        answer = client.chat.send(
            model="openai/gpt-oss-20b:free", models=["openai/gpt-oss-20b"], messages=said("Hello"), retries=None
        )
        assert isinstance(answer, components.ChatResult)
        assert answer.model == "openai/gpt-oss-20b"


class TestAccount:
    def test_the_key(self, client: OpenRouter) -> None:
        client.images.generate(model=FLUX, prompt="A forest", retries=None)
        key = client.api_keys.get_current_key_metadata(retries=None).data
        assert (key.limit, key.limit_remaining, key.usage, key.usage_daily) == (None, None, 0.014, 0.014)

    def test_credits(self, client: OpenRouter) -> None:
        client.images.generate(model=FLUX, prompt="A forest", retries=None)
        credit = client.credits.get_credits(retries=None).data
        assert (credit.total_credits, credit.total_usage) == (1000, 0.014)

    def test_what_became_of_a_call(self, client: OpenRouter, simulator: Simulator) -> None:
        client.images.generate(model=FLUX, prompt="A forest", retries=None)
        [charge] = simulator.state.invoice()
        found = client.generations.get_generation(id=charge["generation_id"], retries=None).data
        assert (found.model, found.total_cost, found.api_type, found.cancelled) == (FLUX, 0.014, "image", False)

    def test_a_code_becomes_a_key(self, client: OpenRouter, simulator: Simulator) -> None:
        verifier = "v" * 64
        created = client.o_auth.create_auth_code(
            callback_url="http://localhost:3000/back",
            code_challenge=challenge_for(verifier),
            code_challenge_method="S256",
            limit=2,
            retries=None,
        )
        exchanged = client.o_auth.exchange_auth_code_for_api_key(
            code=created.data.id, code_verifier=verifier, code_challenge_method="S256", retries=None
        )
        with OpenRouter(api_key=exchanged.key, server_url=simulator.api, retry_config=None) as theirs:
            assert theirs.api_keys.get_current_key_metadata(retries=None).data.limit_remaining == 2

    def test_a_wrong_verifier(self, client: OpenRouter) -> None:
        created = client.o_auth.create_auth_code(
            callback_url="http://localhost:3000/back",
            code_challenge=challenge_for("v" * 64),
            code_challenge_method="S256",
            retries=None,
        )
        with pytest.raises(errors.ForbiddenResponseError, match="Invalid code or code_verifier"):
            client.o_auth.exchange_auth_code_for_api_key(code=created.data.id, code_verifier="w" * 64, retries=None)


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        ("bad_request", errors.BadRequestResponseError),
        ("no_key", errors.UnauthorizedResponseError),
        ("in_flight", errors.PaymentRequiredResponseError),
        ("moderation", errors.ForbiddenResponseError),
        ("data_policy", errors.NotFoundResponseError),
        ("request_timeout", errors.RequestTimeoutResponseError),
        ("too_large", errors.PayloadTooLargeResponseError),
        ("unprocessable", errors.UnprocessableEntityResponseError),
        ("upstream_limited", errors.TooManyRequestsResponseError),
        ("internal", errors.InternalServerResponseError),
        ("provider_failed", errors.BadGatewayResponseError),
        ("overloaded", errors.ServiceUnavailableResponseError),
        ("edge_timeout", errors.EdgeNetworkTimeoutResponseError),
        ("provider_overloaded", errors.ProviderOverloadedResponseError),
        ("gateway_timeout", errors.OpenRouterDefaultError),
        ("bad_gateway_page", errors.OpenRouterDefaultError),
        # The other shape of errors, which the SDK's own models do not know.
        ("zod", errors.ResponseValidationError),
    ],
)
def test_errors(client: OpenRouter, simulator: Simulator, scenario: str, error: type[errors.OpenRouterError]) -> None:
    simulator.scenario(scenario)
    with pytest.raises(error):
        client.chat.send(model=PLANNER, messages=said("Hello"), retries=None)
    assert invoice(simulator) == []


def test_the_sdk_itself_retries(client: OpenRouter, simulator: Simulator) -> None:
    from openrouter.utils import BackoffStrategy, RetryConfig

    simulator.scenario("overloaded", times=2)
    retries = RetryConfig("backoff", BackoffStrategy(1, 5, 1.0, 5000), True)
    client.chat.send(model=PLANNER, messages=said("Make it warmer"), retries=retries)
    assert len(invoice(simulator)) == 1
