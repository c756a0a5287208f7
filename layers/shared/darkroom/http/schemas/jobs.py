"""Jobs and uploads: what goes out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from darkroom.errors import Charged
from darkroom.errors.names import shown_name
from darkroom.http.operation import JSON, Answer, Operation, absent, fields, json_of
from darkroom.http.schemas.common import Page, Removed, SettledTogetherLine, Usd
from darkroom.http.server_events import EVENTS
from darkroom.models.upload import UploadRequest

Status = Literal["queued", "running", "succeeded", "failed", "canceled", "uncertain"]
_OPERATIONS: Final = (
    *("generation", "edit", "background-removal", "recipe", "turn", "completion"),
    *("plan", "repair", "paint"),
)


def _american(said: Any) -> Any:
    """Fields whose British names are read, too."""
    if not isinstance(said, dict) or "favorite" in said or "favourite" not in said:
        return said
    return {"favorite" if name == "favourite" else name: value for name, value in said.items()}


class JobsQuery(Page):
    """Which jobs are listed. A job fits if it or one of its parts does; its `status` is the whole's."""

    op: str | None = Field(None, description=f"One or several with commas of: {', '.join(_OPERATIONS)}.")
    status: str | None = Field(None, description="One or several with commas.")
    has: Literal["images"] | None = None
    conversation: str | None = Field(None, min_length=1, max_length=64)
    model: str | None = Field(None, min_length=1, max_length=200, description="Asked for or used; without vendor, too.")
    q: str | None = Field(None, max_length=200, description="Words that are all in the prompt.")
    favorite: bool | None = None
    made_from: str | None = Field(
        None,
        pattern=r"^[^/]{1,64}(/\d{1,4})?$",
        description="A job, `job_…`, or one of its pictures, `job_…/0`: what was made from it.",
    )

    @model_validator(mode="before")
    @classmethod
    def _in_american(cls, said: Any) -> Any:
        return _american(said)

    @field_validator("op", "status", "has", mode="before")
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("op")
    @classmethod
    def _known_op(cls, value: str | None) -> str | None:
        return _checked(value, _OPERATIONS)

    @field_validator("status")
    @classmethod
    def _known_status(cls, value: str | None) -> str | None:
        return _checked(value, get_args(Status))

    @property
    def wanted(self) -> dict[str, Any]:
        """Fields of a JobFilter."""
        return {
            "ops": _several(self.op),
            "statuses": _several(self.status),
            "has_images": self.has is not None,
            "conversation": self.conversation,
            "model": self.model,
            "words": tuple((self.q or "").split()),
            "favorite": self.favorite,
            "made_from": self.made_from,
        }


def _several(text: str | None) -> tuple[str, ...]:
    return tuple(name for each in (text or "").split(",") if (name := each.strip()))


def _checked(text: str | None, known: Sequence[str]) -> str | None:
    for name in _several(text):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"{shown_name(name)!r} is none; {meant}")
    return text


class Cost(Answer):
    """Money; null is not known (yet)."""

    estimated_usd: Usd | None
    reserved_usd: Usd | None
    actual_usd: Usd | None = Field(description="Where `charged` is unknown, what was reserved, which counts as spent.")
    actual_credits: float | None
    settled: bool = Field(description="Whether this is final.")
    charged: Charged
    settled_together: SettledTogetherLine | None = absent()


class CallLine(Answer):
    """One of several calls of a provider that together make a job's pictures."""

    index: int
    n: int = Field(description="Pictures that it asks for.")
    status: str
    model_used: str | None
    generation_id: str | None
    dispatched_at: datetime | None
    images: int = Field(description="Pictures that came.")
    charged: Charged
    error: dict[str, Any] | None
    cost_usd: Usd | None


class Thumbnail(Answer):
    """WebP, which may be kept for ever; asked for with the token or the session, as all else."""

    url: str = Field(description="A path.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")


class PictureQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: Literal["full", "thumb"] = Field(
        "full", description="`thumb`: a WebP of 512 pixels at the most; without it, the way to the picture."
    )
    v: str | None = Field(None, max_length=64, description="As `thumb.url` has it: then the answer may be kept.")

    @field_validator("size", mode="before")
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value


class Image(Answer):
    """A picture in the outputs bucket."""

    media_type: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    bytes: int
    sha256: str
    url: str = Field(description="Works for up to an hour; GET /v1/jobs/{job_id} has a fresh one.")
    thumb: Thumbnail


