"""A service of AWS that takes connections and never answers, through the real routes. The client is answered in
time, with `charged` and, where there is one, with the job.

How long each step may take is added up in tests/template/test_time_limits.py. Here Lambda grants a request two or three
seconds instead of 29, and the clients' own time limits do the rest; no test looks at a clock.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pytest

from darkroom.adapters.clock import utc_now
from darkroom.application import Application
from darkroom.application.on_aws import AwsPorts
from darkroom.application.outlasting import in_outlasting_thread
from darkroom.http.app import FOR_AN_ERROR, Api
from darkroom.http.routes import account, jobs
from darkroom.services.paid.in_place import MAX_SECONDS
from darkroom.services.paid.worker import LEASE_MARGIN, Worker
from darkroom.settings import Settings
from local.aws import Aws
from local.providers.removebg import Simulator as RemoveBg
from local.simulator import Simulator
from local.template import Template
from tests.events import Context
from tests.integration.crash import asked
from tests.integration.crash.aws_faults import faulty, sound
from tests.integration.crash.doors import Answer, Newcomer, Request, Street
from tests.integration.crash.hanging import Endpoint, hanging

# Seconds for one attempt, for what comes before it, too, and for that on a busy machine.
SHORT, ENOUGH, AMPLE = FOR_AN_ERROR + 0.35, FOR_AN_ERROR + 1.2, FOR_AN_ERROR + 2.2


@dataclass
class WithThreads(Street):
    """Where a process carries work out itself, it does so in threads that go on after its answers, as on Lambda."""

    begun: list["Future[None]"] = field(default_factory=list)
    late: timedelta = timedelta()

    @cached_property
    def _worker(self) -> Worker:
        with sound():
            settings = Settings.from_environ(self.environ("WorkerFunction"))
            ports = AwsPorts(settings)
            ports.clock = lambda: utc_now() + self.late
            return Application(settings, ports).worker

    def begin(self, work: Callable[[], None]) -> "Future[None]":
        self.begun.append(in_outlasting_thread(work))
        return self.begun[-1]

    def settle(self) -> None:
        """By what has been begun first: a message or a sweep leaves a job alone while its lease lasts.

        A process that is not told that its admission was carried out begins nothing, and the lease ends.
        """
        _, going_on = wait(self.begun, timeout=60)
        assert not going_on
        self.late = timedelta(seconds=MAX_SECONDS) + LEASE_MARGIN
        super().settle()
        self.late = timedelta()


@pytest.fixture(scope="module")
def endpoint(aws: Aws) -> Iterator[Endpoint]:
    with hanging(str(aws.endpoint_url)) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def street(
    openrouter: Simulator, aws: Aws, endpoint: Endpoint, template: Template, weights_dir: Path
) -> Iterator[Street]:
    with RemoveBg() as removebg, faulty(endpoint.url) as faults:
        yield WithThreads(template, aws, openrouter, removebg, faults, str(weights_dir))


@pytest.fixture(scope="module")
def somebody(street: Street) -> Newcomer:
    """For what comes to no job."""
    return street.newcomer()


@pytest.fixture(scope="module")
def others(street: Street) -> dict[str, Api]:
    app = street.application("AccountFunction")
    app.health = replace(app.health, longest=0.5)
    return {"account": account.routes(app), "jobs": jobs.routes(street.application("JobsFunction"))}


@pytest.fixture(autouse=True)
def answering(endpoint: Endpoint) -> Iterator[None]:
    endpoint.answer()
    yield
    endpoint.answer()


@dataclass
class Granted(Context):
    seconds: float

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


# Each route, by what asks it.
ROUTES: dict[str, tuple[str, Request]] = {
    "generations": ("generate", Request("/v1/images/generations", {"prompt": "A fox"})),
    "edits": ("edit", Request("/v1/images/edits", {"prompt": "A fox", "image": ""})),
    "completions": ("chat", Request("/v1/chat/completions", {"messages": []})),
    "messages": (
        "chat",
        Request("/v1/conversations/conv_1/messages", {}, "/v1/conversations/{conversation_id}/messages"),
    ),
    "recipes": ("chat", Request("/v1/recipes/apply", {})),
    "removals": ("removal", Request("/v1/images/background-removals", {})),
    "job": ("jobs", Request("/v1/jobs/job_1", None, "/v1/jobs/{job_id}", method="GET")),
    "jobs": ("jobs", Request("/v1/jobs", method="GET")),
    "usage": ("account", Request("/v1/usage", method="GET")),
    "settings": ("account", Request("/v1/settings", method="GET")),
}


def _is_told_that_nothing_was_begun(answer: Answer) -> None:
    status, body, headers = answer
    assert (status, headers["content-type"]) == (503, "application/problem+json"), body
    assert (body["code"], body["charged"], body["retryable"]) == ("SERVICE_UNAVAILABLE", False, True)
    assert (headers["x-should-retry"], headers["retry-after"]) == ("true", "2")
    assert body["detail"].startswith("AWS did not answer")


def _api(name: str, street: Street, others: dict[str, Api]) -> Api:
    found: Api = others[name] if name in others else getattr(street, name)
    return found


@pytest.mark.parametrize("name", ROUTES)
def test_without_the_table_each_route_says_that_nothing_was_begun(
    name: str, street: Street, others: dict[str, Api], endpoint: Endpoint, somebody: Newcomer
) -> None:
    function, request = ROUTES[name]
    endpoint.hang("dynamodb")
    _is_told_that_nothing_was_begun(somebody.send_once(_api(function, street, others), request, Granted(SHORT)))
    # By its own limits a client would have tried three times, for as long as 24 seconds.
    assert len(endpoint.taken) <= 1


@pytest.mark.parametrize(
    ("service", "function", "ask"),
    [
        ("s3", "edit", asked.edit),
        ("s3", "chat", asked.conversation),
        ("s3", "chat", asked.painted_recipe),
        ("s3", "removal", asked.removal),
        ("kms", "account", asked.key),
    ],
    ids=["edits", "conversations", "recipes", "removals", "keys"],
)
def test_what_cannot_be_kept_is_not_begun(
    service: str,
    function: str,
    ask: Callable[[Newcomer], Request],
    street: Street,
    others: dict[str, Api],
    endpoint: Endpoint,
    somebody: Newcomer,
) -> None:
    request = ask(somebody)
    endpoint.hang(service)
    _is_told_that_nothing_was_begun(somebody.send_once(_api(function, street, others), request, Granted(ENOUGH)))
    assert somebody.jobs() == []


PAID = {
    "generations": ("generate", asked.generation),
    "edits": ("edit", asked.edit),
    "completions": ("chat", asked.completion),
    "messages": ("chat", asked.message),
    "paid removals": ("removal", asked.paid_removal),
}


def _is_told_of_the_job(answer: Answer, somebody: Newcomer, *codes: str, is_free: bool) -> None:
    """Where the machine was too slow for the admission in the time that is granted, that is told instead."""
    jobs = [job.id for job in somebody.jobs() if job.parent_id is None]
    if answer[1]["code"] == "OUTCOME_UNKNOWN":
        assert jobs in ([], [answer[1]["job"]["id"]])
        assert (answer[1]["charged"], answer[2]["x-should-retry"]) == ("unknown", "false")
        return
    if not jobs:
        _is_told_that_nothing_was_begun(answer)
        return
    status, body, headers = answer
    assert (status, headers["content-type"]) == (503, "application/problem+json"), body
    assert (body["charged"], [body["job"]["id"]]) == ("unknown", jobs)
    assert body["code"] in codes
    assert (headers["x-should-retry"], headers["location"]) == (str(is_free).lower(), f"/v1/jobs/{jobs[0]}")


@pytest.mark.parametrize("name", PAID)
def test_without_the_table_after_the_admission_the_job_is_told_and_is_not_asked_for_again(
    name: str, street: Street, endpoint: Endpoint
) -> None:
    function, ask = PAID[name]
    somebody = street.newcomer()
    request = ask(somebody)
    endpoint.hang("dynamodb", after="TransactWriteItems")
    answer = somebody.send_once(getattr(street, function), request, Granted(ENOUGH))
    endpoint.answer()
    _is_told_of_the_job(answer, somebody, "ANSWER_NOT_GIVEN", is_free=False)
    street.settle()
    assert len(somebody.charges()) == len([job for job in somebody.jobs() if job.is_paid])


def test_without_the_queue_the_work_is_admitted_and_the_same_request_joins_it(
    street: Street, endpoint: Endpoint
) -> None:
    somebody = street.newcomer()
    request = asked.generation(somebody)
    endpoint.hang("sqs")
    answer = somebody.send_once(street.generate, request, Granted(AMPLE))
    endpoint.answer()
    # The second where no time was left to set the answer free but that which is kept for an error.
    _is_told_of_the_job(answer, somebody, "STILL_RUNNING", "ANSWER_PENDING", is_free=True)
    if answer[2]["x-should-retry"] == "true":
        assert [status for status, _, _ in somebody.send(street.generate, request, is_sdk=False)] == [200]
    street.settle()
    assert len(somebody.charges()) == len(somebody.jobs()) <= 1


@pytest.mark.parametrize("name", ["generations", "edits", "paid removals"])
def test_a_picture_that_cannot_be_read_is_had_by_sending_the_request_again(
    name: str, street: Street, endpoint: Endpoint
) -> None:
    function, ask = PAID[name]
    somebody, api = street.newcomer(), getattr(street, function)
    request = ask(somebody).with_headers(Idempotency_Key="once", Accept="image/png")
    assert somebody.send_once(api, request)[0] == 200
    endpoint.hang("s3")
    status, body, headers = somebody.send_once(api, request, Granted(AMPLE))
    assert (status, headers["content-type"]) == (503, "application/problem+json"), body
    assert (body["code"], body["charged"], headers["x-should-retry"]) == ("ANSWER_PENDING", True, "true")
    assert [body["job"]["id"]] == [job.id for job in somebody.jobs()]
    endpoint.answer()
    assert somebody.send_once(api, request)[0] == 200
    assert len(somebody.charges()) == 1


@pytest.mark.parametrize(
    ("service", "named"),
    [
        ("dynamodb", {"table"}),
        ("s3", {"bucket:uploads", "bucket:outputs"}),
        ("sqs", {"queue:jobs and webhooks", "queue:pictures"}),
        ("kms", {"key:openrouter", "key:removebg"}),
    ],
)
def test_health_names_what_hangs(
    service: str, named: set[str], street: Street, others: dict[str, Api], endpoint: Endpoint
) -> None:
    somebody = street.newcomer()
    endpoint.hang(service)
    request = Request("/healthz", method="GET", query={"deep": "1"})
    status, body, _ = somebody.send_once(others["account"], request)
    assert (status, body["status"]) == (503, "failed")
    assert named <= set(body["failed"])
    silent = {each["name"] for each in body["checks"] if "No answer came" in each["detail"]}
    assert named <= silent
