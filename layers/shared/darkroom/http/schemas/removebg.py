"""remove.bg's routes, as its own document declares them. https://www.remove.bg/api"""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from darkroom.http.operation import IMAGES, JSON, Answer, Operation, fields, json_of


class RemoveBgError(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")

    title: str
    code: str
    detail: str | None = None


class RemoveBgErrors(Answer):
    errors: tuple[RemoveBgError, ...]


class RemoveBgOrder(BaseModel):
    """One picture, as a file, base64 or a URL, and how it is to be cut out."""

    model_config = ConfigDict(defer_build=True, extra="ignore")

    image_file: str | None = Field(None, description="The file (multipart/form-data).")
    image_file_b64: str | None = None
    image_url: str | None = None
    size: str = Field("preview", description="`preview`, `small`, `regular`, `medium`, `hd`, `full`, `4k`, `auto`.")
    type: str = "auto"
    type_level: str = "1"
    format: str = Field("auto", description="`auto`, `png`, `jpg`, `webp`, `zip`.")
    roi: str | None = Field(None, description="`x1 y1 x2 y2`, pixels or per cent.")
    crop: bool | str = False
    crop_margin: str | None = None
    scale: str | None = None
    position: str | None = None
    channels: str = "rgba"
    add_shadow: bool | str = False
    semitransparency: bool | str = True
    bg_color: str | None = None
    bg_image_url: str | None = None
    bg_image_file: str | None = Field(None, description="The file (multipart/form-data).")


class RemovedBackground(Answer):
    data: dict[str, Any]


class RemoveBgAccount(Answer):
    data: dict[str, Any]


ERRORS: Final = {JSON: RemoveBgErrors}
REMOVE_BG: Final = Operation(
    "POST /v1.0/removebg",
    {
        200: {JSON: RemovedBackground, IMAGES: "bytes", "application/zip": "bytes"},
        303: {"text/plain": "text"},
    },
    body=fields(RemoveBgOrder),
    errors=ERRORS,
)
SHOW_REMOVE_BG_ACCOUNT: Final = Operation("GET /v1.0/account", json_of(RemoveBgAccount), errors=ERRORS)
IMPROVE: Final = Operation("POST /v1.0/improve", json_of(RemoveBgErrors, 400), errors=ERRORS)
