"""A recipe taken on many pictures: what was asked for, and how far it has come."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from darkroom.models.job import StoredImage
from darkroom.models.recipe import Recipe
from darkroom.models.source import ImageSource

MOST_PICTURES = 500


class Application(BaseModel):
    """A request to apply a recipe."""

    model_config = ConfigDict(frozen=True)

    recipe: Recipe | str = Field(description="The recipe itself, or the name of a kept one.")
    pictures: tuple[ImageSource, ...] = Field(description="Named, not sent: uploads, jobs' pictures and URLs.")
    allow_paid: bool = False


class Batch(BaseModel):
    """What is to be done, kept beside the job: the names of 500 pictures are too much for its row."""

    model_config = ConfigDict(frozen=True)

    recipe: Recipe
    pictures: tuple[ImageSource, ...]


class Entry(BaseModel):
    """What became of one picture: either there is an image or an error."""

    model_config = ConfigDict(frozen=True)

    image: StoredImage | None = None
    error: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()


class Manifest(BaseModel):
    """What became of the pictures so far, in their order."""

    model_config = ConfigDict(frozen=True)

    entries: tuple[Entry, ...] = ()


class Begun(BaseModel):
    """The picture that was begun last, and how often in a row, each time by a worker that died at it."""

    model_config = ConfigDict(frozen=True)

    index: int = -1
    times: int = 0
