"""What a caller can ask of a cut-out, and what comes back."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from darkroom.models.form_values import file_format, given, lowered
from darkroom.models.image_input import is_bare_base64, is_data_url, is_listed, job_picture, one_picture
from darkroom.models.job import Parent
from darkroom.models.segmentation import named
from darkroom.models.source import ImageSource
from darkroom.models.value import StrictValue, Value

OutputFormat = Literal["png", "jpeg", "webp"]
Channels = Annotated[Literal["rgba", "alpha"], BeforeValidator(lowered)]

_LENGTH = re.compile(r"\s*\d{1,4}(\.\d{1,3})?\s*(px|%)?\s*", re.ASCII)

MEDIA_TYPES: dict[OutputFormat, str] = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}


# Where the text of each picture may stand, whatever it is.
_TEXTS = {
    "image": ("image", "image_url"),
    "background": ("background_image", "background_url", "background"),
}


# Fields that name a picture; they have no name of the kind `image_…`.
_NAMED = ("upload_id", "job_id")
_ONCE = "give the picture exactly once: image, image_url, image_b64, upload_id or job_id"


class CutoutOptions(StrictValue):
    """How to cut out; the same names as the form fields, JSON fields and query parameters of the route."""

    model: Annotated[str | None, BeforeValidator(named)] = Field(
        None, description="Segmentation model, or `fast` for the smallest; the stack's default when absent."
    )
    format: Annotated[OutputFormat, BeforeValidator(file_format)] = Field("png", description="Encoding of the result.")
    background: str | None = Field(
        None,
        max_length=500,
        description="Put behind the subject: a CSS color (`#ff8800`, `white`), or "
        "`linear-gradient(45deg, #fff, #08f)`. Transparent when absent (white in a JPEG).",
    )
    crop: bool = Field(False, description="Crop to the subject.")
    margin: str = Field(
        "0",
        description="Room left around the subject when cropping: pixels (`20`, `20px`) or per cent of the subject's "
        "longer side (`5%`).",
    )
    channels: Channels = Field("rgba", description="`rgba`: the picture; `alpha`: the mask alone, as 8-bit grey.")
    matting: bool = Field(False, description="Refine the edge (hair, fur) by closed-form alpha matting; slower.")
    edges: Annotated[Literal["clean", "raw"], BeforeValidator(lowered)] = Field(
        "clean",
        description="`clean`: half-opaque pixels at the edge get the subject's own color; `raw`: they keep the "
        "photograph's, with what shows of the old background.",
    )
    components: Annotated[Literal["all", "largest"], BeforeValidator(lowered)] = Field(
        "all", description="`largest`: of several parts that do not touch, the largest alone."
    )
    holes: Annotated[Literal["keep", "fill"], BeforeValidator(lowered)] = Field(
        "keep", description="`fill`: what is enclosed by the subject belongs to it."
    )
    min_quality: float | None = Field(
        None,
        ge=0,
        le=1,
        description="A cut-out whose score is lower is refused (`LOW_QUALITY`); 0.5 asks for clean ones.",
    )
    max_size: Annotated[int, Field(ge=16, le=16384)] | None = Field(
        None, description="Longest side of the result in pixels; larger results are scaled down."
    )
    cloud: bool | None = Field(
        None, description="Whether remove.bg does it, which costs money; the user's setting when absent."
    )

    @field_validator("margin")
    @classmethod
    def _length(cls, margin: str) -> str:
        if not _LENGTH.fullmatch(margin):
            raise ValueError("give pixels, such as 20 or 20px, or per cent, such as 5%")
        return margin


class CutoutRequest(CutoutOptions):
    """The options, one picture, and at most one picture to put behind the subject."""

    image: bytes | None = Field(None, strict=True, repr=False, description="The file itself (multipart, or the body).")
    image_url: str | None = Field(None, max_length=2048, description="A public http(s) URL.")
    image_b64: str | None = Field(None, repr=False, description="Base64, or a data URL.")
    upload_id: str | None = Field(None, description="From POST /v1/uploads.")
    job_id: str | None = Field(None, max_length=80, description="A picture of one of your jobs: `job_…`, or `job_…/1`.")
    job_index: int | None = Field(None, ge=0, description="Which of the job's pictures, from 0; `index` is read, too.")
    background_image: bytes | None = Field(None, strict=True, repr=False)
    background_url: str | None = Field(None, max_length=2048)
    background_b64: str | None = Field(None, repr=False)
    background_upload_id: str | None = None
    max_cost_usd: Decimal | None = Field(
        None, ge=Decimal("0.000001"), le=1000, allow_inf_nan=False, description="With remove.bg; here it costs nothing."
    )

    @model_validator(mode="before")
    @classmethod
    def _by_what_it_is(cls, fields: Any) -> Any:
        """Text where a file or a URL is expected is put where its kind belongs; null is as good as absent.

        A list of one, an object and OpenAI's names are taken as edits take them.
        """
        if not isinstance(fields, Mapping):
            return fields
        said = given(fields)
        for prefix, names in _TEXTS.items():
            for name in names:
                kind = _kind(said.get(name))
                way = kind if kind in _NAMED and prefix == "image" else f"{prefix}_{kind}"
                if kind and way not in said:
                    said[way] = said.pop(name)
        for name in [each for each in said if is_listed(each, said[each])]:
            source = one_picture(name, said.pop(name))
            way = "image" if source.data is not None else "image_url" if source.url else "upload_id"
            way = "job_id" if source.job_id is not None else way
            if way in said:
                raise ValueError(_ONCE)
            said[way] = source.given[0]
            if source.job_id is not None:
                said["job_index"] = source.index
        if "job_id" in said:
            index = said.pop("index" if "index" in said else "job_index", None)
            picture = job_picture(said["job_id"], index)
            said |= {"job_id": picture.job_id, "job_index": picture.index}
        return said

    @model_validator(mode="after")
    def _one_picture(self) -> Self:
        if len(self.source.given) != 1:
            raise ValueError(_ONCE)
        if self.job_index is not None and self.job_id is None:
            raise ValueError("job_index says which picture of a job; give its job_id, too")
        if len(self.behind.given) + (self.background is not None) > 1:
            raise ValueError(
                "give at most one of background, background_image, background_url, background_b64, background_upload_id"
            )
        return self

    @property
    def source(self) -> ImageSource:
        name = "image" if self.job_id is None else "job_id"
        ways = (self.image, self.image_url, self.image_b64, self.upload_id, self.job_id)
        return ImageSource(name, *ways, index=self.job_index or 0)

    @property
    def behind(self) -> ImageSource:
        return ImageSource(
            "background",
            self.background_image,
            self.background_url,
            self.background_b64,
            self.background_upload_id,
        )

    @property
    def options(self) -> CutoutOptions:
        return CutoutOptions.model_validate(
            self.model_dump(include=set(CutoutOptions.model_fields), exclude_unset=True)
        )

    @property
    def shown(self) -> dict[str, Any]:
        """What was asked for and of which picture, without the bytes; a URL without its query, which can be a
        credential.
        """
        shown: dict[str, Any] = {"options": self.options.model_dump(mode="json", exclude_unset=True)}
        if self.image_url:
            return {**shown, "image_url": self.image_url.partition("?")[0]}
        if self.job_id:
            return {**shown, "job_id": self.job_id, "job_index": self.job_index or 0}
        return {**shown, "upload_id": self.upload_id} if self.upload_id else shown


def _kind(value: Any) -> Literal["url", "b64", "upload_id", "job_id"] | None:
    """Which of the fields for a picture such a text belongs into."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if is_data_url(text):
        return "b64"
    if text[:8].lower().startswith(("http://", "https://")):
        return "url"
    if is_bare_base64(text):
        return "b64"
    return "upload_id" if text.startswith("upl_") else "job_id" if text.startswith("job_") else None


