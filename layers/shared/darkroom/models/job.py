"""A job: one piece of work that a user asked for, and how it went."""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from darkroom.errors import Charged
from darkroom.models.budget import BudgetRef
from darkroom.models.chat import ChatRequest, Reasoning
from darkroom.models.generation import GenerationRequest, Routing
from darkroom.models.money import MicroUsd, in_dollars, usd
from darkroom.models.rates import RatesByModel
from darkroom.models.value import Value


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    UNCERTAIN = "uncertain"
    """Money may have been spent, and what became of it is being found out; never tried again by itself."""

    @property
    def is_final(self) -> bool:
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED)


CutoutFormat = Literal["png", "webp"]
"""A file format of pictures that can be transparent."""

CUTOUT_TIME = timedelta(minutes=15)
"""How long a job's pictures may take to be cut out before they are shown as they were made."""

NOT_CUT_OUT = "The background could not be removed, so the picture is as the model made it. {why}"


THUMBNAIL_SIDE = 512
"""Pixels of a thumbnail's longer side at the most."""


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of a picture's thumbnail, which is no larger than the picture."""
    scale = min(1.0, THUMBNAIL_SIDE / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))


THUMBNAIL = ".thumb.webp"


def thumbnail_key(key: str) -> str:
    """Where the thumbnail of an object lies: beside it, and with it alone."""
    return f"{key}{THUMBNAIL}"


class StoredImage(Value):
    """A picture in the outputs bucket."""

    key: str
    media_type: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    bytes: int
    sha256: str

    def thumbnail(self, address: str) -> dict[str, Any]:
        """As answers have it. The address changes with the picture, so what it gives may be kept for ever."""
        width, height = thumbnail_size(self.width, self.height)
        return {"url": f"{address}?size=thumb&v={self.sha256[:12]}", "width": width, "height": height}


def stored_image(
    stem: str, data: bytes, media_type: str, size: tuple[int, int], *, sha256: str | None = None
) -> StoredImage:
    """A picture's file as it is to be stored.

    Args:
        stem: its key without the ending, which follows from the media type.
        size: in pixels, width and height.
        sha256: of the data, where it is known.
    """
    return StoredImage(
        key=f"{stem}.{media_type.partition('/')[2].replace('jpeg', 'jpg')}",
        media_type=media_type,
        width=size[0],
        height=size[1],
        bytes=len(data),
        sha256=sha256 or hashlib.sha256(data).hexdigest(),
    )


class StoredBody(Value):
    """A request's body, by itself or in the outputs bucket, and the model that it is for."""

    text: str | None = Field(None, description="Of a short one, as JSON.")
    key: str | None = Field(None, description="Where a longer one lies.")
    model: str
    fallback_models: tuple[str, ...] = ()
    max_completion_tokens: int = 1
    zdr: bool = Field(False, description="Only sources that keep nothing.")
    stream: bool = Field(False, description="Whether a reader followed the answer while it was written.")


class KeptCutout(Value):
    """What came of cutting one of a job's pictures out of its background."""

    image: StoredImage | None = Field(None, description="None where it could not be done.")
    warnings: tuple[str, ...] = ()


class Parent(Value):
    """A picture that a job began with."""

    role: Literal["image", "mask"] = "image"
    kind: Literal["job", "upload", "url", "file"]
    ref: str | None = Field(None, description="The job's or upload's id, or the URL without its query.")
    index: int | None = Field(None, description="Which of the job's pictures, from 0.")
    sha256: str = Field(description="Of the bytes that were handed over.")


class ProviderCall(Value):
    """One of several calls of a provider that together make a job's pictures."""

    index: int = Field(ge=0)
    n: int = Field(ge=1, description="Pictures that it asks for.")
    status: JobStatus = Field(JobStatus.QUEUED, description="`canceled` if it was never sent.")
    model_used: str | None = None
    generation_id: str | None = None
    dispatched_at: datetime | None = Field(None, description="From then on it may have cost money.")
    images: int = Field(0, description="Pictures that came.")
    cost: MicroUsd | None = Field(None, description="What the provider took; None while that is not known.")
    charged: Charged = False
    error: dict[str, Any] | None = Field(None, description="`code` and `detail` of what went wrong.")

    def line(self) -> dict[str, Any]:
        """As a line of its job and of the receipt, in dollars."""
        return {**self.model_dump(mode="json", exclude={"cost"}), "cost_usd": usd(self.cost)}


