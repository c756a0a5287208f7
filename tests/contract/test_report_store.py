"""What every ReportStore does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from darkroom.adapters.delivery_rows import delivery_key
from darkroom.adapters.dynamo import to_item
from darkroom.adapters.report_store import DynamoReportStore
from darkroom.adapters.work_log import DynamoWorkLog
from darkroom.models.job import JobStatus
from darkroom.models.usage import ReportRun, UsageReport
from darkroom.models.webhook import Delivery
from darkroom.ports import JobStore, Ledger, ReportStore, WorkLog
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryJobStore
from tests.fakes.usage import MemoryReportStore, MemoryWorkLog
from tests.paid_jobs import admit_job, ended, paid_job


@pytest.fixture
def work_log(cloud: Cloud | None, job_store: JobStore) -> WorkLog:
    if isinstance(job_store, MemoryJobStore):
        return MemoryWorkLog(job_store)
    assert cloud is not None
    return DynamoWorkLog(cloud.table, cloud.aws.dynamodb)


@pytest.fixture
def reports(cloud: Cloud | None, job_store: JobStore, ledger: Ledger, work_log: WorkLog) -> ReportStore:
    """Pages of users are small, so that there are several."""
    if isinstance(job_store, MemoryJobStore):
        assert isinstance(ledger, MemoryLedger)
        assert isinstance(work_log, MemoryWorkLog)
        return MemoryReportStore(ledger, work_log, job_store)
    assert cloud is not None
    return _of(cloud)


def _of(cloud: Cloud) -> DynamoReportStore:
    return DynamoReportStore(cloud.table, cloud.aws.dynamodb, bucket=cloud.outputs, s3=cloud.aws.s3, page=2)


def _report(user: str, clock: SteppingClock, month: str = "2099-02", **changes: Any) -> UsageReport:
    return UsageReport(
        user=user, month=month, made_at=clock.now, cost=14_000, requests=1, json_key="reports/a", csv_key="reports/b"
    ).model_copy(update=changes)


def _users(reports: ReportStore, month: str) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = reports.users(month, cursor=cursor)
        found += page.users
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


def test_users_are_those_with_receipts_of_the_month(
    reports: ReportStore, ledger: Ledger, work_log: WorkLog, clock: SteppingClock, user: str
) -> None:
    clock.now = datetime(2098, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC)
    for name in ("paid-a", "paid-b", "paid-c"):
        job = admit_job(ledger, paid_job(f"{user}-{name}", clock.now))
        assert ledger.close(ended(job, JobStatus.FAILED, clock.now), actual=0)
    free = admit_job(ledger, paid_job(f"{user}-open", clock.now))
    work_log.note(free.model_copy(update={"user": f"{user}-free", "status": JobStatus.SUCCEEDED}), at=clock.now)
    clock.step(timedelta(milliseconds=1))
    late = admit_job(ledger, paid_job(f"{user}-late", clock.now))
    assert ledger.close(ended(late, JobStatus.FAILED, clock.now), actual=0)
    of_month = [name.removeprefix(f"{user}-") for name in _users(reports, "2098-11") if name.startswith(user)]
    assert sorted(set(of_month)) == ["free", "paid-a", "paid-b", "paid-c"]
    assert [name for name in _users(reports, "2098-12") if name.startswith(user)] == [f"{user}-late"]


def test_who_is_listed_has_a_receipt_or_is_about_to(
    cloud: Cloud | None, ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    """Written before the receipt: if that is not written in the end, it is one name more to look at."""
    if cloud is None:
        return
    clock.now = datetime(2098, 10, 31, 23, 59, tzinfo=UTC)
    job = admit_job(ledger, paid_job(user, clock.now))
    assert user not in _users(_of(cloud), "2098-10")
    clock.step(timedelta(days=2))
    assert ledger.close(ended(job, JobStatus.FAILED, clock.now), actual=0)
    row = cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=to_item({"pk": "USERS#2098-10", "sk": user}))["Item"]
    assert _users(_of(cloud), "2098-10").count(user) == 1
    assert user not in _users(_of(cloud), "2098-11")
    # As long as the receipts.
    assert int(row["expires_at"]["N"]) == int((job.created_at + timedelta(days=800)).timestamp())


@pytest.mark.parametrize("folder", ["reports", "outputs", "inputs", "raw"])
def test_receipts_of_versions_that_listed_no_users_are_found(
    cloud: Cloud | None, ledger: Ledger, work_log: WorkLog, clock: SteppingClock, user: str, folder: str
) -> None:
    if cloud is None:
        return
    clock.now = datetime(2098, 8, 15, tzinfo=UTC)
    names = [f"{user}-{name}" for name in ("a", "a2", "b", "c", "free")]
    for name in names[:4]:
        job = admit_job(ledger, paid_job(name, clock.now))
        assert ledger.close(ended(job, JobStatus.FAILED, clock.now), actual=0)
    work_log.note(job.model_copy(update={"user": names[4], "status": JobStatus.SUCCEEDED}), at=clock.now)
    for name in (*names, f"{user}-idle"):
        cloud.aws.dynamodb.delete_item(TableName=cloud.table, Key=to_item({"pk": "USERS#2098-08", "sk": name}))
        for number in range(3):
            cloud.aws.s3.put_object(Bucket=cloud.outputs, Key=f"{folder}/{name}/job_1/{number}.png", Body=b"0")
    found = [name for name in _users(_of(cloud), "2098-08") if name.startswith(user)]
    assert sorted(found) == names
    assert [name for name in _users(_of(cloud), "2098-09") if name.startswith(user)] == []


def test_a_run_that_an_earlier_version_began_begins_again(
    cloud: Cloud | None, ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    if cloud is None:
        return
    clock.now = datetime(2098, 7, 15, tzinfo=UTC)
    job = admit_job(ledger, paid_job(user, clock.now))
    assert ledger.close(ended(job, JobStatus.FAILED, clock.now), actual=0)
    assert user in _of(cloud).users("2098-07", cursor='{"pk": "USER#zoe", "sk": "SETTINGS"}').users


def test_a_report_is_written_once(reports: ReportStore, clock: SteppingClock, user: str) -> None:
    report = _report(user, clock)
    assert reports.find(user, "2099-02") is None
    assert reports.add(report)
    assert not reports.add(_report(user, clock, cost=1))
    assert reports.find(user, "2099-02") == report
    assert reports.find(f"{user}-b", "2099-02") is None
    assert reports.find(user, "2099-01") is None


def test_a_users_reports_are_newest_first(reports: ReportStore, clock: SteppingClock, user: str) -> None:
    for month in ("2099-02", "2098-12", "2099-01"):
        assert reports.add(_report(user, clock, month))
    assert [report.month for report in reports.of_user(user)] == ["2099-02", "2099-01", "2098-12"]
    assert reports.of_user(f"{user}-b") == []


def test_a_delivery_is_stored_with_the_report_that_it_tells_of_alone(
    reports: ReportStore, cloud: Cloud | None, clock: SteppingClock, user: str
) -> None:
    def delivery(number: int) -> Delivery:
        return Delivery(
            id=f"msg_{number}",
            user=user,
            report="2099-02",
            url="https://hook.example/a",
            created_at=clock.now,
            expires_at=clock.now + timedelta(days=30),
        )

    def is_there(number: int) -> bool:
        if isinstance(reports, MemoryReportStore):
            return reports.deliveries.find(user, f"msg_{number}") is not None
        assert cloud is not None
        key = to_item(delivery_key(user, f"msg_{number}"))
        return "Item" in cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=key, ConsistentRead=True)

    assert reports.add(_report(user, clock), delivery=delivery(1))
    assert not reports.add(_report(user, clock), delivery=delivery(2))
    assert (is_there(1), is_there(2)) == (True, False)


def test_the_last_run_is_known(reports: ReportStore) -> None:
    run = ReportRun(month="2099-02", cursor='{"pk": "USER#a"}', passes=1, failed=2)
    reports.save_run(run)
    assert reports.run() == run
    reports.save_run(run.model_copy(update={"done": True}))
    assert reports.run() == run.model_copy(update={"done": True})
