"""Turns the ways in which a picture is handed over into its bytes."""

import base64
import binascii

from darkroom.errors import InvalidParameter
from darkroom.models.source import ImageSource
from darkroom.ports import ImageStore, UrlFetcher
from darkroom.services.uploads import MAX_UPLOAD_BYTES, upload_key


class Sources:
    def __init__(self, images: ImageStore, fetcher: UrlFetcher) -> None:
        self._images = images
        self._fetcher = fetcher

    def read(self, user: str, source: ImageSource) -> bytes:
        """The bytes behind the one way that is given.

        Raises:
            InvalidParameter: text that is not base64.
            NotFound: no such upload of this user.
            UrlRefused, UrlUnreachable, PayloadTooLarge: as the fetcher says.
        """
        if source.data is not None:
            return source.data
        if source.url is not None:
            return self._fetcher.fetch(source.url, max_bytes=MAX_UPLOAD_BYTES)
        if source.upload_id is not None:
            return self._images.read_upload(upload_key(user, source.upload_id), max_bytes=MAX_UPLOAD_BYTES)
        return _decode(source.b64 or "", f"{source.name}_b64")


def _decode(text: str, param: str) -> bytes:
    payload = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidParameter(
            f"`{param}` is not base64.", fix="Send the file's bytes in standard base64, or a data URL.", param=param
        ) from error
