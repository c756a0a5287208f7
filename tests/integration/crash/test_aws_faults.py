"""An AWS call goes wrong between the admission of paid work and the last byte of its answer: every call there is, in
every way. Clients do as they are told by `x-should-retry`: nobody pays twice, and the picture comes where it can.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from darkroom.http.app import Api
from local.aws import Aws
from local.providers.removebg import Simulator as RemoveBg
from local.simulator import Simulator
from local.template import Template
from tests.integration.crash import asked
from tests.integration.crash.aws_faults import KINDS, faulty
from tests.integration.crash.doors import Answer, Newcomer, Request, Street
from tests.integration.crash.fault_table import ALWAYS, CALLS, SERVICES, Row, Said

ADMISSION = "dynamodb.TransactWriteItems"


@pytest.fixture(scope="module")
def street(openrouter: Simulator, aws: Aws, template: Template, weights_dir: Path) -> Iterator[Street]:
    with RemoveBg() as removebg, faulty(str(aws.endpoint_url)) as faults:
        yield Street(template, aws, openrouter, removebg, faults, str(weights_dir))


@pytest.fixture(scope="module")
def journeys() -> dict[str, Counter[str]]:
    """The calls of each door's request from its admission on, as far as somebody has asked."""
    return {}


@dataclass(frozen=True)
class Door:
    """Args:
    status: of the answer when all is well.
    begins: the call that admits.
    shown: calls that read what the answer has beside the job.
    """

    api: Callable[[Street], Api]
    ask: Callable[[Newcomer], Request]
    status: int = 200
    begins: str = ADMISSION
    shown: frozenset[tuple[str, int]] = frozenset()

    def row(self, call: str, nth: int) -> Row:
        """Of the table, for the nth call of that name since the admission."""
        if (call, nth) == (self.begins, 0):
            return CALLS["admission" if self.begins == ADMISSION else "batch"]
        if (call, nth) in self.shown:
            return CALLS["shown"]
        return CALLS[_PURPOSES[call]]


_PURPOSES = {
    "sqs.SendMessage": "queue",
    "dynamodb.GetItem": "look",
    "s3.GetObject": "read",
    "s3.PutObject": "long",
    "dynamodb.PutItem": "told",
}
_SECOND = frozenset({("dynamodb.GetItem", 1)})
DOORS = {
    "generations": Door(lambda street: street.generate, asked.generation),
    "edits": Door(lambda street: street.edit, asked.edit),
    "completions": Door(lambda street: street.chat, asked.completion),
    "streamed completions": Door(lambda street: street.chat, asked.stream),
    "long completions": Door(lambda street: street.chat, asked.long_completion, 303, shown=_SECOND),
    "messages": Door(lambda street: street.chat, asked.message, shown=_SECOND),
    "paid removals": Door(lambda street: street.removal, asked.paid_removal),
    "painted recipes": Door(lambda street: street.chat, asked.painted_recipe, begins="dynamodb.PutItem"),
}


def _journey(street: Street, name: str, journeys: dict[str, Counter[str]]) -> Counter[str]:
    """How often a request makes each call from its admission on when all is well."""
    if name not in journeys:
        door = DOORS[name]
        # The first of all has the lists of models fetched, too.
        for somebody in (street.newcomer(), street.newcomer()):
            request = door.ask(somebody)
            street.faults.watch(door.begins)
            answers = somebody.send(door.api(street), request, is_sdk=False)
        assert [status for status, _, _ in answers] == [door.status], answers
        journeys[name] = Counter(street.faults.calls)
        street.settle()
        assert len(somebody.charges()) == 1
    return journeys[name]


