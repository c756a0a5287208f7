"""Whether a request becomes a job, and that nothing is left of one that does not."""

from datetime import UTC, datetime, timedelta

import pytest

from darkroom.errors import (
    BudgetExceeded,
    CostLimit,
    IdempotencyKeyReused,
    InvalidApiKey,
    InvalidParameter,
    NotFound,
    ServiceUnavailable,
)
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.generation import GenerationRequest
from darkroom.models.job import JobStatus, PaidWork
from darkroom.services.paid.admission import Admission, Prepared, Submission, request_sha256
from darkroom.services.selection.providers import Choice
from tests.application import KLEIN, Studio
from tests.conftest import Passing
from tests.fakes.prompt_queues import PromptQueue

TERMS = Terms(route="POST /v1/images/generations")
KEYED = TERMS.model_copy(update={"idempotency_key": "k"})
ALICE = Caller(user="alice")
WORK = PaidWork(request=GenerationRequest(model=KLEIN, prompt="a fox"))


class Orders:
    """Counts what is prepared and kept."""

    def __init__(self, studio: Studio) -> None:
        self.admission: Admission = studio.app.admission
        self.prepared = 0
        self.kept = 0

    def submit(
        self,
        terms: Terms = TERMS,
        *,
        caller: Caller = ALICE,
        prompt: str = "a fox",
        estimate: int | None = 14_000,
        most: int | None = None,
    ) -> Submission:
        def keep() -> None:
            self.kept += 1

        def prepare(_choice: Choice) -> Prepared:
            self.prepared += 1
            if not prompt:
                raise InvalidParameter("No prompt.")
            reserve = None if estimate is None else estimate * 11 // 10
            return Prepared(work=WORK, model_requested="flux", estimate=estimate, reserve=reserve, most=most, keep=keep)

        return self.admission.submit(caller, "generation", terms, {"prompt": prompt}, prepare, skill="generate")


@pytest.fixture
def orders(studio: Studio) -> Orders:
    return Orders(studio)


def _nothing_is_left(studio: Studio, orders: Orders) -> None:
    left_behind = (studio.jobs.jobs, studio.ledger.keys, studio.ledger.answers, studio.job_queue.sent)
    assert not any(left_behind)
    assert all(account.reserved == 0 for account in studio.ledger.accounts.values())
    assert orders.kept == 0


def test_a_job_is_stored_its_money_set_aside_and_a_worker_told(studio: Studio, orders: Orders) -> None:
    job = orders.submit().job
    assert studio.job("alice", job.id) == job
    assert (job.status, job.cost.estimated, job.cost.reserved) == (JobStatus.QUEUED, 14_000, 15_400)
    assert (job.cost.settled, job.cost.actual) == (False, None)
    assert [ref.name for ref in job.budgets] == ["day", "month"]
    assert studio.budget("alice", "day").reserved == studio.budget("alice", "month").reserved == 15_400
    assert studio.job_queue.sent == [("alice", job.id)]
    assert (orders.prepared, orders.kept) == (1, 1)


def test_who_pays_is_asked_before_anything_is_read(studio: Studio, orders: Orders) -> None:
    with pytest.raises(InvalidApiKey):
        orders.submit(caller=Caller(user="bob"), prompt="")
    assert orders.prepared == 0
    _nothing_is_left(studio, orders)


def test_what_cannot_be_prepared_leaves_nothing(studio: Studio, orders: Orders) -> None:
    with pytest.raises(InvalidParameter):
        orders.submit(KEYED, prompt="")
    _nothing_is_left(studio, orders)


@pytest.mark.parametrize("terms", [TERMS, KEYED])
def test_what_may_not_be_paid_leaves_nothing(studio: Studio, orders: Orders, terms: Terms) -> None:
    with pytest.raises(CostLimit):
        orders.submit(terms, estimate=250_001)
    _nothing_is_left(studio, orders)


def test_a_budget_that_is_too_small_leaves_the_others_untouched(studio: Studio, orders: Orders) -> None:
    studio.app.budgets.change("alice", {"per_month": 15_399})
    with pytest.raises(BudgetExceeded) as refused:
        orders.submit(KEYED)
    assert refused.value.context["budget"] == "month"
    assert not studio.jobs.jobs
    assert not studio.ledger.keys
    assert all(account.reserved == 0 for account in studio.ledger.accounts.values())


