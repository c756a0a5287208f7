"""Answers that are one picture with a little text around it, kept as that picture: one object in place of two.

The text, and what else is known of the answer, is the object's metadata, which anybody who has a link to the picture is
sent as well. So it is encrypted (Fernet, a key of the job's own, made of the digest of the provider's key that the job
was sent with, which is in the job's row), and short, for metadata has 2 kB in all.
"""

import base64
import binascii
import hashlib
import hmac
import json
import zlib
from typing import Final

from msgspec import Struct

from darkroom.models.generation import KeptPicture, RawAnswer

COLUMN: Final = "answer"
# Of the encrypted text, and of an answer that is looked at: larger ones are kept as they came, in pieces of no memory.
_MAX_AROUND: Final = 1600
_MAX_BODY: Final = 32 * 1024 * 1024
# Far more than what is small once it is compressed.
_MAX_PLAIN: Final = 8000
# Of a text beside the picture's: a longer one may be another picture.
_MAX_TEXT: Final = 1000
_MAGIC: Final = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


class Enclosed(Struct, frozen=True):
    """An answer as a picture, and the text for its metadata."""

    data: bytes
    media_type: str
    around: str

    def kept_as(self, user: str, job_id: str) -> KeptPicture:
        ending = "jpg" if self.media_type == "image/jpeg" else self.media_type.partition("/")[2]
        return KeptPicture(key=f"{prefix(user, job_id)}{ending}", sha256=hashlib.sha256(self.data).hexdigest())


def prefix(user: str, job_id: str) -> str:
    """What the name of such a picture begins with."""
    return f"outputs/{user}/{job_id}/0."


def enclosed(answer: RawAnswer, job_id: str, secret: str) -> Enclosed | None:
    """None where the answer is not one picture, or has too much around it."""
    found = _taken_apart(answer.body) if len(answer.body) <= _MAX_BODY else None
    if found is None:
        return None
    before, data, after = found
    media_type = _media_type(data)
    if media_type is None:
        return None
    known = answer.model_dump(mode="json", exclude={"body", "picture"})
    head = json.dumps({**known, "before": len(before), "is_base64": data is not answer.body}).encode()
    from cryptography.fernet import Fernet

    around = Fernet(_key(job_id, secret)).encrypt(zlib.compress(head + b"\n" + before + after, 9)).decode()
    return Enclosed(data, media_type, around) if len(around) <= _MAX_AROUND else None


def opened(data: bytes, around: str, picture: KeptPicture, job_id: str, secret: str) -> RawAnswer | None:
    """The answer as it came; None if it was not kept with this job's secret."""
    from cryptography.fernet import Fernet, InvalidToken

    try:
        plain = zlib.decompress(Fernet(_key(job_id, secret)).decrypt(around.encode()))
    except InvalidToken:
        return None
    head, _, text = plain.partition(b"\n")
    known = json.loads(head)
    cut, is_base64 = known.pop("before"), known.pop("is_base64")
    body = text[:cut] + base64.b64encode(data) + text[cut:] if is_base64 else data
    return RawAnswer(body=body, picture=picture, **known)


def _taken_apart(body: bytes) -> tuple[bytes, bytes, bytes] | None:
    """What stands before the picture, the picture, and what stands behind it."""
    if _media_type(body) is not None:
        return b"", body, b""
    *others, text = sorted(body.split(b'"'), key=len)
    if len(body) - len(text) > _MAX_PLAIN or (others and len(others[-1]) > _MAX_TEXT):
        return None
    if text.startswith(b"data:"):
        text = text.partition(b",")[2]
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    if base64.b64encode(data) != text:
        # Written in another way than it would be put together again.
        return None
    at = body.find(text)
    return body[:at], data, body[at + len(text) :]


def _media_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for magic, media_type in _MAGIC if data.startswith(magic)), None)


def _key(job_id: str, secret: str) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), f"answer of {job_id}".encode(), "sha256"))
