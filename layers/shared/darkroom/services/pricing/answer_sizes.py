"""How large an answer's pictures may come out, looked at before money is spent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from darkroom.errors import InvalidParameter
from darkroom.models.door import HTTP_API, Door

if TYPE_CHECKING:
    from darkroom.models.image_request import ImageRequest
    from darkroom.models.quote import Quote

MAX_INLINE_BYTES: Final = HTTP_API.max_inline_bytes
# Of a PNG of a photograph; those of the models listed here take 1.2 to 1.9.
_BYTES_PER_PIXEL: Final = 2.1


def payload_bytes(body: str) -> int:
    """How much of `max_payload` a body takes: quotes, backslashes and control characters take twice their room."""
    return len(json.dumps(body, ensure_ascii=False).encode())


def room_for_pictures(rest: str, door: Door = HTTP_API) -> int:
    """How many bytes of pictures, as base64, fit beside the rest of a body."""
    return max(0, min(door.max_inline_bytes, (door.max_payload - payload_bytes(rest)) * 3 // 4))


def require_room(request: ImageRequest, quote: Quote, door: Door = HTTP_API) -> None:
    """Refuse PNGs by name that one answer may not have room for as base64.

    Where the format is left open, and for JPEG and WebP, which have a quality, the answer's copy is made smaller
    instead.

    Raises:
        InvalidParameter: nothing was spent.
    """
    if request.wants_links or request.output_format != "png":
        return
    expected = round(request.n * quote.pixels * _BYTES_PER_PIXEL)
    if expected <= door.max_inline_bytes:
        return
    raise InvalidParameter(
        f"The answer has room for {door.max_inline_bytes / 1e6:g} MB of pictures, and {request.n} as PNG may take "
        f"{expected / 1e6:.1f} MB.",
        fix="Ask for links with `response_format=url`, leave `output_format` out to get smaller files, or make fewer.",
        param="response_format",
        context={"expected_bytes": expected, "max_bytes": door.max_inline_bytes},
    )
