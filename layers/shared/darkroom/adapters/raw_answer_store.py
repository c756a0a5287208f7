"""Providers' answers in S3, in the outputs bucket under `raw/{user}/{job id}`, where no link leads.

The body is stored as it came. What else is known of it is the object's metadata, which can hold printable ASCII alone
and 2 kB in all: values are percent-encoded. Reading needs s3:ListBucket as well, or S3 says of an absent object that it
is forbidden.

The bucket's lifecycle rules remove them, sooner where their user wants that: see image_store.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from darkroom.adapters.aws import code_of, translated
from darkroom.adapters.image_store import RETENTION_TAG
from darkroom.errors import DarkroomError
from darkroom.models.generation import RawAnswer

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

    def write(self, user: str, job_id: str, answer: RawAnswer) -> None:
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

    def read(self, user: str, job_id: str) -> RawAnswer | None:
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
