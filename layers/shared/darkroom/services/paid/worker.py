"""The worker: carries out one paid job, so that at any moment somebody else could tell from the stored job what to do.

    start (a lease: one worker at a time) → read the key's usage → write down "dispatched" → the provider
    → keep the raw bytes → store the pictures → settle

Before "dispatched" nothing can have been spent, and whatever goes wrong is tried again. After it the job is never sent
again by itself: what became of it is read from the raw bytes, or found out by the sweep.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import timedelta
from decimal import Decimal
from threading import Timer

from msgspec import Struct

from darkroom.errors import (
    DarkroomError,
    DarkroomFault,
    InternalError,
    NetworkError,
    RateLimited,
    ServiceUnavailable,
    UnsupportedModel,
)
from darkroom.models.deadline import Deadline
from darkroom.models.digest import digest
from darkroom.models.generation import Dispatch, KeptPicture, RawAnswer
from darkroom.models.job import Job, JobStatus
from darkroom.models.receipt import KeyCharges, KeyListing
from darkroom.ports import Alarm, Clock, ImageStore, JobQueue, JobStore, OnEvent, Provider, RawAnswerStore, Watch
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.snapshot import read_anew
from darkroom.services.paid import fan_out
from darkroom.services.paid.calls import CarryOut, NotOurs, as_picture, prepare, unheard
from darkroom.services.paid.fan_out import FanOut
from darkroom.services.paid.key_watch import unwatched, watched
from darkroom.services.paid.partials import Partials
from darkroom.services.paid.persistence import Persist, Write, write_again
from darkroom.services.paid.settlement import Settlement

# What storing the result and settling take at the most, after the provider has answered.
AFTERWARDS = 25.0
# Seconds that are left for the pictures when an answer cannot be kept, and for settling when a picture cannot.
FOR_PICTURES = 15.0
FOR_SETTLING = 5.0
# How long a worker that is about to be stopped may still write.
LEASE_MARGIN = timedelta(seconds=15)
MOST_ATTEMPTS = 3
# An answer that is no stream has its generation's id, and mostly follows its headers at once: seconds until the id is
# kept by itself.
ID_ALONE_AFTER = 0.25
# What one provider cannot do and another may.
_ANOTHER_MAY_DO = (NetworkError, RateLimited, ServiceUnavailable, UnsupportedModel)


Advance = Callable[[str, str], object]
"""(user, turn's id): does whatever a turn has to do next, now that something has changed."""


Charges = Callable[[str, str], KeyCharges]
"""(user, the digest of a key of theirs, or of the stack's): what is known of the charges on it."""


Later = Callable[[float, Callable[[], object]], Callable[[], object]]
"""(seconds, what): does it then, beside what goes on; what is given calls it off, or waits until it is done."""


def after(seconds: float, work: Callable[[], object]) -> Callable[[], object]:
    timer = Timer(seconds, copy_context().run, (work,))
    timer.daemon = True
    timer.start()

    def call_off() -> None:
        timer.cancel()
        timer.join()

    return call_off


class Worker(Struct, frozen=True):
    """Args:
    charges: asked before the provider is asked what the key has used.
    later: has a generation's id written down, unless its answer is there by then.
    """

    jobs: JobStore
    queue: JobQueue
    keys: Keys
    providers: Callable[[str], Provider]
    images: ImageStore
    raw_answers: RawAnswerStore
    settlement: Settlement
    charges: Charges
    clock: Clock
    alarm: Alarm
    advance: Advance
    sleep: Callable[[float], None]
    later: Later

    def run(self, user: str, job_id: str, deadline: Deadline) -> None:
        """Carries the job out, if there is still something to do. A message that comes twice does no harm."""
        with read_anew():
            self._run(user, job_id, deadline)

    def _run(self, user: str, job_id: str, deadline: Deadline) -> None:
        now = self.clock()
        lease = now + timedelta(seconds=deadline.left()) + LEASE_MARGIN
        job, is_ours = self.jobs.claim(user, job_id, now=now, lease_expires_at=lease)
        if job is None:
            return
        if not is_ours:
            if not job.is_paid:
                self.advance(user, job_id)
            elif job.parent_id is not None and job.status not in (JobStatus.QUEUED, JobStatus.RUNNING):
                # Whoever carried it out may have died before they told its turn.
                self.advance(user, job.parent_id)
            return
        self.carry_on(job, deadline, unheard)

    def carry_on(self, job: Job, deadline: Deadline, on_event: OnEvent) -> None:
        """Carries out a job whose present attempt is this process's.

        Args: on_event: see ports; what it raises is written to the log.

        Raises:
            DarkroomFault: if nothing was sent, the attempt is given up, and another may begin at once.
        """
        try:
            self._carry_out(job, deadline, on_event)
        except NotOurs:
            return
        except DarkroomFault:
            with suppress(DarkroomError):
                self.jobs.requeue(job)
            raise
        if job.parent_id is not None:
            self.advance(job.user, job.parent_id)

    def dead_letter(self, user: str, job_id: str) -> None:
        """Its message failed on every delivery. A job that was dispatched is the sweep's."""
        job = self.jobs.find(user, job_id)
        if job is None or not job.is_paid or job.status.is_final:
            return
        self.alarm("DEAD_LETTER", job=job_id)
        error = InternalError("No worker could carry the job out.", fix="Try again; the log has the cause.")
        self.settlement.fail_before_dispatch(job, error)

    def _carry_out(self, job: Job, deadline: Deadline, on_event: OnEvent) -> None:
        if job.cancel_at is not None and job.cancel_at <= self.clock():
            self.settlement.cancel(job)
            return
        assert job.work is not None  # noqa: S101 - run() took only such
        others = list(job.work.other_providers)
        provider = job.provider
        while not self._is_done_by(provider, job, deadline, on_event, is_last=not others):
            seen = self.jobs.find(job.user, job.id)
            if seen is None or seen.attempt != job.attempt:
                return
            # As it is stored by now: it may have been dispatched, at no cost.
            provider = others.pop(0)
            asked, other = self.providers(job.provider).title, self.providers(provider).title
            said = f"{asked} could not serve this; {other} was asked instead."
            job = seen.model_copy(update={"warnings": (*dict.fromkeys((*job.warnings, said)),)})

    def _is_done_by(self, provider: str, job: Job, deadline: Deadline, on_event: OnEvent, *, is_last: bool) -> bool:
        """Whether the job has come to an end, or to a pause, with this provider; if not the next may try."""
        call = _Call(self, job.model_copy(update={"provider": provider}), deadline, on_event)
        try:
            return self._is_done(call, deadline, is_last=is_last)
        finally:
            call.call_off()
            call.partials.end()

    def _is_done(self, call: "_Call", deadline: Deadline, *, is_last: bool) -> bool:
        job = call.job
        try:
            key, carry_out = self._ready(call)
        except DarkroomError as error:
            if not is_last and not deadline.is_over:
                return False
            self._not_begun(job, error)
            return True
        if job.calls:
            return self._are_done(call, key, carry_out, deadline, is_last=is_last)
        try:
            result = carry_out(key, Deadline(max(1.0, deadline.left() - AFTERWARDS)), call.watch)
        except DarkroomError as error:
            may_follow = error.charged is False and not error.is_passed_on and isinstance(error, _ANOTHER_MAY_DO)
            if may_follow and not is_last and deadline.left() > AFTERWARDS:
                unwatched(call.job, self.settlement.ledger)
                return False
            self.settlement.fail(call.job, error)
            return True
        self.settlement.succeed(call.job, result, self.persisting(deadline, FOR_SETTLING), picture=call.picture)
        return True

    def _are_done(self, call: "_Call", key: str, carry_out: CarryOut, deadline: Deadline, *, is_last: bool) -> bool:
        """As _is_done_by, of a job that takes several calls."""
        fan = FanOut(
            call.job,
            listing=call.listing,
            jobs=self.jobs,
            raw_answers=self.raw_answers,
            clock=self.clock,
            alarm=self.alarm,
            afterwards=AFTERWARDS,
            persist=self.persisting(deadline, FOR_PICTURES),
        )
        outcomes = fan.run(carry_out, key, deadline)
        if fan_out.is_unbilled(outcomes, _ANOTHER_MAY_DO) and not is_last and deadline.left() > AFTERWARDS:
            unwatched(fan.job, self.settlement.ledger)
            return False
        fan_out.finish(self.settlement, fan.job, outcomes, self.persisting(deadline, FOR_SETTLING))
        return True

    def persisting(self, deadline: Deadline, reserve: float) -> Persist:
        """Writes again until only `reserve` seconds are left."""

        def persist(write: Write) -> object:
            return write_again(write, deadline, reserve=reserve, sleep=self.sleep)

        return persist

    def _not_begun(self, job: Job, error: DarkroomError) -> None:
        if job.dispatched_at is not None:
            # Another provider had it before, which cost nothing.
            self.settlement.fail(job, error)
        elif error.retryable or isinstance(error, DarkroomFault):
            self._try_again(job, error)
        else:
            self.settlement.fail_before_dispatch(job, error)

    def _ready(self, call: "_Call") -> tuple[str, CarryOut]:
        """Everything that can fail without having cost anything."""
        job = call.job
        key = self.keys.reveal(job.user, job.provider, own=job.own_key)
        work = job.work
        assert work is not None  # noqa: S101 - run() took only such
        provider = self.providers(job.provider)
        carry_out: list[CarryOut] = []

        def used() -> Decimal | None:
            """Asks the provider beside the reading of the pictures; both are done before the job is listed or sent."""
            if not provider.keeps_books:
                # It could not be asked again afterwards, so what it says before leads nowhere.
                carry_out.append(prepare(work, provider, self.images))
                return None
            if not work.reads:
                carry_out.append(prepare(work, provider, self.images))
                return provider.inspect(key).used
            with ThreadPoolExecutor(1) as threads:
                asked = threads.submit(copy_context().run, provider.inspect, key)
                carry_out.append(prepare(work, provider, self.images))
                return asked.result().used

        # What the key has used before is the only way to find out about a call that leaves no other trace.
        key_sha256 = digest(key)
        call.job, call.listing = watched(
            job,
            self.charges(job.user, key_sha256),
            key_sha256=key_sha256,
            used=used,
            is_listable=provider.keeps_books and (job.own_key or job.provider not in self.keys.operated),
            now=self.clock(),
        )
        return key, carry_out[0]

    def _try_again(self, job: Job, error: DarkroomError) -> None:
        if job.attempt >= MOST_ATTEMPTS:
            self.settlement.fail_before_dispatch(job, error)
        elif self.jobs.requeue(job):
            self.queue.send(job.user, job.id, delay_seconds=5 * job.attempt)


class _Call:
    """What is written down while the provider is being called."""

    def __init__(self, worker: Worker, job: Job, deadline: Deadline, on_event: OnEvent) -> None:
        self._worker = worker
        self._persist = worker.persisting(deadline, FOR_PICTURES)
        self.job = job
        self.listing: KeyListing | None = None
        self.picture: KeptPicture | None = None
        self.call_off: Callable[[], object] = lambda: None
        self._is_streamed = False
        self._heard = on_event
        self.partials = Partials(job, worker.images, worker.alarm)
        self.watch = Watch(self.on_dispatched, self.on_generation_id, self.on_answer, self.on_event)

    def on_dispatched(self, dispatch: Dispatch) -> None:
        """Raises NotOurs, and nothing is sent."""
        # The id of an attempt before must not become this one's.
        self.call_off()
        self._is_streamed = dispatch.streamed
        if dispatch.attempt > 1 or self.job.dispatched_at is not None:
            # What an earlier attempt left, which cost nothing, must not be taken for this one's answer.
            self._worker.raw_answers.remove(self.job.user, self.job.id)
        at = self._worker.clock()
        lease = self.job.lease_expires_at or at
        marked = self.job.model_copy(update={"dispatched_at": at, "model_used": dispatch.model, "generation_id": None})
        listing = None if self.job.key_listed else self.listing
        sent = self._worker.jobs.dispatch(marked, at=at, lease_expires_at=lease, listing=listing)
        if sent is None:
            raise NotOurs
        self.job = marked.model_copy(update={"key_listed": sent.key_listed})

    def on_generation_id(self, generation_id: str) -> None:
        job = self.job = self.job.model_copy(update={"generation_id": generation_id})

        def note() -> None:
            self._guarded(lambda: self._worker.jobs.note_generation(job, generation_id))

        self.call_off()
        if self._is_streamed:
            note()
        else:
            self.call_off = self._worker.later(ID_ALONE_AFTER, note)

    def on_answer(self, answer: RawAnswer) -> None:
        kept, secret = answer.model_copy(update={"model": self.job.model_used}), as_picture(self.job)

        def write() -> None:
            self.picture = self._worker.raw_answers.write(self.job.user, self.job.id, kept, as_picture=secret)

        self._guarded(lambda: self._persist(write))
        self.call_off()

    def on_event(self, data: str) -> bool:
        self.partials.hear(data)
        try:
            return self._heard(data)
        except Exception as error:  # noqa: BLE001 - the answer is on its way, as below
            self._worker.alarm("NOT_PASSED_ON", job=self.job.id, error=type(error).__name__)
            return True

    def _guarded(self, write: Callable[[], object]) -> None:
        """The answer is on its way and may be paid for: that it cannot be noted down must not lose it."""
        try:
            write()
        except Exception as error:  # noqa: BLE001
            self._worker.alarm("NOT_NOTED_DOWN", job=self.job.id, error=type(error).__name__)
