"""A job whose pictures take several calls of the provider: what came of each, and what the job has come to with them.

The calls go out a few at a time. Each is written down in the job's row before it is sent, its generation's id when the
headers are there, and its bytes, under a separate name, before they are parsed. So a process that finds the
job without its worker can tell of each call whether it was answered (the bytes are read), sent (its cost is found out)
or never sent (it cost nothing, and is not sent any more). No call is ever sent twice, unless the first is proven to
have cost nothing.

The job succeeds with the pictures that came, and costs what all calls together took.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy
from datetime import datetime
from decimal import Decimal
from threading import Lock

from msgspec import Struct
from msgspec.structs import replace

from darkroom.errors import (
    Charged,
    DarkroomError,
    InternalError,
    JobCanceled,
    NotFound,
    ProviderError,
    ServiceUnavailable,
    Upstream,
)
from darkroom.models.deadline import Deadline
from darkroom.models.generation import Dispatch, GenerationResult, RawAnswer, Usage
from darkroom.models.job import Job, JobStatus, ProviderCall
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import KeyListing
from darkroom.ports import Alarm, Clock, JobStore, Provider, RawAnswerStore, Watch
from darkroom.services.paid.calls import CarryOut, NotOurs, answer_gone, raw_name, reread, unheard
from darkroom.services.paid.persistence import Persist, once
from darkroom.services.paid.settlement import Settlement

MOST_AT_ONCE = 4
# Seconds. Of a call that may well take longer than there is left no answer would be heard.
LEAST_PER_CALL = 45.0


class _Stopped(Exception):
    """The job is to be stopped: the call was not sent."""


class Outcome(Struct, frozen=True):
    """What came of one call: a result or an error. `call` is how it stands now."""

    call: ProviderCall
    result: GenerationResult | None = None
    error: DarkroomError | None = None


class FanOut:
    """Args:
    job: as it is stored, with what is known of its key.
    listing: how it is to be listed there.
    afterwards: seconds that have to be left for storing and settling when the last call is over.
    persist: how an answer is written, such as again after an error that passes.
    """

    def __init__(
        self,
        job: Job,
        *,
        listing: KeyListing | None,
        jobs: JobStore,
        raw_answers: RawAnswerStore,
        clock: Clock,
        alarm: Alarm,
        afterwards: float,
        persist: Persist = once,
    ) -> None:
        # Another provider may have had it before, at no cost: what is known of those calls is of no use.
        self.job = job.model_copy(update={"calls": tuple(ProviderCall(index=c.index, n=c.n) for c in job.calls)})
        self._listing = listing
        self._jobs = jobs
        self._raw_answers = raw_answers
        self._clock = clock
        self._alarm = alarm
        self._afterwards = afterwards
        self._persist = persist
        self._is_again = job.dispatched_at is not None
        self._is_begun = False
        self._lock = Lock()

    def run(self, carry_out: CarryOut, key: str, deadline: Deadline) -> tuple[Outcome, ...]:
        """Makes the calls, a few at a time; what came of each, in their order.

        Raises:
            NotOurs: the job was canceled, or another worker has it.
        """
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            made = [
                pool.submit(copy_context().run, self._one, call, carry_out, key, deadline) for call in self.job.calls
            ]
        return tuple(each.result() for each in made)

    def _one(self, call: ProviderCall, carry_out: CarryOut, key: str, deadline: Deadline) -> Outcome:
        if self.job.stop_at is not None:
            return _unsent(call, _stopped())
        if call.index >= MOST_AT_ONCE and deadline.left() < self._afterwards + LEAST_PER_CALL:
            return _unsent(call, _out_of_time())
        line = _Line(self, call)
        try:
            result = carry_out(key, Deadline(max(1.0, deadline.left() - self._afterwards)), line.watch, call)
        except _Stopped:
            return _unsent(call, _stopped())
        except DarkroomError as error:
            outcome = failed(line.call, error)
        else:
            outcome = succeeded(line.call, result)
        if outcome.call.dispatched_at is not None:
            self.guarded(lambda: self._jobs.note_call(self.job, outcome.call))
        return outcome

    def begin(self, call: ProviderCall, at: datetime) -> None:
        """Writes down that the call is about to be sent. Raises NotOurs or _Stopped, and nothing is sent."""
        with self._lock:
            if not self._is_begun:
                self._dispatch(call, at)
                return
        if not self._jobs.dispatch_call(self.job, call):
            seen = self._jobs.find(self.job.user, self.job.id)
            if seen is not None and seen.attempt == self.job.attempt and seen.stop_at is not None:
                raise _Stopped
            raise NotOurs

    def _dispatch(self, call: ProviderCall, at: datetime) -> None:
        calls = tuple(call if each.index == call.index else each for each in self.job.calls)
        known = {"calls": calls, "dispatched_at": at, "model_used": call.model_used, "generation_id": None}
        marked = self.job.model_copy(update=known)
        sent = self._jobs.dispatch(marked, at=at, lease_expires_at=marked.lease_expires_at or at, listing=self._listing)
        if sent is None:
            raise NotOurs
        self.job, self._is_begun = marked.model_copy(update={"key_listed": sent.key_listed}), True

    def forget(self, call: ProviderCall) -> None:
        """What an earlier attempt left, which cost nothing, must not be taken for this one's answer."""
        self._raw_answers.remove(self.job.user, raw_name(self.job, call))

    def keep(self, call: ProviderCall, answer: RawAnswer) -> None:
        kept = answer.model_copy(update={"model": call.model_used})
        name = raw_name(self.job, call)
        self.guarded(lambda: self._persist(lambda: self._raw_answers.write(self.job.user, name, kept)))

    def note(self, call: ProviderCall) -> None:
        self.guarded(lambda: self._jobs.note_call(self.job, call))

    def guarded(self, write: Callable[[], object]) -> None:
        """The answer is on its way and may be paid for: that it cannot be noted down must not lose it."""
        try:
            write()
        except Exception as error:  # noqa: BLE001
            self._alarm("NOT_NOTED_DOWN", job=self.job.id, error=type(error).__name__)

    def now(self) -> datetime:
        return self._clock()

    @property
    def is_again(self) -> bool:
        return self._is_again


