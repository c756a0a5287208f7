import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.webhook_sender import HttpWebhookSender
from darkroom.application import Application, Handler
from darkroom.events.worker import handler_of
from darkroom.http.routes.webhooks import routes
from darkroom.models.job import Job, JobStatus
from darkroom.models.webhook import Delivery
from darkroom.services.accounts.tokens import Tokens
from darkroom.services.paid.webhooks import BACK_OFF, Webhooks
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event, queue_event
from tests.fakes.memory import MemoryJobStore
from tests.fakes.webhooks import MemoryWebhookQueue, MemoryWebhookStore, Receiver, receiving
from tests.openapi import handled


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def store() -> MemoryWebhookStore:
    return MemoryWebhookStore()


@pytest.fixture
def queue() -> MemoryWebhookQueue:
    return MemoryWebhookQueue()


@pytest.fixture
def services(
    accounts: Studio, store: MemoryWebhookStore, queue: MemoryWebhookQueue, receiver: Receiver, clock: SteppingClock
) -> Application:
    clock.now = datetime.now(UTC)
    accounts.app.webhooks = Webhooks(
        store=store,
        jobs=accounts.jobs,
        queue=queue,
        sender=HttpWebhookSender(UrlGuard(also_allowed={("127.0.0.1", receiver.port)})),
        show=lambda job: {"id": job.id},
        show_report=accounts.app.reports.show,
        alarm=accounts.alarm,
        clock=clock,
        uniform=lambda low, high: high,
    )
    return accounts.app


@pytest.fixture
def handle(services: Application) -> Handler:
    return handler_of(services)


@pytest.fixture
def token(services: Application, tokens: Tokens) -> str:
    """Alice's, of the same clock as the services."""
    return tokens.create(user="alice")[1]


class Caller:
    def __init__(self, services: Application) -> None:
        self._api = routes(services)

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = handled(self._api.handle, http_event(*args, **kwargs), Context())
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def call(services: Application) -> Caller:
    return Caller(services)


def test_the_secret_is_told_to_its_owner(call: Caller, token: str, tokens: Tokens) -> None:
    status, shown = call("GET", "/v1/webhooks/secret", token=token)
    assert status == 200
    assert set(shown) == {"object", "secret", "created_at", "previous_until"}
    assert (shown["object"], shown["previous_until"]) == ("webhook_secret", None)
    assert Webhook(shown["secret"])
    assert call("GET", "/v1/webhooks/secret", token=token)[1] == shown
    bobs = call("GET", "/v1/webhooks/secret", token=tokens.create(user="bob")[1])[1]
    assert bobs["secret"] != shown["secret"]


def test_a_rotated_secret_is_told_and_when_the_one_before_ends(call: Caller, token: str, clock: SteppingClock) -> None:
    before = call("GET", "/v1/webhooks/secret", token=token)[1]
    status, rotated = call("POST", "/v1/webhooks/secret/rotate", token=token)
    assert status == 201
    assert rotated["secret"] != before["secret"]
    assert datetime.fromisoformat(rotated["previous_until"]) == clock.now + timedelta(hours=24)
    assert before["secret"] not in json.dumps(rotated)
    assert call("GET", "/v1/webhooks/secret", token=token)[1] == rotated


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/webhooks/secret"), ("POST", "/v1/webhooks/secret/rotate")])
def test_nobody_else_is_told(call: Caller, tokens: Tokens, method: str, path: str) -> None:
    assert call(method, path)[1]["code"] == "UNAUTHENTICATED"
    limited = tokens.create(user="alice", day_limit=1)[1]
    status, problem = call(method, path, token=limited)
    assert (status, problem["code"]) == (403, "TOKEN_RESTRICTED")
    assert "whsec_" not in json.dumps(problem)


