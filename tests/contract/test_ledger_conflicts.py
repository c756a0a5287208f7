"""What the ledger does when DynamoDB is busy with the same rows, which no emulator ever is.

The client is real. Before it sends, or once it has the answer, the test puts in what AWS would say.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from ulid import ULID

from darkroom.adapters.budget_rows import budget_key
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.ledger_rows import receipt_key
from darkroom.errors import InternalError, ServiceUnavailable
from darkroom.models.admission import IdempotencyRecord
from darkroom.models.budget import Budget, BudgetRef
from darkroom.models.job import Job, JobStatus
from local.aws import Aws
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.paid_jobs import DIME, DOLLAR, LEASE, conversation, day, ended, month, paid_job

CONFLICT = "TransactionConflict"
REFUSED = "ConditionalCheckFailed"
NONE = "None"
ANSWER_LOST = "answer lost"


class _Body:
    """As much of urllib3's response as botocore reads."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


def _error(code: str, **more: Any) -> AWSResponse:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **more}).encode()
    return AWSResponse("http://127.0.0.1/", 400, {"x-amzn-errortype": code}, _Body(body))  # type: ignore[arg-type]


@dataclass
class Busy:
    """A ledger and a job store whose client is told, call by call, how DynamoDB answers; then it asks the emulator."""

    aws: Aws
    table: str
    clock: SteppingClock
    user: str
    transactions: deque[list[str] | str] = field(default_factory=deque)
    updates: deque[str] = field(default_factory=deque)
    asked: int = 0
    waits: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        events: Any = self.aws.dynamodb.meta.events
        events.register("before-send.dynamodb.TransactWriteItems", self._answer_transaction)
        events.register("after-call.dynamodb.TransactWriteItems", self._lose_answer)
        events.register("before-send.dynamodb.UpdateItem", self._answer_update)
        self.ledger = DynamoLedger(
            self.table, self.aws.dynamodb, clock=self.clock, sleep=self._sleep, uniform=self._longest
        )
        self.jobs = DynamoJobStore(self.table, self.aws.dynamodb)

    def _answer_transaction(self, **_: Any) -> AWSResponse | None:
        self.asked += 1
        if not self.transactions or self.transactions[0] == ANSWER_LOST:
            return None
        codes = self.transactions.popleft()
        assert isinstance(codes, list)
        return _error("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])

    def _lose_answer(self, **_: Any) -> None:
        if self.transactions and self.transactions[0] == ANSWER_LOST:
            self.transactions.popleft()
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1/")

    def _answer_update(self, **_: Any) -> AWSResponse | None:
        return _error(self.updates.popleft()) if self.updates else None

    def _longest(self, least: float, most: float) -> float:
        self.waits.append((least, most))
        return most

    def _sleep(self, seconds: float) -> None:
        assert seconds == self.waits[-1][1]

    def job(self, *budgets: BudgetRef, **changes: Any) -> Job:
        return paid_job(self.user, self.clock.now, *budgets, **changes)

    def admitted(self, *budgets: BudgetRef) -> Job:
        admitted = self.ledger.admit(self.job(*budgets)).admitted
        assert admitted is not None
        return admitted

    def key(self, job: Job) -> IdempotencyRecord:
        expires_at = self.clock.now + timedelta(hours=24)
        return IdempotencyRecord(
            user=self.user, sha256="k" * 64, request_sha256="r", job_id=job.id, expires_at=expires_at
        )

    def row(self, key: dict[str, Any]) -> dict[str, Any]:
        return to_row(self.aws.dynamodb.get_item(TableName=self.table, Key=to_item(key))["Item"])


@pytest.fixture
def busy(emulated: Cloud, clock: SteppingClock, user: str) -> Iterator[Busy]:
    with Aws(emulated.aws.endpoint_url) as aws:
        yield Busy(aws, emulated.table, clock, user)


@pytest.fixture
def ref(clock: SteppingClock) -> BudgetRef:
    return day(DOLLAR, clock.now)


@pytest.mark.parametrize("code", [CONFLICT, "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_an_admission_that_meets_others_is_tried_again(busy: Busy, ref: BudgetRef, code: str) -> None:
    busy.transactions.extend([[NONE, code]] * 7)
    job = busy.job(ref)
    assert busy.ledger.admit(job).admitted == job
    assert busy.waits == [(0, least) for least in (0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 0.64)]
    assert busy.ledger.budgets(busy.user, [ref.id])[ref.id].reserved == DIME


def test_an_admission_that_never_gets_through_ends_after_eight_seconds(busy: Busy, ref: BudgetRef) -> None:
    busy.transactions.extend([[NONE, CONFLICT]] * 99)
    job = busy.job(ref)
    with pytest.raises(ServiceUnavailable) as failed:
        busy.ledger.admit(job)
    assert (failed.value.retry_after, failed.value.charged, failed.value.retryable) == (1, False, True)
    assert 7 < sum(most for _, most in busy.waits[:-1]) <= 8
    busy.transactions.clear()
    assert busy.jobs.find(busy.user, job.id) is None
    assert busy.ledger.budgets(busy.user, [ref.id]) == {}


def test_it_ends_even_if_chance_never_makes_it_wait(busy: Busy, ref: BudgetRef) -> None:
    busy.transactions.extend([[NONE, CONFLICT]] * 99)
    hasty = DynamoLedger(busy.table, busy.aws.dynamodb, clock=busy.clock, sleep=lambda _: None, uniform=lambda *_: 0)
    with pytest.raises(ServiceUnavailable):
        hasty.admit(busy.job(ref))
    assert busy.asked == 30


def test_while_a_key_is_just_being_used_no_budget_decides(busy: Busy) -> None:
    ref = day(DIME, busy.clock.now)
    first = busy.job(ref)
    busy.ledger.admit(first, idempotency=busy.key(first))
    second = busy.job(ref)
    busy.transactions.append([NONE, CONFLICT, REFUSED])
    assert busy.ledger.admit(second, idempotency=busy.key(second)).earlier == busy.key(first)


def test_a_budget_that_refuses_does_so_whatever_else_is_busy(busy: Busy) -> None:
    refs = (day(0, busy.clock.now), month(DOLLAR, busy.clock.now))
    busy.transactions.append([NONE, REFUSED, CONFLICT])
    assert busy.ledger.admit(busy.job(*refs)).refused_ref == refs[0]
    assert busy.asked == 1


def test_an_admission_whose_answer_got_lost_counts_once(busy: Busy, ref: BudgetRef) -> None:
    job = busy.job(ref)
    busy.transactions.append(ANSWER_LOST)
    assert busy.ledger.admit(job, idempotency=busy.key(job)).admitted == job
    assert busy.ledger.budgets(busy.user, [ref.id])[ref.id].reserved == DIME


def test_a_refusal_whose_answer_got_lost_is_no_admission(busy: Busy) -> None:
    busy.transactions.append(ANSWER_LOST)
    with pytest.raises(ServiceUnavailable):
        busy.ledger.admit(busy.job(day(0, busy.clock.now)))


def test_a_mistake_of_ours_is_not_tried_again(busy: Busy, ref: BudgetRef) -> None:
    busy.transactions.append([NONE, "ValidationError"])
    with pytest.raises(InternalError):
        busy.ledger.admit(busy.job(ref))
    assert busy.asked == 1


def test_a_limit_that_is_just_being_used_is_taken_over_by_the_next_try(busy: Busy, ref: BudgetRef) -> None:
    busy.admitted(ref)
    busy.updates.append("TransactionConflictException")
    raised = day(2 * DOLLAR, busy.clock.now)
    busy.admitted(raised)
    assert not busy.updates
    assert busy.ledger.budgets(busy.user, [ref.id])[ref.id].remaining == 2 * DOLLAR - 2 * DIME


def test_a_settlement_that_meets_others_is_tried_again(busy: Busy, ref: BudgetRef) -> None:
    failed = ended(busy.admitted(ref), JobStatus.FAILED, busy.clock.now)
    busy.transactions.extend([[NONE, NONE, CONFLICT]] * 3)
    assert busy.ledger.close(failed, actual=0)
    assert busy.asked == 5
    assert busy.ledger.budgets(busy.user, [ref.id])[ref.id].remaining == DOLLAR


def test_a_settlement_that_never_gets_through_leaves_the_job_open(busy: Busy, ref: BudgetRef) -> None:
    job = busy.admitted(ref)
    busy.transactions.extend([[NONE, NONE, CONFLICT]] * 99)
    with pytest.raises(ServiceUnavailable):
        busy.ledger.close(ended(job, JobStatus.FAILED, busy.clock.now), actual=0)
    busy.transactions.clear()
    assert busy.jobs.find(busy.user, job.id) == job
    assert busy.ledger.budgets(busy.user, [ref.id])[ref.id].reserved == DIME


def test_what_is_settled_already_is_not_tried_again(busy: Busy, ref: BudgetRef) -> None:
    failed = ended(busy.admitted(ref), JobStatus.FAILED, busy.clock.now)
    busy.transactions.append([REFUSED, NONE, CONFLICT])
    assert not busy.ledger.close(failed, actual=0)


def test_a_job_that_is_just_being_settled_cannot_be_dispatched_for_now(busy: Busy, ref: BudgetRef) -> None:
    job = busy.jobs.start(busy.admitted(ref), now=busy.clock.now, lease_expires_at=busy.clock.now + LEASE)
    assert job is not None
    busy.updates.append("TransactionConflictException")
    with pytest.raises(ServiceUnavailable):
        busy.jobs.dispatch(job, at=busy.clock.now, lease_expires_at=busy.clock.now + LEASE)


def test_budgets_that_dynamodb_has_no_time_for_are_asked_for_again(busy: Busy, ref: BudgetRef) -> None:
    busy.admitted(ref, month(DOLLAR, busy.clock.now))
    left_out = [1, 2]

    def leave_out(parsed: dict[str, Any], **_: Any) -> None:
        if left_out:
            left_out.pop()
            rows = parsed["Responses"][busy.table]
            row = rows.pop()
            parsed["UnprocessedKeys"] = {busy.table: {"Keys": [{"pk": row["pk"], "sk": row["sk"]}]}}

    busy.aws.dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", leave_out)
    assert set(busy.ledger.budgets(busy.user, [ref.id, f"month#{busy.clock.now:%Y-%m}"])) == {
        ref.id,
        f"month#{busy.clock.now:%Y-%m}",
    }
    assert not left_out


def test_a_job_whose_budget_is_gone_by_then_is_settled_all_the_same(busy: Busy, ref: BudgetRef) -> None:
    job = busy.admitted(ref)
    busy.aws.dynamodb.delete_item(TableName=busy.table, Key=to_item(budget_key(busy.user, ref.id)))
    assert busy.ledger.close(ended(job, JobStatus.FAILED, busy.clock.now), actual=DIME + 1)
    assert busy.ledger.budgets(busy.user, [ref.id])[ref.id] == Budget(
        id=ref.id, limit=DOLLAR, remaining=DOLLAR - DIME - 1, reserved=0, spent=DIME + 1
    )


def test_rows_are_kept_for_as_long_as_somebody_may_ask(busy: Busy) -> None:
    now = busy.clock.now
    today, this_month, talk = day(DOLLAR, now), month(DOLLAR, now), conversation(DOLLAR, str(ULID()))
    job = busy.admitted(today, this_month, talk)
    busy.ledger.close(ended(job, JobStatus.FAILED, now), actual=0)
    assert today.resets_at is not None
    assert this_month.resets_at is not None
    ends = {
        today.id: today.resets_at + timedelta(days=90),
        this_month.id: this_month.resets_at + timedelta(days=800),
        talk.id: now + timedelta(days=800),
    }
    for budget_id, end in ends.items():
        assert busy.row(budget_key(busy.user, budget_id))["expires_at"] == end.timestamp()
    assert busy.row(receipt_key(busy.user, job.id))["expires_at"] == (now + timedelta(days=800)).timestamp()
