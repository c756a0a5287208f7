"""What the providers that are asked directly are sent: each in its dialect, its own models, and nothing twice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from darkroom.errors import DarkroomError
from darkroom.models.chat import JsonSchema
from darkroom.models.generation import Reference, Routing
from darkroom.providers import load
from darkroom.providers.openai import size_of
from local.providers import Simulator
from local.providers.openai import Simulator as OpenAiSimulator
from tests.contract.providing import Memory, dot
from tests.unit.providers.direct import CLASSES, Direct, simulating

PLAN = JsonSchema(name="plan", schema={"type": "object", "properties": {"reply": {"type": "string"}}}, strict=False)
SERVED = [
    ("openai", "openai/gpt-image-2", "gpt-image-2"),
    ("openai", "openai/gpt-4o-mini", "gpt-4o-mini"),
    ("openai", "openai/gpt-5.1", "gpt-5.1"),
    ("openai", "openai/gpt-5.1-chat", "gpt-5.1-chat-latest"),
    ("openai", "openai/gpt-5-image-mini", None),
    ("openai", "openai/gpt-5-pro", None),
    ("openai", "openai/gpt-oss-20b", None),
    ("openai", "openai/o4-mini-high", None),
    ("openai", "openai/gpt-4o-mini:online", None),
    ("openai", "gpt-4o-mini", None),
    ("gemini", "google/gemini-2.5-flash", "gemini-2.5-flash"),
    ("gemini", "google/gemini-3.1-flash-image", "gemini-3.1-flash-image"),
    ("gemini", "google/gemma-4-31b-it", None),
    ("gemini", "google/gemini-2.5-flash:free", None),
    ("gemini", "~google/gemini-flash-latest", None),
    ("anthropic", "anthropic/claude-opus-4.6", "claude-opus-4-6"),
    ("anthropic", "anthropic/claude-sonnet-4", "claude-sonnet-4-0"),
    ("anthropic", "anthropic/claude-opus-5", "claude-opus-5"),
    ("anthropic", "anthropic/claude-3.5-haiku", None),
    ("anthropic", "anthropic/claude-opus-4.6-fast", None),
    ("anthropic", "anthropic/claude-sonnet-4:thinking", None),
    ("groq", "meta-llama/llama-3.3-70b-instruct", "llama-3.3-70b-versatile"),
    ("groq", "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
    ("groq", "qwen/qwen3.6-27b", "qwen/qwen3.6-27b"),
    ("groq", "openai/gpt-4o-mini", None),
]


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Direct]]:
    with simulating(*CLASSES) as running:
        yield running


@pytest.fixture
def everyone(running: dict[str, Direct]) -> dict[str, Direct]:
    for direct in running.values():
        direct.world.reset()
        direct.memory = Memory()
    return running


@pytest.mark.parametrize(("name", "model", "own"), SERVED)
def test_a_models_own_name(name: str, model: str, own: str | None) -> None:
    assert load(name)(None).serves(model) == own


def _sent(direct: Direct) -> Any:
    return json.loads(direct.bodies[-1])


def test_openais_language_in_each_dialect(everyone: dict[str, Direct]) -> None:
    for direct in everyone.values():
        direct.talk(temperature=1.5, seed=7, user="u-1", json_schema=PLAN)
    openai, gemini, anthropic, groq = (_sent(everyone[name]) for name in ("openai", "gemini", "anthropic", "groq"))
    assert (openai["temperature"], openai["seed"], openai["user"]) == (1.5, 7, "u-1")
    assert openai["max_completion_tokens"] == gemini["max_tokens"] == anthropic["max_completion_tokens"] == 500
    assert openai["response_format"]["json_schema"]["strict"] is False
    assert not {"seed", "user"} & (gemini.keys() | anthropic.keys())
    assert anthropic["temperature"] == 1
    for forced in (anthropic, groq):
        assert forced["tool_choice"] == {"type": "function", "function": {"name": "plan"}}
        assert forced["tools"][0]["function"]["parameters"] == PLAN.schema_
        assert "response_format" not in forced


def test_a_model_that_thinks_takes_no_temperature(everyone: dict[str, Direct]) -> None:
    openai = everyone["openai"]
    assert openai.talk(model="openai/gpt-5.1-chat", temperature=0).text
    assert "temperature" not in _sent(openai)


def test_a_picture_is_labelled_by_its_bytes(everyone: dict[str, Direct]) -> None:
    anthropic = everyone["anthropic"]
    # The simulator, as the real one, refuses a label that does not match.
    assert anthropic.talk(images=(dot(form="JPEG"), dot(form="GIF"), dot(form="WEBP"))).text


def test_what_groq_would_refuse_for_its_size_is_not_sent(everyone: dict[str, Direct]) -> None:
    groq = everyone["groq"]
    large = Reference(data=b"\x89PNG\r\n\x1a\n" + bytes(3_200_000))
    errors = [_failure(lambda: groq.talk(images=(large,)))]
    message = {"role": "user", "content": "x" * 4_200_000}
    errors.append(_failure(lambda: groq.complete(messages=[message])))
    for error in errors:
        assert (error.code, error.charged, error.context["max_bytes"]) == ("PAYLOAD_TOO_LARGE", False, 4 * 1024 * 1024)
    assert (groq.world.requests(), groq.memory.told) == (0, [])


@pytest.mark.parametrize("name", CLASSES)
def test_nobody_promises_to_keep_nothing(name: str, everyone: dict[str, Direct]) -> None:
    direct = everyone[name]
    asks = [lambda: direct.talk(zdr=True), lambda: direct.complete(provider={"zdr": True})]
    if direct.world.painter:
        asks.append(lambda: direct.paint(zdr=True))
    for ask in asks:
        error = _failure(ask)
        assert (error.code, error.param) == ("INVALID_PARAMETER", "zdr")
    assert direct.world.requests() == 0


@pytest.mark.parametrize("name", CLASSES)
def test_a_conversation_does_not_paint(name: str, everyone: dict[str, Direct]) -> None:
    error = _failure(lambda: everyone[name].talk(paints="also"))
    assert (error.code, everyone[name].world.requests()) == ("INVALID_PARAMETER", 0)


@pytest.mark.parametrize("name", CLASSES)
def test_what_openrouter_alone_knows_is_left_out_and_said(name: str, everyone: dict[str, Direct]) -> None:
    direct = everyone[name]
    result = direct.complete(plugins=[{"id": "web"}], provider={"sort": "price"}, models=["x"], temperature=0.5)
    sent = _sent(direct)
    assert not {"plugins", "provider", "models", "stream"} & sent.keys()
    assert sent["temperature"] == 0.5
    assert result.warnings == (f"{direct.provider.title} knows no provider, plugins: left out.",)


@pytest.mark.parametrize("name", CLASSES)
def test_of_the_limit_that_every_request_has_nothing_is_said(name: str, everyone: dict[str, Direct]) -> None:
    direct = everyone[name]
    result = direct.complete(provider={"max_price": {"prompt": "0.45"}})
    assert (result.warnings, "provider" in _sent(direct)) == ((), False)


def test_plain_chat_keeps_the_callers_order(everyone: dict[str, Direct]) -> None:
    schema = {"type": "object", "properties": {"zebra": {"type": "string"}, "ant": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    everyone["openai"].complete(response_format=form)
    sent = everyone["openai"].bodies[-1]
    assert sent.index(b"zebra") < sent.index(b'ant"')


# What one model cannot do, another may: but only while nothing has been billed.


@pytest.mark.parametrize("door", ["chat", "pictures"])
def test_another_model_is_asked_when_the_first_is_not_there(door: str, everyone: dict[str, Direct]) -> None:
    direct = everyone["openai"]
    known = direct.world.painter if door == "pictures" else direct.world.talker
    given: dict[str, Any] = {"model": "openai/gpt-9", "fallback_models": ("nobody/nothing", str(known))}
    result = direct.paint(**given) if door == "pictures" else direct.talk(**given)
    assert (result.call.model_requested, result.call.model_used) == ("openai/gpt-9", known)
    assert (result.call.attempts, direct.world.requests()) == (2, 2)
    assert [dispatch.model for dispatch in direct.memory.dispatches] == ["openai/gpt-9", known]


@pytest.mark.parametrize("wrong", ["cut", "internal", "no_picture"])
def test_no_other_model_is_asked_for_what_may_have_been_billed(wrong: str, everyone: dict[str, Direct]) -> None:
    direct = everyone["openai"]
    direct.world.go_wrong(wrong)
    error = _failure(lambda: direct.paint(fallback_models=("openai/gpt-image-1-mini",)))
    assert error.charged is not False
    assert direct.world.requests() == 1


# Pictures.


@pytest.mark.parametrize(
    ("model", "given", "size"),
    [
        ("gpt-image-2", {}, None),
        ("gpt-image-2", {"size": "1280x720"}, "1280x720"),
        ("gpt-image-2", {"aspect_ratio": "1:1"}, "1024x1024"),
        ("gpt-image-2", {"aspect_ratio": "3:2"}, "1536x1024"),
        ("gpt-image-2", {"aspect_ratio": "auto"}, "auto"),
        ("gpt-image-2", {"aspect_ratio": "auto", "resolution": "2K"}, "auto"),
        ("gpt-image-2", {"aspect_ratio": "16:9"}, "1536x864"),
        ("gpt-image-2", {"aspect_ratio": "9:16", "resolution": "2K"}, "1152x2048"),
        ("gpt-image-2", {"aspect_ratio": "16:9", "resolution": "4K"}, "3840x2160"),
        ("gpt-image-2", {"size": "2K"}, "2048x2048"),
        ("gpt-image-2", {"resolution": "4K"}, "2880x2880"),
        ("gpt-image-1-mini", {"aspect_ratio": "2:3"}, "1024x1536"),
    ],
)
def test_a_shape_becomes_pixels_that_the_model_makes(
    model: str, given: dict[str, Any], size: str | None, everyone: dict[str, Direct]
) -> None:
    simulator = everyone["openai"].simulator
    request = simulator.picture(**given)
    assert size_of(request, model) == size
    # The simulator is as strict about sizes as the real one.
    assert isinstance(simulator, OpenAiSimulator)
    assert simulator.size_of({"model": model, "size": size or "auto"})


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("gpt-image-2", {"aspect_ratio": "1:8"}),
        ("gpt-image-2", {"aspect_ratio": "wide"}),
        ("gpt-image-2", {"resolution": "512"}),
        ("gpt-image-1-mini", {"aspect_ratio": "16:9"}),
        ("gpt-image-1-mini", {"resolution": "2K"}),
    ],
)
def test_a_shape_that_it_does_not_make_is_refused(
    model: str, given: dict[str, Any], everyone: dict[str, Direct]
) -> None:
    request = everyone["openai"].world.picture(**given)
    assert _failure(lambda: size_of(request, model)).code == "INVALID_DIMENSIONS"


def test_openai_is_told_everything_it_knows(everyone: dict[str, Direct]) -> None:
    direct = everyone["openai"]
    given: dict[str, Any] = {
        "quality": "low",
        "output_format": "jpeg",
        "output_compression": 60,
        "background": "opaque",
        "n": 2,
    }
    options = Routing(options={"openai": {"moderation": "low", "unheard": 1}, "groq": {"x": 1}})
    result = direct.paint(**given, seed=3, user="u-1", routing=options, size="1024x1024")
    sent = _sent(direct)
    assert sent.items() >= {**given, "moderation": "low", "user": "u-1", "size": "1024x1024"}.items()
    assert [image.media_type for image in result.images] == ["image/jpeg", "image/jpeg"]
    assert result.warnings == ("OpenAI knows no seed: left out.",)
    assert direct.paint(**given, references=(dot(),)).images[0].media_type == "image/jpeg"
    assert b'name="image[]"; filename="picture.png"\r\nContent-Type: image/png' in direct.bodies[-1]


def test_gemini_is_told_the_shape_in_its_own_words(everyone: dict[str, Direct]) -> None:
    direct = everyone["gemini"]
    model = "google/gemini-3.1-flash-image"
    result = direct.paint(model=model, aspect_ratio="16:9", resolution="512", quality="low", rates={})
    assert _sent(direct)["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "16:9", "imageSize": "512"},
    }
    assert result.warnings == ("Gemini knows no quality: left out.",)
    direct.paint(aspect_ratio="auto")
    assert "imageConfig" not in _sent(direct)["generationConfig"]


@pytest.mark.parametrize("given", [{"n": 2}, {"size": "1024x1024"}])
def test_what_gemini_cannot_do_is_not_sent(given: dict[str, Any], everyone: dict[str, Direct]) -> None:
    error = _failure(lambda: everyone["gemini"].paint(**given))
    assert (error.code, error.param) == ("INVALID_PARAMETER", next(iter(given)))
    assert everyone["gemini"].world.requests() == 0


@pytest.mark.parametrize("name", ["openai", "gemini"])
def test_a_picture_elsewhere_is_not_fetched(name: str, everyone: dict[str, Direct]) -> None:
    error = _failure(lambda: everyone[name].paint(references=(Reference(url="https://example.org/a.png"),)))
    assert (error.code, error.param, everyone[name].world.requests()) == ("INVALID_PARAMETER", "input_references", 0)


def test_the_picture_that_is_made_over_arrives(everyone: dict[str, Direct]) -> None:
    for name in ("openai", "gemini"):
        teal, red = (everyone[name].paint(references=(dot(colour),)).images[0].data for colour in ("teal", "red"))
        assert teal != red


def test_a_key_goes_where_it_belongs(everyone: dict[str, Direct]) -> None:
    """Never into an address, which is written into logs."""
    for direct in everyone.values():
        direct.provider.models(direct.world.key)
        direct.talk()
        if direct.world.painter:
            direct.paint()
        for request in direct.simulator.log:
            assert direct.world.key not in f"{request.path}?{request.query}"
    assert [sorted(_carriers(request.headers)) for request in everyone["gemini"].simulator.log] == [
        ["authorization"],
        ["authorization"],
        ["x-goog-api-key"],
    ]
    assert [sorted(_carriers(request.headers)) for request in everyone["anthropic"].simulator.log] == [
        ["x-api-key"],
        ["authorization"],
    ]


def test_a_short_key_is_not_shown_by_its_end() -> None:
    with simulating("groq", key="gsk_12345") as running:
        groq = running["groq"]
        assert groq.provider.inspect(groq.world.key).label == "Groq key …"


def _carriers(headers: Any) -> set[str]:
    return {name for name, value in headers.items() if "…" in value}


def test_a_simulator_knows_what_can_go_wrong_there(everyone: dict[str, Direct]) -> None:
    simulator: Simulator = everyone["groq"].simulator
    with pytest.raises(LookupError, match="no_room"):
        simulator.go_wrong("unheard of")
    assert replace(simulator.refusals()["busy"]).status == 503


def _failure(ask: Any) -> DarkroomError:
    with pytest.raises(DarkroomError) as raised:
        ask()
    return raised.value
