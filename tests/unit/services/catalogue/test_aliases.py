"""Names that are dead, foreign or half a name lead to live models, or to a refusal that helps."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import UnsupportedModel
from darkroom.models.image_request import ImageRequest
from darkroom.services.catalogue.aliases import (
    ALIASES,
    CHAT_TABLE,
    MOST_SUGGESTIONS,
    follow,
    normalise,
    refusal,
    resolve,
    suggest,
)
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.chat_models import ChatModels
from local.simulator import Simulator
from tests.paid_calls import paid_call
from tests.unit.services.quoting import catalogue, provider, quote, quotes

LIVE = ("openai/gpt-image-2", "black-forest-labs/flux.2-klein-4b", "qwen/qwen-image-3", "acme/twin", "bell/twin")

IMAGE_NAMES = {
    "openrouter/flux/kontext-max": "black-forest-labs/flux.2-pro",
    "black-forest-labs/flux-kontext-max": "black-forest-labs/flux.2-pro",
    "openrouter/stability-ai/stable-diffusion-xl": "black-forest-labs/flux.2-klein-4b",
    "stability-ai/stable-diffusion-xl": "black-forest-labs/flux.2-klein-4b",
    "sdxl": "black-forest-labs/flux.2-klein-4b",
    "Janus Pro": "qwen/qwen-image-3",
    "janus-pro": "qwen/qwen-image-3",
    "deepseek/janus-pro": "qwen/qwen-image-3",
    "gpt-image-1": "openai/gpt-image-2",
    "openai/gpt-image-1": "openai/gpt-image-2",
    "dall-e-3": "openai/gpt-image-2",
    "openai/dall-e-3": "openai/gpt-image-2",
    "dall-e-2": "openai/gpt-image-1-mini",
    "midjourney-v6": "bytedance-seed/seedream-5-0-pro",
    "google/gemini-2.5-flash-image-preview": "google/gemini-2.5-flash-image",
    "gemini-2.5-flash-image-preview": "google/gemini-2.5-flash-image",
    # Not dead, but not written as the lists do.
    "gpt-image-2": "openai/gpt-image-2",
    " OpenRouter/OpenAI/GPT-Image-2 ": "openai/gpt-image-2",
    "gpt-image-2-2026-04-21": "openai/gpt-image-2",
    "qwen/qwen-image-3": "qwen/qwen-image-3",
}

# Every name for text that is in use anywhere, as it is written there, and the live model that is meant.
CHAT_NAMES = {
    "google/gemini-3-flash-preview": "google/gemini-3-flash-preview",
    "anthropic/claude-opus-4.6": "anthropic/claude-opus-4.6",
    "google/gemini-2.5-flash": "google/gemini-2.5-flash",
    "gemini-2.5-flash": "google/gemini-2.5-flash",
    "models/gemini-2.5-flash": "google/gemini-2.5-flash",
    "Gemini 2 Flash": "google/gemini-2.5-flash",
    "google/gemini-pro": "google/gemini-3-flash-preview",
    "mistralai/pixtral-large-2411": "qwen/qwen3.6-27b",
    "openai/gpt-oss-20b": "openai/gpt-oss-20b",
    "openai/gpt-oss-20b:free": "nvidia/nemotron-3-nano-30b-a3b:free",
    "meta-llama/llama-3.2-3b-instruct:free": "nvidia/nemotron-3-nano-30b-a3b:free",
    "google/gemma-2-9b-it:free": "google/gemma-4-31b-it:free",
    "mistralai/mistral-7b-instruct:free": "nvidia/nemotron-3-nano-30b-a3b:free",
    "gpt-4o": "openai/gpt-4o-mini",
    "openai/gpt-4o": "openai/gpt-4o-mini",
    "openrouter/openai/gpt-4o": "openai/gpt-4o-mini",
    "gpt-4o-2024-08-06": "openai/gpt-4o-mini",
    "gpt-3.5-turbo": "openai/gpt-4o-mini",
    "openai/gpt-3.5-turbo": "openai/gpt-4o-mini",
    "gpt-4": "openai/gpt-4o-mini",
    "claude-3-sonnet-20240229": "anthropic/claude-opus-4.6",
    "claude-3-5-sonnet-20241022": "anthropic/claude-opus-4.6",
    "claude-opus-4-6": "anthropic/claude-opus-4.6",
    "anthropic/claude-3-sonnet": "anthropic/claude-opus-4.6",
    "anthropic/claude-3-opus": "anthropic/claude-opus-4.6",
    "meta/llama-2": "meta-llama/llama-3.3-70b-instruct",
    "llama-3.3-70b-versatile": "meta-llama/llama-3.3-70b-instruct",
    "groq/llama-3.3-70b-versatile": "meta-llama/llama-3.3-70b-instruct",
}
# The same model under another name: nobody has to be warned of it.
SAME_MODEL = {
    "google/gemini-3-flash-preview",
    "anthropic/claude-opus-4.6",
    "google/gemini-2.5-flash",
    "gemini-2.5-flash",
    "models/gemini-2.5-flash",
    "openai/gpt-oss-20b",
    "claude-opus-4-6",
}

TEXT_NAMES = (
    "google/gemini-3-flash-preview",
    "anthropic/claude-opus-4.6",
    "google/gemini-2.5-flash",
    "gemini-2.5-flash",
    "mistralai/pixtral-large-2411",
    "openai/gpt-oss-20b:free",
    "meta-llama/llama-3.2-3b-instruct:free",
    "google/gemma-2-9b-it:free",
    "mistralai/mistral-7b-instruct:free",
    "gpt-4o",
    "openai/gpt-4o",
    "openrouter/openai/gpt-4o",
    "gpt-3.5-turbo",
    "openai/gpt-3.5-turbo",
    "gpt-4",
    "claude-3-sonnet-20240229",
    "anthropic/claude-3-sonnet",
    "anthropic/claude-3-opus",
    "google/gemini-pro",
    "meta/llama-2",
    "llama-3.3-70b-versatile",
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def quoting(simulator: Simulator) -> Quotes:
    return quotes(simulator)


@pytest.mark.parametrize("name", IMAGE_NAMES)
def test_a_name_for_pictures_makes_one(name: str, quoting: Quotes, simulator: Simulator) -> None:
    simulator.reset()
    made = quote(quoting, name)
    assert made.model_requested == name
    result = provider(simulator).generate(made.request, paid_call(simulator.key))
    assert result.call.model_used == IMAGE_NAMES[name]
    assert result.images
    (charge,) = simulator.state.invoice()
    assert charge["model"] == IMAGE_NAMES[name]


@pytest.mark.parametrize("name", TEXT_NAMES)
def test_a_model_for_text_is_refused_with_models_for_pictures(name: str, quoting: Quotes, simulator: Simulator) -> None:
    with pytest.raises(UnsupportedModel, match="makes text, and no pictures") as raised:
        quote(quoting, name)
    error = raised.value
    live = {model.id for model in provider(simulator).image_models()}
    assert (error.status, error.code, error.charged, error.param) == (400, "UNSUPPORTED_MODEL", False, "model")
    assert len(error.context["suggestions"]) == MOST_SUGGESTIONS
    assert set(error.context["suggestions"]) <= live
    assert error.context["suggestions"][0] in error.fix


@pytest.mark.parametrize("name", CHAT_NAMES)
def test_a_name_for_text_leads_to_a_live_model(name: str, simulator: Simulator) -> None:
    chosen = ChatModels(catalogue(simulator), default="").choose(name)
    assert (chosen.named, chosen.first.id) == (name, CHAT_NAMES[name])
    assert bool(chosen.warnings) == (name not in SAME_MODEL)
    assert all(name in warning and chosen.first.id in warning for warning in chosen.warnings)


def test_every_row_of_the_table_leads_somewhere(simulator: Simulator) -> None:
    live = {model.id for model in provider(simulator).chat_models()}
    lost = [name for name in ALIASES if resolve(name, live) is None]
    assert lost == []


def test_no_name_for_text_leads_to_a_painter_or_from_free_to_paid(simulator: Simulator) -> None:
    painters = {model.id for model in provider(simulator).image_models()}
    for alias in CHAT_TABLE:
        assert not painters & set(alias.candidates)
        if any(name.endswith(":free") for name in alias.names):
            assert all(each.endswith(":free") or each == "openrouter/free" for each in alias.candidates)
            assert all(name.endswith(":free") for name in alias.names)


def test_no_name_stands_in_two_rows() -> None:
    names = [name for alias in CHAT_TABLE for name in alias.names]
    assert len(names) == len(set(names))


def test_a_model_that_died_is_followed_to_the_next(simulator: Simulator) -> None:
    followed = follow(["nobody/gone", "acme/twin", "nobody/lost"], LIVE)
    assert followed is not None
    assert followed.models == ("acme/twin",)
    assert followed.warnings == (
        "nobody/gone is not offered here; acme/twin is used instead.",
        "nobody/lost is not offered here; acme/twin is used instead.",
    )
    kept = follow(["qwen-image-3", "dall-e-3", "qwen/qwen-image-3"], LIVE)
    assert kept is not None
    assert kept.models == ("qwen/qwen-image-3", "openai/gpt-image-2")
    assert [warning.split()[0] for warning in kept.warnings] == ["dall-e-3"]
    assert follow(["nobody/gone"], LIVE) is None
    assert follow([], LIVE) is None


def test_what_is_offered_and_what_is_gone_are_told_apart(quoting: Quotes) -> None:
    with pytest.raises(UnsupportedModel, match=r"no pictures\.$"):
        quote(quoting, "google/gemini-2.5-flash")
    with pytest.raises(UnsupportedModel, match="not offered any more"):
        quote(quoting, "gpt-3.5-turbo")


def test_a_model_that_is_not_known_suggests_the_nearest_first(quoting: Quotes) -> None:
    with pytest.raises(UnsupportedModel, match="There is no image model 'qwen/qwen-image-33'") as raised:
        quote(quoting, "qwen/qwen-image-33")
    assert raised.value.context["suggestions"][0] == "qwen/qwen-image-3"


def test_without_a_near_name_the_inexpensive_are_suggested() -> None:
    assert suggest("zzz", LIVE)[:2] == ["black-forest-labs/flux.2-klein-4b", "qwen/qwen-image-3"]
    assert suggest("zzz", ()) == []
    assert "GET /v1/models" in refusal("zzz", live=()).fix


def test_the_chat_list_is_not_needed_to_refuse(simulator: Simulator) -> None:
    simulator.reset()
    quoting = quotes(simulator)
    quote(quoting, "sdxl")
    simulator.scenario("overloaded", path="/models")
    with pytest.raises(UnsupportedModel, match="makes text"):
        quote(quoting, "gpt-4o")
    simulator.reset()


def test_who_asks_for_a_free_variant_does_not_get_a_paid_one() -> None:
    assert resolve("openai/gpt-image-2:free", LIVE) is None
    error = refusal("openai/gpt-image-2:free", live=LIVE)
    assert "has to be paid for" in error.detail
    assert error.context["suggestions"][0] == "openai/gpt-image-2"


def test_a_name_without_its_maker_has_to_be_one_models() -> None:
    assert resolve("twin", LIVE) is None
    found = resolve("qwen-image-3", LIVE)
    assert found is not None
    assert (found.id, found.reason) == ("qwen/qwen-image-3", None)


def test_a_live_model_is_never_replaced() -> None:
    found = resolve("openai/gpt-image-1", (*LIVE, "openai/gpt-image-1"))
    assert found is not None
    assert (found.id, found.reason) == ("openai/gpt-image-1", None)


def test_a_stand_in_is_warned_of(quoting: Quotes) -> None:
    assert quote(quoting, "dall-e-3").warnings == (
        "dall-e-3 was retired by OpenAI on 2026-05-12. openai/gpt-image-2 is used instead.",
    )
    assert quote(quoting, "GPT-Image-2").warnings == ()


def test_the_first_live_default_is_taken(quoting: Quotes) -> None:
    made = quote(quoting)
    assert (made.model_requested, made.request.model) == ("black-forest-labs/flux.2-klein-4b",) * 2


def test_defaults_that_are_all_gone_are_refused(simulator: Simulator) -> None:
    known = catalogue(simulator)
    for names in ("gone/one, gone/two", " , "):
        with pytest.raises(UnsupportedModel):
            Quotes(known, generation_model=names, edit_model=names).quote(ImageRequest(prompt="A fox"))


def test_fallback_models_have_aliases_too(quoting: Quotes) -> None:
    made = quote(quoting, "sdxl", fallback_models=["openrouter/flux/kontext-max", "black-forest-labs/flux.2-klein-4b"])
    assert made.request.model == "black-forest-labs/flux.2-klein-4b"
    assert made.request.fallback_models == ("black-forest-labs/flux.2-pro",)
    with pytest.raises(UnsupportedModel) as raised:
        quote(quoting, "sdxl", fallback_models=["gpt-4o"])
    assert raised.value.param == "fallback_models"


def test_where_the_model_is_gone_the_fallback_models_are_asked_instead(quoting: Quotes) -> None:
    made = quote(
        quoting, "gone/one", fallback_models=["gone/two", "black-forest-labs/flux.2-klein-4b", "flux/kontext-max"]
    )
    assert made.model_requested == "gone/one"
    assert made.request.model == "black-forest-labs/flux.2-klein-4b"
    assert made.request.fallback_models == ("black-forest-labs/flux.2-pro",)
    assert made.warnings[:2] == tuple(
        f"{gone} is not offered here; black-forest-labs/flux.2-klein-4b is used instead."
        for gone in ("gone/one", "gone/two")
    )


@pytest.mark.parametrize(
    ("model", "fallbacks"),
    [
        ("gone/one", ["gone/two", "gpt-4o"]),
        # It is there, and has to be paid for; or makes no pictures: neither is gone.
        ("black-forest-labs/flux.2-pro:free", ["black-forest-labs/flux.2-klein-4b"]),
        ("google/gemini-2.5-flash", ["black-forest-labs/flux.2-klein-4b"]),
    ],
)
def test_what_is_not_gone_or_has_nothing_in_its_place_is_refused(
    quoting: Quotes, model: str, fallbacks: list[str]
) -> None:
    with pytest.raises(UnsupportedModel) as raised:
        quote(quoting, model, fallback_models=fallbacks)
    assert raised.value.param == "model"


def test_every_alias_is_written_as_it_is_looked_up() -> None:
    for name, alias in ALIASES.items():
        assert normalise(name) == name
        assert alias.candidates
        assert all(re.fullmatch(r"[\w.-]+/[\w.:-]+", each) for each in alias.candidates)


@given(st.text() | st.from_regex(r" *(openrouter/|models/|groq/){0,3} ?[A-Za-z /:-]{0,20}", fullmatch=True))
def test_normalising_twice_changes_nothing(name: str) -> None:
    assert normalise(normalise(name)) == normalise(name)


@given(st.sampled_from(LIVE), st.sampled_from(["", " ", "\t"]), st.booleans(), st.booleans())
def test_a_live_model_is_found_however_it_is_written(model: str, blank: str, upper: bool, prefixed: bool) -> None:
    written = f"openrouter/{model}" if prefixed else model
    found = resolve(f"{blank}{written.upper() if upper else written}{blank}", LIVE)
    assert found is not None
    assert found.id == model
