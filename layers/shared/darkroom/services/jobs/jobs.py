"""Jobs: showing them to their owner, canceling and removing them, and closing those whose worker died."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from darkroom.errors import Conflict, DarkroomError, InvalidParameter, NotFound, ServiceUnavailable
from darkroom.models.job import Job, JobStatus, Parent, StoredImage
from darkroom.models.money import MicroUsd, in_credits, in_dollars
from darkroom.ports import Clock, ImageStore, JobStore, RawAnswerStore
from darkroom.services.jobs.stuck import Cancel, GivingUp, is_stuck
from darkroom.services.paid.admission import parts_of
from darkroom.services.paid.calls import raw_names
from darkroom.services.recipes.batch_cancel import BatchCancel
from darkroom.services.recipes.batch_notes import Notes, is_batch, wall_of

if TYPE_CHECKING:
    from darkroom.services.jobs.groups import Group, JobFilter

MOST_PER_PAGE = 100
MOST_ID = 64
# A message that is neither delivered again nor dead after this long has been lost.
LOST_AFTER = timedelta(days=1)


class Jobs:
    """Args:
    max_attempts: how often a queue delivers a message before it is a dead letter.
    raw_answers: of paid jobs, to be removed with them.
    credit: what a credit is worth in micro-dollars, for showing.
    """

    def __init__(
        self,
        store: JobStore,
        images: ImageStore,
        clock: Clock,
        *,
        max_attempts: int,
        raw_answers: RawAnswerStore,
        credit: MicroUsd,
    ) -> None:
        self._store = store
        self._images = images
        self._clock = clock
        self._max_attempts = max_attempts
        self._raw_answers = raw_answers
        self._credit = credit
        self._batches = BatchCancel(store, Notes(images), clock)

    def find(self, user: str, job_id: str) -> Job:
        # Longer than any id there is, and in the end than DynamoDB takes for a key.
        job = self._store.find(user, job_id) if len(job_id) <= MOST_ID else None
        if job is None or self._is_gone(job):
            raise _not_found(job_id)
        return job

    def as_shown(self, job: Job) -> Job:
        """The job as its owner sees it; see Job.as_shown."""
        return job.as_shown(self._clock())

    def page(
        self, user: str, wanted: "JobFilter | None" = None, *, limit: int = 20, before: str | None = None
    ) -> "tuple[Sequence[Group], str | None]":
        """Jobs with their parts, newest first, and the id to give as `before` for the next page; it is exclusive.

        A page has fewer than `limit`, or none, where MAX_READ rows had to be read for it; then there is a next one.
        """
        if not 1 <= limit <= MOST_PER_PAGE:
            raise InvalidParameter(
                f"`limit` is {limit}.", fix=f"Give a whole number from 1 to {MOST_PER_PAGE}.", param="limit"
            )
        # Here, for most functions show a job and list none.
        from darkroom.services.jobs.groups import Group, Groups, JobFilter

        wanted = wanted or JobFilter()
        groups, found = Groups(self._store, user, wanted, limit=limit, before=before), list[Group]()
        for job, parts in groups:
            if wanted.earliest is not None and job.id < wanted.earliest:
                return found, None
            if not self._is_gone(job) and wanted.fits((self.as_shown(job), *parts)):
                found.append(Group(job, tuple(part for part in parts if not self._is_gone(part))))
            if len(found) == limit:
                break
        return found, groups.next_id

    def _is_gone(self, job: Job) -> bool:
        """Whether its owner has removed it, or it has expired: its row stays for some days, and its pictures do not."""
        has_expired = job.expires_at is not None and job.expires_at <= self._clock()
        return job.removed_at is not None or (has_expired and job.status.is_final and job.cost.settled)

    def picture(self, job: Job, index: str) -> StoredImage:
        """One of the pictures of a job, as its owner sees it, from 0. Raises NotFound."""
        images = self.as_shown(job).images
        if not (index.isascii() and index.isdecimal() and len(index) <= 4 and int(index) < len(images)):
            raise NotFound(
                f"Job {job.id} has no picture {index[:10]!r}.",
                fix=f"GET /v1/jobs/{job.id} shows what it has; the first is 0.",
            )
        return images[int(index)]

    def remove(self, user: str, job_id: str, cancel: Cancel) -> None:
        """Removes a job that is over, or that nobody works on any more, and its images.

        Its parts go with it. Where it is not known yet what it cost, its owner sees it no more, and what was set aside
        stays so until that is known. Its receipt stays in any case.

        Args:
            cancel: as for `cancel`.

        Raises:
            NotFound: the user has no such job.
            Conflict: it is still being worked on.
        """
        job = self.find(user, job_id)
        if is_stuck(job, self._clock()):
            job = self.cancel(user, job_id, cancel)
        if not job.status.is_final:
            raise _at_work(job)
        parent = self._store.find(user, job.parent_id) if job.parent_id else None
        if parent is not None and not parent.status.is_final:
            # That would have it done, and paid for, once more.
            raise Conflict("The job is a part of another that goes on.", fix=f"Wait until {parent.id} is over.")
        for part in self._parts(job):
            self._remove_one(part, job)
        self._remove_one(job, parent)

    def remove_all(
        self, user: str, ids: Sequence[str], *, has_time: Callable[[], bool]
    ) -> list[tuple[str, DarkroomError | None]]:
        """Removes several that are over, each as `remove` does; by id why one was not.

        Args:
            has_time: whether there is time for another one.
        """
        return [(each, self._kept_for(user, each, has_time)) for each in dict.fromkeys(ids)]

    def _kept_for(self, user: str, job_id: str, has_time: Callable[[], bool]) -> DarkroomError | None:
        if not has_time():
            return ServiceUnavailable("There was no time left for it.", fix="Send those that are left again.")
        try:
            job = self.find(user, job_id)
            if job.status is JobStatus.UNCERTAIN:
                raise Conflict(
                    "It is not known yet whether the job cost anything.",
                    fix=f"Wait until it is settled, or remove it by itself (DELETE /v1/jobs/{job_id}).",
                    charged="unknown",
                )
            if not job.status.is_final:
                raise _at_work(job)
            # One that is over is never canceled.
            self.remove(user, job_id, lambda _: False)
        except DarkroomError as error:
            return error
        return None

    def _parts(self, job: Job) -> Iterator[Job]:
        """Of a turn, or of a batch that paints."""
        if job.turn is None and wall_of(job) is None:
            return
        before: str | None = f"{job.id}-~"
        while before is not None:
            page = self._store.page(job.user, limit=MOST_PER_PAGE, before=before)
            parts = [each for each in page.jobs if each.parent_id == job.id]
            yield from parts
            before = page.next_id if len(parts) == len(page.jobs) else None

    def _remove_one(self, job: Job, parent: Job | None) -> None:
        user, job_id = job.user, job.id
        completion = [str(job.result["completion"]), long_answer_key(job)] if "completion" in job.result else []
        # A conversation shows the pictures of its turns as long as there is one; they are removed with it.
        own = () if job.conversation_id else job.images
        # Whether they are noted down or not: whatever writes them may have been stopped in between.
        cutouts = [job.cutout_key(index) for index in range(len(own))] if job.has_cutouts else []
        refining = job.refining_keys if job.result.get("refinable") else ()
        keys = (*(image.key for image in own), *cutouts, *refining, *completion, *job.partial_keys)
        self._images.remove_outputs(keys)
        if job.is_paid:
            for name in raw_names(job):
                self._raw_answers.remove(user, name)
            if job.work is not None and not job.images:
                # An answer that could not be used may be kept as the picture that it is.
                self._images.remove_outputs_under(f"outputs/{user}/{job_id}/")
        if job.status.is_final and job.cost.settled and (parent is None or parent.cost.settled):
            self._store.remove(user, job_id)
        else:
            # Its own cost, or its parent's, is yet to be read from it.
            self._store.hide(user, job_id, at=self._clock())

    def forget(self, job: Job) -> None:
        """Removes a job and its parent, where their owner has removed them and only their cost was waited for."""
        parent = self._store.find(job.user, job.parent_id) if job.parent_id else None
        if parent is not None and not parent.cost.settled:
            return
        for each in (self._store.find(job.user, job.id), parent):
            if each is not None and each.removed_at is not None and each.cost.settled:
                self._store.remove(each.user, each.id)

    def label(self, user: str, job_id: str, *, favorite: bool | None, title: str | None) -> Job:
        """Notes what an owner says of a job; None leaves it as it is, an empty title removes it. Raises NotFound."""
        job = self.find(user, job_id)
        if favorite is None and title is None:
            return job
        labeled = self._store.label(user, job_id, favorite=favorite, title=title)
        if labeled is None:
            raise _not_found(job_id)
        return labeled

    def cancel(self, user: str, job_id: str, cancel: Cancel) -> Job:
        """Cancels a job that was not sent to its provider, or that is stuck; one that is canceled already stays so.

        Of one that takes several calls those that were sent are waited for, and paid; no further one is sent. A stuck
        job may have been charged: its cost is settled when that is known. A batch that waits for paintings which were
        sent is ended when they are: until then it is `canceling`.

        Args:
            cancel: settles it, unless it is too late.

        Raises:
            NotFound: the user has no such job.
            Conflict: it is over, or is being paid for at this moment.
        """
        job = self.find(user, job_id)
        if job.turn is not None and not job.status.is_final:
            GivingUp(self._store, self._clock).turn(job, parts_of(self._store, job), cancel)
            return self.find(user, job_id)
        if is_batch(job) and not job.status.is_final:
            self._batches.cancel(job, cancel)
            return self.find(user, job_id)
        if job.status is JobStatus.CANCELED or (not job.status.is_final and self._is_given_up(job, cancel)):
            return self.find(user, job_id)
        job = self.find(user, job_id)
        if job.status is JobStatus.CANCELED:
            return job
        if any(call.dispatched_at is None for call in job.calls) and self._store.stop(job, at=self._clock()):
            return self.find(user, job_id)
        if self.as_shown(job).status is not job.status:
            raise Conflict(
                "The picture is bought, and is only being cut out of its background.",
                fix="Wait until it is over, or remove the job.",
            )
        if job.status.is_final:
            raise Conflict(f"The job is over: it has {job.status}.", fix="There is nothing left to cancel.")
        raise Conflict(
            f"It is too late to cancel the job: {'the provider' if job.is_paid else 'somebody'} is at work on it.",
            fix="Wait until it is over.",
            context={"job_id": job.id, "job_status": job.status.value},
        )

    def _is_given_up(self, job: Job, cancel: Cancel) -> bool:
        given_up = GivingUp(self._store, self._clock)
        return given_up.call(job, cancel) if job.is_paid else given_up.free(job)

    def abandon(self, job: Job) -> bool:
        """Fails a job that costs nothing itself and will come to nothing; or says of one that is over that nobody can
        tell what its parts cost.
        """
        if job.status.is_final:
            unknown = {"actual": None, "settled": True, "charged": "unknown"}
            return self._store.settle(job.model_copy(update={"cost": job.cost.model_copy(update=unknown)}))
        return self._store.finish(_abandon(job, self._clock()))

    def close_if_abandoned(self, job: Job) -> bool:
        """Fails a job whose worker died on its last attempt, whose message is a dead letter by now.

        A worker that raises says so itself; this is for one that was killed or ran out of memory or time.
        """
        now = self._clock()
        return self._is_abandoned(job, now) and self._store.finish(_abandon(job, now))

    def _is_abandoned(self, job: Job, now: datetime) -> bool:
        if job.created_at + LOST_AFTER <= now:
            return True
        lease_is_over = job.lease_expires_at is not None and job.lease_expires_at <= now
        return lease_is_over and job.attempt >= self._max_attempts

    def show(self, job: Job, *, most_images: int | None = None) -> dict[str, Any]:
        """The job as the API answers it, with links that work for a while.

        Args:
            most_images: how many pictures are shown at the most; a list of long jobs must fit into an answer.
        """
        path, job = f"/v1/jobs/{job.id}", self.as_shown(job)
        images = [
            {
                **image.model_dump(exclude={"key"}),
                "url": self._images.link_output(image.key),
                "thumb": image.thumbnail(f"{path}/images/{index}"),
            }
            for index, image in enumerate(job.images[:most_images])
        ]
        moments = {"created_at", "started_at", "completed_at", "expires_at"}
        return {
            "id": job.id,
            "object": "job",
            "op": job.op,
            "status": job.status.value,
            "favorite": job.favorite,
            "title": job.title,
            **job.model_dump(mode="json", include=moments),
            "input": job.input,
            "output": {**_output(job, most_images), **({} if most_images else self._refining(job)), "images": images},
            "error": job.error,
            "warnings": list(job.warnings),
            "cost": self.show_cost(job),
            **job.model_dump(mode="json", include={"model_requested", "model_used", "generation_id"}),
            **({"calls": [each.line() for each in job.calls]} if job.calls else {}),
            # Who serves it, or the planner of a turn; what is done here is nobody's.
            "provider": job.provider if job.is_paid or job.turn is not None else None,
            "lineage": _lineage(job, most_images),
            "urls": {"get": path, "cancel": f"{path}/cancel", "derived": f"/v1/jobs?made_from={job.id}"},
        }

    def _refining(self, job: Job) -> dict[str, Any]:
        """Links to the picture that was cut out, and to its mask, where they are kept to be refined from."""
        if not job.result.get("refinable"):
            return {}
        original, alpha = (self._images.link_output(key) for key in job.refining_keys)
        return {"original": {"url": original}, "alpha": {"url": alpha}}

    def show_group(self, group: "Group", *, most_images: int) -> dict[str, Any]:
        """The job as `show` has it, with what its parts are and cost."""
        shown = self.show(group.job, most_images=most_images)
        if not group.parts:
            return shown
        return {**shown, "parts": [self._show_part(part) for part in group.parts]}

    def _show_part(self, part: Job) -> dict[str, Any]:
        known = part.model_dump(mode="json", include={"id", "op", "status", "model_used"})
        return {**known, "cost": self.show_cost(part)}

    def show_cost(self, job: Job) -> dict[str, Any]:
        """Money in dollars and in credits; None is not known (yet)."""
        cost = job.cost
        if (job.turn is not None or wall_of(job) is not None) and not job.status.is_final:
            # Its parts know, and each has an end of its own.
            cost = cost.model_copy(update={"actual": None, "settled": False, "charged": "unknown"})
        return {
            "estimated_usd": _dollars(cost.estimated),
            "reserved_usd": _dollars(cost.reserved),
            "actual_usd": _dollars(cost.actual),
            "actual_credits": None if cost.actual is None else float(in_credits(cost.actual, self._credit)),
            "settled": cost.settled,
            # From the dispatch on nobody knows, until it is settled.
            "charged": "unknown" if job.dispatched_at and not cost.settled else cost.charged,
            **({"settled_together": cost.together.line()} if cost.together else {}),
        }


def _at_work(job: Job) -> Conflict:
    return Conflict(
        f"The job is {job.status}.", fix=f"Wait until it is over, or cancel it (POST /v1/jobs/{job.id}/cancel)."
    )


def _not_found(job_id: str) -> NotFound:
    return NotFound(f"There is no job {job_id[:64]!r}.", fix="GET /v1/jobs lists yours.")


def long_answer_key(job: Job) -> str:
    """Where an answer lies that is longer than Lambda can send."""
    return f"outputs/{job.user}/{job.id}/answer"


def _output(job: Job, most: int | None) -> dict[str, Any]:
    """What is known of the output, with so many of a batch's pictures."""
    told = {name: value for name, value in job.result.items() if name not in ("completion", "completion_text")}
    if not is_batch(job):
        return told
    return {name: value[:most] if isinstance(value, list | tuple) else value for name, value in told.items()}


def _dollars(amount: MicroUsd | None) -> float | None:
    return None if amount is None else float(in_dollars(amount))


def _lineage(job: Job, most: int | None) -> list[dict[str, Any]]:
    """What it began with; of a turn the version that it was about, in the place of that version's bytes."""
    parents = job.lineage[:most] if is_batch(job) else job.lineage
    if job.turn is None or job.turn.base is None:
        return [_parent(parent) for parent in parents]
    about = {"role": "image", "kind": "conversation", "ref": job.turn.conversation_id, "version": job.turn.base}
    return [about, *(_parent(parent) for parent in parents if parent.kind == "job")]


def _parent(parent: Parent) -> dict[str, Any]:
    return parent.model_dump(mode="json", exclude_none=True)


def _abandon(job: Job, now: datetime) -> Job:
    fix = "Drop the file again; if it happens again, the dead-letter queue has the message and the log the cause."
    if "bucket" not in job.input:
        fix = "Send it again; if it happens again, the log has the cause."
    error = ServiceUnavailable(
        f"The work was begun {job.attempt} times and never came to an end.", fix=fix, context={"dead_letter": True}
    )
    return job.model_copy(
        update={"status": JobStatus.FAILED, "completed_at": now, "error": error.problem()},
    )
