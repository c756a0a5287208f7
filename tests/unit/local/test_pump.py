"""Queues and schedules reach their functions as they do on Lambda."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.aws import Aws
from local.emulator import Emulator
from local.pump import POLL_SECONDS, Pump, failed_of, scheduled_event
from local.template import QueueSource, Schedule
from local.worker import Outcome
from tests.unit.local.conftest import MakePool


class Queue:
    """A queue of which a message is visible again after a second, with a dead-letter queue behind it."""

    def __init__(self, aws: Aws, name: str, visibility: int = 1) -> None:
        self._sqs = aws.sqs
        self.dead_url = self._sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        redrive = json.dumps({"deadLetterTargetArn": f"{self.arn}-dead", "maxReceiveCount": 3})
        created = self._sqs.create_queue(
            QueueName=name, Attributes={"VisibilityTimeout": str(visibility), "RedrivePolicy": redrive}
        )
        self.url = created["QueueUrl"]

    def send(self, *bodies: str, delay_seconds: int = 0) -> None:
        self._sqs.send_message_batch(
            QueueUrl=self.url,
            Entries=[
                {"Id": str(number), "MessageBody": body, "DelaySeconds": delay_seconds}
                for number, body in enumerate(bodies)
            ],
        )

    def left(self) -> int:
        found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    def dead(self) -> list[str]:
        found = self._sqs.receive_message(QueueUrl=self.dead_url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in found.get("Messages", [])]


@pytest.fixture
def queue(aws: Aws, request: pytest.FixtureRequest) -> Queue:
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    return Queue(aws, name[:70], getattr(request, "param", 1))


@pytest.fixture
def pumped(aws: Aws, queue: Queue, make_pool: MakePool, tmp_path: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Pumps the queue; gives a function that tells the events which arrived so far."""
    notes = tmp_path / "notes"
    notes.touch()
    pools = {"QueueFunction": make_pool("queue", cap=1, endpoint_url=aws.endpoint_url, NOTES=str(notes))}
    source = QueueSource("QueueFunction", queue.arn, batch_size=4, reports_failures=True)
    with pumping(Pump(aws.sqs, pools, [source])):
        yield lambda: [json.loads(line) for line in notes.read_text().splitlines()]


@contextmanager
def pumping(pump: Pump) -> Iterator[None]:
    pump.start()
    yield
    pump.stop()


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def _noted(events: list[dict[str, Any]]) -> list[tuple[float, str]]:
    """When each message was handled, in seconds of the function's clock, and its body."""
    return [(event["noted_at"], record["body"]) for event in events for record in event["Records"]]


def test_a_message_arrives_and_is_gone(queue: Queue, pumped: Callable[[], list[dict[str, Any]]]) -> None:
    queue.send("hello")
    wait_for(lambda: len(pumped()) == 1)
    wait_for(lambda: queue.left() == 0)
    (record,) = pumped()[0]["Records"]
    assert record["body"] == "hello"
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", queue.arn, "us-east-1")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"].isdigit()
    assert {"messageId", "receiptHandle", "messageAttributes"} <= set(record)


def test_only_what_failed_comes_back_and_dies_after_three_tries(
    queue: Queue, pumped: Callable[[], list[dict[str, Any]]]
) -> None:
    queue.send("good", "fail", "good too")
    wait_for(lambda: queue.dead() == ["fail"])
    bodies = [record["body"] for event in pumped() for record in event["Records"]]
    assert sorted(bodies) == ["fail", "fail", "fail", "good", "good too"]
    counts = [
        record["attributes"]["ApproximateReceiveCount"]
        for event in pumped()
        for record in event["Records"]
        if record["body"] == "fail"
    ]
    assert counts == ["1", "2", "3"]
    assert queue.left() == 0


@pytest.mark.parametrize("bad", ["raise", "nonsense"])
def test_a_batch_that_fails_as_a_whole_keeps_every_message(
    queue: Queue, pumped: Callable[[], list[dict[str, Any]]], bad: str
) -> None:
    queue.send("good", bad)
    wait_for(lambda: sorted(queue.dead()) == sorted(["good", bad]))
    assert queue.left() == 0


