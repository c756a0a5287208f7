"""What is asked of the list of models."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from darkroom.models.form_values import lowered
from darkroom.models.image_request import Background, OutputFormat, Quality
from darkroom.models.model_row import Task

Sort = Annotated[Literal["price", "latency", "name"], BeforeValidator(lowered)]
By = Annotated[Literal["cheapest", "fastest"], BeforeValidator(lowered)]

# What a request is made of. With any of them a model's price is that of such a request.
WANTS: Final = (*("n", "size", "resolution", "aspect_ratio", "quality", "background", "output_format", "references"),)
_SAME_TAGS: Final = {
    "open-source": "open-weights",
    "open": "open-weights",
    "zdr": "zero-data-retention",
    "transparency": "transparent",
    "thinking": "reasoning",
}


def _words(value: Any) -> Any:
    return tuple(word.strip().lower() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words), Field(max_length=20)]


class ModelQuery(BaseModel):
    """The query of `GET /v1/models`. Everything that is given has to be true of a model."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)

    q: str = Field("", max_length=200, description="Words that its name, id, description or tags hold.")
    tag: Words = ()
    input: Words = Field((), description="Modalities: `text`, `image`, …")
    output: Words = ()
    free: bool | None = None
    max_price: Decimal | None = Field(None, ge=0, le=1000, allow_inf_nan=False, description="Dollars, for one.")
    favorite: bool | None = Field(None, description="`favourite` is read, too.")
    favourite: bool | None = Field(None, description="As `favorite`.", json_schema_extra={"deprecated": True})
    sort: Sort | None = None
    recommend: By | None = None
    task: Task | None = Field(None, alias="for", description="`remove` lists the models that cut out.")
    # Of a request.
    n: int | None = Field(None, ge=1, le=10)
    size: str | None = Field(None, max_length=20)
    resolution: str | None = Field(None, max_length=10)
    aspect_ratio: str | None = Field(None, max_length=10)
    quality: Quality | None = None
    background: Background | None = None
    output_format: OutputFormat | None = None
    references: int | None = Field(None, ge=0, le=16, description="Pictures to work from.")

    @field_validator("tag")
    @classmethod
    def _one_word_for_each(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        plain = ("-".join(tag.replace("_", " ").split()) for tag in tags)
        return tuple(_SAME_TAGS.get(tag, tag) for tag in plain)

    @property
    def is_favorite(self) -> bool | None:
        """As it is spelled here, or elsewhere."""
        return self.favourite if self.favorite is None else self.favorite

    @property
    def wants(self) -> dict[str, Any]:
        return {name: value for name in WANTS if (value := getattr(self, name)) is not None}

    @property
    def picture_task(self) -> Task:
        """What the pictures are for, if it is not said."""
        if self.task is not None:
            return self.task
        return "edit" if self.references else "generate"
