"""What the services need of the outside, as roles. Adapters say how; this module says what."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from darkroom.models.job import Job
from darkroom.models.token import ApiToken


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""


class TokenStore(Protocol):
    def add(self, token: ApiToken) -> None: ...

    def find(self, sha256: str) -> ApiToken | None:
        """The token with this digest, unless revoked."""

    def of_user(self, user: str) -> Sequence[ApiToken]:
        """The user's tokens, oldest first."""

    def revoke(self, user: str, token_id: str) -> bool:
        """Whether there was one to revoke. From then on `find` gives None."""

    def record_use(self, token: ApiToken, at: datetime) -> None:
        """Sets `last_used_at`; nothing happens to a token revoked meanwhile."""


class JobPage(BaseModel):
    model_config = ConfigDict(frozen=True)

    jobs: tuple[Job, ...]
    next_id: str | None = Field(None, description="Pass as `before` for the next page; None on the last.")


class JobStore(Protocol):
    def add(self, job: Job, *, source: str | None = None) -> Job | None:
        """Stores a new job, and with `source` only if no job was ever made for that source.

        Returns:
            The job that stands for the source now: this one, or the one made earlier. None when the earlier one
            has been removed since.
        """

    def find(self, user: str, job_id: str) -> Job | None: ...

    def page(self, user: str, *, limit: int, before: str | None = None) -> JobPage:
        """The user's jobs, newest first; `before` is exclusive."""

    def list_open(self, *, limit: int) -> Sequence[Job]:
        """Everybody's jobs that are not over, oldest first."""

    def start(self, job: Job, *, now: datetime, lease_expires_at: datetime) -> Job | None:
        """Begins an attempt, if the job is queued or its last attempt's lease is over; otherwise None."""

    def requeue(self, job: Job) -> bool:
        """Gives an attempt up, so that another may begin at once; False if it was no longer this one's to give."""

    def finish(self, job: Job) -> bool:
        """Stores a final state, if the stored job is open and still in the same attempt."""

    def remove(self, user: str, job_id: str) -> bool:
        """Whether there was a job that is over to remove."""


class PresignedUpload(BaseModel):
    """A browser-style form POST straight to the uploads bucket."""

    model_config = ConfigDict(frozen=True)

    url: str
    fields: dict[str, str]
    expires_at: datetime


class ImageStore(Protocol):
    """The uploads bucket (what users put in) and the outputs bucket (what we made)."""

    def presign_upload(self, key: str, *, media_type: str, max_bytes: int) -> PresignedUpload: ...

    def read_upload(self, key: str, *, version: str | None = None, max_bytes: int) -> bytes:
        """The object's bytes.

        Raises:
            NotFound: no such object or version.
            PayloadTooLarge: it is larger than max_bytes.
        """

    def write_output(self, key: str, data: bytes, *, media_type: str, metadata: Mapping[str, str]) -> None: ...

    def link_output(self, key: str) -> str:
        """A URL that reads the object for a while without further credentials."""

    def remove_outputs(self, keys: Sequence[str]) -> None: ...


class UrlFetcher(Protocol):
    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """The body behind a public http(s) URL.

        Raises:
            UrlRefused: the URL, one of its addresses or a redirect leads where nobody may be sent.
            UrlUnreachable: no answer in time, or not a 200.
            PayloadTooLarge: more than max_bytes.
        """


class Segmenter(Protocol):
    """Tells the subject from its background."""

    def available(self) -> tuple[str, ...]:
        """Names of the models whose weights are here, the default first."""

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        """How much each pixel belongs to the subject.

        Args:
            image: RGB.
            model: a name from `available()`.

        Returns:
            Mode L at the model's own resolution, 255 = subject, stretched to the full range.

        Raises:
            NoForeground: nothing stands out.
        """


class Matter(Protocol):
    """Refines a mask along its edge."""

    def refine(self, image: Image.Image, mask: Image.Image) -> Image.Image:
        """Mode L, of the image's size."""
