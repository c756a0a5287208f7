"""Recipes: what comes in and goes out."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from msgspec.structs import asdict
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from darkroom.http.operation import IMAGES, Answer, Operation, absent, fields, json_of
from darkroom.http.schemas.common import PaidHeaders
from darkroom.http.schemas.images import File, NamedPictures, SentPictures
from darkroom.http.schemas.jobs import Job
from darkroom.models.conversation import Step
from darkroom.models.form_values import given, switch, unfolded
from darkroom.models.presets import Preset
from darkroom.models.recipe import MOST_STEPS, NAME_PATTERN, Recipe, SavedRecipe
from darkroom.models.value import StrictValue
from darkroom.services.recipes.built_in import recipe_of


class PaintLine(Answer):
    """What cannot be done again for nothing."""

    prompt: str
    model: str | None = absent()


class StepLine(Answer):
    """One operation, or one painting."""

    operation: dict[str, Any] | None = absent()
    paint: PaintLine | None = absent()


class ExportedRecipe(Answer):
    """Steps, with the engine that they were made with."""

    object: Literal["recipe"] = "recipe"
    schema_version: Literal[1]
    engine: str
    name: str
    steps: tuple[StepLine, ...]


class KeptRecipe(ExportedRecipe):
    created_at: datetime
    updated_at: datetime


class RecipeLine(Answer):
    """Without its steps."""

    object: Literal["recipe"] = "recipe"
    name: str
    engine: str
    step_count: int
    painted_step_count: int
    created_at: datetime
    updated_at: datetime


class Framed(Answer):
    """What a built-in recipe makes: a canvas, how much of it the subject takes and where, and what is behind it."""

    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    fill: float = Field(description="Per cent of the width or height.")
    position: str
    background: str | None = Field(description="A CSS color or gradient; null: transparent.")
    shadow: str
    format: str
    dpi: int | None


class BuiltInRecipe(ExportedRecipe):
    """One that everybody has. POST /v1/recipes/{name}/check says whether a picture meets its `rules`."""

    built_in: Literal[True] = True
    title: str
    frame: Framed
    rules: dict[str, Any] = Field(description="What a picture there has to meet.")


class RecipesQuery(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    built_in: Annotated[bool, BeforeValidator(switch)] = Field(
        False, description="Those that everybody has, with their frames, in place of your own."
    )


class RecipeList(Answer):
    object: Literal["list"] = "list"
    data: tuple[RecipeLine | BuiltInRecipe, ...]


class CheckLine(Answer):
    rule: str
    ok: bool
    found: str
    wanted: str
    fix: str | None = Field(description="What helps, where it is not met.")


class RecipeCheck(Answer):
    """Whether a picture meets each rule of a built-in recipe."""

    object: Literal["recipe_check"] = "recipe_check"
    name: str
    ok: bool = Field(description="Whether all are met.")
    checks: tuple[CheckLine, ...]
    cost_usd: Literal[0] = 0


class RemovedRecipe(Answer):
    name: str
    object: Literal["recipe"] = "recipe"
    deleted: Literal[True] = True


class NewVersion(StrictValue):
    """Steps that make a version of another, done here at no cost."""

    base: Annotated[str, Field(min_length=1, max_length=20)] | None = Field(
        None, description="The version to begin with; the shown one when absent."
    )
    steps: Annotated[tuple[Step, ...], BeforeValidator(unfolded)] = Field(
        description="1 to 20 operations, as recipes have them, done one after the other."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        return given(fields, "steps") if isinstance(fields, dict) else fields


class RecipeBody(BaseModel):
    """As it is shown or exported, or written by hand: then it is one of this engine."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    schema_version: Literal[1] = 1
    engine: str | None = None
    name: str = Field("", max_length=64)
    steps: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MOST_STEPS,
        description='`{"op": "crop", …}`, `{"operation": {"op": …}}` or `{"paint": {"prompt": …}}`.',
    )


