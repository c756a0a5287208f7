import json
from datetime import timedelta
from typing import Any

import pytest

from darkroom.bootstrap import JobsServices
from darkroom.models.job import Job, JobStatus
from darkroom.services.callers import Callers
from darkroom.services.jobs import Jobs
from darkroom.services.tokens import Tokens
from darkroom.services.uploads import Uploads
from functions.jobs.app import handler_of, routes
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.memory import MemoryImageStore, MemoryJobStore


@pytest.fixture
def services(
    callers: Callers, job_store: MemoryJobStore, images: MemoryImageStore, clock: SteppingClock
) -> JobsServices:
    return JobsServices(callers, Jobs(job_store, images, clock, max_attempts=3), Uploads(images, clock))


class Caller:
    def __init__(self, services: JobsServices) -> None:
        self._api = routes(services)

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = self._api.handle(http_event(*args, **kwargs), Context())  # type: ignore[arg-type]
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def call(services: JobsServices) -> Caller:
    return Caller(services)


def _add(store: MemoryJobStore, clock: SteppingClock, number: int, **changes: Any) -> Job:
    job = Job(id=f"job_{number:02}", user="alice", op="background-removal", created_at=clock.now)
    job = job.model_copy(update={"status": JobStatus.SUCCEEDED, **changes})
    store.add(job)
    return job


def test_jobs_are_listed_page_by_page(
    call: Caller, token: str, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    for number in range(5):
        _add(job_store, clock, number)
    _add(job_store, clock, 9, user="bob")
    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        status, page = call("GET", "/v1/jobs", token=token, query=query)
        assert status == 200
        seen += [job["id"] for job in page["data"]]
        cursor = page["next_cursor"]
    assert seen == ["job_04", "job_03", "job_02", "job_01", "job_00"]
    assert cursor is None


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "x" * 65}])
def test_a_page_that_cannot_be_is_refused(call: Caller, token: str, query: dict[str, str]) -> None:
    status, problem = call("GET", "/v1/jobs", token=token, query=query)
    assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", next(iter(query)))


def test_a_job_is_shown_and_removed_by_its_owner_alone(
    call: Caller, token: str, tokens: Tokens, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    job = _add(job_store, clock, 1)
    bob = tokens.create(user="bob")[1]
    for method in ("GET", "DELETE"):
        status, problem = call(method, f"/v1/jobs/{job.id}", token=bob)
        assert (status, problem["code"]) == (404, "NOT_FOUND")
    assert call("GET", f"/v1/jobs/{job.id}", token=token)[1]["status"] == "succeeded"
    assert call("DELETE", f"/v1/jobs/{job.id}", token=token)[0] == 200
    assert call("GET", f"/v1/jobs/{job.id}", token=token)[0] == 404


def test_a_job_at_work_is_not_removed(
    call: Caller, token: str, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    _add(job_store, clock, 1, status=JobStatus.RUNNING)
    assert call("DELETE", "/v1/jobs/job_01", token=token)[1]["code"] == "CONFLICT"


def test_an_upload_form_is_handed_out(call: Caller, token: str) -> None:
    status, upload = call("POST", "/v1/uploads", token=token, body={"media_type": "image/jpeg"})
    assert status == 201
    assert upload["fields"]["key"] == f"uploads/alice/{upload['upload_id']}"


@pytest.mark.parametrize("body", [{}, {"media_type": "text/html"}, {"media_type": "image/png", "key": "inbox/x"}])
def test_an_upload_of_another_kind_is_refused(call: Caller, token: str, body: dict[str, str]) -> None:
    assert call("POST", "/v1/uploads", token=token, body=body)[1]["code"] == "INVALID_PARAMETER"


def test_the_schedule_closes_abandoned_jobs_and_is_not_reached_over_http(
    services: JobsServices, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    handle = handler_of(services)
    _add(job_store, clock, 1, status=JobStatus.RUNNING, attempt=3, lease_expires_at=clock.now)
    clock.step(timedelta(seconds=1))
    forged = handle({**http_event("GET", "/v1/jobs"), "source": "aws.events"}, Context())
    assert forged["statusCode"] == 401
    assert handle({"source": "aws.events", "detail-type": "Scheduled Event"}, Context()) == {"closed": 1}
    assert job_store.jobs["alice", "job_01"].status is JobStatus.FAILED
