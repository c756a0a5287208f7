"""Users who ask for pictures, each with a key of their own, and what has to be true of their money in the end."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ulid import ULID

from darkroom.adapters.usage_books import DynamoUsageBooks
from darkroom.adapters.work_log import DynamoWorkLog
from darkroom.models.admission import Terms
from darkroom.models.budget import Budget
from darkroom.models.caller import Caller
from darkroom.models.deadline import Deadline
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus
from darkroom.models.receipt import Receipt
from darkroom.models.token import ApiToken
from darkroom.ports import ReceiptPage
from local.simulator import Simulator
from local.simulator.state import hash_of
from tests.conftest import SteppingClock
from tests.integration.crash.shop import BUFFERED, DOLLAR, Shop
from tests.months import assert_months_agree

HOOK = "https://hooks.example/darkroom"
# Somebody who looks every few minutes sees a worker gone, the provider at rest, the books complete, a day over.
VISITS = tuple(timedelta(minutes=minutes) for minutes in (6, 6, 6, 60, 24 * 60))


@dataclass
class Customer:
    shop: Shop
    simulator: Simulator
    user: str = field(default_factory=lambda: f"user-{str(ULID()).lower()}")
    secret: str = field(default="", repr=False)
    jobs: list[str] = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        token = ApiToken(
            id=f"tok_{self.user}",
            user=self.user,
            sha256="ab" * 32,
            hint="abcd",
            created_at=datetime.fromisoformat("2026-01-01T00:00:00Z"),
            day_limit=2 * DOLLAR,
            month_limit=3 * DOLLAR,
        )
        return Caller(user=self.user, token=token)

    def connect(self) -> str:
        """Gets a key of their own and stores it in the vault; a former one is replaced."""
        self.secret = self.simulator.state.mint(self.user)
        self.simulator.scenario("small_picture", key=self.secret, side=64)
        self.shop.app.keys.connect(self.user, "openrouter", self.secret)
        return self.secret

    def ask(
        self, model: str = BUFFERED, *, webhook: bool = False, terms: Terms | None = None, apart: bool = False
    ) -> Job:
        asked = request(model, webhook=webhook, apart=apart)
        submission = self.shop.app.generate.submit(self.caller, asked, terms or now_and_then())
        if submission.job.id not in self.jobs:
            self.jobs.append(submission.job.id)
        return submission.job

    def job(self, job_id: str) -> Job:
        found: Job | None = self.shop.ports.jobs.find(self.user, job_id)
        assert found is not None
        return found

    @property
    def charges(self) -> list[int]:
        """Micro-dollars on the provider's invoice, of every call that was charged to the present key."""
        return charges(self.simulator, self.secret)

    @property
    def sent(self) -> list[str]:
        """The generations' ids of the pictures that were asked of the provider with the present key."""
        entries = self.simulator.world.log.entries()
        mine = (entry for entry in entries if entry["key_hash"] == hash_of(self.secret))
        return [entry["generation_id"] for entry in mine if entry["method"] == "POST"]

    @property
    def requests(self) -> int:
        return len(self.sent)

    def budgets(self) -> dict[str, Budget]:
        """Every budget that a job of theirs was taken from."""
        ids = {ref.id for job_id in self.jobs for ref in self.job(job_id).budgets}
        return dict(self.shop.ports.ledger.budgets(self.user, sorted(ids)))

    def receipts(self) -> tuple[Receipt, ...]:
        page: ReceiptPage = self.shop.ports.ledger.receipts(self.user, limit=100)
        return tuple(page.receipts)


def request(model: str, *, webhook: bool = False, apart: bool = False) -> ImageRequest:
    """Args: apart: the provider's answer is kept by itself, and not as the picture, which may have to be converted."""
    output_format = "png" if apart else None
    return ImageRequest(prompt="A fox", model=model, webhook_url=HOOK if webhook else None, output_format=output_format)


def now_and_then(**given: object) -> Terms:
    return Terms.model_validate({"route": "generate", "is_async": True, **given})


def charges(simulator: Simulator, secret: str) -> list[int]:
    return [charge["micro_usd"] for charge in simulator.state.invoice() if charge["key_hash"] == hash_of(secret)]


def deliver(shop: Shop) -> None:
    """Has a worker carry out whatever the queue holds."""
    for user, job_id in shop.ports.job_queue.take():
        shop.app.worker.run(user, job_id, Deadline(60))


def visit(shop: Shop, clock: SteppingClock, after: timedelta) -> None:
    """One round of the sweep, some time later, and of the workers that it sends for."""
    clock.step(after)
    swept = shop.app.sweep.run(Deadline(60))
    assert swept["failed"] == 0, shop.alarms
    deliver(shop)


def settle_everything(shop: Shop, clock: SteppingClock, visits: Iterable[timedelta] = VISITS) -> None:
    """Messages and sweeps, again and again, until no job is open."""
    deliver(shop)
    for after in visits:
        if not any(True for _ in shop.ports.jobs.list_open()):
            return
        visit(shop, clock, after)
    assert [job.id for job in shop.ports.jobs.list_open()] == []


def assert_lawful(budgets: Iterable[Budget]) -> None:
    for budget in budgets:
        assert budget.limit + budget.overdrawn == budget.remaining + budget.reserved + budget.spent
        assert min(budget.remaining, budget.reserved, budget.spent, budget.overdrawn) >= 0
        assert not (budget.overdrawn and budget.remaining)


def assert_books_agree(customer: Customer) -> None:
    """Everything is settled, and what the ledger says is what the provider's invoice says."""
    invoice = sum(customer.charges)
    budgets = customer.budgets()
    assert_lawful(budgets.values())
    assert {budget.reserved for budget in budgets.values()} <= {0}
    assert {budget.spent for budget in budgets.values()} <= {invoice}
    receipts = customer.receipts()
    assert sum(receipt.actual or 0 for receipt in receipts) == invoice
    assert sorted(receipt.job_id for receipt in receipts) == sorted(customer.jobs)
    assert_usage_agrees(customer)
    for job_id in customer.jobs:
        assert_ended_well(customer, customer.job(job_id))


def assert_usage_agrees(customer: Customer) -> None:
    """The rows of their months are their receipts, those of free work among them."""
    table, dynamodb = customer.shop.place.table, customer.shop.aws.dynamodb
    free = DynamoWorkLog(table, dynamodb).receipts(customer.user, limit=100).receipts
    assert_months_agree(DynamoUsageBooks(table, dynamodb), customer.user, (*customer.receipts(), *free))


def assert_ended_well(customer: Customer, job: Job) -> None:
    """The job is over and settled, says truly whether it was charged, and has told whoever asked to be told."""
    assert job.status.is_final
    assert job.cost.settled
    assert job.cost.charged is ((job.cost.actual or 0) > 0)
    if job.status is JobStatus.SUCCEEDED:
        assert job.error is None
        assert job.images or job.result.keys() & {"completion", "completion_text"}
        for image in job.images:
            data = customer.shop.ports.images.read_output(image.key, max_bytes=DOLLAR * 64)
            assert hashlib.sha256(data).hexdigest() == image.sha256
    else:
        assert job.error is not None
        assert job.error["charged"] is job.cost.charged
    delivery = customer.shop.ports.webhooks.find(customer.user, f"msg_{job.id}")
    assert (delivery is not None) == (job.webhook_url is not None)
