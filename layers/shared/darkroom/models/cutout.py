"""What a caller can ask of a cut-out, and what comes back."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

OutputFormat = Literal["png", "webp", "jpeg"]
Channels = Literal["rgba", "alpha"]

MEDIA_TYPES: dict[OutputFormat, str] = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}


class CutoutOptions(BaseModel):
    """How to cut out; the same names as the form fields, JSON fields and query parameters of the route."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(None, description="Segmentation model; the stack's default when absent.")
    format: OutputFormat = Field("png", description="Encoding of the result.")
    background: str | None = Field(
        None,
        max_length=500,
        description="Put behind the subject: a CSS colour (`#ff8800`, `white`), or "
        "`linear-gradient(45deg, #fff, #08f)`. Transparent when absent (white in a JPEG).",
    )
    crop: bool = Field(False, description="Crop to the subject.")
    margin: str = Field(
        "0",
        pattern=r"^\s*\d{1,4}(\.\d{1,3})?\s*(px|%)?\s*$",
        description="Room left around the subject when cropping: pixels (`20`, `20px`) or per cent of the subject's longer side (`5%`).",
    )
    channels: Channels = Field("rgba", description="`rgba`: the picture; `alpha`: the mask alone, as 8-bit grey.")
    matting: bool = Field(False, description="Refine the edge (hair, fur) by closed-form alpha matting; slower.")
    max_size: Annotated[int, Field(ge=16, le=16384)] | None = Field(
        None, description="Longest side of the result in pixels; larger results are scaled down."
    )


class BoundingBox(BaseModel):
    """The subject's box in pixels of the result; right and bottom are exclusive."""

    model_config = ConfigDict(frozen=True)

    left: int
    top: int
    width: int
    height: int


class Cutout(BaseModel):
    """A finished cut-out: encoded bytes and what is known of them."""

    model_config = ConfigDict(frozen=True)

    data: bytes = Field(repr=False)
    media_type: str
    width: int
    height: int
    subject: BoundingBox
    model: str
    timings_ms: dict[str, float] = Field(description="Milliseconds per stage, in order.")
    warnings: tuple[str, ...] = ()