def test_a_worker_that_cannot_be_told_is_no_failure(studio: Studio) -> None:
    """The job is there and will be found; to say otherwise would have it asked for, and paid, twice."""

    class Down(PromptQueue):
        def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
            raise ServiceUnavailable("The queue is down.")

    down = Studio(studio.simulator, studio.clock, job_queue=Down())
    down.connect("alice")
    job = Orders(down).submit().job
    assert down.job("alice", job.id).status is JobStatus.QUEUED
    assert [(name, facts["job"]) for name, facts in down.alarms] == [("JOB_NOT_QUEUED", job.id)]


def test_a_job_and_its_budgets_are_of_the_same_day(studio: Studio) -> None:
    clock = Passing()
    passing = Studio(studio.simulator, clock)
    passing.connect("alice")
    for milliseconds in range(1, 12):
        clock.now = datetime(2027, 1, 1, tzinfo=UTC) - timedelta(milliseconds=milliseconds)
        job = Orders(passing).submit(prompt=f"{milliseconds} foxes").job
        assert [ref.id for ref in job.budgets] == [
            f"day#{job.created_at:%Y-%m-%d}",
            f"month#{job.created_at:%Y-%m}",
        ]


class TestIdempotency:
    def test_the_same_key_is_the_same_job_and_nothing_is_prepared_again(self, studio: Studio, orders: Orders) -> None:
        first, second = orders.submit(KEYED), orders.submit(KEYED)
        assert (first.is_replayed, second.is_replayed, second.job) == (False, True, first.job)
        assert (first.answer, second.answer) == (None, None)
        assert (orders.prepared, len(studio.job_queue.sent)) == (1, 1)

    def test_another_request_is_refused(self, orders: Orders) -> None:
        orders.submit(KEYED)
        with pytest.raises(IdempotencyKeyReused):
            orders.submit(KEYED, prompt="another fox")

    def test_the_key_is_the_routes_and_the_users(self, studio: Studio, orders: Orders) -> None:
        studio.connect("bob")
        elsewhere = KEYED.model_copy(update={"route": "POST /v1/images/edits"})
        jobs = {
            orders.submit(KEYED).job.id,
            orders.submit(elsewhere).job.id,
            orders.submit(KEYED, caller=Caller(user="bob")).job.id,
        }
        assert len(jobs) == 3

    def test_whoever_comes_second_in_the_transaction_is_answered_by_the_first(
        self, studio: Studio, orders: Orders
    ) -> None:
        """Both had looked, and neither had found anything."""
        second: list[Submission] = []

        def prepare(_choice: Choice) -> Prepared:
            second.append(orders.submit(KEYED))
            return Prepared(work=WORK, model_requested="flux", estimate=1, reserve=1, keep=lambda: None)

        first = studio.app.admission.submit(ALICE, "generation", KEYED, {"prompt": "a fox"}, prepare, skill="generate")
        assert (first.is_replayed, first.job.id) == (True, second[0].job.id)
        assert len(studio.jobs.jobs) == 1
        assert studio.budget("alice", "day").reserved == 15_400

    def test_a_job_that_was_removed_is_not_made_again(self, studio: Studio, orders: Orders) -> None:
        orders.submit(KEYED)
        studio.jobs.jobs.clear()
        with pytest.raises(NotFound):
            orders.submit(KEYED)


class TestWithoutAKey:
    def test_an_answer_that_nobody_got_is_given_to_the_next(self, studio: Studio, orders: Orders) -> None:
        first = orders.submit()
        assert first.answer is not None
        studio.app.answers.let_go(first.answer)
        second = orders.submit()
        assert (second.job, second.is_replayed) == (first.job, False)
        assert orders.prepared == 1

    def test_one_that_somebody_waits_for_is_not(self, orders: Orders) -> None:
        assert orders.submit().job.id != orders.submit().job.id


class TestSameness:
    def test_the_order_of_fields_does_not_count(self) -> None:
        one = request_sha256("r", {"a": 1, "b": [b"x", {"c": None}]})
        assert one == request_sha256("r", {"b": [b"x", {"c": None}], "a": 1})

    @pytest.mark.parametrize(
        ("route", "request_"),
        [("s", {"a": 1, "b": b"x"}), ("r", {"a": 2, "b": b"x"}), ("r", {"a": 1, "b": b"y"}), ("r", {"a": 1}),
         ("r", {"a": "1", "b": b"x"}), ("r", {"a": 1, "b": "x"})],
    )  # fmt: skip
    def test_everything_else_does(self, route: str, request_: dict[str, object]) -> None:
        assert request_sha256(route, request_) != request_sha256("r", {"a": 1, "b": b"x"})
