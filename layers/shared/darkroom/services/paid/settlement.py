"""How a paid job ends: its result or error stored, its reservation settled to what it really cost, its receipt written.

A worker ends its own job with this, and the sweep those that a worker left behind. Every ending is one transaction that
holds only while the job is not settled and in the same attempt, so whoever comes second changes nothing.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from darkroom.errors import Charged, Conflict, DarkroomError, JobCanceled, NoImage, UnusableAnswer
from darkroom.images.measure import measure
from darkroom.models.chat import ChatResult
from darkroom.models.generation import GeneratedImage, GenerationResult, KeptPicture
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import Share
from darkroom.ports import (
    Alarm,
    Clock,
    ImageStore,
    JobStore,
    Ledger,
    ModelStatistics,
    NearLimit,
    RawAnswerStore,
    Telemetry,
    WebhookQueue,
)
from darkroom.services.paid.at_hand import keep_job, keep_picture
from darkroom.services.paid.budgets import Budgets
from darkroom.services.paid.call_costs import counted, decided, given_up, shared
from darkroom.services.paid.calls import MOST_STORED_BYTES, Result, raw_names
from darkroom.services.paid.cutouts import BeginCutouts
from darkroom.services.paid.ending_words import share_sentence, stood_in, told_error, usage_of, with_warnings
from darkroom.services.paid.persistence import Persist, once

# Characters of a completion that is kept in its job's row, in `result` by this name: more are cheaper as an object.
MOST_INLINE = 12_000
INLINE = "completion_text"
# What cannot be found out within a day will not be.
DECIDED_AFTER = timedelta(hours=24)
_SERVER_ERROR = 500
_UNTOLD = (
    "The provider does not say what this cost, and nobody publishes its price: what was set aside for it counts as"
    " spent."
)
SIMULATED = "Simulated: a program on this machine answered in place of a model, and the costs are play money."
_NEVER_KNOWN = "What this cost could not be found out: what was set aside for it counts as spent."


class Settlement(Struct, frozen=True):
    """Args:
    max_megapixels: of pictures that are put together here.
    keeps_books: whether a provider can be asked later what a call cost.
    begin_cutouts: has the pictures of a job that was bought cut out, if they are to be.
    """

    jobs: JobStore
    ledger: Ledger
    budgets: Budgets
    images: ImageStore
    raw_answers: RawAnswerStore
    webhooks: WebhookQueue
    clock: Clock
    alarm: Alarm
    max_megapixels: float
    keeps_books: Callable[[str], bool]
    begin_cutouts: BeginCutouts
    telemetry: Telemetry
    statistics: ModelStatistics

    def succeed(self, job: Job, result: Result, persist: Persist = once, *, picture: KeptPicture | None = None) -> None:
        """Stores what came, then settles. A cost that the answer does not tell is found out later.

        Args:
            persist: how a picture is written, such as again after an error that passes.
            picture: that the answer is kept as; it is stored already.
        """
        usage, done = result.usage, self._done(job, result, persist, picture)
        if usage.cost is None and not self.keeps_books(done.provider):
            self._count_untold(done)
        elif usage.cost is None:
            # It has come, so it was charged; the books will say how much.
            self._leave_open(done.model_copy(update={"cost": done.cost.model_copy(update={"charged": "unknown"})}))
        else:
            known = done.model_copy(update={"calls": decided(done.calls, usage.cost)})
            self._settle(known, usage.cost, charged=usage.charged, answer_lies_apart=picture is None)

    def _count_untold(self, job: Job) -> None:
        """Settles what came of a provider that cannot be asked what it cost, and whose price is not known either."""
        calls = tuple(given_up(call) for call in job.calls)
        ended = job.model_copy(update={"calls": calls, "warnings": (*job.warnings, _UNTOLD)})
        self._settle(ended, counted(job, calls), charged="unknown")

    def revive(self, job: Job, result: Result, picture: KeptPicture | None = None) -> None:
        """Stores what came of a failed job whose answer is understood only now. What it cost is settled, and stays so.

        Raises:
            Conflict: the job is gone, or is another's by now.
        """
        done = self._done(job, result, picture=picture)
        if not self.jobs.revive(done):
            raise Conflict("The job has changed meanwhile.", fix="Look at it again.")
        self.begin_cutouts(done)
        for name in raw_names(job):
            self.raw_answers.remove(job.user, name)

    def _done(self, job: Job, result: Result, persist: Persist = once, picture: KeptPicture | None = None) -> Job:
        """The job with what came of it, which is stored."""
        stored, told, warnings = self._stored(job, result, persist, picture)
        return job.model_copy(
            update={
                "status": JobStatus.SUCCEEDED,
                "completed_at": self.clock(),
                "images": stored,
                "result": {**told, "source": result.call.source, "attempts": result.call.attempts},
                "warnings": tuple(
                    dict.fromkeys(
                        (
                            *job.warnings,
                            *stood_in(job, result.call.model_used),
                            *result.warnings,
                            *warnings,
                            *((SIMULATED,) if result.call.is_simulated else ()),
                        )
                    )
                ),
                "model_used": result.call.model_used,
                "generation_id": result.call.generation_id or job.generation_id,
                "error": None,
            }
        )

    def fail(self, job: Job, error: DarkroomError) -> None:
        """Ends a job that could not be carried out, as far as it is known what that cost."""
        cost = error.upstream.cost_micro_usd if error.upstream else None
        if isinstance(error, UnusableAnswer) and job.expires_at is not None:
            error.context["answer_kept_until"] = self._kept_until(job.user, job.expires_at).isoformat()
        failed = self._failed(job, error.problem())
        if error.charged is False:
            self.settle(failed, 0)
        elif error.charged is True and cost is not None:
            # Where the user's key at the source has paid, nothing of it is in the cost.
            self._settle(failed.model_copy(update={"calls": decided(job.calls, cost)}), cost, charged=True)
        else:
            self.doubt(job, error)

    def _kept_until(self, user: str, expires_at: datetime) -> datetime:
        """Until when the answer of a job is kept: what its user has set since it was admitted counts for it, too."""
        days = self.budgets.keep_days(user)
        return expires_at if days is None else min(expires_at, self.clock() + timedelta(days=days))

    def doubt(self, job: Job, error: DarkroomError) -> None:
        """Money may have been spent: what was set aside stays so until that is known."""
        problem = {**error.problem(), "charged": "unknown", "retryable": False}
        cost = job.cost.model_copy(update={"charged": "unknown"})
        self._leave_open(job.model_copy(update={"status": JobStatus.UNCERTAIN, "error": problem, "cost": cost}))

    def cancel(self, job: Job) -> bool:
        """False if it is too late: it is over, or was sent to the provider."""
        canceled = self._failed(
            job,
            JobCanceled(
                "The job was canceled before anything was spent.", fix="Send it again if you want it."
            ).problem(),
        )
        canceled = canceled.model_copy(update={"status": JobStatus.CANCELED})
        return self._close(canceled, 0, before_dispatch=True)

    def fail_before_dispatch(self, job: Job, error: DarkroomError) -> bool:
        """Ends a job that never got as far as the provider; False if it did."""
        return self._close(self._failed(job, error.problem()), 0, before_dispatch=True)

    def decide(self, job: Job, actual: MicroUsd) -> None:
        """Settles a job of which it is known now what it cost. An error that it ended with says so."""
        done = job.status is JobStatus.SUCCEEDED
        self.settle(job if done else self._failed(job, told_error(job, charged=actual > 0)), actual)

    def share(self, job: Job, share: Share) -> None:
        """Settles a job at its part of what several cost together; its receipt says so."""
        together = None if share.is_certain else share.together
        known = {"cost": job.cost.model_copy(update={"together": together}), "calls": shared(job.calls, share)}
        ended = job.model_copy(update=known)
        if job.status is not JobStatus.SUCCEEDED:
            ended = self._failed(
                ended, told_error(job, charged=share.charged, fix=None if together is None else share_sentence(share))
            )
        elif together is not None:
            ended = ended.model_copy(update={"warnings": (*job.warnings, share_sentence(share))})
        self._settle(ended, share.amount, charged=share.charged, is_share=True)

    def give_up(self, job: Job) -> None:
        """Give up after a day: the reservation counts as spent, and the receipt says that the cost is unknown."""
        calls = tuple(given_up(call) for call in job.calls)
        if calls and all(call.cost is not None for call in calls):
            self.decide(job.model_copy(update={"calls": calls}), sum(call.cost or 0 for call in calls))
            return
        counts = counted(job, calls)
        self.alarm(
            "COST_NEVER_KNOWN",
            job=job.id,
            reserved=job.cost.reserved,
            counted=counts,
            generation=job.generation_id,
        )
        if job.status is JobStatus.SUCCEEDED:
            ended = job.model_copy(update={"warnings": (*job.warnings, _NEVER_KNOWN)})
        else:
            ended = self._failed(job, told_error(job, charged="unknown"))
        self._settle(ended.model_copy(update={"calls": calls}), counts, charged="unknown")

    def settle(self, job: Job, actual: MicroUsd) -> bool:
        """Stores the final state and what it cost, and tells who asked to be told."""
        known = job.model_copy(update={"calls": decided(job.calls, actual)})
        return self._settle(known, actual, charged=actual > 0)

    def _settle(
        self,
        job: Job,
        actual: MicroUsd,
        *,
        charged: Charged,
        is_share: bool = False,
        answer_lies_apart: bool = True,
    ) -> bool:
        if actual > job.cost.reserved:
            self.alarm("SETTLED_ABOVE_RESERVATION", job=job.id, reserved=job.cost.reserved, actual=actual)
        cost = job.cost.model_copy(update={"charged": charged})
        job = job.model_copy(update={"cost": cost})
        percent = self.budgets.warn_at_percent(job.user) if job.budgets and actual > 0 else None
        try:
            return self._close(
                with_warnings(job, actual),
                actual,
                is_share=is_share,
                warn_at_percent=percent,
                answer_lies_apart=answer_lies_apart,
            )
        except NearLimit:
            # Now and then, where it does: the budgets are looked at, and then it is closed whatever they have come to.
            warned = self.budgets.warnings(job.user, job.budgets, actual=actual)
        ended = with_warnings(job, actual, warned)
        return self._close(ended, actual, is_share=is_share, answer_lies_apart=answer_lies_apart)

    def _close(
        self,
        job: Job,
        actual: MicroUsd,
        *,
        before_dispatch: bool = False,
        is_share: bool = False,
        warn_at_percent: int | None = None,
        answer_lies_apart: bool = True,
    ) -> bool:
        if not self.ledger.close(
            job, actual=actual, before_dispatch=before_dispatch, is_share=is_share, warn_at_percent=warn_at_percent
        ):
            return False
        cost = job.cost.model_copy(update={"settled": True, "actual": actual})
        keep_job(job.model_copy(update={"cost": cost, "lease_expires_at": None}))
        if job.webhook_url:
            self.webhooks.send(job.user, f"msg_{job.id}")
        if job.status is JobStatus.SUCCEEDED and answer_lies_apart:
            for name in raw_names(job):
                self.raw_answers.remove(job.user, name)
        self.begin_cutouts(job)
        self._measure(job, actual)
        return True

    def _measure(self, job: Job, actual: MicroUsd) -> None:
        self.telemetry.settled(job, actual)
        if job.dispatched_at is None or job.model_used is None:
            return
        succeeded = job.status is JobStatus.SUCCEEDED
        # What the caller did wrong says nothing of the model.
        if succeeded or int((job.error or {}).get("status", 500)) >= _SERVER_ERROR:
            ended = job.completed_at or self.clock()
            self.statistics.record(
                job.model_used, seconds=(ended - job.dispatched_at).total_seconds(), succeeded=succeeded
            )

    def _leave_open(self, job: Job) -> None:
        if not self.jobs.record(job):
            self.alarm("JOB_WAS_NOT_OURS", job=job.id, attempt=job.attempt)
        elif job.status is JobStatus.SUCCEEDED:
            self.begin_cutouts(job)
        elif job.status is JobStatus.UNCERTAIN:
            self.telemetry.doubted(job)

    def _failed(self, job: Job, problem: Mapping[str, Any]) -> Job:
        # What its owner gave up while nobody knew what became of it stays so.
        status = JobStatus.CANCELED if job.status is JobStatus.CANCELED else JobStatus.FAILED
        return job.model_copy(update={"status": status, "completed_at": self.clock(), "error": dict(problem)})

    def _stored(
        self, job: Job, result: Result, persist: Persist, picture: KeptPicture | None
    ) -> tuple[tuple[StoredImage, ...], dict[str, Any], tuple[str, ...]]:
        """The pictures, what else is to be known of the result, and warnings."""
        if isinstance(result, GenerationResult):
            stored, warnings = self._store(job, result, persist, picture)
            return stored, {"usage": usage_of(result)}, warnings
        if isinstance(result, ChatResult):
            return (), {"text": result.text, "is_cut_short": result.is_cut_short}, ()
        body = json.dumps(result.body, default=str)
        if len(body) <= MOST_INLINE:
            return (), {INLINE: body}, ()
        key = f"outputs/{job.user}/{job.id}/completion.json"
        self._persist(job, key, body.encode(), "application/json", persist)
        return (), {"completion": key}, ()

    def _store(
        self, job: Job, result: GenerationResult, persist: Persist, picture: KeptPicture | None
    ) -> tuple[tuple[StoredImage, ...], tuple[str, ...]]:
        stored: list[StoredImage] = []
        warnings: list[str] = []
        for index, image in enumerate(result.images):
            data, media_type, told = self._composed(job, image)
            warnings += [each for each in told if each not in warnings]
            stored.append(self._write(job, index, data, media_type, persist, picture))
        if not stored:
            raise NoImage("The model answered without a picture.")
        return tuple(stored), tuple(warnings)

    def _composed(self, job: Job, image: GeneratedImage) -> tuple[bytes, str, tuple[str, ...]]:
        work = job.work
        if work is None or work.mask is None:
            return self._in_format(work.output_format if work else None, image)
        # Here and below: functions that cancel jobs settle them, too, and decode no picture.
        from darkroom.images.mask import compose

        try:
            composed = compose(
                self.images.read_output(work.inputs[0].key, max_bytes=MOST_STORED_BYTES),
                image.data,
                self.images.read_output(work.mask.key, max_bytes=MOST_STORED_BYTES),
                output_format="webp" if work.output_format == "webp" else "png",
                max_megapixels=self.max_megapixels,
            )
        except DarkroomError as error:
            # It is paid for: rather the whole picture than none.
            why = f"The mask could not be applied, so this is the whole picture as the model made it. {error.detail}"
            return image.data, image.media_type, (why,)
        return composed.data, composed.media_type, composed.warnings

    def _in_format(self, wanted: str | None, image: GeneratedImage) -> tuple[bytes, str, tuple[str, ...]]:
        """As the caller wants it; not every model has a choice of formats."""
        from darkroom.images.convert import MEDIA_TYPES, converted

        asked = MEDIA_TYPES.get(wanted or "")
        if asked is None or asked == image.media_type or image.media_type not in MEDIA_TYPES.values():
            return image.data, image.media_type, ()
        try:
            return *converted(image.data, str(wanted), max_megapixels=self.max_megapixels), ()
        except (DarkroomError, OSError):
            return image.data, image.media_type, (f"It could not be written as {wanted}, and is as the model made it.",)

    def _write(
        self,
        job: Job,
        index: int,
        data: bytes,
        media_type: str,
        persist: Persist,
        picture: KeptPicture | None,
    ) -> StoredImage:
        """Where only this job can have put it, so that doing it twice changes nothing."""
        ending = media_type.partition("/")[2].replace("jpeg", "jpg").replace("svg+xml", "svg")
        width, height = measure(data)
        image = StoredImage(
            key=f"outputs/{job.user}/{job.id}/{index}.{ending}",
            media_type=media_type,
            width=width,
            height=height,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        if picture is None or (picture.key, picture.sha256) != (image.key, image.sha256):
            self._persist(job, image.key, data, media_type, persist)
        keep_picture(image.key, data)
        return image

    def _persist(self, job: Job, key: str, data: bytes, media_type: str, persist: Persist) -> None:
        try:
            persist(lambda: self.images.write_output(key, data, media_type=media_type, metadata={"job": job.id}))
        except DarkroomError as error:
            # It is paid for. The sweep stores it from the provider's answer, if that was kept.
            self.alarm("RESULT_NOT_STORED", job=job.id, error=type(error).__name__)
            raise
