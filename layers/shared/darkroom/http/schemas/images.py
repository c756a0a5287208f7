"""Pictures from words and over pictures: what comes in and goes out.

A request is read by `models.image_request`, which takes a picture in many ways; these models declare the ways.
"""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from darkroom.http.operation import (
    IMAGES,
    JSON,
    Answer,
    Operation,
    absent,
    fields,
)
from darkroom.http.schemas.common import PaidHeaders, Usd
from darkroom.http.schemas.jobs import Cost, Image, Job, ParentLine
from darkroom.http.server_events import EVENTS
from darkroom.models.cutout import CutoutOptions, FinishOptions, QualityReason
from darkroom.models.image_request import MOST_INPUTS, ImageRequest

File = Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]


class PictureByUrl(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")

    image_url: str | dict[str, Any] = Field(description="An http(s) URL or a data URL, or an object with `url`.")


class PictureByFile(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")

    file_id: str = Field(description="From POST /v1/uploads.")


class PictureByJob(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")

    job_id: str
    index: int = Field(0, ge=0, description="Which of the job's pictures.")


class PictureByBytes(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")

    b64_json: str = Field(description="Base64.")


Text = Annotated[
    str, Field(description="A data URL, an http(s) URL, base64, `upl_…`, or a job's picture (`job_…`, `job_…/1`).")
]
Picture = Text | PictureByUrl | PictureByFile | PictureByJob | PictureByBytes


class NamedPictures(BaseModel):
    """The ways in which JSON hands over pictures."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    image: Picture | list[Picture] | None = Field(None, description="One, or several; a mask is for the first.")
    images: list[Picture] | Picture | None = None
    image_url: str | None = Field(None, max_length=2048)
    image_b64: str | None = None
    upload_id: str | None = Field(None, description="From POST /v1/uploads.")
    file_id: str | None = Field(None, description="The same, by OpenAI's name.")
    job_id: str | None = None
    job_index: int | None = Field(None, ge=0, description="Which of the job's pictures, from 0.")


class SentPictures(BaseModel):
    """The ways in which a form hands over pictures: files, and by name as JSON does."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    image: File | list[File] | None = Field(None, description="One file, or several (`image[]`, too).")
    image_url: str | None = Field(None, max_length=2048)
    upload_id: str | None = None
    job_id: str | None = None


class EditBody(ImageRequest, NamedPictures):
    """Up to 16 pictures, of which the first is the one that a mask is for."""

    images: list[Picture] | Picture | None = Field(None, max_length=MOST_INPUTS)
    mask: Picture | None = Field(None, description="Transparent where the first picture may change.")


class EditForm(ImageRequest, SentPictures):
    mask: File | None = Field(None, description="Transparent where the first picture may change.")


class ImageData(Answer):
    """One picture: `b64_json` or `url`, never both."""

    b64_json: str | None = absent()
    url: str | None = absent()
    media_type: str
    width: int
    height: int


class ImagesAnswer(Answer):
    """OpenAI's answer, with what Darkroom knows beside it."""

    created: int
    data: tuple[ImageData, ...]
    background: str | None = absent()
    output_format: str | None = absent()
    quality: str | None = absent()
    size: str | None = absent()
    usage: dict[str, Any] | None = absent("Tokens, as the provider counts them.")
    model_requested: str | None
    model_used: str | None
    provider: str | None
    generation_id: str | None
    cost: Cost
    warnings: tuple[str, ...]
    lineage: tuple[ParentLine, ...]
    job: Job


class DrawnBody(BaseModel):
    """Pictures beside the one that is cut out."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    keep: Picture | None = Field(
        None,
        description="A mask of the picture's shape, of any size, as the picture is shown the right way up: what is "
        "white in it belongs to the subject. Where it is transparent it counts as black.",
    )
    erase: Picture | None = Field(None, description="The same for what does not belong to it.")
    background_url: str | None = Field(None, max_length=2048)
    background_b64: str | None = None
    background_upload_id: str | None = None


class DrawnForm(DrawnBody):
    keep: File | None = None  # type: ignore[assignment]  # a file where JSON has text
    erase: File | None = None  # type: ignore[assignment]
    background_image: File | None = None


class RefineBody(FinishOptions, DrawnBody):
    """What is to be otherwise than at first: nothing that was asked for then is asked for again by itself."""


class RefineForm(FinishOptions, DrawnForm):
    """The same with files."""


class CutoutBody(CutoutOptions, DrawnBody):
    """The options and one picture, and at most one picture to put behind the subject."""

    image: Picture | None = None
    image_url: str | None = Field(None, max_length=2048, description="A public http(s) URL.")
    image_b64: str | None = Field(None, description="Base64, or a data URL.")
    upload_id: str | None = Field(None, description="From POST /v1/uploads; `file_id`, too.")
    job_id: str | None = Field(None, description="A picture of one of your jobs: `job_…`, or `job_…/1`.")
    job_index: int | None = Field(None, ge=0, description="Which of the job's pictures, from 0; `index`, too.")
    max_cost_usd: Decimal | None = Field(
        None, ge=Decimal("0.000001"), le=1000, description="With remove.bg; here it costs nothing."
    )


class CutoutForm(CutoutBody, DrawnForm):
    image: File | None = None  # type: ignore[assignment]  # a file where JSON has text
    keep: File | None = None  # type: ignore[assignment]
    erase: File | None = None  # type: ignore[assignment]


class Box(Answer):
    """The subject's box in pixels of the result."""

    left: int
    top: int
    width: int
    height: int


class CutoutQuality(Answer):
    """Told by the mask: docs/models.md says how far it can be relied on."""

    score: float
    verdict: Literal["clean", "look"]
    reasons: tuple[QualityReason, ...]
    box: Box | None


class ModelStep(Answer):
    """One of the models that `auto` has asked."""

    model: str
    score: float | None
    verdict: Literal["clean", "look", "nothing"]
    ms: float


class BackgroundRemoval(Image):
    object: Literal["background_removal"] = "background_removal"
    model: str
    subject: Box | None = absent()
    quality: CutoutQuality | None = absent("How good it is likely to be; not where remove.bg has cut it out.")
    timings_ms: dict[str, float] | None = absent("Milliseconds per stage.")
    steps: tuple[ModelStep, ...] | None = absent("With `model=auto`: the models that were asked, in their order.")
    refinable: bool | None = absent("Whether POST /v1/jobs/{job_id}/refine can make it once more.")
    warnings: tuple[str, ...]
    cost_usd: Usd | None
    job: Job


class PostponedRemoval(Job):
    """The job of a cut-out that takes longer than an answer may."""

    charged: Literal[False]


TRY_LATER: Final = {202: {JSON: Job}}

GENERATE: Final = Operation(
    "POST /v1/images/generations",
    {200: {JSON: ImagesAnswer, EVENTS: "text"}, **TRY_LATER},
    body=fields(ImageRequest),
    headers=PaidHeaders,
)
EDIT: Final = Operation(
    "POST /v1/images/edits",
    {200: {JSON: ImagesAnswer, EVENTS: "text"}, **TRY_LATER},
    body=fields(EditBody, EditForm),
    headers=PaidHeaders,
)
ZIP: Final = "application/zip"
REMOVE_BACKGROUND: Final = Operation(
    "POST /v1/images/background-removals",
    {
        200: {JSON: BackgroundRemoval, IMAGES: "bytes", ZIP: "bytes"},
        202: {JSON: PostponedRemoval | Job},
        303: {"text/plain": "text"},
    },
    body={**fields(CutoutBody, CutoutForm), IMAGES: "bytes"},
    query=CutoutOptions,
    headers=PaidHeaders,
)
REFINE: Final = Operation(
    "POST /v1/jobs/{job_id}/refine",
    {200: {JSON: BackgroundRemoval, IMAGES: "bytes", ZIP: "bytes"}, 303: {"text/plain": "text"}},
    body=fields(RefineBody, RefineForm),
    query=FinishOptions,
)
