"""Providers' answers in S3, in the outputs bucket under `raw/{user}/{job id}`, where no link leads; those that are one
picture are kept as that (see picture_answers).

The body is stored as it came. What else is known of it is the object's metadata, which can hold printable ASCII alone
and 2 kB in all: values are percent-encoded. Reading needs s3:ListBucket as well, or S3 says of an absent object that it
is forbidden.

The bucket's lifecycle rules remove them, sooner where their user wants that: see image_store.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from darkroom.adapters import picture_answers
from darkroom.adapters.aws import code_of, translated
from darkroom.adapters.image_store import RETENTION_TAG
from darkroom.adapters.picture_answers import Enclosed
from darkroom.errors import DarkroomError
from darkroom.models.generation import KeptPicture, RawAnswer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_UNKNOWN_TYPE = "application/octet-stream"
# Of a percent-encoded value. Nothing sensible is longer, and an answer must not be lost for what is not.
_MOST = 500


class S3RawAnswerStore:
    """Args: keep_days: after how many days a user wants theirs removed, None where the bucket's rule is good enough."""

    def __init__(
        self, bucket: str, client: "S3Client", *, keep_days: Callable[[str], int | None] = lambda _user: None
    ) -> None:
        self._bucket = bucket
        self._client = client
        self._keep_days = keep_days

    def write(self, user: str, job_id: str, answer: RawAnswer, *, as_picture: str | None = None) -> KeptPicture | None:
        found = None if as_picture is None else picture_answers.enclosed(answer, job_id, as_picture)
        if found is not None:
            return self._write_picture(user, job_id, found)
        tagged = self._tagged(user)
        with translated():
            self._client.put_object(
                Bucket=self._bucket,
                Key=_key(user, job_id),
                Body=answer.body,
                ContentType=_UNKNOWN_TYPE,
                Metadata=_metadata(answer),
                **tagged,
            )
        return None

    def _write_picture(self, user: str, job_id: str, found: Enclosed) -> KeptPicture:
        picture = found.kept_as(user, job_id)
        tagged = self._tagged(user)
        with translated():
            self._client.put_object(
                Bucket=self._bucket,
                Key=picture.key,
                Body=found.data,
                ContentType=found.media_type,
                Metadata={"job": job_id, picture_answers.COLUMN: found.around},
                **tagged,
            )
        return picture

    def read(self, user: str, job_id: str, *, as_picture: str | None = None) -> RawAnswer | None:
        found = self._read(user, job_id)
        return found if found is not None or as_picture is None else self._read_picture(user, job_id, as_picture)

    def _read_picture(self, user: str, job_id: str, secret: str) -> RawAnswer | None:
        prefix = picture_answers.prefix(user, job_id)
        with translated():
            listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", ())
            for key in (each["Key"] for each in listed):
                found = self._client.get_object(Bucket=self._bucket, Key=key)
                with found["Body"] as body:
                    data = body.read()
                around = found["Metadata"].get(picture_answers.COLUMN)
                picture = KeptPicture(key=key, sha256=hashlib.sha256(data).hexdigest())
                if around and (answer := picture_answers.opened(data, around, picture, job_id, secret)):
                    return answer
        return None

    def _read(self, user: str, job_id: str) -> RawAnswer | None:
        with translated():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=_key(user, job_id))
            except ClientError as error:
                if code_of(error) != "NoSuchKey":
                    raise
                return None
            with found["Body"] as body:
                return _to_answer(body.read(), found["Metadata"])

    def remove(self, user: str, job_id: str) -> None:
        with translated():
            self._client.delete_object(Bucket=self._bucket, Key=_key(user, job_id))

    def _tagged(self, user: str) -> dict[str, Any]:
        try:
            days = self._keep_days(user)
        except DarkroomError:
            # It may be the only copy of what was paid for: rather kept as long as the stack keeps them than lost.
            return {}
        return {} if days is None else {"Tagging": f"{RETENTION_TAG}={days}"}


def _key(user: str, job_id: str) -> str:
    return f"raw/{user}/{job_id}"


def _metadata(answer: RawAnswer) -> dict[str, str]:
    """What is empty or too long is left out: a shortened id would be another one's."""
    texts = {
        "media-type": quote(answer.media_type),
        "generation-id": quote(answer.generation_id or ""),
        "model": quote(answer.model or ""),
    }
    kept = {name: text for name, text in texts.items() if 0 < len(text) <= _MOST}
    return {**kept, "complete": "true" if answer.complete else "false"}


def _to_answer(body: bytes, metadata: Mapping[str, str]) -> RawAnswer:
    generation_id, model = metadata.get("generation-id"), metadata.get("model")
    return RawAnswer(
        body=body,
        media_type=unquote(metadata.get("media-type", _UNKNOWN_TYPE)),
        generation_id=unquote(generation_id) if generation_id else None,
        model=unquote(model) if model else None,
        complete=metadata.get("complete") == "true",
    )
