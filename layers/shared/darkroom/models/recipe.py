"""Recipes: steps that were taken once, to be taken again on other pictures; and how far many pictures have come."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from darkroom.models.conversation import Step
from darkroom.models.form_values import whole_number
from darkroom.models.job import JobCost, Parent, StoredImage
from darkroom.models.source import ImageSource
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


MOST_PICTURES = 500


class RecipeApplication(Value):
    """A request to apply a recipe."""

    recipe: Recipe | str = Field(description="The recipe itself, or the name of a kept one.")
    pictures: tuple[ImageSource, ...] = Field(description="Named (uploads, jobs' pictures, URLs) or sent themselves.")
    allow_paid: bool = Field(False, description="Whether its painted steps may be painted anew.")
    max_cost_usd: Decimal | None = Field(None, description="What they may cost at the most, all together.")


class Batch(Value):
    """What is to be done, kept beside the job: the names of 500 pictures are too much for its row."""

    recipe: Recipe
    pictures: tuple[ImageSource, ...] = Field(description="Those that were sent have their bytes as `b64`.")


class Entry(Value):
    """What became of one picture: either there is an image or an error."""

    image: StoredImage | None = None
    error: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    parent: Parent | None = Field(None, description="The picture that it began with.")
    cost: JobCost = Field(JobCost(), description="Of all that was painted for it.")


class Wanted(Value):
    """A painting that one picture waits for, and what the picture has come to before it."""

    number: int = Field(description="Which of the recipe's paintings, from 0.")
    image: StoredImage = Field(description="What is to be made over.")
    parent: Parent
    warnings: tuple[str, ...] = ()
    cost: JobCost = Field(JobCost(), description="Of the paintings before this one.")


def _numbered(entries: Any) -> Any:
    """In their order, as a version wrote them that took one picture after the other."""
    return dict(enumerate(entries)) if isinstance(entries, list) else entries


class Manifest(Value):
    """What became of the pictures so far, and what those wait for that are on their way; both by index."""

    entries: Annotated[dict[int, Entry], BeforeValidator(_numbered)] = Field(default_factory=dict)
    wanted: dict[int, Wanted] = Field(default_factory=dict)


class Begun(Value):
    """The picture that was begun last, and how often in a row, each time by a worker that died at it."""

    index: int = -1
    times: int = 0
