"""A form with which a browser or a script sends a file straight to the uploads bucket."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from darkroom.models.form_values import lowered


def _registered(value: Any) -> Any:
    """`image/jpg` is not registered, but common."""
    word = lowered(value)
    return {"image/jpg": "image/jpeg", "image/tif": "image/tiff"}.get(word, word) if isinstance(word, str) else word


UploadMediaType = Annotated[
    Literal[
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "image/tiff",
        "image/bmp",
        "image/avif",
        "image/heic",
        "image/heif",
    ],
    BeforeValidator(_registered),
]


class UploadRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    media_type: UploadMediaType = Field(description="What the file is; the form accepts no other Content-Type.")


class Upload(BaseModel):
    """Send `fields` and then the file, as field `file`, as multipart/form-data to `url`."""

    model_config = ConfigDict(frozen=True)

    upload_id: str
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: datetime
