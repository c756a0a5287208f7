"""Plain chat: what is sent, what comes back, and what a failure cost."""

import json
from typing import Any

import pytest

from darkroom.errors import DarkroomError
from darkroom.models.chat import ChatMessage, ChatRequest, CompletionRequest, CompletionResult, JsonSchema
from darkroom.models.generation import RawAnswer
from darkroom.providers.openrouter import OpenRouter
from tests.paid_calls import paid_call
from tests.unit.providers.asking import TALKER, Asking, saying

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def _request(body: dict[str, Any] | None = None, **more: Any) -> CompletionRequest:
    return CompletionRequest(**{"model": TALKER, "body": body or HELLO, "max_completion_tokens": 300, **more})


def _complete(asking: Asking, body: dict[str, Any] | None = None, **more: Any) -> CompletionResult:
    return asking.provider.complete(_request(body, **more), asking.call)


def _of(provider: OpenRouter) -> CompletionResult:
    return provider.complete(_request(), paid_call("sk-or-v1-x", seconds=5))


def _failure(value: Any) -> DarkroomError:
    with pytest.raises(DarkroomError) as raised:
        saying(value, _of)
    return raised.value


def _choice(**message: Any) -> dict[str, Any]:
    return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}


def test_what_was_asked_is_sent_as_it_came(asking: Asking) -> None:
    schema = {"type": "object", "properties": {"why": {"type": "string"}, "answer": {"type": "string"}}}
    body = {
        "messages": [{"content": [{"type": "text", "text": "Hällo"}], "role": "user"}],
        "tools": [{"type": "function", "function": {"parameters": schema, "name": "answer"}}],
        "tool_choice": "auto",
        "temperature": 0.25,
        "logit_bias": {"5": -1},
        "novelty": [1, None],
    }
    _complete(asking, body)
    sent = asking.requests[0]["body"]
    assert sent == {**body, "model": TALKER, "max_completion_tokens": 300}
    # A model writes its answer in the order of the schema.
    assert json.dumps(sent["tools"]) == json.dumps(body["tools"])
    assert list(sent)[:6] == list(body)


def test_what_is_ours_to_say_is_not_the_bodys(asking: Asking) -> None:
    ours = {"model": "x/y", "models": ["x/z"], "max_tokens": 9, "stream": True, "stream_options": {}}
    result = _complete(asking, {**HELLO, **ours}, fallback_models=("openai/gpt-4o-mini",))
    sent = asking.requests[0]["body"]
    assert (sent["model"], sent["models"]) == (TALKER, [TALKER, "openai/gpt-4o-mini"])
    assert not sent.keys() & {"stream", "stream_options", "max_tokens"}
    assert not result.call.streamed


def test_the_answer_is_the_providers_and_its_price_the_invoices(asking: Asking) -> None:
    result = _complete(asking)
    body = result.body
    assert (body["object"], body["model"], body["id"]) == ("chat.completion", TALKER, result.call.generation_id)
    assert body["choices"][0]["message"]["content"]
    # To somebody else numbers are numbers.
    assert json.loads(json.dumps(body)) == body
    assert isinstance(body["usage"]["cost"], float)
    assert asking.invoice == {result.call.generation_id: result.usage.cost}
    assert (result.call.model_requested, result.call.model_used) == (TALKER, TALKER)
    assert asking.order == ["dispatched", "id", "answer"]


def test_another_model_stands_in(asking: Asking) -> None:
    result = _complete(asking, model="nobody/gone", fallback_models=(TALKER,))
    assert (result.call.model_requested, result.call.model_used) == ("nobody/gone", TALKER)
    assert len(asking.requests) == 1


def test_what_was_kept_is_read_again(asking: Asking) -> None:
    result = _complete(asking)
    again = asking.provider.reread_completion(_request({}), asking.answers[0])
    assert (again.body, again.usage) == (result.body, result.usage)
    assert again.call.generation_id == result.call.generation_id


@pytest.mark.parametrize("stream", [True, False])
def test_a_chat_that_was_kept_is_read_again(stream: bool, asking: Asking) -> None:
    result = asking.chat(stream=stream)
    request = ChatRequest(model=TALKER, messages=(ChatMessage(role="user", text="x"),), max_completion_tokens=1)
    again = asking.provider.reread_chat(request, asking.answers[0])
    assert (again.text, again.usage) == (result.text, result.usage)
    assert again.call.generation_id == result.call.generation_id


