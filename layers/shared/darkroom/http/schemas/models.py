"""Models and estimates: what comes in and goes out."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.http.operation import JSON, Answer, Operation, absent, fields, json_of
from darkroom.http.schemas.common import OPENROUTERS, Moment
from darkroom.http.schemas.openrouter_models import ModelCount, ModelEndpoints, PublishedModels
from darkroom.models.estimate_item import MOST_ITEMS, MOST_TIMES, Kind
from darkroom.models.model_query import ModelQuery
from darkroom.models.model_row import Task


class Amount(Answer):
    """Micro-dollars beside the dollars, and credits: null is unknown, never free."""

    usd: float | None
    micro_usd: int | None
    credits: float | None


class ParameterLine(Answer):
    """What a parameter takes."""

    type: str
    values: tuple[str, ...] | None = absent()
    min: int | float | None = absent()
    max: int | float | None = absent()


class PriceLine(Answer):
    """A line of the price list."""

    billable: str
    unit: str
    usd: str | None = Field(description="Dollars per unit, exactly; null is unknown, never free.")
    display: str | None = Field(description="To be read by people: tokens and pixels by the million.")
    variant: str | None
    source: str | None = Field(description="Who takes it, where several serve the model.")


class Measured(Answer):
    """Of the last hundred runs here or so."""

    runs: int
    success_rate: float | None
    median_seconds: float | None
    p95_seconds: float | None


class NoteLine(Answer):
    best_for: str
    limits: str | None


class ModelLine(Answer):
    """A model with today's prices, what it takes and how it did here."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    shutdown_date: str | None
    name: str
    description: str
    tags: tuple[str, ...]
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    context_length: int | None
    max_completion_tokens: int | None
    capabilities: dict[str, ParameterLine]
    options: tuple[str, ...]
    prices: tuple[PriceLine, ...]
    estimates: dict[Task, Amount] = Field(description="Of one ordinary picture or turn.")
    measured: Measured | None
    median_ms: int | None = Field(description="That it took here, from the dispatch to the end; null while untried.")
    note: NoteLine | None
    good_for: str | None
    recommended: bool
    recommended_for: tuple[Task, ...] = Field(description="For what the stack takes it by itself.")
    favorite: bool
    favourite: bool = Field(description="As `favorite`.", json_schema_extra={"deprecated": True})
    as_of: Moment | None
    stale: bool


class NamedModelLine(ModelLine):
    """A model as it was asked for, by any of its names."""

    model_requested: str
    warnings: tuple[str, ...]


class OneModel(NamedModelLine):
    age_seconds: int


class Recommendation(Answer):
    id: str | None
    by: Literal["cheapest", "fastest"]
    for_: Task = Field(alias="for")
    why: str


class ModelList(Answer):
    object: Literal["list"] = "list"
    data: tuple[ModelLine, ...]
    total: int
    recommendation: Recommendation | None = absent()
    as_of: Moment
    age_seconds: int
    stale: bool


class SegmentationLine(Answer):
    """A model that cuts pictures out, here and at no cost."""

    id: str
    object: Literal["model"] = "model"
    best_for: str
    license: str
    license_note: str
    commercial: bool = Field(description="Whether its publisher allows commercial use.")
    acknowledged: bool = Field(description="Whether it may be used here: some want the operator to say so.")
    default: bool
    installed: bool = Field(description="Whether this stack has its weights, so that it can be named.")


class SegmentationList(Answer):
    object: Literal["list"] = "list"
    data: tuple[SegmentationLine, ...]
    total: int


class Comparison(Answer):
    object: Literal["comparison"] = "comparison"
    data: tuple[NamedModelLine, ...]
    cheapest: dict[Task, str | None]
    fastest: str | None
    as_of: Moment
    age_seconds: int
    stale: bool


class ComparisonQuery(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    ids: str = Field("", description="Names of models, with commas between them.")


class EstimateLine(Answer):
    for_: Kind = Field(alias="for")
    model_requested: str
    model: str
    times: int
    each: Amount
    total: Amount
    reserve: Amount = Field(description="What is set aside for one; null is unknown, as of a turn told by its tokens.")
    calls: int = Field(description="Of the provider, for one.")
    warnings: tuple[str, ...]


class Estimate(Answer):
    object: Literal["estimate"] = "estimate"
    items: tuple[EstimateLine, ...]
    total: Amount = Field(description="Null if one of them is unknown.")
    known: Amount = Field(description="Of those that are known.")


class EstimateItem(BaseModel):
    """A request as it would be sent, or what it comes to: all fields of a picture's or a chat's request are taken."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    for_: Kind | None = Field(
        None, alias="for", description="Told from the fields when absent, but of a `turn` and a removal (`remove`)."
    )
    times: int = Field(1, ge=1, le=MOST_TIMES)
    references: int | None = Field(None, ge=0, le=16, description="Pictures to work from, instead of the pictures.")
    model: str | None = Field(None, min_length=1, max_length=200)
    prompt: str | None = Field(None, min_length=1)
    prompt_tokens: int | None = Field(None, ge=0, le=10_000_000, description="Of a chat.")
    completion_tokens: int | None = Field(None, ge=0, le=10_000_000)
    pictures: int | None = Field(None, ge=0, le=100, description="That a chat is shown, each of a megapixel.")
    messages: list[dict[str, Any]] | None = None
    paint: bool = Field(False, description="Of a turn: whether it paints.")
    image_model: str | None = Field(None, min_length=1, max_length=200, description="Of a turn that paints.")


class EstimateRequest(EstimateItem):
    """One request, or up to 100 as `items` and nothing beside them."""

    items: list[EstimateItem] | None = Field(None, min_length=1, max_length=MOST_ITEMS)


LIST_MODELS: Final = Operation(
    "GET /v1/models",
    {200: {JSON: ModelList | SegmentationList | PublishedModels}},
    query=ModelQuery,
    errors=OPENROUTERS,
)
COMPARE_MODELS: Final = Operation("GET /v1/models/compare", json_of(Comparison), query=ComparisonQuery)
SHOW_MODEL: Final = Operation(
    "GET /v1/models/{proxy+}",
    {200: {JSON: OneModel | ModelCount | ModelEndpoints | PublishedModels}},
    errors=OPENROUTERS,
)
ESTIMATE: Final = Operation("POST /v1/estimates", {200: {JSON: Estimate}}, body=fields(EstimateRequest))