class ParentLine(Answer):
    """A picture that a job began with."""

    role: Literal["image", "mask"]
    kind: Literal["job", "upload", "url", "file", "conversation"]
    ref: str | None = absent("The id, or the URL without its query.")
    index: int | None = absent("Which of the job's pictures, from 0.")
    version: str | None = absent("Which of the conversation's.")
    sha256: str | None = absent("Of the bytes that were handed over.")


class Output(BaseModel):
    """The pictures, and what else is known of what was made."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    images: tuple[Image, ...]


class JobUrls(Answer):
    get: str
    cancel: str
    derived: str = Field(description="Lists what was made from its pictures.")


class Job(Answer):
    """One piece of work, and how it went."""

    id: str
    object: Literal["job"] = "job"
    op: str
    status: Status
    favorite: bool
    title: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    expires_at: datetime | None
    input: dict[str, Any]
    output: Output
    error: dict[str, Any] | None = Field(description="Problem details.")
    warnings: tuple[str, ...]
    cost: Cost
    model_requested: str | None
    model_used: str | None
    generation_id: str | None
    calls: tuple[CallLine, ...] | None = absent("Where several calls make the pictures.")
    provider: str | None
    lineage: tuple[ParentLine, ...]
    urls: JobUrls


class Part(Answer):
    """A paid call that belongs to a job; GET /v1/jobs/{job_id} shows it whole."""

    id: str
    op: str
    status: Status
    model_used: str | None
    cost: Cost


class ListedJob(Job):
    """A job with its parts."""

    parts: tuple[Part, ...] | None = absent("Of a turn, or of a recipe that paints: the first twelve.")


class JobReference(BaseModel):
    """As much of a job as can be shown without having read it; or the job."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    id: str
    object: Literal["job"] = "job"
    urls: Mapping[str, str]


class JobList(Answer):
    object: Literal["list"] = "list"
    data: tuple[ListedJob, ...]
    next_cursor: str | None


class RemovedJob(Removed):
    object: Literal["job"] = "job"


class JobLabels(BaseModel):
    """What an owner says of a job; what is left out, or null, stays as it is."""

    model_config = ConfigDict(extra="forbid")

    favorite: bool | None = Field(None, description="`favourite` is read, too.")
    title: str | None = Field(None, max_length=200, description="An empty one removes it.")

    @model_validator(mode="before")
    @classmethod
    def _in_american(cls, said: Any) -> Any:
        return _american(said)


class JobIds(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: tuple[str, ...] = Field(min_length=1, max_length=100)


class JobRemoval(Answer):
    """What became of one of several."""

    id: str
    object: Literal["job"] = "job"
    deleted: bool
    error: dict[str, Any] | None = absent("Problem details: why it is still there.")


class JobRemovals(Answer):
    object: Literal["list"] = "list"
    data: tuple[JobRemoval, ...]


class UploadForm(Answer):
    """Send `fields` and then the file, as field `file`, as multipart/form-data to `url`, without the token."""

    object: Literal["upload"] = "upload"
    upload_id: str
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: datetime


LIST_JOBS: Final = Operation("GET /v1/jobs", json_of(JobList), query=JobsQuery)
SHOW_JOB: Final = Operation("GET /v1/jobs/{job_id}", json_of(Job))
SHOW_PICTURE: Final = Operation(
    "GET /v1/jobs/{job_id}/images/{index}",
    {200: {"image/webp": "bytes"}, 303: {"text/plain": "text"}, 304: {}},
    query=PictureQuery,
)
FOLLOW_JOB: Final = Operation("GET /v1/jobs/{job_id}/events", {200: {EVENTS: "text"}, 204: {}})
REMOVE_JOB: Final = Operation("DELETE /v1/jobs/{job_id}", json_of(RemovedJob))
LABEL_JOB: Final = Operation("PATCH /v1/jobs/{job_id}", json_of(Job), body=fields(JobLabels))
REMOVE_JOBS: Final = Operation("POST /v1/jobs/remove", json_of(JobRemovals), body=fields(JobIds))
CANCEL_JOB: Final = Operation("POST /v1/jobs/{job_id}/cancel", json_of(Job))
CREATE_UPLOAD: Final = Operation("POST /v1/uploads", {201: {JSON: UploadForm}}, body=fields(UploadRequest))
