"""Notes on what models are good for: no model that anybody meets here goes without, and none names a price."""

import re

import pytest

from darkroom.services.catalogue.aliases import ALIASES, INEXPENSIVE
from darkroom.services.listing.model_rows import note_of, notes
from darkroom.settings import Settings
from local.simulator.catalogue import load

MODELS = load().models
STAND_INS = {each for alias in ALIASES.values() for each in alias.candidates}
ENVIRON = {"DARKROOM_TABLE": "table", "DARKROOM_UPLOADS_BUCKET": "uploads", "DARKROOM_OUTPUTS_BUCKET": "outputs"}


@pytest.mark.parametrize("model", sorted({*MODELS, *STAND_INS, *INEXPENSIVE}))
def test_each_model_that_is_listed_or_stands_in_has_one_of_its_own_maker(model: str) -> None:
    note = note_of(model)
    assert note is not None
    assert note.best_for.endswith(".")
    assert not note.limits or note.limits.endswith(".")


@pytest.mark.parametrize("model", sorted(MODELS))
def test_no_note_promises_what_its_model_cannot_do(model: str) -> None:
    published, note = MODELS[model], note_of(model)
    assert note is not None
    said = f"{note.best_for} {note.limits}"
    if "text" in published.output and "image" not in published.output:
        is_blind = "image" not in published.input
        assert ("Sees no pictures" in said) == is_blind
        assert not (is_blind and "about a picture" in said)
    assert ("without paying" in said) == model.endswith(":free")


def test_the_stacks_own_defaults_have_one() -> None:
    settings = Settings.from_environ(ENVIRON)
    for names in (settings.image_generation_model, settings.image_edit_model, settings.chat_model):
        assert all(note_of(each.strip()) for each in names.split(","))


@pytest.mark.parametrize("prefix", sorted(notes()))
def test_none_names_a_price(prefix: str) -> None:
    note = notes()[prefix]
    assert not re.search(r"[$€¢]|\b(dollar|cent)s?\b", f"{note.best_for} {note.limits}")


def test_the_longest_beginning_counts() -> None:
    assert note_of("openai/gpt-5.1-chat") is notes()["openai/gpt-5.1-chat"]
    assert note_of("openai/gpt-5-mini") is notes()["openai/gpt-5"]
    assert note_of("nobody/nothing") is None
