"""What a caller can ask of a cut-out, and what comes back."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import Struct
from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from darkroom.models.form_values import file_format, lowered, unfolded
from darkroom.models.job import Parent
from darkroom.models.presets import preset_named
from darkroom.models.segmentation import named
from darkroom.models.subject import Position, Subject, subject_of, subject_text
from darkroom.models.value import StrictValue, Value

OutputFormat = Literal["png", "jpeg", "webp", "zip"]
Channels = Annotated[Literal["rgba", "alpha"], BeforeValidator(lowered)]

_LENGTH = re.compile(r"\s*\d{1,4}(\.\d{1,3})?\s*(px|%)?\s*", re.ASCII)
_SIZE = re.compile(r"\s*(\d{1,5})(?:\s*[xX×*]\s*(\d{1,5}))?\s*(?:px)?\s*", re.ASCII)
_LEAST_SIDE, _MOST_SIDE, _MOST_PIXELS = 16, 16384, 50_000_000

MEDIA_TYPES: dict[OutputFormat, str] = {
    "png": "image/png",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "zip": "application/zip",
}


def _size_text(value: Any) -> Any:
    """`1200x800` for what says so: `1200`, `1200 x 800`, `[1200, 800]`, `{width, height}`."""
    value = unfolded(value)
    if isinstance(value, Mapping) and set(value) == {"width", "height"}:
        value = [value["width"], value["height"]]
    if isinstance(value, list | tuple) and len(value) == 2:
        value = f"{value[0]}x{value[1]}"
    if value is None:
        return None
    found = _SIZE.fullmatch(str(value)) if type(value) in (str, int) else None
    if found is None:
        raise ValueError("give width and height in pixels, such as 2000x2000")
    width, height = int(found[1]), int(found[2] or found[1])
    sides = (width, height)
    if min(sides) < _LEAST_SIDE or max(sides) > _MOST_SIDE or width * height > _MOST_PIXELS:
        raise ValueError(
            f"give {_LEAST_SIDE} to {_MOST_SIDE} pixels a side, and at most {_MOST_PIXELS // 10**6} megapixels"
        )
    return f"{width}x{height}"


class FinishOptions(StrictValue):
    """What is made of a picture and its mask."""

    subject: Annotated[
        str | None,
        BeforeValidator(subject_text),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {}}, {"type": "object"}]}),
    ] = Field(
        None,
        max_length=500,
        description="Which part of the picture is meant: a box, `left top right bottom` (`10% 10% 90% 80%`, in pixels "
        "without the per cent sign), outside of which nothing is; or points on it, `x y; x y`. In JSON also "
        "`[left, top, right, bottom]`, `[[x, y], …]`, `{left, top, width, height}` or `{x, y}`.",
    )
    format: Annotated[OutputFormat, BeforeValidator(file_format)] = Field(
        "png", description="Encoding of the result; `zip` holds `color.jpg` and `alpha.png`."
    )
    background: str | None = Field(
        None,
        max_length=500,
        description="Put behind the subject: a CSS color (`#ff8800`, `white`), or "
        "`linear-gradient(45deg, #fff, #08f)`. Transparent when absent (white in a JPEG).",
    )
    crop: bool = Field(False, description="Crop to the subject.")
    margin: str = Field(
        "0",
        description="Room left around the subject when cropping, as far as there is picture: pixels (`20`, `20px`) or "
        "per cent of the subject's longer side (`5%`).",
    )
    channels: Channels = Field("rgba", description="`rgba`: the picture; `alpha`: the mask alone, as 8-bit grey.")
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
    max_size: Annotated[int, Field(ge=16, le=16384)] | None = Field(
        None, description="Longest side of the result in pixels; larger results are scaled down."
    )
    fit: Annotated[str | None, BeforeValidator(_size_text)] = Field(
        None,
        max_length=20,
        description="A canvas of exactly so many pixels (`2000x2000`), on which the subject is put as large as `fill` "
        "says.",
    )
    fill: float = Field(
        85,
        ge=5,
        le=100,
        description="With `fit`: how much of the canvas's width or height the subject takes, in per cent.",
    )
    position: Annotated[Position, BeforeValidator(lowered)] = Field("center", description="With `fit`: where it is.")
    pad: str = Field(
        "0",
        max_length=60,
        description="Room around the result, transparent or of the background: one to four lengths in the order of CSS "
        "(`5%`, `10px 40px`). With `fit` it is inside of the canvas.",
    )
    shadow: Annotated[Literal["none", "contact", "cast"], BeforeValidator(lowered)] = Field(
        "none",
        description="On the ground that the subject stands on: `contact`, soft and under it; `cast`, its outline laid "
        "down. Where the subject is cropped the result has room for it.",
    )
    shadow_direction: float = Field(
        60,
        ge=0,
        le=360,
        description="Where it falls: 0 away from the viewer, 90 right, 180 toward the viewer, 270 left.",
    )
    shadow_strength: float = Field(55, ge=0, le=100, description="In per cent; 100 is black where it is darkest.")
    shadow_softness: float = Field(50, ge=0, le=100, description="In per cent.")
    dpi: int | None = Field(
        None, ge=1, le=4800, description="Pixels per inch that the file says; the picture's own when absent."
    )
    preset: Annotated[str | None, BeforeValidator(lowered)] = Field(
        None,
        max_length=64,
        description="A built-in frame (`marketplace-square`; GET /v1/recipes?built_in=true lists them): sets what is "
        "not set here.",
    )

    @field_validator("margin")
    @classmethod
    def _length(cls, margin: str) -> str:
        if not _LENGTH.fullmatch(margin):
            raise ValueError("give pixels, such as 20 or 20px, or per cent, such as 5%")
        return margin

    @field_validator("subject")
    @classmethod
    def _box_or_points(cls, subject: str | None) -> str | None:
        if subject is not None:
            subject_of(subject)
        return subject

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, preset: str | None) -> str | None:
        if preset is not None:
            preset_named(preset)
        return preset

    @property
    def meant(self) -> Subject | None:
        return None if self.subject is None else subject_of(self.subject)

    @property
    def canvas(self) -> tuple[int, int] | None:
        """What `fit` says, in pixels."""
        if self.fit is None:
            return None
        width, _, height = self.fit.partition("x")
        return int(width), int(height)


class CutoutOptions(FinishOptions):
    """How to cut out; the same names as the form fields, JSON fields and query parameters of the route."""

    model: Annotated[str | None, BeforeValidator(named)] = Field(
        None,
        description="Segmentation model, `fast` for the smallest, or `auto`: the fastest, and where its cut-out is not "
        "clean the next better ones that are installed. The stack's default when absent.",
    )
    matting: bool = Field(False, description="Refine the edge (hair, fur) by closed-form alpha matting; slower.")
    min_quality: float | None = Field(
        None,
        ge=0,
        le=1,
        description="A cut-out whose score is lower is refused (`LOW_QUALITY`); 0.5 asks for clean ones.",
    )
    cloud: bool | None = Field(
        None, description="Whether remove.bg does it, which costs money; the user's setting when absent."
    )
    sandbox: bool = Field(
        False,
        description="Where remove.bg would be paid, a small one with a watermark is made here instead, for nothing.",
    )


class Beside(Struct, frozen=True):
    """Files beside the one that is cut out: a picture behind the subject, and masks that were drawn by hand."""

    behind: bytes | None = None
    keep: bytes | None = None
    erase: bytes | None = None


NOTHING_BESIDE: Final = Beside()


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


class Step(Value):
    """One of the models that were asked for a cut-out, and how it did."""

    model: str
    score: float | None = Field(None, description="None where it found nothing.")
    verdict: Literal["clean", "look", "nothing"]
    ms: float = Field(description="Milliseconds.")


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
    steps: tuple[Step, ...] = Field((), description="With `auto`: the models that were asked, in their order.")
    original: bytes | None = Field(None, repr=False, description="The picture's file, to be refined from.")
    alpha: bytes | None = Field(None, repr=False, description="Its mask as a PNG, to be refined from.")
