"""Admission: whether a paid request becomes a job of its own, and the money for it set aside.

In this order, and nothing is spent before the last step:

1. An Idempotency-Key that is known is answered with the job it stands for; so is a request whose answer nobody got.
2. It is chosen who is to serve it, and somebody has to pay: without a key at a provider there is no job.
3. The request is prepared: checked, priced, its pictures read.
4. One transaction stores the job and the key, and takes the money from every budget; or nothing at all.
5. A worker is told; if that fails the sweep does it. Or, where the caller waits at a door that carries jobs out in
   place, it is this process's from the beginning.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from ulid import ULID

from darkroom.errors import (
    DarkroomError,
    DarkroomFault,
    IdempotencyKeyReused,
    NotFound,
    OutcomeUnknown,
    PayloadTooLarge,
    ServiceUnavailable,
)
from darkroom.models.admission import IdempotencyRecord, PendingAnswer, Terms
from darkroom.models.caller import Caller
from darkroom.models.job import Job, JobCost, PaidWork, Parent, ProviderCall, TurnState
from darkroom.models.money import MicroUsd
from darkroom.models.provider import Skill
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Alarm, Clock, JobQueue, JobStore, Ledger
from darkroom.services.paid.answers import Answers, reference, unanswered
from darkroom.services.paid.budgets import Budgets, exceeded, reserve_for
from darkroom.services.selection.providers import Choice, Providers

if TYPE_CHECKING:
    # With it comes all that carries a job out.
    from darkroom.services.paid.in_place import InPlace

TURN = "turn"
_ORDER = {"plan": 0, "repair": 1}
# DynamoDB takes 400 kB; what a job comes to when it is over has to fit in beside what it was asked for.
MOST_JOB_BYTES = 200_000
KEY_KEPT = timedelta(hours=48)
# Of a request, with which a job is still begun.
LEAST_SECONDS = 1.0


class Prepared(Struct, frozen=True):
    """A request that can be carried out.

    Args:
        estimate: what it costs; None if the price is not known. The limit of one request looks at it.
        reserve: what it may cost at the most, with a margin; None if the price is not known. It is set aside.
        expected: what it will probably cost, where `estimate` is far above that; it is only told.
        bound: what it may cost at the most, without the margin; the estimate when absent.
        most: what the caller said it may cost.
        least: what it costs at least if the price of one of several models is not known.
        shown: the request as the job shows it.
        keep: stores the pictures that it begins with.
        turn: makes it the first paid call of a turn, which is the job that the caller gets.
    """

    work: PaidWork
    model_requested: str
    estimate: MicroUsd | None
    reserve: MicroUsd | None
    keep: Callable[[], None]
    most: MicroUsd | None = None
    least: MicroUsd = 0
    warnings: tuple[str, ...] = ()
    lineage: tuple[Parent, ...] = ()
    shown: Mapping[str, Any] = field(default_factory=dict)
    webhook_url: str | None = None
    conversation_id: str | None = None
    turn: TurnState | None = None
    expected: MicroUsd | None = None
    bound: MicroUsd | None = None

    @property
    def told(self) -> MicroUsd | None:
        """The estimate that people are shown."""
        return self.estimate if self.expected is None else self.expected


class Submission(Struct, frozen=True):
    """The job that stands for a request now.

    Args:
        is_replayed: an Idempotency-Key that was known stands for it.
        answer: kept until the caller has it; None with an Idempotency-Key.
        running: of a job that this process carries out: has a result when that is done.
    """

    job: Job
    is_replayed: bool = False
    answer: PendingAnswer | None = None
    running: "Future[None] | None" = None


Prepare = Callable[[Choice], Prepared]
"""(who is to serve) -> what they are to do. Called only if the request becomes a new job."""


class Admission:
    """Args:
    retention: how long jobs and their pictures are kept, unless their user wants them gone sooner.
    in_place: carries out what somebody waits for; without it everything is a worker's.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        ledger: Ledger,
        answers: Answers,
        queue: JobQueue,
        providers: Providers,
        budgets: Budgets,
        clock: Clock,
        retention: timedelta,
        alarm: Alarm,
        in_place: "InPlace | None",
    ) -> None:
        self._in_place = in_place
        self._jobs = jobs
        self._ledger = ledger
        self._answers = answers
        self._queue = queue
        self._providers = providers
        self._budgets = budgets
        self._clock = clock
        self._retention = retention
        self._alarm = alarm

    def submit(
        self,
        caller: Caller,
        op: str,
        terms: Terms,
        request: Mapping[str, Any],
        prepare: Prepare,
        *,
        skill: Skill,
        provider: str | None = None,
    ) -> Submission:
        """The job for a request.

        Args:
            request: all that makes two requests the same; bytes count by their digest.
            skill: what the provider has to be able to do.
            provider: the one that the request names, if it names one.

        Raises:
            GuestRefused: a guest never pays.
            IdempotencyKeyReused: the key stands for another request.
            InvalidParameter: the provider that is named is none, or cannot do it.
            InvalidApiKey: nobody would pay.
            MoneyRefused: a limit or a budget forbids it, or its price is not known.
            AnswerPending, OutcomeUnknown: there is, or may be, a job; every other error means that there is none.
        """
        caller.require_account()
        sha256 = request_sha256(terms.route, request)
        if (earlier := self._earlier(caller.user, terms, sha256)) is not None:
            return earlier
        choice = self._providers.choose(caller.user, skill, asked=provider)
        prepared = prepare(choice)
        limits = self._budgets.limits(caller.user, own_key=choice.own_key)
        reserve = reserve_for(
            estimate=prepared.estimate,
            reserve=prepared.reserve,
            most=prepared.most,
            per_request=limits.per_request,
            least=prepared.least,
            may_vouch=choice.own_key and not caller.is_restricted,
            bound=prepared.bound,
            expected=prepared.expected,
        )
        now = self._clock()
        job = self._job(caller, op, terms, prepared, choice, now).model_copy(
            update={
                "budgets": self._budgets.refs(caller, limits, conversation_id=prepared.conversation_id, at=now),
                "request_sha256": sha256,
                "cost": JobCost(estimated=prepared.told, reserved=reserve, actual=None, settled=False),
            }
        )
        require_room(job)
        prepared.keep()
        turn = None
        if prepared.turn is not None:
            # It costs nothing itself; it tells what its first call may.
            told = {"cost": JobCost(estimated=job.cost.estimated, reserved=job.cost.reserved), "turn": prepared.turn}
            turn = job.model_copy(update={"op": TURN, "work": None, "budgets": (), **told})
            job = part_of(turn, "plan", job)
        return self._admit(job, terms, sha256, now, turn=turn)

    def admit_part(self, job: Job) -> Job:
        """Admits a further paid call of a turn; one that is there already stays as it is.

        Raises:
            BudgetExceeded, ServiceUnavailable: nothing was reserved.
        """
        claimed = self._in_place.claimed_next(job, self._clock()) if self._in_place else None
        outcome = self._ledger.admit(claimed or job)
        if outcome.admitted is None:
            raise exceeded(outcome, reserve=job.cost.reserved, estimate=job.cost.estimated)
        admitted = outcome.admitted
        # One that was there already is another process's, whose lease ends at another moment, or a worker's.
        if self._in_place and claimed and admitted.lease_expires_at == claimed.lease_expires_at:
            self._in_place.carry_on(admitted)
        else:
            self._tell_worker(admitted)
        return admitted

    def _earlier(self, user: str, terms: Terms, sha256: str) -> Submission | None:
        if terms.idempotency_key is not None:
            known = self._ledger.idempotency(user, _key_sha256(terms))
            return self._replayed(known, sha256) if known else None
        claimed = self._answers.claim(user, sha256, terms)
        return Submission(claimed[0], answer=claimed[1]) if claimed else None

    def _replayed(self, known: IdempotencyRecord, sha256: str) -> Submission:
        if known.request_sha256 != sha256:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was sent with another request.",
                fix="Use a new key for a new request; the same key repeats the same request alone.",
                param="Idempotency-Key",
            )
        try:
            job = self._jobs.find(known.user, known.job_id)
        except DarkroomFault as fault:
            raise unanswered(known.job_id) from fault
        if job is None or job.removed_at is not None:
            raise NotFound(
                "The job that this Idempotency-Key stands for was removed.",
                fix="Use a new key to have it made again.",
                param="Idempotency-Key",
            )
        return Submission(job, is_replayed=True)

    def _job(self, caller: Caller, op: str, terms: Terms, prepared: Prepared, choice: Choice, now: datetime) -> Job:
        return Job(
            id=f"job_{ULID.from_datetime(now)}",
            user=caller.user,
            op=op,
            created_at=now,
            expires_at=now + kept_for(self._retention, choice.settings),
            input=dict(prepared.shown),
            calls=tuple(ProviderCall(index=index, n=n) for index, n in enumerate(prepared.work.calls)),
            warnings=(*choice.warnings, *prepared.warnings),
            lineage=prepared.lineage,
            work=prepared.work,
            token_id=caller.token.id if caller.token else None,
            conversation_id=prepared.conversation_id,
            model_requested=prepared.model_requested,
            cancel_at=now + terms.cancel_after if terms.cancel_after is not None else None,
            webhook_url=prepared.webhook_url or choice.settings.webhook_url,
            provider=choice.name,
            own_key=choice.own_key,
        )

    def _admit(self, job: Job, terms: Terms, sha256: str, now: datetime, *, turn: Job | None) -> Submission:
        asked = turn or job
        answer: PendingAnswer | None = None
        record: IdempotencyRecord | None = None
        if terms.idempotency_key is None:
            answer = self._answers.pending(asked, sha256, terms)
        else:
            record = IdempotencyRecord(
                user=job.user,
                sha256=_key_sha256(terms),
                request_sha256=sha256,
                job_id=asked.id,
                expires_at=now + KEY_KEPT,
            )
        _require_time(terms)
        time = self._in_place.time_for(terms) if self._in_place else None
        if self._in_place and time:
            job = self._in_place.claimed(job, now, time)
        try:
            outcome = self._ledger.admit(job, idempotency=record, answer=answer, beside=turn)
        except OutcomeUnknown as unknown:
            raise _nobody_knows(asked.id, terms) from unknown
        if outcome.earlier is not None:
            return self._replayed(outcome.earlier, sha256)
        if outcome.admitted is None:
            raise exceeded(outcome, reserve=job.cost.reserved, estimate=job.cost.estimated)
        if self._in_place and time:
            running = self._in_place.begin(outcome.admitted, time, terms.on_event)
            return Submission(turn or outcome.admitted, answer=answer, running=running)
        self._tell_worker(outcome.admitted)
        return Submission(turn or outcome.admitted, answer=answer)

    def _tell_worker(self, job: Job) -> None:
        try:
            self._queue.send(job.user, job.id)
        except DarkroomError as error:
            # The job is stored and will be found by the sweep: to fail now would have it asked for, and paid, twice.
            self._alarm("JOB_NOT_QUEUED", job=job.id, detail=error.detail)


