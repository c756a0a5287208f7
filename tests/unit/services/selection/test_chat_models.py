"""Which model a chat is for, and what is said of those that cannot be."""

from typing import Any

import pytest

from darkroom.errors import UnsupportedModel
from darkroom.models.catalogue import ChatModel
from darkroom.services.selection.chat_models import ChatModels, Chosen, is_router, paints
from local.simulator import Simulator
from tests.application import KLEIN
from tests.unit.services.completing import BLIND, PAINTER, SMALL_TALKER, TALKER
from tests.unit.services.quoting import catalogue

GONE = "nobody/gone"


@pytest.fixture(scope="session")
def models(studio_simulator: Simulator) -> ChatModels:
    return ChatModels(catalogue(studio_simulator), default=f"{GONE}, {TALKER}")


def _refused(models: ChatModels, *asked: Any, **more: Any) -> UnsupportedModel:
    with pytest.raises(UnsupportedModel) as raised:
        models.choose(*asked, **more)
    return raised.value


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (TALKER, TALKER),
        (f" {TALKER.upper()} ", TALKER),
        (f"openrouter/{TALKER}", TALKER),
        ("gpt-4o-mini", SMALL_TALKER),
        ("gpt-4o-mini-2024-07-18", SMALL_TALKER),
        ("openrouter/auto", "openrouter/auto"),
        ("google/gemma-4-31b-it:free", "google/gemma-4-31b-it:free"),
    ],
)
def test_a_model_by_its_name(models: ChatModels, name: str, found: str) -> None:
    chosen = models.choose(name)
    assert (chosen.first.id, chosen.named, chosen.fallbacks) == (found, name, ())


def test_nobody_names_one(models: ChatModels) -> None:
    chosen = models.choose()
    assert (chosen.first.id, chosen.named) == (TALKER, TALKER)


def test_of_the_stacks_models_the_others_stand_in_for_the_first(studio_simulator: Simulator) -> None:
    default = f"{GONE},{TALKER},{BLIND},{SMALL_TALKER}"
    models = ChatModels(catalogue(studio_simulator), default=default)
    assert (models.choose().first.id, models.choose().fallbacks) == (TALKER, (BLIND, SMALL_TALKER))
    assert models.choose(sees=True).fallbacks == (SMALL_TALKER,)
    # Whoever names any has no others.
    assert models.choose(TALKER).fallbacks == ()
    assert models.choose(None, (BLIND,)).fallbacks == (BLIND,)


def test_others_may_stand_in_each_once(models: ChatModels) -> None:
    chosen = models.choose(TALKER, (SMALL_TALKER, TALKER, "gpt-4o-mini"))
    assert (chosen.first.id, chosen.fallbacks) == (TALKER, (SMALL_TALKER,))


def test_where_the_model_is_gone_those_that_may_stand_in_do(models: ChatModels) -> None:
    chosen = models.choose(GONE, ("gone/two", SMALL_TALKER, TALKER))
    assert (chosen.named, chosen.first.id, chosen.fallbacks) == (GONE, SMALL_TALKER, (TALKER,))
    assert chosen.warnings == tuple(
        f"{gone} is not offered here; {SMALL_TALKER} is used instead." for gone in (GONE, "gone/two")
    )


@pytest.mark.parametrize(
    ("name", "fallbacks", "sees"),
    # A model that cannot do it is not gone.
    [(GONE, ("gone/two",), False), (KLEIN, (TALKER,), False), (BLIND, (TALKER,), True), (GONE, (BLIND,), True)],
)
def test_nothing_else_stands_in(models: ChatModels, name: str, fallbacks: tuple[str, ...], sees: bool) -> None:
    assert _refused(models, name, fallbacks, sees=sees).param == "model"


def test_an_alias_says_why(models: ChatModels) -> None:
    chosen: Chosen = models.choose("nano-banana")
    assert chosen.first.id == PAINTER
    assert PAINTER in chosen.warnings[0]


@pytest.mark.parametrize(
    ("name", "detail", "first"),
    [
        ("gemini-2.5-flsh", "There is no chat model 'gemini-2.5-flsh'.", TALKER),
        # Nothing is near: the stack's own is always there.
        ("zzz", "There is no chat model 'zzz'.", TALKER),
        (KLEIN, f"{KLEIN} does not answer in words.", None),
        ("x" * 300, f"There is no chat model '{'x' * 100}'.", TALKER),
        # A free variant that is no more must not become one that has to be paid for.
        (f"{TALKER}:free", f"There is no chat model '{TALKER}:free'.", TALKER),
    ],
)
def test_a_name_that_cannot_be_used(models: ChatModels, name: str, detail: str, first: str | None) -> None:
    error = _refused(models, name)
    assert (error.detail, error.param) == (detail, "model")
    suggestions = error.context["suggestions"]
    assert len(suggestions) == len(set(suggestions)) == 5
    assert KLEIN not in suggestions
    assert first in (None, suggestions[0])
    assert suggestions[0] in error.fix


def test_a_painter_is_told_where_pictures_are_made(models: ChatModels) -> None:
    assert "POST /v1/images/generations" in _refused(models, KLEIN).fix


def test_who_cannot_see_is_not_shown_pictures(models: ChatModels) -> None:
    assert models.choose(BLIND).first.id == BLIND
    assert models.choose(TALKER, sees=True).first.id == TALKER
    error = _refused(models, BLIND, sees=True)
    assert error.detail == f"{BLIND} cannot look at pictures."
    assert BLIND not in error.context["suggestions"]
    error = _refused(models, TALKER, (BLIND,), sees=True)
    assert (error.detail, error.param) == (f"{BLIND} cannot look at pictures.", "fallback_models")


@pytest.mark.parametrize("default", ["", GONE])
def test_a_stack_without_a_model_of_its_own(default: str, studio_simulator: Simulator) -> None:
    models = ChatModels(catalogue(studio_simulator), default=default)
    assert len(_refused(models).context["suggestions"]) == 5
    assert models.choose(TALKER).first.id == TALKER


@pytest.mark.parametrize(
    ("name", "outputs", "expected"),
    [
        ("a/talker", ("text",), (False, False)),
        ("a/both", ("text", "image"), (True, False)),
        ("openrouter/auto", ("text", "image"), (False, True)),
    ],
)
def test_who_paints_and_who_only_passes_it_on(name: str, outputs: tuple[str, ...], expected: tuple[bool, bool]) -> None:
    model = ChatModel(id=name, name=name, output_modalities=outputs)
    assert (paints(model), is_router(model)) == expected
