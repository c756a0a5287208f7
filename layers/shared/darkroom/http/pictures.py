"""Stored pictures as answers: a thumbnail itself, which browsers keep, or the way to the picture."""

from datetime import datetime
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, see_other
from darkroom.http.schemas.jobs import PictureQuery
from darkroom.models.job import StoredImage
from darkroom.services.thumbnails import MEDIA_TYPE

# Changes with the way in which they are made.
_MAKE: Final = "t1"


def answer_picture(
    app: Application, api: Api, image: StoredImage, *, made_at: datetime, until: datetime | None
) -> Response[Any]:
    """Raises what Thumbnails.of does, and InvalidParameter.

    Args:
        until: when the picture is removed.
    """
    query = api.query_as(PictureQuery)
    if query.size == "thumb":
        # The address has the picture's digest, so nothing else will ever be there.
        is_fixed = query.v is not None and len(query.v) >= 12 and image.sha256.startswith(query.v)
        etag = f'"{image.sha256[:32]}-{_MAKE}"'
        headers = {
            "cache-control": f"private, {'max-age=31536000, immutable' if is_fixed else 'no-cache'}",
            "etag": etag,
            "vary": "authorization, cookie, x-api-key",
        }
        if etag in [each.strip().removeprefix("W/") for each in api.headers.get("if-none-match", "").split(",")]:
            return Response(304, MEDIA_TYPE, "", headers=headers)
        small = app.thumbnails.of(image, made_at=made_at, until=until)
        if small is not None:
            return Response(200, MEDIA_TYPE, small, headers={**headers, "content-disposition": "inline"})
    return see_other(app.ports.images.link_output(image.key), {})
