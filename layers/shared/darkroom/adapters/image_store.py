"""Pictures in S3: the uploads bucket and the outputs bucket.

The bucket's lifecycle rules remove them. What its owner wants gone sooner has the tag `retention-days`, and for each of
its values (`models.user_settings.RETENTION_DAYS`) there is a rule.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from darkroom.adapters.aws import code_of, translated
from darkroom.errors import NotFound, PayloadTooLarge
from darkroom.models.job import thumbnail_key
from darkroom.ports import PresignedUpload
from darkroom.services.accounts.snapshot import keep, kept

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOAD_FORM_LIFETIME = timedelta(minutes=15)
LINK_LIFETIME = timedelta(hours=1)
RETENTION_TAG = "retention-days"
_AT_ONCE = 8
# Of a picture that is kept for the rest of the request or the message.
_MAX_KEPT_BYTES = 4_000_000
_PICTURES = (".png", ".jpg", ".webp")

# Of a picture, for a laptop checks whether who signs a link may read what it leads to.
_ANY_KEY = "outputs/any/any/0.png"
_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound"})


# Whatever lies below these is somebody's picture: `outputs/{user}/…`.
_OWNED = ("outputs/", "inputs/")


class S3ImageStore:
    """Args: keep_days: after how many days a user wants theirs removed, None where the bucket's rule is good enough."""

    def __init__(
        self,
        *,
        uploads: str,
        outputs: str,
        client: "S3Client",
        clock: Callable[[], datetime],
        keep_days: Callable[[str], int | None] = lambda _user: None,
    ) -> None:
        self._uploads = uploads
        self._outputs = outputs
        self._client = client
        self._clock = clock
        self._keep_days = keep_days

    def presign_upload(self, key: str, *, media_type: str, max_bytes: int) -> PresignedUpload:
        with translated():
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

    def write_output(
        self, key: str, data: bytes, *, media_type: str, metadata: Mapping[str, str], keep_days: int | None = None
    ) -> None:
        tagged = self._tagged(key, keep_days)
        with translated():
            self._client.put_object(
                Bucket=self._outputs, Key=key, Body=data, ContentType=media_type, Metadata=dict(metadata), **tagged
            )
        # What a request begins with is read again by what carries it out, which may be the same process.
        _keep(key, data if key.startswith("inputs/") else None)

    def read_output(self, key: str, *, max_bytes: int) -> bytes:
        known: bytes | None = kept(("picture", key))
        if known is not None and len(known) <= max_bytes:
            return known
        absent = NotFound("The picture is not there (any more).", fix="Results are removed after a while. Use another.")
        data = self._read(self._outputs, key, None, max_bytes, absent)
        _keep(key, data)
        return data

    def has_output(self, key: str) -> bool:
        with translated():
            try:
                self._client.head_object(Bucket=self._outputs, Key=key)
            except ClientError as error:
                if code_of(error) not in _ABSENT:
                    raise
                return False
        return True

    def link_output(self, key: str) -> str:
        # A drawing can hold scripts, which a browser would run if it showed it.
        # With it comes what writes objects, which has been loaded with the client.
        from darkroom.adapters.object_calls import link

        saved = {"response-content-disposition": "attachment"} if key.endswith(".svg") else {}
        with translated():
            return link(self._client, self._outputs, key, saved, int(LINK_LIFETIME.total_seconds()))

    def linked_key(self, url: str) -> str | None:
        base = self.link_output(_ANY_KEY).partition("?")[0].removesuffix(_ANY_KEY)
        found = url.partition("?")[0]
        return unquote(found.removeprefix(base)) or None if found.startswith(base) else None

    def remove_outputs(self, keys: Sequence[str]) -> None:
        for key in keys:
            _keep(key, None)
            with translated():
                self._client.delete_object(Bucket=self._outputs, Key=key)
                if key.endswith(_PICTURES):
                    # Last: who makes one looks for the picture when it is written.
                    self._client.delete_object(Bucket=self._outputs, Key=thumbnail_key(key))

    def remove_outputs_under(self, prefix: str) -> None:
        with translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._outputs, Prefix=prefix)
            found = [each["Key"] for page in pages for each in page.get("Contents", ())]
        self.remove_outputs(found)

    def renew_outputs(self, keys: Sequence[str]) -> None:
        with translated(), ThreadPoolExecutor(_AT_ONCE) as pool:
            renewing = [pool.submit(copy_context().run, self._renew, key) for key in dict.fromkeys(keys)]
            for each in renewing:
                each.result()

    def _renew(self, key: str) -> None:
        """Copies the object onto itself, which S3 allows if something is said anew: how long its user wants it, too."""
        try:
            known = self._client.head_object(Bucket=self._outputs, Key=key)
            self._client.copy_object(
                Bucket=self._outputs,
                Key=key,
                CopySource={"Bucket": self._outputs, "Key": key},
                MetadataDirective="REPLACE",
                ContentType=known["ContentType"],
                Metadata=known["Metadata"],
                TaggingDirective="REPLACE",
                **self._tagged(key),
            )
        except ClientError as error:
            if code_of(error) not in _ABSENT:
                raise

    def _tagged(self, key: str, keep_days: int | None = None) -> dict[str, Any]:
        days = keep_days or (self._keep_days(key.split("/")[1]) if key.startswith(_OWNED) else None)
        return {} if days is None else {"Tagging": f"{RETENTION_TAG}={days}"}

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


def _keep(key: str, data: bytes | None) -> None:
    """Pictures alone: what else lies beside them may be written by another process meanwhile."""
    if key.endswith(_PICTURES):
        keep(("picture", key), data if data is None or len(data) <= _MAX_KEPT_BYTES else None)
