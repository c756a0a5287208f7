"""Recipes as requests have them: to be kept, and to be taken on pictures."""

from typing import Any, Final

from darkroom.http.app import validated
from darkroom.http.schemas.recipes import NewApplication
from darkroom.models.form_values import unfolded
from darkroom.models.image_input import picture_fields
from darkroom.models.recipe import Recipe, RecipeApplication
from darkroom.operations import ENGINE_VERSION

# What a shown recipe has beside the recipe itself; it may be sent back as it was shown.
_SHOWN: Final = frozenset({"object", "created_at", "updated_at"})


def application_of(fields: dict[str, Any]) -> RecipeApplication:
    """Pictures are taken in every way in which an edit takes them. Raises InvalidParameter."""
    pictures, mask, rest = picture_fields(fields)
    new = validated(NewApplication, rest if mask is None else {**rest, "mask": mask})
    return RecipeApplication(
        recipe=new.recipe if isinstance(new.recipe, str) else recipe_of(new.recipe),
        pictures=pictures,
        allow_paid=new.allow_paid,
        max_cost_usd=new.max_cost_usd,
    )


def recipe_of(fields: dict[str, Any]) -> Recipe:
    """A recipe as it is shown or exported, or by hand: then it is one of this engine. Raises InvalidParameter."""
    own = {name: unfolded(value) if name == "steps" else value for name, value in fields.items() if name not in _SHOWN}
    return validated(Recipe, {"engine": ENGINE_VERSION, **own})
