"""Background removal: for a caller who waits, and for files dropped into the inbox.

A file that is dropped into a folder of the inbox with a kept recipe's name gets that recipe instead. Where a request or
a user's settings say so, remove.bg cuts out, as a paid job: always, or when it could not be done here.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from ulid import ULID

from darkroom.errors import (
    CallerError,
    Conflict,
    DarkroomError,
    DarkroomFault,
    InternalError,
    JobCanceled,
    ServiceUnavailable,
)
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.cutout import Beside, Cutout, CutoutOptions
from darkroom.models.cutout_request import CutoutRequest, RefineRequest
from darkroom.models.deadline import Deadline
from darkroom.models.dropped import DroppedFile
from darkroom.models.job import Job, JobStatus
from darkroom.models.segmentation import AUTO, named
from darkroom.models.user_settings import UserSettings
from darkroom.operations import Rendered
from darkroom.ports import Clock, ImageStore, JobStore
from darkroom.services.inputs.inputs import parent_of
from darkroom.services.inputs.sources import Sources
from darkroom.services.inputs.uploads import MAX_UPLOAD_BYTES
from darkroom.services.paid.admission import Submission, kept_for
from darkroom.services.recipes.batch_notes import OPERATION as RECIPE
from darkroom.services.recipes.recipes import FolderRecipes
from darkroom.services.removal.cloud_options import Mode, is_ours, mode_of
from darkroom.services.removal.cloud_removal import OPERATION, CloudRemoval, taken_over_id
from darkroom.services.removal.doubt import SAMPLE, SAMPLED, doubts, is_doubtful, not_paid
from darkroom.services.removal.postponed import LEASE, Order, Postponed, read_beside
from darkroom.services.removal.results import Pipeline, failed, image_of, store, succeeded

# A file's message can wait among the dead letters for two weeks and be sent again: until then it must be known that the
# file had its job, where that may have been paid for.
REMEMBERED = timedelta(days=15)

# What a dropped file asks for.
_PLAIN = CutoutRequest(image=b"")


class RemoveBackground(Struct, frozen=True):
    """Args:
    pipeline: bytes to cut-out; pure but for the model's weights.
    retention: how long results and their jobs are kept.
    max_attempts: how often the queue delivers a message before it is a dead letter.
    recipes: what folders of the inbox are for.
    settings: a user's own.
    cloud: the paid cut-out, put together when it is first asked for.
    note: counts work of which no job is stored.
    on_lost: told of a job and an error where it could not be counted.
    postponed: makes those that take longer than a caller waits.
    """

    pipeline: Pipeline
    sources: Sources
    images: ImageStore
    jobs: JobStore
    clock: Clock
    retention: timedelta
    max_attempts: int
    recipes: FolderRecipes
    settings: Callable[[str], UserSettings]
    cloud: Callable[[], CloudRemoval]
    note: Callable[[Job], None]
    on_lost: Callable[[Job, Exception], object]
    postponed: Postponed

    def answer(
        self, caller: Caller, request: CutoutRequest, terms: Callable[[], Terms], deadline: Deadline
    ) -> Cutout | Submission | Job:
        """The cut-out, or the paid job that makes it, or a queued one that costs nothing.

        Args:
            terms: how the caller wants a job to be answered.
            deadline: until when a cut-out is waited for.

        Raises:
            CallerError: as cut_out, and as CloudRemoval.submit where it is remove.bg that is to cut out.
            DarkroomFault: it could not be done here, and nobody else may, or will, do it.
        """
        if caller.is_guest and (request.cloud or request.image_url or request.has_address):
            # Neither is anything bought for a guest, nor another server called.
            caller.require_account()
        settings = self.settings(caller.user)
        require_on(settings)
        wanted = with_model(request, settings)
        mode, warning = mode_of(request, settings, is_auto=wanted.model == AUTO)
        if request.sandbox:
            # Who wants to try it is not charged, whatever becomes of it here.
            wanted, warning = (_sample(wanted), SAMPLED) if mode == "always" else (_in_full(wanted), warning)
            mode = "never"
        if mode == "always":
            return self.cloud().submit(caller, request, terms())
        try:
            made = self._made_or_queued(caller, wanted, deadline, warning)
        except Exception as error:
            if mode != "fallback" or not is_ours(error):
                raise
            return self._instead(self.cloud(), caller, request, terms(), error)
        if isinstance(made, Job):
            return made
        if mode == "fallback" and is_doubtful(made):
            return self._better(caller, request, terms(), made)
        return made.model_copy(update={"warnings": (*made.warnings, warning)}) if warning else made

    def _better(self, caller: Caller, request: CutoutRequest, terms: Terms, made: Cutout) -> Cutout | Submission:
        """The paid job for a cut-out of which no model here is sure; or the cut-out, with why nobody is paid."""
        try:
            return self.cloud().submit(caller, request, terms, because=doubts(made), steps=made.steps)
        except DarkroomError as refused:
            if refused.charged is not False:
                raise
            return made.model_copy(update={"warnings": (*made.warnings, not_paid(refused))})

    def _instead(
        self, cloud: CloudRemoval, caller: Caller, request: CutoutRequest, terms: Terms, error: Exception
    ) -> Submission:
        try:
            return cloud.submit(caller, request, terms, because=_because(error))
        except DarkroomError as refused:
            if refused.charged is not False:
                # There is, or may be, a job: that counts, and not why it was asked for.
                raise
            raise _noted(error, refused) from refused

    def _made_or_queued(
        self, caller: Caller, request: CutoutRequest, deadline: Deadline, warning: str | None
    ) -> Cutout | Job:
        order = self._read(caller.user, request)
        parent = parent_of(request.source, order.data)

        def new_job() -> Job:
            job = self._new_job(caller.user, self.clock(), request.shown)
            said = {"token_id": caller.token.id if caller.token else None, "warnings": (warning,) if warning else ()}
            return job.model_copy(update={**said, "lineage": (parent,)})

        made = self.postponed.cut_out(order, new_job, deadline)
        return made if isinstance(made, Job) else made.model_copy(update={"parent": parent})

    def _read(self, user: str, request: CutoutRequest) -> Order:
        beside = read_beside(self.sources, user, request)
        return Order(self.sources.read(user, request.source), request.options, beside)

    def keep(self, user: str, request: CutoutRequest | RefineRequest, cutout: Cutout) -> Job:
        """Stores a finished cut-out with a job that shows it."""
        now = self.clock()
        job = self._new_job(user, now, request.shown)
        job = job.model_copy(update={"lineage": (cutout.parent,) if cutout.parent else ()})
        done = self._store(job, cutout, stem="cutout")
        self.jobs.add(done)
        return done

    def count(self, caller: Caller, request: CutoutRequest | RefineRequest, cutout: Cutout) -> None:
        """Counts a cut-out of which nothing is kept. That it could not be counted is no reason not to hand it out."""
        job = self._new_job(caller.user, self.clock(), request.shown)
        done = succeeded(job, image_of(job, cutout, stem="cutout"), at=self.clock()).model_copy(
            update={"model_used": cutout.model, "token_id": caller.token.id if caller.token else None}
        )
        try:
            self.note(done)
        except Exception as error:  # noqa: BLE001 - whatever it is, the picture is there
            self.on_lost(done, error)

    def on_dropped(self, file: DroppedFile) -> Job | None:
        """Cuts out a dropped file, or takes its folder's recipe on it, once for each version of the object however
        often it is delivered.

        Returns:
            The job; None for what is nobody's file, or was done and then removed.

        Raises:
            DarkroomFault: worth another delivery. The job is queued again, or failed if this was the last one.
        """
        if file.user is None or file.is_folder:
            return None
        now = self.clock()
        given = {"bucket": file.bucket, "key": file.key, "version": file.version}
        recipe = self._recipe(file.user, file)
        new = self._new_job(file.user, now, given)
        mode: Mode = "never"
        if recipe is not None:
            new = new.model_copy(update={"op": RECIPE, "input": {**given, "recipe": recipe}})
        elif (mode := self._mode(file.user)) != "never":
            new = new.model_copy(update={"expires_at": max(new.expires_at or now, now + REMEMBERED)})
        job = self.jobs.add(new, source=file.identity)
        if job is None or job.status.is_final:
            return job
        running = self.jobs.start(job, now=now, lease_expires_at=now + LEASE)
        if running is None:
            raise ServiceUnavailable(
                f"Job {job.id} is being worked on elsewhere.", retry_after=int(LEASE.total_seconds())
            )
        return self._attempt(running, file, mode)

    def _mode(self, user: str) -> Mode:
        """Of dropped files."""
        settings = self.settings(user)
        return mode_of(_PLAIN, settings, is_auto=settings.background_model == AUTO)[0]

    def _attempt(self, job: Job, file: DroppedFile, mode: Mode) -> Job:
        try:
            if job.op != RECIPE:
                require_on(self.settings(job.user))
            if mode != "never" and (paid := self._taken_over(job)):
                return paid
            data = self.images.read_upload(file.key, version=file.version, max_bytes=MAX_UPLOAD_BYTES)
            if mode == "always" and job.op != RECIPE:
                return self._hand_over(job, data)
            made: Cutout | Rendered | Job = self._made(job, data)
            if mode == "fallback" and isinstance(made, Cutout) and is_doubtful(made):
                made = self._paid_instead(job, data, made)
            if isinstance(made, Job):
                return made
            done = self._done(job, made, stem=_safe_stem(file.stem))
        except Exception as error:
            if mode == "fallback" and self._is_last_word(error, file) and (paid := self._rescued(job, file, error)):
                return paid
            if not isinstance(error, DarkroomError) or isinstance(error, DarkroomFault):
                self._give_up_or_requeue(job, file, error)
                raise
            # Another delivery would fail the same way: the job says why, and the message is done with.
            done = self._failed(job, error.problem())
        self.jobs.finish(done)
        return done

    def _is_last_word(self, error: Exception, file: DroppedFile) -> bool:
        """Whether it failed here for a reason of ours, and no other attempt will be made."""
        return is_ours(error) and (isinstance(error, CallerError) or file.receives >= self.max_attempts)

    def _rescued(self, job: Job, file: DroppedFile, error: Exception) -> Job | None:
        """The paid job in its place; None if nobody may pay it, of which the error then tells."""
        if job.op == RECIPE:
            return None
        try:
            data = self.images.read_upload(file.key, version=file.version, max_bytes=MAX_UPLOAD_BYTES)
            return self._hand_over(job, data, because=_because(error))
        except DarkroomError as refused:
            _noted(error, refused)
            return None

    def _hand_over(self, job: Job, data: bytes, *, because: str | None = None) -> Job:
        return self._replaced(job, self.cloud().take_over(job, data, because=because))

    def _taken_over(self, job: Job) -> Job | None:
        """The paid job that took this one's place in an earlier delivery that did not come to its end."""
        paid = self.jobs.find(job.user, taken_over_id(job)) if job.attempt > 1 else None
        return self._replaced(job, paid) if paid is not None else None

    def _replaced(self, job: Job, paid: Job) -> Job:
        """The paid job; the file's own, which nobody need see beside it, is over and removed."""
        error = JobCanceled("remove.bg cuts the file out.", fix=f"GET /v1/jobs/{paid.id} shows how that goes.")
        over = self._failed(job, error.problem()).model_copy(update={"status": JobStatus.CANCELED})
        if self.jobs.finish(over):
            self.jobs.remove(job.user, job.id)
        return paid

    def _recipe(self, user: str, file: DroppedFile) -> str | None:
        folder = _folder(file)
        return folder if folder and self.recipes.has(user, folder) else None

    def _made(self, job: Job, data: bytes) -> Cutout | Rendered:
        # What the job was made for counts, whatever has become of the recipe since.
        if job.op == RECIPE:
            return self.recipes.apply(job.user, job.input["recipe"], data)
        options = CutoutOptions(model=self.settings(job.user).background_model)
        return self.pipeline(data, options, Beside())

    def _paid_instead(self, job: Job, data: bytes, made: Cutout) -> Cutout | Job:
        """The paid job for what no model here is sure of; or the cut-out, with why nobody is paid."""
        try:
            return self._hand_over(job, data, because=doubts(made))
        except DarkroomError as refused:
            if isinstance(refused, DarkroomFault):
                raise
            return made.model_copy(update={"warnings": (*made.warnings, not_paid(refused))})

    def _done(self, job: Job, made: Cutout | Rendered, *, stem: str) -> Job:
        if isinstance(made, Cutout):
            return self._store(job, made, stem=stem)
        image = self.recipes.render.keep(job, made, stem=stem)
        done = succeeded(job, image, at=self.clock())
        return done.model_copy(update={"warnings": made.warnings})

    def _give_up_or_requeue(self, job: Job, file: DroppedFile, error: Exception) -> None:
        if file.receives < self.max_attempts:
            self.jobs.requeue(job)
            return
        known = error if isinstance(error, DarkroomError) else InternalError("The work failed on every attempt.")
        self.jobs.finish(self._failed(job, {**known.problem(), "dead_letter": True}))

    def _failed(self, job: Job, problem: dict[str, Any]) -> Job:
        return failed(job, problem, at=self.clock())

    def _new_job(self, user: str, now: datetime, given: dict[str, Any]) -> Job:
        return Job(
            id=f"job_{ULID.from_datetime(now)}",
            user=user,
            op=OPERATION,
            created_at=now,
            expires_at=now + kept_for(self.retention, self.settings(user)),
            input=given,
        )

    def _store(self, job: Job, cutout: Cutout, *, stem: str) -> Job:
        return store(self.images, job, cutout, stem=stem, at=self.clock())