def _add(store: MemoryWebhookStore, jobs: MemoryJobStore, receiver: Receiver, clock: SteppingClock, name: str) -> None:
    jobs.add(Job(id=name, user="alice", op="generation", created_at=clock.now, status=JobStatus.SUCCEEDED))
    store.save(
        Delivery(
            id=f"msg_{name}",
            user="alice",
            job_id=name,
            url=receiver.url,
            created_at=clock.now,
            expires_at=clock.now + timedelta(days=30),
        )
    )


def _message(name: str) -> dict[str, str]:
    return {"user": "alice", "delivery_id": f"msg_{name}"}


class TestQueue:
    def test_an_event_is_delivered_and_its_message_done_with(
        self,
        services: Application,
        handle: Handler,
        store: MemoryWebhookStore,
        job_store: MemoryJobStore,
        receiver: Receiver,
        clock: SteppingClock,
        accounts: Studio,
    ) -> None:
        _add(store, job_store, receiver, clock, "job_1")
        for _ in range(2):
            assert handle(queue_event(_message("job_1")), Context()) == {"batchItemFailures": []}
        [call] = receiver.calls
        Webhook(services.webhooks.secret("alice").current).verify(call.body.decode(), call.headers)
        assert json.loads(call.body)["data"] == {"id": "job_1"}
        assert accounts.job_queue.postponed == []

    def test_one_that_fails_comes_again_when_its_time_has_come(
        self,
        services: Application,
        handle: Handler,
        store: MemoryWebhookStore,
        job_store: MemoryJobStore,
        receiver: Receiver,
        clock: SteppingClock,
        queue: MemoryWebhookQueue,
    ) -> None:
        for name in ("job_1", "job_2", "job_3"):
            _add(store, job_store, receiver, clock, name)
        receiver.statuses = [204, 500]
        event = queue_event(*(_message(name) for name in ("job_1", "job_2", "job_3")))
        answer = handle(event, Context())
        assert answer == {"batchItemFailures": []}
        wait = ceil(BACK_OFF[0].total_seconds() * 1.2)
        assert (queue.sent, queue.delays) == ([("alice", "msg_job_2")], [wait])
        assert len(receiver.calls) == 3
        # One that comes before its time goes on without a call.
        assert handle(queue_event(_message("job_2")), Context()) == {"batchItemFailures": []}
        assert (len(queue.delays), len(receiver.calls)) == (2, 3)
        assert 0 < queue.delays[1] <= wait
        clock.step(timedelta(seconds=wait))
        assert handle(queue_event(_message("job_2")), Context()) == {"batchItemFailures": []}
        assert (len(queue.sent), len(receiver.calls)) == (2, 4)

    def test_no_message_waits_longer_than_sqs_lets_it(
        self,
        services: Application,
        handle: Handler,
        store: MemoryWebhookStore,
        job_store: MemoryJobStore,
        receiver: Receiver,
        clock: SteppingClock,
        queue: MemoryWebhookQueue,
    ) -> None:
        _add(store, job_store, receiver, clock, "job_1")
        receiver.statuses = [500] * len(BACK_OFF)
        for wait in BACK_OFF:
            handle(queue_event(_message("job_1")), Context())
            clock.step(wait * 1.2)
        assert queue.delays == [min(900, ceil(wait.total_seconds() * 1.2)) for wait in BACK_OFF]

    @pytest.mark.parametrize("body", ["{", {"user": "alice"}, {"delivery_id": "msg_1"}])
    def test_a_message_that_names_no_delivery_becomes_a_dead_letter(
        self, handle: Handler, accounts: Studio, body: Any
    ) -> None:
        assert handle(queue_event(body), Context()) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
        assert accounts.job_queue.postponed == []

    def test_neither_url_nor_secret_is_logged(
        self,
        services: Application,
        handle: Handler,
        store: MemoryWebhookStore,
        job_store: MemoryJobStore,
        receiver: Receiver,
        clock: SteppingClock,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        _add(store, job_store, receiver, clock, "job_1")
        receiver.statuses = [500]
        handle(queue_event(_message("job_1")), Context())
        written = "".join(capsys.readouterr())
        assert "CANARY" not in written
        assert "whsec_" not in written