@pytest.mark.parametrize(
    ("queue", "seconds"), [(60, 1), (1, 3)], indirect=["queue"], ids=["sooner than the queue's", "later"]
)
def test_a_function_says_itself_when_a_message_comes_back(
    queue: Queue, pumped: Callable[[], list[dict[str, Any]]], seconds: int
) -> None:
    queue.send("good", f"later {seconds}")
    wait_for(lambda: queue.left() == 0)
    first, again = (at for at, body in _noted(pumped()) if body == f"later {seconds}")
    # By the function's own clock; the queue's own wait would be a minute, or one second.
    assert seconds - 0.1 <= again - first < 60
    bodies = [record["body"] for event in pumped() for record in event["Records"]]
    assert sorted(bodies) == ["good", f"later {seconds}", f"later {seconds}"]
    assert pumped()[-1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_one_that_cannot_be_deleted_does_not_keep_the_others(
    queue: Queue, pumped: Callable[[], list[dict[str, Any]]]
) -> None:
    queue.send("own", "good", "good too")
    wait_for(lambda: queue.left() == 0)
    # Longer than a message stays out of sight: what could come again has come before this one.
    queue.send("last", delay_seconds=2)
    wait_for(lambda: "last" in [body for _, body in _noted(pumped())])
    assert sorted(body for _, body in _noted(pumped())) == ["good", "good too", "last", "own"]
    assert queue.dead() == []


@pytest.mark.parametrize(("concurrency", "processes"), [(2, 2), (None, 4), (100, 4)])
def test_no_more_batches_at_a_time_than_the_source_allows(
    aws: Aws, queue: Queue, make_pool: MakePool, tmp_path: Path, concurrency: int | None, processes: int
) -> None:
    queue.send(*["sleep 0.5"] * 8)
    pool = make_pool("queue", cap=8, NOTES=str(tmp_path / "notes"))
    source = QueueSource("QueueFunction", queue.arn, batch_size=1, concurrency=concurrency)
    with pumping(Pump(aws.sqs, {"QueueFunction": pool}, [source])):
        wait_for(lambda: queue.left() == 0)
        assert len(pool.processes) == processes


def test_what_died_reaches_the_function_that_looks_after_it(
    aws: Aws, queue: Queue, make_pool: MakePool, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    pools = {"QueueFunction": make_pool("queue", NOTES=str(notes))}
    dead = f"{queue.arn}-dead"
    sources = [QueueSource("QueueFunction", arn, reports_failures=True) for arn in (queue.arn, dead)]
    queue.send("raise")
    with pumping(Pump(aws.sqs, pools, sources)):
        wait_for(lambda: notes.exists() and dead in notes.read_text())
    arns = [json.loads(line)["Records"][0]["eventSourceARN"] for line in notes.read_text().splitlines()]
    assert arns[:4] == [queue.arn, queue.arn, queue.arn, dead]


def test_a_schedule_calls_its_function(aws: Aws, make_pool: MakePool, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    pools = {"QueueFunction": make_pool("queue", NOTES=str(notes))}
    with pumping(Pump(aws.sqs, pools, [], [Schedule("QueueFunctionSweep", "QueueFunction", 1)])):
        wait_for(lambda: len(notes.read_text().splitlines()) >= 2)
    event = json.loads(notes.read_text().splitlines()[0])
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")


def test_a_schedule_that_was_not_kept_calls_its_function_at_once(aws: Aws, make_pool: MakePool, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    pools = {"QueueFunction": make_pool("queue", NOTES=str(notes))}
    hourly = Schedule("QueueFunctionSweep", "QueueFunction", 3600)
    with pumping(Pump(aws.sqs, pools, [], [hourly], is_overdue=True)):
        wait_for(lambda: len(notes.read_text().splitlines()) == 1)
    assert len(notes.read_text().splitlines()) == 1


def test_waiting_costs_next_to_nothing_and_ends_with_the_service(tmp_path: Path, make_pool: MakePool) -> None:
    with Emulator(tmp_path) as emulator, Aws(emulator.url) as aws:
        queue = Queue(aws, "quiet")
        notes = str(tmp_path / "notes")
        pump = Pump(
            aws.sqs, {"QueueFunction": make_pool("queue", NOTES=notes)}, [QueueSource("QueueFunction", queue.arn)]
        )
        pump.start()
        time.sleep(0.5)
        before = time.process_time()
        time.sleep(2)
        assert time.process_time() - before < 0.2
        pump.stop()
    begun = time.monotonic()
    pump.join(timeout=60)
    assert time.monotonic() - begun < POLL_SECONDS, "it did not wait for an answer that cannot come"


@pytest.mark.parametrize(
    ("response", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, {"a", "b"}),
        ({"batchItemFailures": [{"id": "a"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}, {"a", "b"}),
        ({"batchItemFailures": "a"}, {"a", "b"}),
        ({"batchItemFailures": ["a"]}, {"a", "b"}),
        ("a", {"a", "b"}),
    ],
)
def test_which_messages_failed(response: Any, failed: set[str]) -> None:
    outcome = Outcome(json.dumps(response).encode())
    assert failed_of(outcome, ["a", "b"], reports_failures=True) == failed
    assert failed_of(outcome, ["a", "b"], reports_failures=False) == set()


def test_scheduled_events_have_eventbridge_s_shape() -> None:
    event = scheduled_event(Schedule("JobsFunctionSweep", "JobsFunction", 300))
    assert event["resources"] == ["arn:aws:events:us-east-1:000000000000:rule/JobsFunctionSweep"]
    assert set(event) == {
        "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail",
    }  # fmt: skip


def test_a_rules_own_input_is_the_event() -> None:
    schedule = Schedule("WorkerFunctionMonthlyReport", "WorkerFunction", None, input='{"task": "monthly-report"}')
    assert scheduled_event(schedule) == {"task": "monthly-report"}


def test_what_is_due_once_a_month_is_not_called_here(aws: Aws, make_pool: MakePool, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    pools = {"QueueFunction": make_pool("queue", NOTES=str(notes))}
    pump = Pump(aws.sqs, pools, [], [Schedule("Monthly", "QueueFunction", None), Schedule("Sweep", "QueueFunction", 1)])
    with pumping(pump):
        wait_for(lambda: len(notes.read_text().splitlines()) >= 1)
    assert {json.loads(line)["resources"][0].rpartition("/")[2] for line in notes.read_text().splitlines()} == {"Sweep"}