class BoundingBox(Value):
    """The subject's box in pixels of the result; right and bottom are exclusive."""

    left: int
    top: int
    width: int
    height: int


QualityReason = Literal["fog", "small_subject", "several_subjects", "touching_border"]


class Quality(Value):
    """How good a cut-out is likely to be, told by its mask."""

    score: float = Field(ge=0, le=1, description="The higher, the surer.")
    verdict: Literal["clean", "look"] = Field(description="`look`: somebody should.")
    reasons: tuple[QualityReason, ...] = Field(
        description="`fog`: the model could not decide about a part; `small_subject`: hardly anything was found. "
        "`several_subjects` and `touching_border` may be as they should, and do not change the score."
    )
    box: BoundingBox | None = Field(None, description="What to look at, in pixels of the result; null where clean.")


class Cutout(Value):
    """A finished cut-out: encoded bytes and what is known of them."""

    data: bytes = Field(repr=False)
    media_type: str
    width: int
    height: int
    subject: BoundingBox
    quality: Quality | None = Field(None, description="None where another has cut it out.")
    model: str
    timings_ms: dict[str, float] = Field(description="Milliseconds per stage, in order.")
    warnings: tuple[str, ...] = ()
    parent: Parent | None = Field(None, description="The picture that it was cut out of, where a request brought it.")
