"""Plain chat that is refused before a job is made: bodies and messages that are not valid, and what may not be paid."""

from typing import Any

import pytest
from pydantic import ValidationError

from darkroom.errors import (
    CallerError,
    InvalidParameter,
    InvalidPrompt,
    PayloadTooLarge,
    UnsupportedModel,
)
from darkroom.models.job import JobStatus
from darkroom.services.pricing.completion_survey import MOST_BYTES
from tests.application import Studio
from tests.unit.services.completing import (
    PAINTER,
    asked,
    done,
    refused,
    sent_body,
    submit,
)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": ["Hello"]}, "messages"),
        ({"n": 2}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_cost_usd": -1}, "max_cost_usd"),
        ({"max_cost_usd": "NaN"}, "max_cost_usd"),
        ({"models": ["a/b"] * 5}, "models"),
        ({"fallback_models": ["a/b"] * 4}, "fallback_models"),
        ({"provider": ["x"]}, "provider"),
        ({"model": "\ud800"}, "model"),
        ({"stream": "maybe"}, "stream"),
    ],
)
def test_a_body_that_is_none(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(ValidationError) as raised:
        asked(**fields)
    assert raised.value.errors()[0]["loc"][0] == param


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([{"content": "Hello"}], "messages.0.role"),
        ([{"role": 1, "content": "Hello"}], "messages.0.role"),
        ([{"role": "user", "content": "x"}, {"role": "user", "content": {"text": "x"}}], "messages.1.content"),
        ([{"role": "user", "content": ["x"]}], "messages.0.content"),
    ],
)
def test_a_message_that_is_none(messages: list[Any], param: str, studio: Studio) -> None:
    error = refused(studio, asked(messages=messages))
    assert (error.code, error.param) == ("INVALID_PARAMETER", param)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": " \n"}],
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": ""}]}],
        [{"role": "user"}],
        [{"role": "system", "content": ""}],
    ],
)
def test_messages_that_ask_nothing(messages: list[Any], studio: Studio) -> None:
    with pytest.raises(InvalidPrompt) as raised:
        submit(studio, asked(messages=messages))
    assert (raised.value.param, raised.value.charged) == ("messages", False)
    assert not studio.jobs.jobs


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"type": "hologram", "hologram": {}}, "`hologram`"),
        ({"type": "input_text", "text": "Hello"}, "`input_text`"),
        ({"text": "Hello"}, "without a `type`"),
        ({"type": 7}, "without a `type`"),
        ({"type": ["text"]}, "without a `type`"),
    ],
)
def test_a_part_that_there_is_not_is_named_with_those_that_there_are(
    part: dict[str, Any], said: str, studio: Studio
) -> None:
    error = refused(studio, asked(messages=[{"role": "user", "content": [{"type": "text", "text": "x"}, part]}]))
    assert (error.status, error.code, error.param) == (415, "UNSUPPORTED_MEDIA_TYPE", "messages.0.content")
    assert said in error.detail
    assert "image_url" in error.fix
    # What it may cost changes nothing about that.
    refused(studio, asked(messages=[{"role": "user", "content": [part]}], max_cost_usd=0.05))


def test_instructions_alone_ask_something(studio: Studio) -> None:
    assert done(studio, asked(messages=[{"role": "system", "content": "Greet me."}])).status is JobStatus.SUCCEEDED


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", _nested(70)])
def test_what_no_json_can_hold(value: Any, studio: Studio) -> None:
    assert refused(studio, asked(metadata={"x": value})).code == "INVALID_PARAMETER"


def test_what_is_nested_as_deeply_as_a_schema_is_passed_on(studio: Studio) -> None:
    done(studio, asked(metadata={"x": _nested(50)}))
    assert sent_body(studio)["metadata"] == {"x": _nested(50)}


def test_more_than_fits(studio: Studio) -> None:
    error = refused(studio, asked("x" * MOST_BYTES))
    assert isinstance(error, PayloadTooLarge)


@pytest.mark.parametrize(
    ("given", "kind", "param"),
    [
        ({"modalities": ["image", "text"]}, InvalidParameter, "modalities"),
        ({"modalities": ["IMAGE"], "model": PAINTER}, InvalidParameter, "modalities"),
        ({"model": PAINTER}, UnsupportedModel, "model"),
        ({"fallback_models": [PAINTER]}, UnsupportedModel, "model"),
    ],
)
def test_pictures_are_made_elsewhere(
    given: dict[str, Any], kind: type[CallerError], param: str, studio: Studio
) -> None:
    error = refused(studio, asked(**given))
    assert isinstance(error, kind)
    assert error.param == param
    assert "POST /v1/images/generations" in error.fix


def test_a_painter_may_talk_and_a_router_may_not_choose_one(studio: Studio) -> None:
    assert done(studio, asked(model=PAINTER, modalities=["text"])).status is JobStatus.SUCCEEDED
    studio.simulator.reset()
    done(studio, asked(model="openrouter/auto", max_cost_usd=0.05))
    assert sent_body(studio)["modalities"] == ["text"]
