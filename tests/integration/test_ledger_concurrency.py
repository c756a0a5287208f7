"""A budget against a thousand requests at once, by real threads over real sockets: not a micro-dollar too much."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from ulid import ULID

from darkroom.adapters.ledger import DynamoLedger
from darkroom.models.admission import IdempotencyRecord, Outcome
from darkroom.models.budget import Budget
from darkroom.models.job import Job
from local.aws import Aws
from local.emulator import Emulator
from local.resources import create_resources
from local.template import Template
from tests.conftest import ROOT, SteppingClock
from tests.paid_jobs import DIME, DOLLAR, day, month, paid_job

REQUESTS = 1000
TIMES = 20 if os.environ.get("DARKROOM_STRESS") == "1" else 2
# As many as the client has connections for.
THREADS = 50

T = TypeVar("T")


@pytest.fixture
def clock() -> SteppingClock:
    """A time to come: by the real clock, the emulator removes what has expired."""
    clock = SteppingClock()
    clock.step(timedelta(days=365 * 70))
    return clock


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Aws, str]]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator, Aws(emulator.url) as aws:
        template = Template.load(ROOT / "template.yaml", api_url="http://127.0.0.1:8000")
        create_resources(template, aws)
        yield aws, template.scope.ids["Table"]


@pytest.fixture
def ledger(cloud: tuple[Aws, str], clock: SteppingClock) -> DynamoLedger:
    aws, table = cloud
    return DynamoLedger(table, aws.dynamodb, clock=clock)


@pytest.fixture
def user() -> str:
    return f"user-{str(ULID()).lower()}"


def _at_once(ask: Callable[[Job], T], jobs: list[Job]) -> list[T]:
    """What came of each, when all threads begin at the same moment and none ever waits for another."""
    ready = Barrier(THREADS)

    def ask_all(mine: list[Job]) -> list[T]:
        ready.wait()
        return [ask(job) for job in mine]

    with ThreadPoolExecutor(THREADS) as threads:
        answers = threads.map(ask_all, [jobs[n::THREADS] for n in range(THREADS)])
        return [answer for some in answers for answer in some]


@pytest.mark.parametrize("time", range(TIMES))
def test_of_a_thousand_dimes_at_once_five_dollars_admit_exactly_fifty(
    ledger: DynamoLedger, clock: SteppingClock, user: str, time: int
) -> None:
    ref = day(5 * DOLLAR, clock.now)
    outcomes = _at_once(ledger.admit, [paid_job(user, clock.now, ref) for _ in range(REQUESTS)])
    admitted = [outcome.admitted for outcome in outcomes if outcome.admitted]
    refused = [outcome for outcome in outcomes if outcome.refused_ref == ref]
    assert (len(admitted), len(refused)) == (50, REQUESTS - 50)
    assert sum(job.cost.reserved for job in admitted) == 5_000_000
    assert ledger.budgets(user, [ref.id]) == {
        ref.id: Budget(id=ref.id, limit=5_000_000, remaining=0, reserved=5_000_000, spent=0)
    }


def test_what_is_given_back_at_once_can_be_taken_again_and_no_more(
    ledger: DynamoLedger, clock: SteppingClock, user: str
) -> None:
    refs = (day(5 * DOLLAR, clock.now), month(9 * DOLLAR, clock.now))

    def spend(job: Job) -> int | None:
        admitted = ledger.admit(job).admitted
        if admitted is None:
            return None
        assert ledger.close(admitted, actual=DIME // 2)
        return DIME // 2

    spent = [cost for cost in _at_once(spend, [paid_job(user, clock.now, *refs) for _ in range(300)]) if cost]
    budgets = ledger.budgets(user, [ref.id for ref in refs])
    assert 50 <= len(spent) <= 99
    for ref in refs:
        assert budgets[ref.id] == Budget(
            id=ref.id, limit=ref.limit, remaining=ref.limit - sum(spent), reserved=0, spent=sum(spent)
        )


def test_of_a_thousand_requests_with_one_key_one_is_admitted(
    ledger: DynamoLedger, clock: SteppingClock, user: str
) -> None:
    ref = day(500 * DOLLAR, clock.now)

    def admit(job: Job) -> Outcome:
        key = IdempotencyRecord(
            user=user,
            sha256="k" * 64,
            request_sha256="ab" * 32,
            job_id=job.id,
            expires_at=clock.now + timedelta(hours=24),
        )
        return ledger.admit(job, idempotency=key)

    outcomes = _at_once(admit, [paid_job(user, clock.now, ref) for _ in range(REQUESTS)])
    admitted = [outcome.admitted for outcome in outcomes if outcome.admitted]
    assert len(admitted) == 1
    assert [outcome.earlier.job_id for outcome in outcomes if outcome.earlier] == [admitted[0].id] * (REQUESTS - 1)
    assert ledger.budgets(user, [ref.id])[ref.id].reserved == DIME
