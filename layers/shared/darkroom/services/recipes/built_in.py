"""Recipes that everybody has: the built-in frames, as steps. One that a user keeps by the same name goes before it."""

from darkroom.models.conversation import Step
from darkroom.models.presets import Preset, presets
from darkroom.models.recipe import Recipe
from darkroom.operations import ENGINE_VERSION, dump, parse


def built_in(name: str) -> Recipe | None:
    """None where there is none of that name."""
    preset = presets().get(name)
    return None if preset is None else recipe_of(preset)


def recipe_of(preset: Preset) -> Recipe:
    """With every default written out, as a kept recipe has it."""
    steps = tuple(Step(operation=step) for step in dump(parse(preset.steps)))
    return Recipe(engine=ENGINE_VERSION, name=preset.name, steps=steps)