def _is_as_in_the_table(said: Said, answer: Answer, door: Door, somebody: Newcomer, alarms: set[str]) -> None:
    status, body, headers = answer
    assert alarms == said.alarms
    if said.status is None:
        assert (status, headers.get("x-should-retry")) == (door.status, None)
        return
    assert (status, body["code"]) == (said.status, said.code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-should-retry"] == str(said.again).lower()
    assert ("retry-after" in headers, body["retryable"]) == (said.again, said.again)
    assert ("job" in body, headers.get("location")) == (
        said.has_job,
        f"/v1/jobs/{body['job']['id']}" if said.has_job else None,
    )
    if said.charged == "job":
        job = next(job for job in somebody.jobs() if job.id == body["job"]["id"])
        assert body["charged"] is job.cost.charged is True
    else:
        assert body["charged"] == said.charged


def _cases() -> Iterator[tuple[str, str]]:
    """Everything for the first door. They all answer by the same means, so the others are tried in fewer ways."""
    for door in DOORS:
        for kind in KINDS if door == "generations" else ("error", "lost"):
            yield door, kind


@pytest.mark.parametrize(("name", "kind"), list(_cases()))
def test_each_call_that_goes_wrong_is_answered_as_the_table_says_and_paid_once(
    name: str, kind: str, street: Street, journeys: dict[str, Counter[str]], caplog: pytest.LogCaptureFixture
) -> None:
    door = DOORS[name]
    for call, count in _journey(street, name, journeys).items():
        # Of many looks at a job that is not over yet, the first few.
        for nth in range(min(count, 2)):
            somebody = street.newcomer()
            request = door.ask(somebody)
            street.faults.at(door.begins, call, nth, kind)
            caplog.clear()
            # Those who retry as the SDKs do, and those who only do as they are told.
            answers = somebody.send(door.api(street), request, is_sdk=bool(nth % 2))
            alarms = _alarms(caplog)
            street.faults.watch(door.begins)
            street.settle()
            where = f"{name}: {kind} at {call} ({nth}): {[(status, body.get('code')) for status, body, _ in answers]}"
            said = door.row(call, nth).of(kind)
            _is_as_in_the_table(said, answers[0], door, somebody, alarms)
            begun = [job.id for job in somebody.jobs() if job.parent_id is None and job.cost.charged is not False]
            # Done as the answer says, it is had; or nothing was begun.
            is_had = said.status is None or said.again
            assert (answers[-1][0] == door.status) is is_had, where
            assert len(somebody.charges()) == len(begun) == int(is_had), where


def _alarms(caplog: pytest.LogCaptureFixture) -> set[str]:
    """Of the route: that of a worker is left out, which an answer far longer than was expected sets off."""
    found = {str(record.__dict__["alarm"]) for record in caplog.records if "alarm" in record.__dict__}
    return found - {"SETTLED_ABOVE_RESERVATION"}


def _services() -> Iterator[tuple[str, str, str]]:
    for service in SERVICES:
        for kind in KINDS:
            yield "generations", service, kind
        # A process that carries out what it admits tells no worker.
        if service != "sqs":
            yield "completions", service, "error"
    yield "messages", "dynamodb", "error"


def _row(name: str, service: str) -> Row:
    if name == "messages" or (name, service) == ("completions", "dynamodb"):
        # What this process has ended is known to it, and is given without being read.
        return CALLS["told"]
    if (name, service) == ("completions", "s3"):
        # A short one is in the job's row.
        return Row("S3 is not asked", ALWAYS, ALWAYS)
    return SERVICES[service]


@pytest.mark.parametrize(("name", "service", "kind"), list(_services()))
def test_a_service_that_fails_for_good_is_answered_as_the_table_says_and_paid_once(
    name: str, service: str, kind: str, street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    door, somebody = DOORS[name], street.newcomer()
    request = door.ask(somebody)
    is_spared = not service.endswith("at admission")
    street.faults.for_good(door.begins, f"{service.split()[0]}.", kind, spared=is_spared)
    caplog.clear()
    answers = somebody.send(door.api(street), request, is_sdk=False, most=2)
    alarms = _alarms(caplog)
    street.faults.watch(door.begins)
    street.settle()
    said, jobs = _row(name, service).of(kind), [job.id for job in somebody.jobs() if job.parent_id is None]
    # Nothing was carried out by a service that failed before the admission, unless its answers alone were lost.
    is_begun = is_spared or kind.startswith("lost")
    assert len(somebody.charges()) == len(jobs) == int(is_begun)
    _is_as_in_the_table(said, answers[0], door, somebody, alarms)
    if is_begun and said.status is not None:
        assert answers[0][1]["job"]["id"] == jobs[0]