class NewApplication(BaseModel):
    """What is asked for beside the pictures."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    recipe: Annotated[Any, BeforeValidator(unfolded)] = Field(description="The name of a kept recipe, or a recipe.")
    allow_paid: bool = Field(False, description="Whether its painted steps may be painted again, for money.")
    max_cost_usd: Decimal | None = Field(
        None, ge=Decimal("0.000001"), le=10_000, allow_inf_nan=False, description="Of the whole batch."
    )

    @field_validator("recipe")
    @classmethod
    def _name_or_recipe(cls, value: Any) -> Any:
        if not isinstance(value, str | dict):
            raise ValueError("give a kept recipe's name, or a recipe as an object")
        return value


def exported(recipe: Recipe) -> ExportedRecipe:
    return ExportedRecipe(**_whole(recipe))


def kept(saved: SavedRecipe) -> KeptRecipe:
    return KeptRecipe(**_whole(saved.recipe), created_at=saved.created_at, updated_at=saved.updated_at)


def built_in_recipe(preset: Preset) -> BuiltInRecipe:
    width, height = preset.size
    said = preset.options
    frame = Framed(
        width=width,
        height=height,
        fill=said.get("fill", 85),
        position=said.get("position", "center"),
        background=said.get("background"),
        shadow=said.get("shadow", "none"),
        format=said["format"],
        dpi=said.get("dpi"),
    )
    rules = {name: value for name, value in asdict(preset.rules).items() if value is not None}
    return BuiltInRecipe(**_whole(recipe_of(preset)), title=preset.title, frame=frame, rules=rules)


def line(saved: SavedRecipe) -> RecipeLine:
    """Without the steps: a hundred long recipes are more than an answer can hold."""
    return RecipeLine(
        name=saved.name,
        engine=saved.recipe.engine,
        step_count=len(saved.recipe.steps),
        painted_step_count=sum(1 for step in saved.recipe.steps if step.paint),
        created_at=saved.created_at,
        updated_at=saved.updated_at,
    )


def step_line(step: Step) -> StepLine:
    paint = PaintLine(prompt=step.paint.prompt, model=step.paint.model) if step.paint else None
    return StepLine(operation=step.model_dump(mode="json", exclude_none=True).get("operation"), paint=paint)


def _whole(recipe: Recipe) -> dict[str, Any]:
    same = ("schema_version", "engine", "name")
    return {**{name: getattr(recipe, name) for name in same}, "steps": tuple(map(step_line, recipe.steps))}


RecipeName = Annotated[str, Field(pattern=NAME_PATTERN)]


class ApplicationBody(NewApplication, NamedPictures):
    recipe: RecipeName | RecipeBody


class ApplicationForm(NewApplication, SentPictures):
    recipe: RecipeName = Field(description="The name of a kept recipe, or a recipe as JSON text.")
    images: list[File] | File | None = None


LIST_RECIPES: Final = Operation("GET /v1/recipes", json_of(RecipeList), query=RecipesQuery)
SHOW_RECIPE: Final = Operation("GET /v1/recipes/{name}", json_of(KeptRecipe | BuiltInRecipe))
CHECK_PICTURE: Final = Operation(
    "POST /v1/recipes/{name}/check",
    json_of(RecipeCheck),
    body={**fields(NamedPictures, SentPictures), IMAGES: "bytes"},
)
SAVE_RECIPE: Final = Operation("PUT /v1/recipes/{name}", json_of(KeptRecipe), body=fields(RecipeBody))
REMOVE_RECIPE: Final = Operation("DELETE /v1/recipes/{name}", json_of(RemovedRecipe))
APPLY_RECIPE: Final = Operation(
    "POST /v1/recipes/apply",
    {**json_of(Job), **json_of(Job, 202)},
    body=fields(ApplicationBody, ApplicationForm),
    headers=PaidHeaders,
)
