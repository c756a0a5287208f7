"""The money of a recipe's batch: the worker's part, which admits the paintings that the pictures wait for.

Each is a paid job of its own with the one id that it can have, reserved from the user's budgets and from the batch's.
`advance` may be called at any time, by anybody, any number of times; what may not be paid for becomes a job that has
failed, under the same id, so that it is never admitted afterwards.
"""

from collections.abc import Iterator

from msgspec import Struct

from darkroom.errors import CostLimit, DarkroomError, ServiceUnavailable
from darkroom.models.admission import Outcome
from darkroom.models.digest import digest
from darkroom.models.job import Job, JobStatus
from darkroom.models.money import in_dollars, said
from darkroom.models.recipe import Batch, Manifest, Wanted
from darkroom.ports import Alarm, Clock, JobQueue, JobStore, Ledger, RenderQueue
from darkroom.services.paid.budgets import exceeded
from darkroom.services.paid.settlement import Settlement
from darkroom.services.recipes.batch_notes import Notes, is_closing, manifest_key, part_id, wall_of
from darkroom.services.recipes.batch_pricing import BatchPricing, part_of
from darkroom.services.recipes.batch_results import settled
from darkroom.services.recipes.recipe_stages import stages_of

_AT_WORK = (JobStatus.QUEUED, JobStatus.RUNNING)


class BatchPainting(Struct, frozen=True):
    pricing: BatchPricing
    jobs: JobStore
    ledger: Ledger
    notes: Notes
    queue: JobQueue
    render_queue: RenderQueue
    settlement: Settlement
    clock: Clock
    alarm: Alarm

    def advance(self, user: str, job_id: str) -> None:
        """Admits what can be, and has the image function go on where a painting is over; nothing for other jobs."""
        batch = self.jobs.find(user, job_id)
        if batch is None or wall_of(batch) is None:
            return
        if batch.status.is_final:
            self._release(batch)
            self._settle(batch)
            return
        manifest = self.notes.read(manifest_key(batch), Manifest)
        parts = {
            index: self.jobs.find(user, part_id(job_id, index, wanted.number))
            for index, wanted in manifest.wanted.items()
        }
        missing = [index for index, part in parts.items() if part is None]
        closing = is_closing(batch, self.clock())
        if closing:
            self._release(batch)
        elif missing:
            paints = self.notes.batch(batch)
            for index in missing:
                parts[index] = self._begin(batch, paints, index, manifest.wanted[index], parts)
        if closing or any(part is not None and part.status.is_final for part in parts.values()):
            self.render_queue.send(user, job_id)

    def _begin(self, batch: Job, asked: Batch, index: int, wanted: Wanted, parts: dict[int, Job | None]) -> Job | None:
        """The painting's job; None while others of the batch may yet give back what it needs."""
        step = stages_of(asked.recipe)[wanted.number].paint
        assert step is not None  # noqa: S101 - every stage but the last paints, and after that nothing is wanted
        bare = part_of(batch, index, step, wanted)
        try:
            part = self.pricing.part(batch, index, step, wanted)
        except DarkroomError as error:
            if error.retryable:
                raise
            return self._refuse(bare, error)
        outcome = self.ledger.admit(part)
        if outcome.admitted is not None:
            return self._admitted(outcome.admitted)
        if any(each is not None and each.status in _AT_WORK for each in parts.values()):
            return None
        return self._refuse(bare.model_copy(update={"model_requested": part.model_requested}), _refusal(outcome, part))

    def _admitted(self, part: Job) -> Job:
        # Whoever canceled the batch meanwhile has not seen this painting; no worker knows of it yet.
        batch = self.jobs.find(part.user, part.parent_id or "")
        if batch is None or batch.status.is_final or is_closing(batch, self.clock()):
            self.settlement.cancel(part)
            return self.jobs.find(part.user, part.id) or part
        if part.status is JobStatus.QUEUED:
            try:
                self.queue.send(part.user, part.id)
            except DarkroomError as error:
                # It is stored and will be found by the sweep.
                self.alarm("JOB_NOT_QUEUED", job=part.id, detail=error.detail)
        return part

    def _refuse(self, part: Job, error: DarkroomError) -> Job:
        """Writes down, once and for all, that it is not painted."""
        now = self.clock()
        ended = {"status": JobStatus.FAILED, "created_at": now, "completed_at": now, "error": error.problem()}
        refused = part.model_copy(update=ended)
        try:
            return self.jobs.add(refused, source=digest(f"{part.user}\n{part.id}")) or refused
        except ServiceUnavailable:
            # Somebody else was faster: admitted or refused, that is what counts.
            found = self.jobs.find(part.user, part.id)
            if found is None:
                raise
            return found

    def _release(self, batch: Job) -> None:
        """Cancels the paintings of a canceled batch that no provider was sent yet."""
        for part in self._parts(batch):
            if part.status in _AT_WORK and part.dispatched_at is None:
                self.settlement.cancel(part)

    def _settle(self, batch: Job) -> None:
        """Writes down what a batch cost that was over before that was known."""
        done = None if batch.cost.settled else settled(batch, self._parts(batch))
        if done is not None:
            self.jobs.settle(done)

    def _parts(self, batch: Job) -> Iterator[Job]:
        """Its paintings, the newest first, by their ids."""
        before: str | None = f"{batch.id}-j"
        while before is not None:
            page = self.jobs.page(batch.user, limit=100, before=before)
            parts = [job for job in page.jobs if job.parent_id == batch.id]
            yield from parts
            before = page.next_id if len(parts) == len(page.jobs) else None


def _refusal(outcome: Outcome, part: Job) -> DarkroomError:
    budget, ref = outcome.refused_by, outcome.refused_ref
    if budget is None or ref is None or ref.name != "batch":
        return exceeded(outcome, reserve=part.cost.reserved, estimate=part.cost.estimated)
    return CostLimit(
        f"Painting this picture may cost {said(part.cost.reserved)}; {said(budget.remaining)} is left of this batch's "
        f"`max_cost_usd` of {said(budget.limit)}.",
        fix="Send the pictures that are left with a `max_cost_usd` of their own.",
        context={
            "budget": ref.name,
            "reserved_usd": float(in_dollars(part.cost.reserved)),
            "limit_usd": float(in_dollars(budget.limit)),
            "remaining_usd": float(in_dollars(budget.remaining)),
            "spent_usd": float(in_dollars(budget.spent)),
        },
    )