def _require_time(terms: Terms) -> None:
    """Raises ServiceUnavailable if the caller would be gone before the answer could name the job."""
    if terms.deadline is not None and terms.deadline.left() < LEAST_SECONDS:
        raise ServiceUnavailable("There was no time left to begin it; nothing was.", fix="Try again.", retry_after=1)


def _nobody_knows(job_id: str, terms: Terms) -> DarkroomError:
    """For a request of which it is not known whether it became a job."""
    if terms.idempotency_key is not None:
        return unanswered(job_id)
    return OutcomeUnknown(
        "AWS did not say whether the work was begun.",
        fix="Look at the job: if it is there it goes on, and if it is not there in a minute nothing was begun, nor "
        "charged. An Idempotency-Key makes sending a request again safe.",
        charged="unknown",
        context={"job": reference(job_id)},
    )


def require_room(job: Job) -> None:
    """Raises PayloadTooLarge if the job might not fit into its row any more when it is over, and never be settled."""
    size = len(job.model_dump_json().encode())
    if size > MOST_JOB_BYTES:
        raise PayloadTooLarge(
            f"The request takes {size} bytes to write down; {MOST_JOB_BYTES} are accepted.",
            fix="Say it in fewer words, or with fewer options; pictures do not count.",
        )


def kept_for(retention: timedelta, settings: UserSettings) -> timedelta:
    """How long what is made for a user is kept: as long as the stack keeps it, or less if they want it so."""
    return retention if settings.retention_days is None else min(retention, timedelta(days=settings.retention_days))