class _Line:
    """What is written down of one call while the provider is being called."""

    def __init__(self, fan: FanOut, call: ProviderCall) -> None:
        self._fan = fan
        self.call = call
        self.watch = Watch(self.on_dispatched, self.on_generation_id, self.on_answer, unheard)

    def on_dispatched(self, dispatch: Dispatch) -> None:
        if dispatch.attempt > 1 or self._fan.is_again:
            self._fan.forget(self.call)
        at = self._fan.now()
        known = {"status": JobStatus.RUNNING, "dispatched_at": at, "model_used": dispatch.model, "generation_id": None}
        marked = self.call.model_copy(update=known)
        self._fan.begin(marked, at)
        self.call = marked

    def on_generation_id(self, generation_id: str) -> None:
        self.call = self.call.model_copy(update={"generation_id": generation_id})
        self._fan.note(self.call)

    def on_answer(self, answer: RawAnswer) -> None:
        self._fan.keep(self.call, answer)


def recovered(job: Job, provider: Provider, raw_answers: RawAnswerStore) -> tuple[Outcome, ...]:
    """What can be told of the calls of a job whose worker has died. Reads our own store alone."""
    return tuple(_recovered(job, call, provider, raw_answers) for call in job.calls)


def _recovered(job: Job, call: ProviderCall, provider: Provider, raw_answers: RawAnswerStore) -> Outcome:
    assert job.work is not None  # noqa: S101 - only paid jobs come here
    if call.dispatched_at is None:
        return _unsent(call, InternalError("The worker ended before it was sent.", fix="Ask for it again."))
    if call.status is JobStatus.FAILED and call.cost is not None:
        return Outcome(call, error=_noted(job, call))
    answer = raw_answers.read(job.user, raw_name(job, call))
    if answer is None:
        return Outcome(call, error=_noted(job, call)) if call.cost else failed(call, _lost())
    call = call.model_copy(update={"generation_id": answer.generation_id or call.generation_id})
    try:
        result = reread(job.work, provider, answer, call)
    except DarkroomError as error:
        return failed(call, error)
    return succeeded(call, result)


def reread_calls(job: Job, provider: Provider, raw_answers: RawAnswerStore) -> tuple[Job, GenerationResult]:
    """A failed job and what came of it, as the answers that were kept can be read now. What is known of costs stays.

    Raises:
        NotFound: none was kept.
        DarkroomError: none can be used.
    """
    outcomes = tuple(_reread_call(job, call, provider, raw_answers) for call in job.calls)
    errors = [each.error for each in outcomes if each.error is not None]
    if len(errors) == len(outcomes):
        raise next((each for each in errors if not isinstance(each, NotFound)), errors[0])
    return job.model_copy(update={"calls": tuple(each.call for each in outcomes)}), _together(outcomes)


def _reread_call(job: Job, call: ProviderCall, provider: Provider, raw_answers: RawAnswerStore) -> Outcome:
    assert job.work is not None  # noqa: S101 - only paid jobs come here
    answer = raw_answers.read(job.user, raw_name(job, call))
    if answer is None:
        return Outcome(call, error=_noted(job, call) if call.error else answer_gone())
    try:
        read = succeeded(call, reread(job.work, provider, answer, call))
    except DarkroomError as error:
        return Outcome(call, error=error)
    known = {} if call.cost is None else {"cost": call.cost, "charged": call.charged}
    return replace(read, call=read.call.model_copy(update={**known, "error": None}))


def finish(settlement: Settlement, job: Job, outcomes: Sequence[Outcome], persist: Persist = once) -> None:
    """Ends the job with the pictures that came; without any, with the error."""
    ended = job.model_copy(update={"calls": tuple(each.call for each in outcomes)})
    if any(each.result for each in outcomes):
        settlement.succeed(ended, _together(outcomes), persist)
    else:
        settlement.fail(ended, _joint(job, outcomes))


