"""Pictures in S3: the uploads bucket and the outputs bucket."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from darkroom.adapters.aws import code_of, translated
from darkroom.errors import NotFound, PayloadTooLarge
from darkroom.ports import PresignedUpload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOAD_FORM_LIFETIME = timedelta(minutes=15)
LINK_LIFETIME = timedelta(hours=1)

_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound"})


class S3ImageStore:
    def __init__(self, *, uploads: str, outputs: str, client: "S3Client", clock: Callable[[], datetime]) -> None:
        self._uploads = uploads
        self._outputs = outputs
        self._client = client
        self._clock = clock

    def presign_upload(self, key: str, *, media_type: str, max_bytes: int) -> PresignedUpload:
        form = self._client.generate_presigned_post(
            Bucket=self._uploads,
            Key=key,
            Fields={"Content-Type": media_type},
            Conditions=[{"Content-Type": media_type}, ["content-length-range", 1, max_bytes]],
            ExpiresIn=int(UPLOAD_FORM_LIFETIME.total_seconds()),
        )
        return PresignedUpload(url=form["url"], fields=form["fields"], expires_at=self._clock() + UPLOAD_FORM_LIFETIME)

    def read_upload(self, key: str, *, version: str | None = None, max_bytes: int) -> bytes:
        absent = NotFound("The uploaded file is not there (any more).", fix="Upload it again.")
        return self._read(self._uploads, key, version, max_bytes, absent)

    def write_output(self, key: str, data: bytes, *, media_type: str, metadata: Mapping[str, str]) -> None:
        with translated():
            self._client.put_object(
                Bucket=self._outputs, Key=key, Body=data, ContentType=media_type, Metadata=dict(metadata)
            )

    def read_output(self, key: str, *, max_bytes: int) -> bytes:
        absent = NotFound("The picture is not there (any more).", fix="Results are removed after a while. Use another.")
        return self._read(self._outputs, key, None, max_bytes, absent)

    def link_output(self, key: str) -> str:
        # A drawing can hold scripts, which a browser would run if it showed it.
        saved = {"ResponseContentDisposition": "attachment"} if key.endswith(".svg") else {}
        return self._client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._outputs, "Key": key, **saved},
            ExpiresIn=int(LINK_LIFETIME.total_seconds()),
        )

    def remove_outputs(self, keys: Sequence[str]) -> None:
        for key in keys:
            with translated():
                self._client.delete_object(Bucket=self._outputs, Key=key)

    def _read(self, bucket: str, key: str, version: str | None, max_bytes: int, absent: NotFound) -> bytes:
        which: dict[str, Any] = {"VersionId": version} if version else {}
        with translated():
            try:
                found = self._client.get_object(Bucket=bucket, Key=key, **which)
            except ClientError as error:
                if code_of(error) not in _ABSENT:
                    raise
                raise absent from error
            with found["Body"] as body:
                if found["ContentLength"] > max_bytes:
                    raise PayloadTooLarge(
                        f"The file has {found['ContentLength']} bytes; {max_bytes} are accepted.",
                        fix="Use a smaller or more compressed picture.",
                    )
                return body.read()
