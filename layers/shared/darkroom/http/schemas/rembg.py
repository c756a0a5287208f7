"""The routes of `rembg s`. https://github.com/danielgatis/rembg"""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from darkroom.http.operation import IMAGES, JSON, MULTIPART, Content, Operation


class RembgQuery(BaseModel):
    """Sent in the query, or in a form's fields."""

    model_config = ConfigDict(defer_build=True, extra="ignore")

    url: str | None = Field(None, description="Of the picture (GET).")
    token: str | None = Field(None, description="A Darkroom token, where no header can be sent.")
    model: str | None = None
    a: bool | str = Field(False, description="Refines the edge by alpha matting.")
    af: int | str | None = Field(None, description="Of rembg's matting; the one here needs none.")
    ab: int | str | None = None
    ae: int | str | None = None
    om: bool | str = Field(False, description="The mask alone.")
    ppm: bool | str = Field(False, description="Masks are always cleaned here.")
    bgc: str | None = Field(None, description="`red,green,blue,alpha`, put behind the subject.")
    extras: str | None = Field(None, description="Refused.")


class RembgForm(RembgQuery):
    file: str = Field(description="The picture.", json_schema_extra={"format": "binary"})


class RembgError(BaseModel):
    """As FastAPI has it; beside it stand the fields of a problem."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    detail: str


_ANSWERS: Final[dict[int, Content]] = {200: {IMAGES: "bytes"}, 303: {"text/plain": "text"}}
_ERRORS: Final = {JSON: RembgError}
REMBG_URL: Final = Operation("GET /api/remove", _ANSWERS, query=RembgQuery, errors=_ERRORS)
REMBG: Final = Operation("POST /api/remove", _ANSWERS, body={MULTIPART: RembgForm}, query=RembgQuery, errors=_ERRORS)