class PaidWork(Value):
    """What a worker is to do: one request for the provider, whose pictures lie in the outputs bucket.

    One of `request` (pictures), `chat` (a planner's turn) and `completion` (plain chat, whose body lies there, too).
    """

    request: GenerationRequest | None = Field(None, description="Without references: those are the inputs.")
    chat: ChatRequest | None = Field(None, description="Without pictures: the inputs go with its last message.")
    completion: StoredBody | None = None
    calls: tuple[int, ...] = Field((), description="Pictures per call, where it takes several; else one makes all.")
    max_seed: int | None = Field(None, description="That the model takes, where it takes several calls with seeds.")
    inputs: tuple[StoredImage, ...] = ()
    mask: StoredImage | None = Field(None, description="Transparent where the first input may change.")
    output_format: str | None = Field(None, description="As the caller wants it, whatever the provider makes.")
    cutout_format: CutoutFormat | None = Field(
        None, description="Of the transparent pictures that are made here of those that were bought; None if none are."
    )
    other_providers: tuple[str, ...] = Field((), description="That may do it, while nothing has been billed.")
    rates: dict[str, RatesByModel] = Field(default_factory=dict, description="By provider, of those that tell no cost.")

    @property
    def reads(self) -> bool:
        """Whether something has to be read from the bucket before the provider can be asked."""
        return bool(self.inputs) or (self.completion is not None and self.completion.text is None)


class TurnChoices(Value):
    """What a message says for itself, and not for the ones after it; None leaves it to the settings."""

    model: str | None = Field(None, min_length=1, max_length=200, description="The planner.")
    fallback_models: tuple[str, ...] = Field((), max_length=3, description="That may plan in its place.")
    image_model: str | None = Field(None, min_length=1, max_length=200, description="The painter.")
    provider: str | None = Field(None, min_length=1, max_length=50, description="By its name, or `auto`.")
    routing: Routing | None = Field(None, description="Which of the provider's own sources may serve.")
    reasoning: Reasoning | None = Field(None, description="How much the planner is to think.")
    mask: StoredImage | None = Field(None, description="Transparent where painting may change the picture.")
    zdr: bool | None = Field(None, description="Only sources that keep nothing.")
    max_cost: MicroUsd | None = Field(None, ge=1, description="Of the whole turn.")
    base: str | None = Field(None, min_length=1, max_length=20, description="The version that it is about.")
    dry_run: bool = Field(False, description="Only the plan is wanted, and what carrying it out would cost.")


class TurnState(Value):
    """How far a turn of a conversation, or one picture of a recipe, has come. Its paid calls are jobs of their own.

    They are named after it: `{turn}-plan`, `{turn}-repair`, `{turn}-paint0`, …
    """

    conversation_id: str
    content: str
    choices: TurnChoices = TurnChoices()
    base: str | None = Field(None, description="The version it begins with; None where there is no picture.")
    plan: dict[str, Any] | None = None
    reply: str = ""
    done: int = Field(0, description="How many of the plan's actions are carried out.")
    steps: tuple[dict[str, Any], ...] = Field((), description="What was done to the picture so far, as Step's JSON.")
    image: StoredImage | None = Field(None, description="The picture as it is now.")
    origin: StoredImage | None = Field(None, description="The last picture before it that was given or painted.")
    since: tuple[dict[str, Any], ...] = Field((), description="The operations that lead from there to it.")
    problem: dict[str, Any] | None = Field(None, description="Why an operation could not be done.")
    rendering: bool = Field(False, description="The function with the segmentation model has it.")
    jobs: tuple[str, ...] = ()
    by_hand: bool = Field(False, description="Its plan was given; there are no messages of it.")


class SettledTogether(Value):
    """Several calls on one key of which it is known what they cost together, and not what each of them cost."""

    jobs: int = Field(description="How many jobs, this one included.")
    total: MicroUsd = Field(description="What the key was charged for all of them.")

    def line(self) -> dict[str, Any]:
        """As part of a job or a receipt, in dollars and in micro-dollars."""
        return {"jobs": self.jobs, "total_usd": float(in_dollars(self.total)), "total_micro_usd": self.total}


class JobCost(Value):
    """A job's money in micro-dollars. A job that cannot cost anything is settled from the beginning."""

    estimated: MicroUsd | None = Field(0, description="None where nobody knows the price.")
    reserved: MicroUsd = 0
    actual: MicroUsd | None = Field(
        0, description="None until it is settled; what it counts at where `charged` is unknown."
    )
    settled: bool = True
    charged: Charged = False
    together: SettledTogether | None = Field(None, description="Where `actual` is a part of a sum that is known.")