def part_of(turn: Job, name: str, job: Job) -> Job:
    """A paid call as a part of a turn, with the one id that it can have."""
    return job.model_copy(
        update={"id": f"{turn.id}-{name}", "op": name.rstrip("0123456789"), "parent_id": turn.id, "webhook_url": None}
    )


def parts_of(jobs: JobStore, turn: Job) -> list[Job]:
    """A turn's paid calls that there are, in their order."""
    return in_order(turn.id, jobs.family(turn.user, turn.id))


def in_order(turn_id: str, family: Iterable[Job]) -> list[Job]:
    """Of a turn and its parts the parts: the planner's calls, then the painter's as they were made."""
    before = len(turn_id) + 1
    parts = [job for job in family if job.id != turn_id]
    return sorted(parts, key=lambda part: (_ORDER.get(part.id[before:], 2), part.id))


def request_sha256(route: str, request: Mapping[str, Any]) -> str:
    """The same for the same request, whatever the order of its fields."""
    return hashlib.sha256(json.dumps([route, _hashable(request)], sort_keys=True, default=str).encode()).hexdigest()


def _hashable(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, Mapping):
        return {str(name): _hashable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_hashable(each) for each in value]
    return value


def _key_sha256(terms: Terms) -> str:
    return hashlib.sha256(f"{terms.route}\n{terms.idempotency_key}".encode()).hexdigest()
