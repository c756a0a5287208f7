"""Recipes: steps that were taken once, to be taken again on other pictures."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from darkroom.models.conversation import Step
from darkroom.models.form_values import whole_number
from darkroom.models.value import StrictValue, Value

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
MOST_STEPS = 200


class Recipe(StrictValue):
    """What is exported, kept and applied. The same picture and recipe give the same bytes with the same engine."""

    schema_version: Annotated[Literal[1], BeforeValidator(whole_number)] = 1
    engine: str = Field(description="The engine that it was made with; another may differ in the last bits.")
    name: str = Field("", max_length=64)
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MOST_STEPS)


class SavedRecipe(Value):
    user: str
    name: str = Field(pattern=NAME_PATTERN)
    recipe: Recipe
    created_at: datetime
    updated_at: datetime
