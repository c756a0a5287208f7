"""What the tools take. What is said of each field is read by models, which choose by it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from darkroom.models.image_request import Background, OutputFormat, Quality
from darkroom.models.recipe import MOST_PICTURES
from darkroom.models.upload import UploadMediaType

_PICTURE: Final = (
    "A picture: an http(s) URL, a data URL, base64, an upload (`upl_…`, see upload_url), or a picture that was made "
    "before (`job_…`, or `job_…/1` for its second)."
)
Picture = Annotated[str, Field(min_length=1, description=_PICTURE)]
Prompt = Annotated[str, Field(min_length=1, description="What the picture is to show, or what is to change.")]
Model = Annotated[
    str, Field(min_length=1, max_length=200, description="As list_models has it; absent: the user's own.")
]
MaxCost = Annotated[
    Decimal,
    Field(
        ge=Decimal("0.000001"),
        le=1000,
        allow_inf_nan=False,
        description="Dollars that this may cost at the most. Without it nothing is done or charged, and a quote is "
        "answered.",
    ),
]
Size = Annotated[str, Field(max_length=20, description="`1536x1024`, `2K` or `auto`.")]


class Arguments(BaseModel):
    """Those that are null are left out, as some models write them."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    @property
    def said(self) -> dict[str, Any]:
        return self.model_dump(mode="python", exclude_none=True)


class GenerateImage(Arguments):
    prompt: Prompt
    model: Model | None = None
    n: int = Field(1, ge=1, le=10, description="How many pictures.")
    size: Size | None = None
    aspect_ratio: str | None = Field(None, max_length=10, description="`16:9`; in the place of a size.")
    quality: Quality | None = None
    background: Background | None = Field(None, description="`transparent` has the subject cut out where needed.")
    output_format: OutputFormat | None = None
    negative_prompt: str | None = Field(None, min_length=1, max_length=4000, description="What is not to be shown.")
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    max_cost_usd: MaxCost | None = None


class EditImage(Arguments):
    image: Picture
    prompt: Prompt
    other_images: list[Picture] | None = Field(None, max_length=15, description="Further pictures to work from.")
    mask: Picture | None = Field(None, description=f"Transparent where the picture may change. {_PICTURE}")
    model: Model | None = None
    n: int = Field(1, ge=1, le=10, description="How many pictures.")
    size: Size | None = None
    aspect_ratio: str | None = Field(None, max_length=10, description="`16:9`; in the place of a size.")
    quality: Quality | None = None
    background: Background | None = None
    output_format: OutputFormat | None = None
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    max_cost_usd: MaxCost | None = None


class RemoveBackground(Arguments):
    image: Picture
    background: str | None = Field(
        None, max_length=500, description="Put behind the subject: a CSS color or linear-gradient(…). Absent: nothing."
    )
    format: Literal["png", "jpeg", "webp"] | None = Field(None, description="`png` when absent.")
    crop: bool | None = Field(None, description="Crop to the subject.")
    margin: str | None = Field(None, max_length=10, description="Room around the subject when cropping: `20px`, `5%`.")
    model: str | None = Field(None, max_length=200, description="That cuts out; list_models for `remove` has them.")
    cloud: bool | None = Field(None, description="Have remove.bg do it, for money. It costs nothing otherwise.")
    max_cost_usd: MaxCost | None = None


class EditInChat(Arguments):
    message: str = Field(
        min_length=1, description="What is to be done, as one says it: `warmer, and crop it to a square`, `undo that`."
    )
    conversation_id: str | None = Field(
        None, min_length=1, max_length=64, description="Of an earlier answer, to go on. Absent: a new one begins."
    )
    image: Picture | None = Field(None, description=f"With which a new conversation begins. {_PICTURE}")
    model: str | None = Field(None, min_length=1, max_length=200, description="That plans; absent: the user's own.")
    image_model: str | None = Field(None, min_length=1, max_length=200, description="That paints, where need be.")
    max_cost_usd: MaxCost | None = None


class ApplyRecipe(Arguments):
    recipe: str | dict[str, Any] = Field(
        description='The name of one that is kept, or `{"steps": [{"op": "sepia"}, {"op": "resize", "width": 800}]}`.'
    )
    images: list[Picture] = Field(min_length=1, max_length=MOST_PICTURES)
    allow_paid: bool | None = Field(None, description="Whether painted steps are painted again, for money.")
    max_cost_usd: MaxCost | None = Field(None, description="Of all pictures together; only painted steps cost.")


class ListModels(Arguments):
    task: Literal["generate", "edit", "turn", "chat", "remove"] | None = Field(
        None, description="What it is to do; `turn` plans edits in a conversation, `remove` cuts out."
    )
    search: str | None = Field(None, max_length=200, description="Words that its name or description holds.")
    recommend: Literal["cheapest", "fastest"] | None = Field(None, description="The best comes first.")
    sort: Literal["price", "latency", "name"] | None = None
    free: bool | None = None
    max_price_usd: Decimal | None = Field(None, ge=0, le=1000, allow_inf_nan=False, description="For one.")
    limit: int = Field(15, ge=1, le=100)


class EstimateCost(Arguments):
    task: Literal["generate", "edit", "turn", "remove"] = Field(
        description="`turn`: one message of a conversation, with a painting."
    )
    model: Model | None = None
    n: int | None = Field(None, ge=1, le=10, description="Pictures in one request.")
    size: Size | None = None
    quality: Quality | None = None
    references: int | None = Field(None, ge=0, le=16, description="Of an edit: how many pictures it works from.")
    times: int = Field(1, ge=1, le=1_000_000, description="How often.")


class GetJob(Arguments):
    job_id: str = Field(min_length=1, max_length=64)
    wait_seconds: float = Field(0, ge=0, le=45, description="For how long to wait until it is over.")


class ListImages(Arguments):
    search: str | None = Field(None, max_length=200, description="Words that are all in the prompt.")
    model: str | None = Field(None, min_length=1, max_length=200)
    conversation_id: str | None = Field(None, min_length=1, max_length=64)
    favorite: bool | None = None
    limit: int = Field(10, ge=1, le=50)
    cursor: str | None = Field(None, description="`next_cursor` of the answer before.")


class UploadUrl(Arguments):
    media_type: UploadMediaType = Field(description="What the file is.")


def input_schema(model: type[Arguments]) -> dict[str, Any]:
    """As clients are told: without null where a field may be left out, and without names that only we use."""
    return dict(_plain(model.model_json_schema(), has_nulls=False))


def output_schema(model: type[BaseModel], refusal: type[BaseModel]) -> dict[str, Any]:
    """Of an answer or a refusal: clients look at either."""
    either: Any = model | refusal
    schema = TypeAdapter(either).json_schema(mode="serialization", by_alias=True)
    return {"type": "object", **_plain(schema, has_nulls=True)}


def _plain(value: Any, *, has_nulls: bool) -> Any:
    if isinstance(value, list):
        return [_plain(each, has_nulls=has_nulls) for each in value]
    if not isinstance(value, Mapping):
        return value
    made = {
        name: _plain(each, has_nulls=has_nulls)
        for name, each in value.items()
        if not (name == "title" and isinstance(each, str))
    }
    kinds = made.get("anyOf")
    if has_nulls or not isinstance(kinds, list) or _NULL not in kinds:
        return made
    rest = {name: each for name, each in made.items() if name not in ("anyOf", "default")}
    left = [each for each in kinds if each != _NULL]
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}


_NULL: Final = {"type": "null"}
