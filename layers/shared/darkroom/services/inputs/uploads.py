"""Uploads: files too large for a request go straight to the bucket, and are named by their id afterwards."""

import re

from ulid import ULID

from darkroom.errors import NotFound
from darkroom.models.upload import Upload, UploadRequest
from darkroom.ports import Clock, ImageStore

MAX_UPLOAD_BYTES = 50 * 1024 * 1024

_ID = re.compile(r"upl_[0-9A-HJKMNP-TV-Z]{26}")


def upload_key(user: str, upload_id: str) -> str:
    """Where an upload lies. The user is part of the key, so another user's id leads nowhere.

    Raises:
        NotFound: the id has not the form of one.
    """
    if not _ID.fullmatch(upload_id):
        raise NotFound(f"There is no upload {upload_id[:64]!r}.", fix="POST /v1/uploads makes one.", param="upload_id")
    return f"uploads/{user}/{upload_id}"


class Uploads:
    def __init__(self, images: ImageStore, clock: Clock) -> None:
        self._images = images
        self._clock = clock

    def create(self, user: str, request: UploadRequest) -> Upload:
        upload_id = f"upl_{ULID.from_datetime(self._clock())}"
        form = self._images.presign_upload(
            upload_key(user, upload_id), media_type=request.media_type, max_bytes=MAX_UPLOAD_BYTES
        )
        return Upload(
            upload_id=upload_id,
            url=form.url,
            fields=form.fields,
            max_bytes=MAX_UPLOAD_BYTES,
            expires_at=form.expires_at,
        )