class Job(Value):
    """One job. `id` is a ULID, so ids sort by the time of their making."""

    id: str
    user: str
    op: str = Field(description="What is done, for example `background-removal`.")
    status: JobStatus = JobStatus.QUEUED
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = Field(None, description="When the row and its images are removed.")
    attempt: int = Field(0, ge=0, description="How many times the work has been begun.")
    lease_expires_at: datetime | None = Field(None, description="Until when the present attempt may run.")
    input: dict[str, Any] = Field(default_factory=dict)
    images: tuple[StoredImage, ...] = ()
    result: dict[str, Any] = Field(default_factory=dict, description="What is known of the output beside its images.")
    error: dict[str, Any] | None = Field(None, description="Problem details, as the API answers them.")
    warnings: tuple[str, ...] = ()
    lineage: tuple[Parent, ...] = ()
    # What follows is for jobs that may cost money.
    work: PaidWork | None = None
    cost: JobCost = JobCost()
    budgets: tuple[BudgetRef, ...] = Field((), description="Those that its reservation was taken from.")
    own_key: bool = Field(
        True, description="Its limits are those of who pays themselves, so no key of the stack's may pay for it."
    )
    token_id: str | None = Field(None, description="The API token it was asked for with.")
    conversation_id: str | None = None
    request_sha256: str | None = Field(None, description="The same for identical requests.")
    provider: str = Field("openrouter", description="Whom it is for, and once it is dispatched, whom it was sent to.")
    model_requested: str | None = None
    model_used: str | None = None
    generation_id: str | None = Field(None, description="By which the provider's books know the last dispatch.")
    dispatched_at: datetime | None = Field(None, description="From then on money may have been spent.")
    calls: tuple[ProviderCall, ...] = Field((), description="Where it takes several; else the job is its one call.")
    stop_at: datetime | None = Field(None, description="Since then no further one of its calls is sent.")
    key_usage: Decimal | None = Field(None, description="Dollars the key had used in all, just before the dispatch.")
    key_sha256: str | None = Field(None, description="Digest of the key that it was dispatched with.")
    key_charges: int | None = Field(None, description="How many charges on that key were settled here before.")
    key_listed: bool = Field(False, description="It is among the open calls that are listed for that key.")
    cutouts: tuple[KeptCutout, ...] = Field((), description="Of its pictures, in their order, as far as they are made.")
    cancel_at: datetime | None = Field(None, description="If not dispatched by then, it is canceled.")
    webhook_url: str | None = None
    removed_at: datetime | None = Field(
        None, description="From then on its owner sees it no more; it is kept until it is settled."
    )
    favorite: bool = False
    title: str | None = Field(None, description="What its owner calls it.")
    parent_id: str | None = Field(None, description="The turn that this paid call belongs to.")
    turn: TurnState | None = Field(None, description="Of a turn, which itself costs nothing; its jobs do.")

    @property
    def is_paid(self) -> bool:
        return self.work is not None

    @property
    def has_cutouts(self) -> bool:
        """Whether its pictures are, or will be, cut out of their backgrounds once they are bought."""
        return self.work is not None and self.work.cutout_format is not None

    @property
    def awaits_cutouts(self) -> bool:
        """Whether its pictures were bought, and are yet to be cut out of their backgrounds."""
        is_bought = self.status is JobStatus.SUCCEEDED and self.removed_at is None
        return self.has_cutouts and is_bought and len(self.cutouts) < len(self.images)

    def cutout_key(self, index: int) -> str:
        """Where the cut-out of one of its pictures lies, which only this job can have put there."""
        ending = self.work.cutout_format if self.work else None
        return f"outputs/{self.user}/{self.id}/{index}-cut.{ending}"

    @property
    def refining_keys(self) -> tuple[str, str]:
        """Where the picture lies that was cut out, and its mask, if `result["refinable"]`."""
        return f"outputs/{self.user}/{self.id}/original", f"outputs/{self.user}/{self.id}/alpha.png"

    @property
    def partial_keys(self) -> list[str]:
        """Where the partial pictures that its request asks for lie for a day, as far as they came."""
        request = self.work.request if self.work else None
        wanted = request.partial_images if request else 0
        return [f"outputs/{self.user}/{self.id}/partial/{index}" for index in range(wanted)]

    def as_shown(self, now: datetime) -> "Job":
        """The job as its owner sees it: with its cut-outs as its pictures, and running until they are made.

        A picture that was bought is never kept back for ever: if its cut-out could not be made, or takes longer than
        CUTOUT_TIME, the picture itself is shown, with a warning.
        """
        if self.status is not JobStatus.SUCCEEDED or not self.has_cutouts:
            return self
        missing = len(self.images) - len(self.cutouts)
        if self.awaits_cutouts and now < (self.completed_at or self.created_at) + CUTOUT_TIME:
            return self.model_copy(update={"status": JobStatus.RUNNING, "completed_at": None, "images": ()})
        cutouts = (*self.cutouts, *(_NOT_CUT_OUT,) * missing)
        shown = tuple(cut.image or bought for cut, bought in zip(cutouts, self.images, strict=True))
        told = dict.fromkeys((*self.warnings, *(warning for cut in cutouts for warning in cut.warnings)))
        return self.model_copy(update={"images": shown, "warnings": tuple(told)})


_NOT_CUT_OUT = KeptCutout(warnings=(NOT_CUT_OUT.format(why="It took too long."),))
