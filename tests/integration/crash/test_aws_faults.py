"""An AWS call goes wrong between the admission of paid work and the last byte of its answer: every call there is, in
every way. Clients do as they are told by `x-should-retry`: nobody pays twice, and the picture comes where it can.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from darkroom import bootstrap
from darkroom.api import Api
from local.aws import Aws
from local.emulator import Emulator
from local.providers.removebg import Simulator as RemoveBg
from local.resources import create_resources
from local.simulator import Simulator
from local.template import Template
from tests.conftest import ROOT
from tests.integration.crash.aws_faults import KINDS, faulty
from tests.integration.crash.doors import KLEIN, Answer, Newcomer, Request, Street, picture, working

ADMISSION = "dynamodb.TransactWriteItems"
GENERATIONS = "/v1/images/generations"
Settled = Callable[[], None]


@pytest.fixture(scope="module")
def street(openrouter: Simulator, weights_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator, Aws(emulator.url) as aws, RemoveBg() as removebg:
        parameters = {"BackgroundModel": "u2netp"}
        template = Template.load(ROOT / "template.yaml", parameters=parameters, api_url="http://127.0.0.1:8000")
        create_resources(template, aws)
        with faulty(emulator.url, begins=ADMISSION) as faults:
            yield Street(template, aws, openrouter, removebg, faults, str(weights_dir))


@pytest.fixture(scope="module")
def settled(street: Street) -> Iterator[Settled]:
    # Its clients come from here too, but the faults count and hit what is asked for within a test alone.
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", str(street.aws.endpoint_url))
        import boto3

        before = boto3.DEFAULT_SESSION
        boto3.setup_default_session(region_name="us-east-1")
        services = bootstrap.worker(street.environ("WorkerFunction"))
        boto3.DEFAULT_SESSION = before
    with working(street, services) as wait:
        yield wait


def _generation(_: Newcomer, **fields: object) -> Request:
    return Request(GENERATIONS, {"prompt": "A fox", "model": KLEIN, **fields})


def _edit(_: Newcomer) -> Request:
    return Request("/v1/images/edits", {"prompt": "A fox", "model": KLEIN, "image": picture()})


def _completion(_: Newcomer) -> Request:
    return Request("/v1/chat/completions", {"messages": [{"role": "user", "content": "Say hello"}]})


def _stream(_: Newcomer) -> Request:
    messages = [{"role": "user", "content": "Say hello"}]
    return Request("/v1/chat/completions", {"messages": messages, "stream": True})


def _message(somebody: Newcomer) -> Request:
    begun = somebody.send(somebody.street.chat, Request("/v1/conversations", {"image": picture()}), is_sdk=False)
    conversation = begun[-1][1]["id"]
    route = "/v1/conversations/{conversation_id}/messages"
    return Request(f"/v1/conversations/{conversation}/messages", {"content": "Make it warmer"}, route)


def _removal(_: Newcomer) -> Request:
    return Request("/v1/images/background-removals", {"image_b64": picture(), "cloud": True})


DOORS: dict[str, tuple[Callable[[Street], Api], Callable[[Newcomer], Request]]] = {
    "generations": (lambda street: street.generate, _generation),
    "edits": (lambda street: street.edit, _edit),
    "completions": (lambda street: street.chat, _completion),
    "streamed completions": (lambda street: street.chat, _stream),
    "messages": (lambda street: street.chat, _message),
    "paid removals": (lambda street: street.removal, _removal),
}


def _from_admission(street: Street, door: str, settled: Settled) -> list[str]:
    """The calls that a request makes from its admission on when all is well."""
    api, ask = DOORS[door]
    somebody = street.newcomer()
    request = ask(somebody)
    street.faults.watch()
    answers = somebody.send(api(street), request, is_sdk=False)
    assert [status for status, _, _ in answers] == [200], answers
    calls = list(street.faults.calls)
    settled()
    assert len(somebody.charges()) == 1
    return calls


def _is_honest(answers: list[Answer], somebody: Newcomer) -> None:
    """Whatever was said to somebody who has a job: its id, and never that nothing was spent and to try again."""
    job = next((job for job in somebody.jobs() if job.parent_id is None), None)
    for status, body, headers in answers:
        if status < 300 or job is None:
            continue
        assert headers["content-type"] == "application/problem+json"
        is_free = headers["x-should-retry"] == "true"
        if not (is_free and body["charged"] is False):
            assert body["job"]["id"] == job.id, body
            assert headers["location"] == f"/v1/jobs/{job.id}"
        assert body["retryable"] is is_free
        assert body["charged"] in (job.cost.charged, "unknown") or is_free


def _cases() -> Iterator[tuple[str, str]]:
    """Everything for the first door. They all answer by the same means, so the others are tried in fewer ways."""
    for door in DOORS:
        for kind in KINDS if door == "generations" else ("error", "denied", "lost"):
            yield door, kind


@pytest.mark.parametrize(("door", "kind"), list(_cases()))
def test_no_call_that_goes_wrong_makes_anybody_pay_twice(
    door: str, kind: str, street: Street, settled: Settled
) -> None:
    api, ask = DOORS[door]
    for name, count in Counter(_from_admission(street, door, settled)).items():
        # Of many looks at a job that is not over yet, the first few.
        for nth in range(min(count, 2)):
            somebody = street.newcomer()
            request = ask(somebody)
            street.faults.at(name, nth, kind)
            # Those who retry as the SDKs do, and those who only do as they are told.
            answers = somebody.send(api(street), request, is_sdk=bool(nth % 2))
            street.faults.watch()
            settled()
            where = f"{door}: {kind} at {name} ({nth})"
            begun = [job.id for job in somebody.jobs() if job.parent_id is None]
            assert len(somebody.charges()) == len(begun) <= 1, (where, answers)
            _is_honest(answers, somebody)
            status, body, _ = answers[-1]
            # The picture, or the way to the job that has it; or nothing was begun.
            assert status == 200 or [body["job"]["id"]] == begun if begun else status >= 400, (where, answers)


@pytest.mark.parametrize("kind", ["error", "denied"])
@pytest.mark.parametrize("service", ["dynamodb.", "s3.GetObject", "sqs.SendMessage"])
@pytest.mark.parametrize("door", ["generations", "completions"])
def test_a_service_that_fails_for_good_after_admission_is_paid_once(
    door: str, service: str, kind: str, street: Street, settled: Settled
) -> None:
    api, ask = DOORS[door]
    somebody = street.newcomer()
    request = ask(somebody)
    street.faults.for_good(service, kind)
    answers = somebody.send(api(street), request, is_sdk=False)
    street.faults.watch()
    settled()
    begun = [job.id for job in somebody.jobs()]
    assert len(somebody.charges()) == len(begun) == 1, answers
    _is_honest(answers, somebody)
    status, body, _ = answers[0]
    # SQS is made up for by the sweep; without the others, the first answer leads to the job.
    assert status == 200 if service.startswith("sqs") else body["job"]["id"] == begun[0], answers
