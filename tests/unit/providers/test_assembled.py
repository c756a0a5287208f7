"""A streamed completion put together: what a client would make of the chunks, and nothing of them lost."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.http.completion_stream import stream
from darkroom.net.http1 import Headers
from darkroom.providers._assembled import assembled, usage_in
from darkroom.providers._http import Answer

AROUND = {"id": "gen-1", "object": "chat.completion", "created": 1, "model": "a/b", "provider": "Acme"}
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.25}


def _answer(text: str) -> Answer:
    return Answer(200, Headers({"content-type": "text/event-stream"}), text.encode())


def _of(*chunks: dict[str, Any]) -> dict[str, Any]:
    return assembled(_answer("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"))


def _delta(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**AROUND, "choices": [{"index": 0, "delta": delta, "finish_reason": None, **more}]}


@given(
    texts=st.lists(st.text(min_size=1, max_size=700), min_size=1, max_size=3),
    arguments=st.lists(st.text(max_size=600), max_size=3),
)
def test_the_stream_of_a_completion_is_the_completion(texts: list[str], arguments: list[str]) -> None:
    calls = [
        {"index": number, "id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": given}}
        for number, given in enumerate(arguments)
    ]
    choices = [
        {
            "index": index,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})},
        }
        for index, text in enumerate(texts)
    ]
    completion = {**AROUND, "choices": choices, "usage": USAGE}
    assert assembled(_answer(stream(completion, shows_usage=True))) == completion


def test_what_comes_in_pieces_is_joined() -> None:
    details = [
        {"index": 0, "type": "reasoning.text", "text": "H"},
        {"index": 0, "type": "reasoning.text", "text": "m"},
        {"index": 1, "type": "reasoning.encrypted", "data": "x"},
    ]
    logprobs = [{"content": [{"token": token}], "refusal": None} for token in ("Ye", "s")]
    whole = _of(
        *(_delta({"reasoning_details": [each], "reasoning": each.get("text", "")}) for each in details),
        _delta({"content": "Ye"}, logprobs=logprobs[0]),
        _delta({"content": "s", "annotations": [1]}, logprobs=logprobs[1]),
        _delta({"annotations": [2], "audio": {"data": "a"}}),
        _delta({"audio": {"data": "b", "expires_at": 1}}, finish_reason="stop", native_finish_reason="STOP"),
    )
    (choice,) = whole["choices"]
    assert choice == {
        "index": 0,
        "finish_reason": "stop",
        "native_finish_reason": "STOP",
        "logprobs": {"content": [{"token": "Ye"}, {"token": "s"}], "refusal": None},
        "message": {
            "role": "assistant",
            "content": "Yes",
            "reasoning": "Hm",
            "reasoning_details": [
                {"index": 0, "type": "reasoning.text", "text": "Hm"},
                {"index": 1, "type": "reasoning.encrypted", "data": "x"},
            ],
            "annotations": [1, 2],
            "audio": {"data": "ab", "expires_at": 1},
        },
    }


def test_a_call_that_is_described_at_once_and_one_in_pieces() -> None:
    first = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    second = {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}
    whole = _of(
        _delta({"tool_calls": [first]}),
        _delta({"tool_calls": [second]}),
        _delta({"tool_calls": [{"index": 1, "id": None, "function": {"arguments": '{"x"'}}]}),
        _delta({"tool_calls": [{"index": 1, "function": {"name": None, "arguments": ":1}"}}]}),
    )
    assert whole["choices"][0]["message"]["tool_calls"] == [
        first,
        {**second, "function": {"name": "g", "arguments": '{"x":1}'}},
    ]


def test_the_last_usage_counts_and_is_exact() -> None:
    text = f'data: {{"usage": {{"cost": 1e-9}}}}\n\ndata: {{"choices": [], "usage": {{"cost": 3e-05}}}}\n\n{": x"}\n\n'
    assert str(usage_in(_answer(text))["cost"]) == "0.00003"
    assert usage_in(_answer("data: {}\n\n")) is None


@pytest.mark.parametrize("chunk", [{}, {"choices": None}, {"choices": [7]}, {"choices": "x"}, {"choices": []}])
def test_what_is_no_chunk_is_no_choice(chunk: dict[str, Any]) -> None:
    assert "choices" not in {name: value for name, value in _of(chunk).items() if value}


def test_an_error_in_the_middle_is_told_and_what_came_before_is_there() -> None:
    whole = _of(_delta({"content": "Ye"}), {"error": {"code": 502, "message": "No."}})
    assert whole["error"] == {"code": 502, "message": "No."}
    assert whole["choices"][0]["message"]["content"] == "Ye"
    assert whole["choices"][0]["finish_reason"] is None


@pytest.mark.parametrize("index", [-1, "0", 10**9, None, {}])
def test_a_strange_index_is_one_all_the_same(index: Any) -> None:
    chunk = {"choices": [{"index": index, "delta": {"content": "a", "tool_calls": [{"index": index, "id": "x"}]}}]}
    (choice,) = _of(chunk)["choices"]
    assert choice["message"]["content"] == "a"
    assert len(choice["message"]["tool_calls"]) == 1
