"""What is sent, and what is made of the answers, at the simulator and at servers that say odd things."""

import base64
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from darkroom.errors import ContentRefused, DarkroomError, InvalidParameter
from darkroom.models.chat import ChatMessage, ChatRequest, JsonSchema
from darkroom.models.generation import GenerationRequest, Reference, Routing
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouter
from tests.paid_calls import paid_call
from tests.servers import response, serving
from tests.unit.providers.asking import PAINTER, STREAMING_PAINTER, TALKER, TALKING_PAINTER, Asking, patiently, saying


def _png(colour: str = "red", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, kind)
    return buffer.getvalue()


DOT = base64.b64encode(_png()).decode()


def test_every_request_says_where_it_comes_from(asking: Asking) -> None:
    asking.settings = {
        "referer": "https://darkroom.example",
        "title": "Dunkelkammer ✨",
        "categories": ("image-gen", "x"),
    }
    asking.generate()
    headers = asking.requests[0]["headers"]
    assert headers["http-referer"] == "https://darkroom.example"
    assert headers["x-openrouter-title"] == "Dunkelkammer"
    assert headers["x-openrouter-categories"] == "image-gen,x"


def test_without_a_referer_none_is_sent(asking: Asking) -> None:
    asking.settings = {"referer": ""}
    asking.generate()
    assert "http-referer" not in asking.requests[0]["headers"]
    assert asking.requests[0]["headers"]["x-openrouter-title"] == "Darkroom"


def test_only_what_was_asked_for_is_sent(asking: Asking) -> None:
    asking.generate()
    assert asking.requests[0]["body"] == {"model": PAINTER, "prompt": "A flat red circle", "n": 1}


def test_all_that_was_asked_for_is_sent(asking: Asking) -> None:
    asking.generate(
        "black-forest-labs/flux.2-pro",
        aspect_ratio="16:9",
        output_format="jpeg",
        seed=7,
        references=(Reference(data=_png()), Reference(data=_png("blue", "JPEG"))),
        routing=Routing(order=("black-forest-labs",), options={"black-forest-labs": {"steps": 20}}),
    )
    body = asking.requests[0]["body"]
    kinds = [part["image_url"]["url"].partition(";")[0] for part in body.pop("input_references")]
    assert kinds == ["data:image/png", "data:image/jpeg"]
    assert body == {
        "model": "black-forest-labs/flux.2-pro",
        "prompt": "A flat red circle",
        "n": 1,
        "aspect_ratio": "16:9",
        "output_format": "jpeg",
        "seed": 7,
        "provider": {"order": ["black-forest-labs"], "options": {"black-forest-labs": {"steps": 20}}},
    }


def test_a_picture_is_what_its_bytes_are(asking: Asking) -> None:
    asking.simulator.scenario("wrong_media_type", media_type="image/svg+xml")
    result = asking.generate()
    assert result.images[0].media_type == "image/jpeg"
    assert Image.open(io.BytesIO(result.images[0].data)).format == "JPEG"
    assert result.call.source == "Black Forest Labs"


def test_a_drawing_is_taken_for_what_it_is(asking: Asking) -> None:
    result = asking.generate("recraft/recraft-v4.1-vector")
    assert result.images[0].media_type == "image/svg+xml"
    assert b"<svg" in result.images[0].data
    assert asking.invoice == {result.call.generation_id: result.usage.cost}


def test_an_edit_changes_its_picture(asking: Asking) -> None:
    made = asking.generate(prompt="A forest", seed=1)
    edited = asking.generate(
        prompt="Make it black and white", references=(Reference(data=made.images[0].data),), seed=1
    )
    assert edited.images[0].data != made.images[0].data
    assert (edited.usage.cost or 0) > (made.usage.cost or 0)