def require_on(settings: UserSettings) -> None:
    """Raises Conflict where the user has switched it off."""
    if settings.enable_background_removal is False:
        raise Conflict(
            "Background removal is switched off by `enable_background_removal`: false.",
            fix="PATCH /v1/settings switches it on.",
        )


def with_model(request: CutoutRequest, settings: UserSettings) -> CutoutRequest:
    """The user's own model where the request names none."""
    if request.model is not None or settings.background_model is None:
        return request
    return request.model_copy(update={"model": named(settings.background_model)})


def _sample(request: CutoutRequest) -> CutoutRequest:
    """For what is made here in place of what would be paid: small, and marked as what it is."""
    return request.model_copy(update={"max_size": min(request.max_size or SAMPLE, SAMPLE)})


def _in_full(request: CutoutRequest) -> CutoutRequest:
    """Where it costs nothing anyway, there is nothing to try."""
    return request.model_copy(update={"sandbox": False})


def _because(error: Exception) -> str:
    detail = error.detail if isinstance(error, DarkroomError) else "Something went wrong."
    return f"It was not cut out here: {detail}"


def _noted(error: Exception, refused: DarkroomError) -> Exception:
    """The error, with why nobody else did it either."""
    if isinstance(error, DarkroomError):
        error.context["cloud_removal"] = {"code": refused.code, "detail": refused.detail, "fix": refused.fix}
    return error


def _folder(file: DroppedFile) -> str | None:
    """The first folder in the inbox that the file lies in."""
    parts = file.key.split("/")
    return parts[2] if len(parts) > 3 else None


def _safe_stem(stem: str) -> str:
    """The dropped file's name, fit for an object key and a download: no control characters, at most 120 characters."""
    return re.sub(r"[\x00-\x1f\x7f/\\]", "_", stem)[:120] or "cutout"
