"""What counts usage, in memory. The contract suites hold it to what the adapters do."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from datetime import datetime

from darkroom.models.job import Job
from darkroom.models.model_row import ModelFigures, Sample, figures_of
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import of_free_work
from darkroom.models.tally import made_at, tallied
from darkroom.models.usage import ReportRun, UsageReport
from darkroom.models.webhook import Delivery
from darkroom.ports import MonthTallies, ReceiptPage, UserPage
from tests.fakes.ledger import MemoryLedger, page_of
from tests.fakes.memory import MemoryJobStore
from tests.fakes.webhooks import MemoryWebhookStore


class MemoryWorkLog:
    """Shows what `jobs` has noted."""

    def __init__(self, jobs: MemoryJobStore) -> None:
        self._jobs = jobs

    def note(self, job: Job, *, at: datetime) -> None:
        self._jobs.work[job.user, job.id] = of_free_work(job, at)

    def receipts(self, user: str, *, limit: int, before: str | None = None, month: str | None = None) -> ReceiptPage:
        mine = [receipt for (owner, _), receipt in self._jobs.work.items() if owner == user]
        return page_of(mine, limit=limit, before=before, month=month)


class MemoryUsageBooks:
    """Adds up what `ledger` and `jobs` have noted."""

    def __init__(self, ledger: MemoryLedger, jobs: MemoryJobStore) -> None:
        self._ledger = ledger
        self._jobs = jobs

    def month(self, user: str, month: str, *, by_conversation: bool = False) -> MonthTallies:
        receipts = [
            each for (owner, _), each in (*self._ledger.receipts_.items(), *self._jobs.work.items()) if owner == user
        ]
        mine = [each for each in receipts if _month_of(each.job_id) == month]
        whole = mine if by_conversation else [each.model_copy(update={"conversation_id": None}) for each in mine]
        return MonthTallies(tallied(whole), is_whole=True)

    def catch_up(self, user: str, month: str, *, at: datetime) -> bool:
        return True


def _month_of(job_id: str) -> str | None:
    try:
        return f"{made_at(job_id):%Y-%m}"
    except ValueError:
        return None


class MemoryModelStatistics:
    def __init__(self) -> None:
        self.samples: dict[str, deque[Sample]] = defaultdict(lambda: deque(maxlen=100))

    def record(self, model: str, *, seconds: float | None, succeeded: bool) -> None:
        self.samples[model].append((None if seconds is None else round(seconds, 3), succeeded))

    def of(self, models: Sequence[str]) -> Mapping[str, ModelFigures]:
        return {model: figures_of(list(self.samples[model])) for model in models if model in self.samples}


class MemoryTelemetry:
    def __init__(self) -> None:
        self.jobs: list[tuple[str, MicroUsd | None]] = []
        self.doubts: list[str] = []
        self.counts: dict[str, int] = defaultdict(int)

    def settled(self, job: Job, actual: MicroUsd | None) -> None:
        self.jobs.append((job.id, actual))

    def doubted(self, job: Job) -> None:
        self.doubts.append(job.id)

    def counted(self, name: str, n: int = 1) -> None:
        self.counts[name] += n


class MemoryReportStore:
    """Args: page: how many users a page has."""

    def __init__(
        self,
        ledger: MemoryLedger,
        work: MemoryWorkLog,
        jobs: MemoryJobStore,
        deliveries: MemoryWebhookStore | None = None,
        *,
        page: int = 2,
    ) -> None:
        self._ledger = ledger
        self._work = work
        self._jobs = jobs
        self.deliveries = deliveries or MemoryWebhookStore()
        self._page = page
        self.reports: dict[tuple[str, str], UsageReport] = {}
        self._run: ReportRun | None = None

    def run(self) -> ReportRun | None:
        return self._run

    def save_run(self, run: ReportRun) -> None:
        self._run = run

    def users(self, month: str, *, cursor: str | None = None) -> UserPage:
        owners = {owner for owner, _ in (*self._ledger.receipts_, *self._jobs.work)}
        active = sorted(
            owner
            for owner in owners
            if owner > (cursor or "")
            and (
                self._ledger.receipts(owner, limit=1, month=month).receipts
                or self._work.receipts(owner, limit=1, month=month).receipts
            )
        )
        found = tuple(active[: self._page])
        return UserPage(users=found, next_cursor=found[-1] if len(active) > self._page else None)

    def find(self, user: str, month: str) -> UsageReport | None:
        return self.reports.get((user, month))

    def of_user(self, user: str) -> Sequence[UsageReport]:
        mine = [report for (owner, _), report in self.reports.items() if owner == user]
        return sorted(mine, key=lambda report: report.month, reverse=True)

    def add(self, report: UsageReport, *, delivery: Delivery | None = None) -> bool:
        if (report.user, report.month) in self.reports:
            return False
        self.reports[report.user, report.month] = report
        if delivery is not None:
            self.deliveries.save(delivery)
        return True