def is_unbilled(outcomes: Sequence[Outcome], kinds: tuple[type[DarkroomError], ...]) -> bool:
    """Whether all calls failed, without cost, for reasons that are among these kinds."""
    return all(each.error is not None and each.call.cost == 0 and isinstance(each.error, kinds) for each in outcomes)


def succeeded(call: ProviderCall, result: object) -> Outcome:
    assert isinstance(result, GenerationResult)  # noqa: S101 - only requests for pictures are several calls
    cost = result.usage.cost
    known = {
        "status": JobStatus.SUCCEEDED,
        "images": len(result.images),
        "cost": cost,
        "charged": result.usage.charged,
        "model_used": result.call.model_used,
        "generation_id": result.call.generation_id or call.generation_id,
    }
    return Outcome(call.model_copy(update=known), result=result)


def failed(call: ProviderCall, error: DarkroomError) -> Outcome:
    told = error.upstream.cost_micro_usd if error.upstream else None
    cost = 0 if error.charged is False else told if error.charged is True else None
    known = {
        "status": JobStatus.UNCERTAIN if cost is None else JobStatus.FAILED,
        "cost": cost,
        "charged": "unknown" if cost is None else error.charged,
        "error": {"code": error.code, "detail": error.detail},
    }
    return Outcome(call.model_copy(update=known), error=error)


def _unsent(call: ProviderCall, error: DarkroomError) -> Outcome:
    known = {"status": JobStatus.CANCELED, "cost": 0, "error": {"code": error.code, "detail": error.detail}}
    return Outcome(call.model_copy(update=known), error=error)


def _noted(job: Job, call: ProviderCall) -> DarkroomError:
    """The error that was noted down of a call."""
    noted = call.error or {"detail": "It was answered, and the answer is lost."}
    return ProviderError(
        str(noted["detail"]),
        charged=call.charged,
        upstream=Upstream(job.provider, generation_id=call.generation_id, cost_micro_usd=call.cost),
    )


def _together(outcomes: Sequence[Outcome]) -> GenerationResult:
    results = [each.result for each in outcomes if each.result is not None]
    usages = [each.usage for each in results]
    told = (warning for each in results for warning in each.warnings)
    return GenerationResult(
        images=tuple(image for each in results for image in each.images),
        usage=Usage(
            prompt_tokens=_sum([each.prompt_tokens for each in usages]),
            completion_tokens=_sum([each.completion_tokens for each in usages]),
            image_tokens=_sum([each.image_tokens for each in usages]),
            cost=_cost(outcomes),
            is_byok=any(each.cost == 0 and each.charged is True for each in usages),
        ),
        call=results[0].call.model_copy(update={"attempts": sum(each.call.attempts for each in results)}),
        warnings=tuple(dict.fromkeys((*told, *_missing(outcomes)))),
    )


def _sum(counts: Sequence[Decimal | None]) -> Decimal | None:
    known = [each for each in counts if each is not None]
    return sum(known, Decimal(0)) if known else None


def _cost(outcomes: Sequence[Outcome]) -> MicroUsd | None:
    known = [each.call.cost for each in outcomes if each.call.cost is not None]
    return sum(known) if len(known) == len(outcomes) else None


def _missing(outcomes: Sequence[Outcome]) -> list[str]:
    """Which pictures have not come, and why: a sentence for each reason."""
    asked = sum(each.call.n for each in outcomes)
    reasons: dict[tuple[str, Charged], int] = {}
    for each in outcomes:
        if each.error is not None:
            reason = (each.error.detail, each.call.charged)
            reasons[reason] = reasons.get(reason, 0) + each.call.n
    return [f"{n} of {asked} pictures did not come: {why} {_PAID[charged]}" for (why, charged), n in reasons.items()]


_PAID: dict[Charged, str] = {
    True: "It was charged.",
    False: "It was not charged.",
    "unknown": "Whether it was charged is being found out.",
}


def _joint(job: Job, outcomes: Sequence[Outcome]) -> DarkroomError:
    """One error for all: the first that may have cost something, with what all of them cost."""
    errors = [each.error for each in outcomes if each.error is not None]
    first = copy(next((each for each in errors if each.charged is not False), errors[0]))
    cost = _cost(outcomes)
    first.charged = "unknown" if cost is None else cost > 0
    first.retryable = first.retryable and first.charged is False
    if cost:
        first.upstream = replace(first.upstream or Upstream(job.provider), cost_micro_usd=cost)
    return first


def _stopped() -> JobCanceled:
    return JobCanceled("The job was canceled before this was sent.", fix="Send it again if you want it.")


def _out_of_time() -> ServiceUnavailable:
    return ServiceUnavailable("There was no time left to have it made.", fix="Ask for fewer pictures at once.")


def _lost() -> ServiceUnavailable:
    return ServiceUnavailable(
        "The worker ended while the provider was at work.",
        fix="Whether it was charged is being found out; look at the job again in some minutes.",
        charged="unknown",
    )
