"""An Idempotency-Key stands for one job and one charge: at once, later, changed, another's, expired, failed, removed.

The classes are named as the scenarios are that AWS Powertools tests its own idempotency with.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from ulid import ULID

from darkroom.application import Application
from darkroom.application.on_aws import on_aws
from darkroom.http.routes.generations import routes
from darkroom.models.deadline import Deadline
from darkroom.models.job import JobStatus
from darkroom.services.paid.admission import KEY_KEPT
from darkroom.settings import Settings
from local.simulator import Simulator
from local.simulator.state import hash_of
from local.stack import Stack
from local.worker import environment_of
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.integration.users import GENERATIONS, KLEIN, People, User, eventually

REQUESTS = 1000
THREADS = 40
PRICE = 14_000
BODY = {"prompt": "A red fox", "model": KLEIN, "response_format": "url"}


@pytest.fixture
def user(people: People) -> User:
    return people.new("idem")


@pytest.fixture
def key() -> str:
    return str(ULID())


def _keyed(key: str, **more: str) -> dict[str, str]:
    return {"idempotency-key": key, **more}


def _job_of(body: dict[str, Any]) -> str:
    """Whether it is a job or a picture's answer."""
    return str(body.get("job", body)["id"])


class TestParallelExecution:
    @pytest.fixture
    def services(self, stack: Stack) -> Iterator[Application]:
        """The function's own composition, in this process, on the running stack."""
        function = stack.template.functions["GenerateFunction"]
        overrides = {"AWS_ENDPOINT_URL": stack.emulator.url, **stack.openrouter.variables()}
        environment = environment_of(function, endpoint_url=stack.emulator.url, overrides=overrides)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                if name.startswith("AWS_") and name != "AWS_LAMBDA_FUNCTION_NAME":
                    patch.setenv(name, value)
            yield on_aws(Settings.from_environ(environment))

    def test_a_thousand_requests_at_once_are_one_call_and_one_charge(
        self, services: Application, stack: Stack, user: User, key: str
    ) -> None:
        user.scenario("slow_headers", seconds=5)
        event = http_event(
            "POST", GENERATIONS, token=user.token, headers=_keyed(key, prefer="respond-async"), body=BODY
        )
        ready = Barrier(THREADS)

        def ask(_thread: int) -> list[tuple[int, str]]:
            api = routes(services)
            ready.wait()
            answers = [api.handle(event, Context()) for _ in range(REQUESTS // THREADS)]  # type: ignore[arg-type]
            return [(answer["statusCode"], _job_of(json.loads(answer["body"]))) for answer in answers]

        with ThreadPoolExecutor(THREADS) as threads:
            answers = [answer for some in threads.map(ask, range(THREADS)) for answer in some]
        assert len(answers) == REQUESTS
        assert {status for status, _ in answers} <= {200, 202}
        (job_id,) = {job_id for _, job_id in answers}
        # The queue delivers at least once: two more messages, while it is being worked on and afterwards.
        message = json.dumps({"user": user.name, "job_id": job_id})
        queue = stack.template.scope.ref("JobQueue")
        stack.aws.sqs.send_message(QueueUrl=queue, MessageBody=message)
        user.until(job_id, "succeeded")
        stack.aws.sqs.send_message(QueueUrl=queue, MessageBody=message)
        _queue_is_empty(stack)
        assert len(user.paid_requests()) == 1
        assert user.charges() == [PRICE] == [receipt["actual_micro_usd"] for receipt in user.receipts()]
        assert [job["id"] for job in user.get("/v1/jobs").json()["data"]] == [job_id]
        budget = user.budget()
        assert (budget["spent_usd"], budget["reserved_usd"]) == (0.014, 0)


def _queue_is_empty(stack: Stack) -> None:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    queue = stack.template.scope.ref("JobQueue")

    def left() -> list[str]:
        found = stack.aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return [found[name] for name in names]

    eventually(left, lambda counts: counts == ["0", "0"])


class TestThreadSafety:
    def test_the_same_key_of_several_users_at_once_stands_for_a_job_of_each(self, people: People, key: str) -> None:
        users = [people.new("idem") for _ in range(3)]

        def ask(number: int) -> tuple[str, str]:
            user = users[number % 3]
            answer = user.post(GENERATIONS, BODY, headers=_keyed(key, prefer="respond-async"))
            return user.name, _job_of(answer.json())

        with ThreadPoolExecutor(12) as threads:
            found = set(threads.map(ask, range(24)))
        assert len(found) == 3
        assert len({job_id for _, job_id in found}) == 3
        for name, job_id in found:
            (user,) = [user for user in users if user.name == name]
            user.until(job_id, "succeeded")
            assert user.charges() == [PRICE]


class TestOptionalKey:
    def test_without_one_each_request_is_an_order(self, user: User) -> None:
        jobs = {user.order()["id"] for _ in range(2)}
        for job_id in jobs:
            user.until(job_id, "succeeded")
        assert len(jobs) == 2
        assert user.charges() == [PRICE, PRICE]


class TestResponseHook:
    def test_a_replay_says_that_it_is_one_and_is_otherwise_the_same(self, user: User, key: str) -> None:
        first = user.post(GENERATIONS, BODY, headers=_keyed(key))
        second = user.post(GENERATIONS, BODY, headers=_keyed(f'"{key}"'))
        assert (first.status_code, second.status_code) == (200, 200)
        assert ("idempotent-replayed" in first.headers, second.headers["idempotent-replayed"]) == (False, "true")
        assert first.headers["x-cost-usd"] == second.headers["x-cost-usd"] == "0.014000"
        # Links are made anew, for they do not last.
        assert _without_links(first.json()) == _without_links(second.json())
        assert user.charges() == [PRICE]


def _without_links(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_links(each) for name, each in value.items() if name != "url"}
    return [_without_links(each) for each in value] if isinstance(value, list) else value


class TestPayloadTampering:
    @pytest.mark.parametrize(
        "changed",
        [
            {"prompt": "A blue fox"},
            {"n": 1, "seed": 1},
            {"response_format": "b64_json"},
            {"webhook_url": None, "user": "x"},
        ],
    )
    def test_the_same_key_for_another_request_is_refused(self, call: "Call", changed: dict[str, Any]) -> None:
        job_id = call(BODY)[1]["id"]
        status, problem, _ = call({**BODY, **changed})
        assert (status, problem["code"], problem["param"]) == (422, "IDEMPOTENCY_KEY_REUSED", "Idempotency-Key")
        assert problem["charged"] is False
        assert call(BODY)[1]["id"] == job_id

    def test_the_order_of_fields_is_no_difference(self, call: "Call") -> None:
        first = call(BODY)[1]["id"]
        assert call(dict(reversed(BODY.items())))[1]["id"] == first


Call = Callable[..., tuple[int, dict[str, Any], dict[str, str]]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def studio(simulator: Simulator, clock: SteppingClock) -> Studio:
    simulator.reset()
    studio = Studio(simulator, clock)
    for name in ("alice", "bob"):
        studio.connect(name)
    return studio


@pytest.fixture
def call(studio: Studio) -> Call:
    """Orders with the key `k`; by the clock of the studio, whose worker works when it is told to."""
    api = routes(studio.app)
    tokens = {name: studio.token(name, lifetime=timedelta(days=365)) for name in ("alice", "bob")}

    def ask(
        body: dict[str, Any], key: str = "k", *, by: str = "alice", prefer: str = "respond-async"
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        headers = {"idempotency-key": key, "prefer": prefer}
        event = http_event("POST", GENERATIONS, token=tokens[by], headers=headers, body=body)
        answer = api.handle(event, Context())  # type: ignore[arg-type]
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    return ask


class TestTtlExpiry:
    def test_a_key_is_kept_for_two_days_and_may_then_be_used_anew(self, call: Call, studio: Studio) -> None:
        first = call(BODY)[1]["id"]
        studio.carry_out()
        studio.clock.step(KEY_KEPT - timedelta(seconds=1))
        assert _job_of(call(BODY)[1]) == first
        studio.clock.step(timedelta(seconds=1))
        again = call({**BODY, "prompt": "Another fox"})[1]["id"]
        assert again != first
        studio.carry_out()
        assert studio.charged("alice") == [PRICE, PRICE]


class TestTimeoutExpiry:
    def test_a_worker_that_was_stopped_after_the_dispatch_is_not_replaced(self, call: Call, studio: Studio) -> None:
        """Where an idempotency that knows only of time would have the call made, and paid, once more."""
        job_id = call(BODY)[1]["id"]
        now = studio.clock()
        ends = now + timedelta(seconds=60)
        running = studio.jobs.start(studio.job("alice", job_id), now=now, lease_expires_at=ends)
        assert running is not None
        secret = studio.app.keys.reveal("alice", "openrouter", own=True)
        known = running.model_copy(update={"key_usage": Decimal(0), "key_sha256": hash_of(secret)})
        assert studio.jobs.dispatch(known, at=now, lease_expires_at=ends)
        studio.clock.step(timedelta(hours=1))
        assert call(BODY)[1]["id"] == job_id
        studio.carry_out()
        studio.app.sweep.run(Deadline(60))
        assert studio.paid_requests() == []
        status, problem, _ = call(BODY)
        assert problem["job"]["id"] == job_id
        assert (status, problem["charged"]) == (503, False)
        assert studio.job("alice", job_id).status is JobStatus.FAILED

    def test_one_that_was_stopped_before_it_is(self, call: Call, studio: Studio) -> None:
        job_id = call(BODY)[1]["id"]
        now = studio.clock()
        assert studio.jobs.start(studio.job("alice", job_id), now=now, lease_expires_at=now + timedelta(seconds=60))
        studio.clock.step(timedelta(minutes=5))
        studio.carry_out()
        assert _job_of(call(BODY)[1]) == job_id
        assert studio.charged("alice") == [PRICE]


class TestKeys:
    def test_anothers_key_is_no_hindrance(self, call: Call) -> None:
        assert call(BODY, by="alice")[1]["id"] != call({**BODY, "prompt": "Bob's"}, by="bob")[1]["id"]

    @pytest.mark.parametrize("form", ['"k"', " k ", '  "k"  '])
    def test_quoted_or_bare_it_is_the_same(self, call: Call, form: str) -> None:
        assert call(BODY, form)[1]["id"] == call(BODY)[1]["id"]

    @pytest.mark.parametrize("form", ["", " ", '""', "x" * 256, "ключ", "a\x7fb"])
    def test_what_cannot_be_one_is_refused(self, call: Call, studio: Studio, form: str) -> None:
        status, problem, _ = call(BODY, form)
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", "Idempotency-Key")
        assert not studio.jobs.jobs

    def test_the_longest_is_taken(self, call: Call) -> None:
        assert call(BODY, "x" * 255)[0] == 202


class TestWhatTheKeyStandsFor:
    @pytest.mark.parametrize(("scenario", "status"), [("content_policy", 422), ("out_of_credit", 402)])
    def test_a_failure_is_replayed_and_not_tried_again(
        self, call: Call, studio: Studio, scenario: str, status: int
    ) -> None:
        studio.simulator.scenario(scenario, times=1)
        call(BODY)
        studio.carry_out()
        first, second = call(BODY, prefer="wait=1"), call(BODY, prefer="wait=1")
        assert first[0] == second[0] == status
        assert first[1] == second[1]
        assert len(studio.paid_requests()) == 1

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [({"n": 0}, "INVALID_PARAMETER"), ({"model": "nobody/nothing"}, "UNSUPPORTED_MODEL"),
         ({"max_cost_usd": 0.001}, "COST_LIMIT")],
    )  # fmt: skip
    def test_what_was_refused_before_it_was_a_job_is_not_kept(
        self, call: Call, studio: Studio, wrong: dict[str, Any], code: str
    ) -> None:
        assert call({**BODY, **wrong})[1]["code"] == code
        assert not studio.ledger.keys
        assert call(BODY)[0] == 202

    def test_a_budget_that_was_too_small_is_asked_again(self, call: Call, studio: Studio) -> None:
        studio.app.budgets.change("alice", {"per_day": 1})
        assert call(BODY)[1]["code"] == "BUDGET_EXCEEDED"
        studio.app.budgets.change("alice", {"per_day": None})
        assert call(BODY)[0] == 202

    def test_a_job_that_was_removed_is_not_made_again(self, call: Call, studio: Studio) -> None:
        job_id = call(BODY)[1]["id"]
        studio.carry_out()
        studio.app.jobs.remove("alice", job_id, studio.app.settlement.cancel)
        status, problem, _ = call(BODY)
        assert (status, problem["code"], problem["param"]) == (404, "NOT_FOUND", "Idempotency-Key")
        assert studio.charged("alice") == [PRICE]

    def test_a_canceled_job_stays_canceled(self, call: Call, studio: Studio) -> None:
        job_id = call(BODY)[1]["id"]
        studio.app.jobs.cancel("alice", job_id, studio.app.settlement.cancel)
        status, problem, _ = call(BODY)
        assert (status, problem["code"], problem["job"]["id"]) == (409, "JOB_CANCELED", job_id)
        studio.carry_out()
        assert studio.paid_requests() == []
