"""A form with which a browser or a script sends a file straight to the uploads bucket."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from darkroom.models.form_values import lowered
from darkroom.models.value import StrictValue, Value

# Not registered, or of a sequence, but common.
_OTHER_NAMES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/tif": "image/tiff",
    "image/x-bmp": "image/bmp",
    "image/x-ms-bmp": "image/bmp",
    "image/heic-sequence": "image/heic",
    "image/heif-sequence": "image/heif",
}


def _registered(value: Any) -> Any:
    """A media type in lower case, under its registered name, without parameters."""
    word = lowered(value)
    if not isinstance(word, str):
        return word
    bare = word.partition(";")[0].rstrip()
    return _OTHER_NAMES.get(bare, bare)


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


class UploadRequest(StrictValue):
    media_type: UploadMediaType = Field(description="What the file is; the form accepts no other Content-Type.")


class Upload(Value):
    """Send `fields` and then the file, as field `file`, as multipart/form-data to `url`."""

    upload_id: str
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: datetime
