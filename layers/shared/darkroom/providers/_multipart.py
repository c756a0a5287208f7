"""A form with files in it, as OpenAI's and remove.bg's doors take pictures. https://www.rfc-editor.org/rfc/rfc7578"""

import secrets
from collections.abc import Iterable, Mapping

from darkroom.providers._calls import Content


def form(fields: Mapping[str, str], files: Iterable[tuple[str, str, str, bytes]]) -> Content:
    """The body of a request.

    Args:
        files: the name of the part, a file name, the media type, the bytes. Nothing of these but the bytes is a
            caller's, for names are not escaped.
    """
    # 128 bits at random: not found in anybody's picture.
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    for name, value in fields.items():
        parts.append(_head(boundary, f'name="{name}"') + value.encode())
    for name, filename, media_type, data in files:
        parts.append(_head(boundary, f'name="{name}"; filename="{filename}"', media_type) + data)
    body = b"\r\n".join((*parts, f"--{boundary}--\r\n".encode()))
    return Content(body, f"multipart/form-data; boundary={boundary}")


def _head(boundary: str, disposition: str, media_type: str | None = None) -> bytes:
    kind = f"\r\nContent-Type: {media_type}" if media_type else ""
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}{kind}\r\n\r\n".encode()