@pytest.mark.parametrize("data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"II*\x00\x00\x00"])
def test_a_reference_that_is_no_picture_is_never_sent(data: bytes, asking: Asking) -> None:
    with pytest.raises(InvalidParameter) as raised:
        asking.generate(references=(Reference(data=data),))
    assert raised.value.param == "input_references"
    assert asking.requests == []


@pytest.mark.parametrize(
    "given", [{}, {"data": b"a", "url": "https://a/b"}, {"url": "http://a/b"}, {"url": "file:///etc"}]
)
def test_a_reference_is_bytes_or_a_public_address(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Reference(**given)


def test_a_reference_by_address_is_fetched_by_the_provider(asking: Asking) -> None:
    asking.simulator.scenario("bad_request")
    with pytest.raises(InvalidParameter):
        asking.generate(references=(Reference(url="https://pictures.example/cat.png"),))
    assert asking.requests[0]["body"]["input_references"] == [
        {"type": "image_url", "image_url": {"url": "https://pictures.example/cat.png"}}
    ]


def test_one_picture_is_streamed_where_the_model_can(asking: Asking) -> None:
    result = asking.generate(STREAMING_PAINTER, stream=True)
    assert asking.requests[0]["body"]["stream"] is True
    assert (result.call.streamed, asking.dispatches[0].streamed, len(result.images)) == (True, True, 1)
    assert asking.answers[0].media_type == "text/event-stream"
    assert asking.order == ["dispatched", "id", "answer"]


def test_several_pictures_come_whole_with_one_price(asking: Asking) -> None:
    result = asking.generate(STREAMING_PAINTER, stream=True, n=3)
    assert "stream" not in asking.requests[0]["body"]
    assert (len(result.images), result.call.streamed) == (3, False)
    assert asking.invoice == {result.call.generation_id: result.usage.cost}


def test_a_model_that_does_not_stream_answers_all_the_same(asking: Asking) -> None:
    result = asking.generate(stream=True)
    assert (asking.dispatches[0].streamed, result.call.streamed) == (True, False)


def test_fewer_pictures_than_asked_for_are_pictures(asking: Asking) -> None:
    asking.simulator.scenario("fewer_images")
    assert len(asking.generate("bytedance-seed/seedream-4.5", n=3).images) == 2


def test_one_bad_picture_does_not_lose_the_others() -> None:
    good = {"b64_json": DOT}
    value = {"data": [good, {"b64_json": "?"}, {}], "usage": {"cost": 0.02}}
    result = saying(value, lambda provider: _generate(provider, n=3))
    assert (len(result.images), result.usage.cost) == (1, 20_000)
    assert result.warnings == ("A picture is not valid base64.",)


def test_several_completed_events_leave_the_price_open() -> None:
    completed = {"type": "image_generation.completed", "b64_json": DOT}
    event = b"".join(b"data: %b\n\n" % json.dumps({**completed, "usage": {"cost": cost}}).encode() for cost in (1, 2))
    headers = {"Content-Type": "text/event-stream; charset=utf-8"}
    result = saying(event + b"data: [DONE]\n\n", _generate, headers)
    assert (len(result.images), result.usage.cost) == (1, None)
    assert result.warnings == ("The provider sent more than the 1 that were asked for; the rest was left out.",)


def test_an_error_after_the_picture_does_not_take_it_away() -> None:
    body = (
        b'data: {"type":"image_generation.completed","b64_json":"%b","usage":{"cost":0.01}}\n\n' % DOT.encode()
        + b'data: {"type":"error","error":{"message":"late"}}\n\ndata: nonsense\n\n'
    )
    result = saying(body, _generate, {"Content-Type": "text/event-stream"})
    assert result.usage.cost == 10_000


def test_a_failure_that_was_billed_says_so() -> None:
    value = {"error": {"code": 502, "message": "late"}, "usage": {"cost": 0.04}}
    with pytest.raises(DarkroomError) as raised:
        saying(value, _generate)
    assert (raised.value.charged, raised.value.retryable) == (True, False)


def test_with_a_key_at_the_source_the_fee_and_the_sources_price_are_told_apart(asking: Asking) -> None:
    asking.simulator.scenario("byok")
    usage = asking.generate().usage
    assert (usage.is_byok, usage.cost, usage.upstream_cost) == (True, 700, 14_000)


def test_token_counts_may_be_fractions(asking: Asking) -> None:
    asking.simulator.scenario("fractional_tokens")
    assert asking.generate().usage.completion_tokens == Decimal("4096.92")


def test_the_ledger_is_the_invoice_to_the_micro_dollar(asking: Asking) -> None:
    ledger = {}
    for number in range(12):
        said = asking.chat(text="Make it warmer and " * (number + 1), stream=number % 2 == 0)
        ledger[said.call.generation_id] = said.usage.cost
    for model in (PAINTER, STREAMING_PAINTER, "google/gemini-3.1-flash-image", "x-ai/grok-imagine-image-2.0"):
        made = asking.generate(model, stream=True)
        ledger[made.call.generation_id] = made.usage.cost
    assert ledger == asking.invoice
    exact = sum(charge.cost for charge in asking.simulator.state.charges)
    assert 0 <= sum(asking.invoice.values()) - exact * 1_000_000 < len(ledger)


def test_a_chat_always_bounds_its_answer(asking: Asking) -> None:
    asking.chat(max_completion_tokens=321)
    assert asking.requests[0]["body"] == {
        "model": TALKER,
        "messages": [{"role": "user", "content": "Make it warmer"}],
        "max_completion_tokens": 321,
        "modalities": ["text"],
    }


def test_a_chat_sends_what_was_asked_for(asking: Asking) -> None:
    asking.chat(
        temperature=0.5, seed=3, max_price={"prompt": "1"}, session="s-1", user="u", cache_seconds=3600,
        json_schema=JsonSchema(name="plan", schema={"type": "object"}),
    )  # fmt: skip
    entry = asking.requests[0]
    wanted = {
        "temperature": 0.5,
        "seed": 3,
        "session_id": "s-1",
        "user": "u",
        "provider": {"max_price": {"prompt": "1"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "plan", "schema": {"type": "object"}, "strict": True},
        },
    }
    assert wanted.items() <= entry["body"].items()
    assert entry["headers"]["x-openrouter-cache"] == "true"
    assert entry["headers"]["x-openrouter-cache-ttl"] == "3600"


def test_what_is_to_be_kept_by_nobody_is_not_put_into_the_cache(asking: Asking) -> None:
    asking.chat(zdr=True, cache_seconds=3600)
    entry = asking.requests[0]
    assert entry["body"]["provider"] == {"zdr": True}
    assert not [name for name in entry["headers"] if "cache" in name]


def test_an_identical_request_is_the_same_bytes() -> None:
    schemas = ({"type": "object", "properties": {}}, {"properties": {}, "type": "object"})
    bodies = []
    for schema in schemas:
        with serving(patiently(response(b"{}"))) as server:
            provider = OpenRouter(ProviderSettings(url=f"http://127.0.0.1:{server.port}", attempts=1))
            with pytest.raises(DarkroomError):
                _chat(provider, json_schema=JsonSchema(name="p", schema=schema))
            bodies.append([line for line in server.heads[0].lower().splitlines() if line.startswith("content-length")])
    assert bodies[0] == bodies[1]


def test_a_picture_is_looked_at(asking: Asking) -> None:
    asking.chat(images=(Reference(data=_png()),))
    content = asking.requests[0]["body"]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"]


def test_pictures_belong_to_the_user() -> None:
    with pytest.raises(ValidationError, match="only a user's message holds pictures"):
        ChatMessage(role="assistant", text="here", images=(Reference(data=_png()),))


@pytest.mark.parametrize(("stream", "streamed"), [(None, True), (False, False), (True, True)])
def test_a_model_paints_while_it_talks(stream: bool | None, streamed: bool, asking: Asking) -> None:
    result = asking.chat(TALKING_PAINTER, text="A red circle", paints="also", stream=stream)
    assert asking.requests[0]["body"]["modalities"] == ["image", "text"]
    assert (result.call.streamed, len(result.images)) == (streamed, 1)
    assert Image.open(io.BytesIO(result.images[0].data)).size > (100, 100)
    assert asking.invoice == {result.call.generation_id: result.usage.cost}


def test_models_of_pictures_alone_are_asked_for_pictures_alone(asking: Asking) -> None:
    result = asking.chat(PAINTER, text="A red circle", paints="only")
    assert asking.requests[0]["body"]["modalities"] == ["image"]
    assert result.images


def test_an_answer_without_room_for_words_is_an_answer(asking: Asking) -> None:
    asking.simulator.scenario("empty_answer")
    result = asking.chat()
    assert (result.text, result.is_cut_short) == ("", True)


@pytest.mark.parametrize(
    ("choice", "charged"),
    [
        ({"finish_reason": "content_filter", "message": {"content": ""}}, False),
        ({"finish_reason": "stop", "native_finish_reason": "IMAGE_SAFETY", "message": {"content": "No."}}, True),
        ({"finish_reason": "stop", "message": {"content": None, "refusal": "I will not."}}, "unknown"),
    ],
)
def test_a_refusal_is_a_refusal(choice: dict[str, Any], charged: object) -> None:
    usage = {False: {"cost": 0}, True: {"cost": 0.001}, "unknown": {}}[charged]
    with pytest.raises(ContentRefused) as raised:
        saying({"choices": [choice], "usage": usage}, _chat)
    assert (raised.value.charged, raised.value.retryable) == (charged, False)


@pytest.mark.parametrize(
    ("message", "text", "pictures"),
    [
        ({"content": "Yes."}, "Yes.", 0),
        ({"content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]}, "AB", 0),
        ({"content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DOT}"}}]}, "", 1),
        ({"content": "", "images": [{"image_url": {"url": f"data:image/png;base64,{DOT}"}}]}, "", 1),
        ({"content": "", "images": [{"image_url": f"data:image/jpg;charset=x;base64,{DOT}"}]}, "", 1),
        ({"content": "x", "images": [{"image_url": {"url": "https://elsewhere.example/a.png"}}, None, 7]}, "x", 0),
        ({"content": 7, "images": {}}, "", 0),
        (None, "", 0),
    ],
)
def test_messages_of_any_shape_are_read(message: object, text: str, pictures: int) -> None:
    value = {"choices": [{"finish_reason": "new_reason", "message": message, "novelty": {}}], "usage": {"cost": 1e-7}}
    result = saying(value, _chat)
    assert (result.text, len(result.images), result.usage.cost) == (text, pictures, 1)
    assert result.finish_reason == "new_reason"


def test_an_answer_from_memory_costs_nothing_and_says_so() -> None:
    value = {"choices": [{"finish_reason": "stop", "message": {"content": "Yes."}}], "usage": {"cost": 0}}
    result = saying(value, _chat, {"X-OpenRouter-Cache-Status": "HIT"})
    assert (result.from_cache, result.usage.cost) == (True, 0)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (429, "RATE_LIMIT"),
        ("429", "RATE_LIMIT"),
        ("rate_limit_exceeded", "RATE_LIMIT"),
        ("invalid_request_error", "INVALID_PARAMETER"),
        ("server_error", "SERVICE_UNAVAILABLE"),
        (504, "TIMEOUT"),
        (None, "SERVICE_UNAVAILABLE"),
        (200, "SERVICE_UNAVAILABLE"),
        (True, "SERVICE_UNAVAILABLE"),
        ("9" * 5000, "SERVICE_UNAVAILABLE"),
        ("a word nobody knows", "SERVICE_UNAVAILABLE"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_code_within_a_200_is_a_number_or_a_word(code: object, wanted: str) -> None:
    with pytest.raises(DarkroomError) as raised:
        saying({"id": "gen-1", "error": {"code": code, "message": "no"}}, _chat)
    assert (raised.value.code, raised.value.charged) == (wanted, False)


@pytest.mark.parametrize("value", [{}, {"choices": []}, {"choices": None, "usage": {"cost": 0.01}}])
def test_an_answer_without_a_choice_is_unusable(value: Any) -> None:
    with pytest.raises(DarkroomError) as raised:
        saying(value, _chat)
    assert (raised.value.code, raised.value.charged) == ("UNUSABLE_ANSWER", True if value.get("usage") else "unknown")


def _generate(provider: OpenRouter, **more: Any) -> Any:
    request = GenerationRequest(model="a/b", prompt="p", **more)
    return provider.generate(request, paid_call("sk-or-v1-1", seconds=5))


def _chat(provider: OpenRouter, **more: Any) -> Any:
    messages = (ChatMessage(role="user", text="?"),)
    request = ChatRequest(model="a/b", messages=messages, max_completion_tokens=10, **more)
    return provider.chat(request, paid_call("sk-or-v1-1", seconds=5))
