"""A small template with callers, queues and a schedule runs as the big one does."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.kept import AWS, OBJECTS
from local.stack import FUNCTION_CAP, OpenRouter, Stack
from tests.unit.local.conftest import HANDLERS
from tests.unit.local.test_pump import wait_for

TEMPLATE = """
Parameters:
  CorsOrigin: {Type: String}
  SignIn: {Type: String}
  Guests: {Type: String}
  WorkerConcurrency: {Type: Number, Default: 0}
  ImportSeconds: {Type: Number, Default: 0}
Conditions:
  HasWorkerConcurrency: !Not [!Equals [!Ref WorkerConcurrency, 0]]
Globals:
  Function:
    Handler: app.lambda_handler
    Timeout: 60
    Environment:
      Variables:
        JOB_QUEUE: !Ref JobQueue
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  CallersFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: HANDLERS/http
      Environment: {Variables: {DARKROOM_URL_ALSO_ALLOWED: "", IMPORT_SECONDS: !Ref ImportSeconds}}
      Policies:
        - Statement: [{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt JobQueue.Arn}]
      Events:
        Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: "/{what}"}}
  WorkerFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: HANDLERS/queue
      ReservedConcurrentExecutions: !If [HasWorkerConcurrency, !Ref WorkerConcurrency, !Ref "AWS::NoValue"]
      Environment: {Variables: {NOTES: NOTES_FILE}}
      Events:
        Jobs:
          Type: SQS
          Properties:
            Queue: !GetAtt JobQueue.Arn
            BatchSize: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 10}
        Dead:
          Type: SQS
          Properties:
            Queue: !GetAtt JobDeadLetters.Arn
            BatchSize: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
        Sweep: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
  WorkerLogs: {Type: AWS::Logs::LogGroup}
  Uncertain:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref WorkerLogs
      FilterPattern: "{ $.event = job_uncertain }"
      MetricTransformations: [{MetricName: Uncertain, MetricNamespace: !Ref "AWS::StackName", MetricValue: "1"}]
  DeadAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Dimensions: [{Name: QueueName, Value: !GetAtt JobDeadLetters.QueueName}]
  JobQueue:
    Type: AWS::SQS::Queue
    Properties:
      SqsManagedSseEnabled: true
      VisibilityTimeout: 1
      MessageRetentionPeriod: 86400
      RedrivePolicy: {deadLetterTargetArn: !GetAtt JobDeadLetters.Arn, maxReceiveCount: 2}
  JobDeadLetters:
    Type: AWS::SQS::Queue
    Properties: {SqsManagedSseEnabled: true, VisibilityTimeout: 1, MessageRetentionPeriod: 1209600}
  JobQueuesPolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref JobQueue, !Ref JobDeadLetters]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: TlsOnly
            Effect: Deny
            Principal: "*"
            Action: sqs:*
            Resource: [!GetAtt JobQueue.Arn, !GetAtt JobDeadLetters.Arn]
            Condition: {Bool: {aws:SecureTransport: false}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: sk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
  UploadsBucket: {Type: AWS::S3::Bucket}
  OutputsBucket: {Type: AWS::S3::Bucket}
"""


class Small:
    """The running stack, and what its worker was called with."""

    def __init__(self, stack: Stack, notes: Path) -> None:
        self.stack = stack
        self._notes = notes
        self.queue_url = str(stack.template.scope.ref("JobQueue"))

    def send(self, body: str) -> None:
        self.stack.aws.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)

    def left(self) -> int:
        found = self.stack.aws.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    def queues_that_brought(self, body: str) -> list[str]:
        """Names of the queues, in the order of their calls."""
        events: list[dict[str, Any]] = [json.loads(line) for line in self._notes.read_text().splitlines()]
        records = [record for event in events for record in event.get("Records", []) if record["body"] == body]
        return [record["eventSourceARN"].rsplit(":", 1)[1] for record in records]


@contextmanager
def started(folder: Path, **options: Any) -> Iterator[Small]:
    notes = folder / "notes"
    notes.touch()
    text = TEMPLATE.replace("HANDLERS", str(HANDLERS)).replace("NOTES_FILE", str(notes))
    (folder / "template.yaml").write_text(text)
    openrouter = OpenRouter(is_simulated=False)
    with Stack(
        folder / "state", weights=folder, openrouter=openrouter, root=folder, can_fork=False, **options
    ) as stack:
        yield Small(stack, notes)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """One for the tests that look at it, in this order: the last leaves it without callers."""
    with started(tmp_path_factory.mktemp("small")) as running:
        yield running


def test_functions_start_on_demand(small: Small) -> None:
    pools = small.stack.pools
    assert [pool.processes for pool in pools.values()] == [[], []]
    assert _call(f"{small.stack.url}/environ") == 200
    assert len(pools["CallersFunction"].processes) == 1


def test_each_kind_of_event_has_processes_of_its_own(small: Small) -> None:
    pools = small.stack.pools
    assert pools["CallersFunction"].cap == FUNCTION_CAP
    # Two queues and a schedule.
    assert pools["WorkerFunction"].cap == 2 * FUNCTION_CAP + 1


def test_a_queue_s_ref_is_where_messages_are_sent(small: Small) -> None:
    template = small.stack.template
    worker = template.functions["WorkerFunction"]
    assert worker.environment["JOB_QUEUE"] == small.queue_url
    assert small.queue_url.startswith(small.stack.emulator.url)
    sqs = small.stack.aws.sqs
    for queue in ("JobQueue", "JobDeadLetters"):
        asked = sqs.get_queue_attributes(QueueUrl=template.scope.ref(queue), AttributeNames=["All"])["Attributes"]
        assert asked["QueueArn"] == template.scope.attribute(queue, "Arn")
        url = sqs.get_queue_url(QueueName=template.scope.attribute(queue, "QueueName"))["QueueUrl"]
        assert url == template.scope.ref(queue)
        assert asked["SqsManagedSseEnabled"] == "true"
        assert "TlsOnly" in asked["Policy"]
    small.send("good")
    wait_for(lambda: small.left() == 0)
    assert small.queues_that_brought("good") == ["darkroom-JobQueue"]
    # Nothing is kept of a stack that is not told to.
    assert not [path for path in small.stack.folder.rglob("*") if path.name in ("state", AWS, OBJECTS)]


def test_a_function_empties_its_queue_and_looks_after_what_died(small: Small) -> None:
    small.send("fail")
    wait_for(lambda: len(small.queues_that_brought("fail")) >= 3, 20)
    brought = small.queues_that_brought("fail")[:3]
    # On a busy machine a message may have died before the function that had it last has written so.
    assert (brought[0], sorted(brought)) == (
        "darkroom-JobQueue",
        ["darkroom-JobDeadLetters", "darkroom-JobQueue", "darkroom-JobQueue"],
    )


def test_variables_that_a_function_declares_can_be_set_but_for_the_laptops_own(small: Small, tmp_path: Path) -> None:
    variables = {"IMPORT_SECONDS": "0.25", "DARKROOM_URL_ALSO_ALLOWED": "x:1", "NOBODYS": "x"}
    with started(tmp_path, variables=variables, also_allowed=("127.0.0.1:9000", "127.0.0.1:9")) as set_otherwise:
        told, plain = _variables(set_otherwise), _variables(small)
    assert (told["IMPORT_SECONDS"], plain["IMPORT_SECONDS"]) == ("0.25", "0")
    # What may be called beside the internet is told to those who ask.
    assert told["DARKROOM_URL_ALSO_ALLOWED"] == "127.0.0.1:9000,127.0.0.1:9"
    assert plain["DARKROOM_URL_ALSO_ALLOWED"] == ""
    assert "NOBODYS" not in told
    assert set_otherwise.stack.template.functions["WorkerFunction"].environment.keys().isdisjoint(variables)


def test_a_function_without_messages_has_nothing_to_tell(small: Small) -> None:
    assert small.stack.pools["WorkerFunction"].call({"Records": []}).value == {"batchItemFailures": []}


def test_those_who_wait_do_not_keep_others_from_working(small: Small) -> None:
    callers = small.stack.pools["CallersFunction"]
    with ThreadPoolExecutor(FUNCTION_CAP + 2) as threads:
        asleep = [threads.submit(_call, f"{small.stack.url}/asleep") for _ in range(FUNCTION_CAP + 2)]
        try:
            wait_for(lambda: len(callers.processes) == callers.cap)
            for _ in range(8):
                small.send("good")
            wait_for(lambda: small.left() == 0)
            assert not any(call.done() for call in asleep)
        finally:
            callers.close()


def _call(url: str) -> int:
    return httpx.get(url, trust_env=False, timeout=60).status_code


def _variables(small: Small) -> dict[str, str]:
    told: dict[str, str] = httpx.get(f"{small.stack.url}/environ", trust_env=False, timeout=30).json()
    return told