def test_what_was_cut_off_is_not_read(asking: Asking) -> None:
    _complete(asking)
    whole = asking.answers[0]
    cut = RawAnswer(**{**whole.model_dump(), "body": whole.body[:40], "complete": False})
    with pytest.raises(DarkroomError) as raised:
        asking.provider.reread_completion(_request(), cut)
    assert (raised.value.code, raised.value.charged) == ("NETWORK_ERROR", "unknown")
    assert len(asking.requests) == 1


@pytest.mark.parametrize(
    "choice",
    [
        _choice(content="Yes."),
        _choice(content=None, refusal="I will not."),
        _choice(content=""),
        {**_choice(content=""), "finish_reason": "content_filter", "native_finish_reason": "SAFETY"},
        {**_choice(content=None, tool_calls=[{"id": "c", "function": {"name": "f"}}]), "finish_reason": "tool_calls"},
        {"finish_reason": None, "message": None},
    ],
)
def test_whatever_a_model_chose_to_say_is_an_answer(choice: dict[str, Any]) -> None:
    value = {"choices": [choice], "usage": {"cost": 3e-05}, "logprobs": [-0.125], "novelty": {"a": None}}
    result = saying(value, _of)
    assert result.body == value
    assert result.usage.cost == 30


def test_what_is_no_number_in_json_is_nothing() -> None:
    value = b'{"choices":[{"message":{"content":"x"},"score":NaN}],"usage":{"cost":1e-6,"tokens":Infinity}}'
    result = saying(value, _of)
    assert result.body["choices"][0]["score"] is None
    assert (result.usage.cost, result.body["usage"]["tokens"]) == (1, None)


def test_a_cost_that_is_not_told_is_not_known() -> None:
    assert saying({"choices": [_choice(content="x")]}, _of).usage.cost is None


ERROR = {"code": 502, "message": "Provider returned error", "metadata": {"error_type": "provider_unavailable"}}


@pytest.mark.parametrize(
    ("value", "code", "charged"),
    [
        ({"error": ERROR}, "SERVICE_UNAVAILABLE", False),
        ({"error": {"code": 429, "message": "Slow down"}}, "RATE_LIMIT", False),
        ({"choices": [{"error": ERROR, "finish_reason": "error"}]}, "SERVICE_UNAVAILABLE", False),
        ({"choices": [{"finish_reason": "error", "message": {"content": ""}}]}, "SERVICE_UNAVAILABLE", False),
        ({"choices": [{"error": ERROR, "message": {"content": "Half of"}}]}, "SERVICE_UNAVAILABLE", "unknown"),
        ({"choices": [{"error": ERROR, "message": {"tool_calls": [{"id": "c"}]}}]}, "SERVICE_UNAVAILABLE", "unknown"),
        ({"choices": [{"error": ERROR, "message": {"reasoning": "Hm"}}]}, "SERVICE_UNAVAILABLE", "unknown"),
        ({"choices": [{"error": ERROR}], "usage": {"cost": 0.01}}, "SERVICE_UNAVAILABLE", True),
        ({"choices": [], "usage": {"cost": 0.01}}, "UNUSABLE_ANSWER", True),
        ({"choices": []}, "UNUSABLE_ANSWER", "unknown"),
        ([], "UNUSABLE_ANSWER", "unknown"),
        (b"<html>", "UNUSABLE_ANSWER", "unknown"),
        (b'{"choices":' + b"[" * 100_000, "UNUSABLE_ANSWER", "unknown"),
    ],
)
def test_a_failure_within_a_200_says_what_it_cost(value: Any, code: str, charged: object) -> None:
    error = _failure(value)
    assert (error.code, error.charged) == (code, charged)
    assert error.retryable is (charged is False)


def test_the_same_question_again_is_answered_from_memory(asking: Asking) -> None:
    """What a planner relies on when a turn is tried again."""
    shape = {"type": "object", "properties": {"reply": {"type": "string"}}}
    schema = JsonSchema.model_validate({"name": "plan", "schema": shape})
    first, second = (asking.chat(cache_seconds=3600, json_schema=schema, temperature=0) for _ in range(2))
    assert (first.from_cache, second.from_cache) == (False, True)
    assert second.text == first.text
    assert second.usage.cost == 0
    assert list(asking.invoice) == [first.call.generation_id]
    assert not asking.chat(cache_seconds=3600, json_schema=schema, temperature=0.5).from_cache
