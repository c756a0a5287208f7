"""What the template says is understood, and what is not understood is an error."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from local.intrinsics import TemplateError
from local.state import ROOT
from local.template import Cors, Template

URL = "http://127.0.0.1:8000"
HEAD = """
Parameters:
  Colour: {Type: String, Default: red, AllowedValues: [red, green]}
  Days: {Type: Number, Default: 7}
  Mail: {Type: String, Default: ""}
Conditions:
  HasMail: !Not [!Equals [!Ref Mail, ""]]
  Red: !Equals [!Ref Colour, red]
  RedWithoutMail: !And [!Condition Red, !Not [!Condition HasMail]]
Globals:
  Function:
    Handler: app.lambda_handler
    Timeout: 29
    Environment: {Variables: {SHARED: shared, BOTH: globals}}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${AWS::StackName}-b-${AWS::AccountId}"}}
  Topic: {Type: AWS::SNS::Topic, Condition: HasMail}
"""


def load(tmp_path: Path, more: str = "", **parameters: str) -> Template:
    path = tmp_path / "template.yaml"
    path.write_text(HEAD + "\n".join(f"  {line}" for line in dedent(more).splitlines()))
    return Template.load(path, parameters=parameters, api_url=URL, stack="test")


def resolved(tmp_path: Path, expression: str, **parameters: str) -> Any:
    template = load(tmp_path, f"Probe: {{Type: Any, Properties: {{Value: {expression}}}}}", **parameters)
    template.scope.ids["Queue"] = "http://queue"
    return template.resource("Probe").properties.get("Value", "absent")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Ref Colour", "red"),
        ("!Ref Days", "7"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref AWS::NoValue", "absent"),
        ("!Ref Bucket", "test-b-000000000000"),
        ("!Ref Queue", "http://queue"),
        ("{Ref: Colour}", "red"),
        ("!GetAtt Queue.Arn", "arn:aws:sqs:us-east-1:000000000000:test-Queue"),
        ("!GetAtt [Queue, QueueName]", "test-Queue"),
        ('{"Fn::GetAtt": [Bucket, Arn]}', "arn:aws:s3:::test-b-000000000000"),
        ('!Sub "${Bucket.Arn}/inbox/*"', "arn:aws:s3:::test-b-000000000000/inbox/*"),
        ('!Sub ["${A}-${Colour}", {A: !Ref Days}]', "7-red"),
        ('!Sub "${!Literal}"', "${Literal}"),
        ("!Join [',', [a, !Ref Colour]]", "a,red"),
        ("!Select [1, !Split ['-', a-b-c]]", "b"),
        ("!If [Red, warm, cold]", "warm"),
        ("!If [HasMail, warm, !Ref AWS::NoValue]", "absent"),
        ("!If [RedWithoutMail, 1, 2]", 1),
        ("[a, !Ref AWS::NoValue, {b: !Ref Colour}]", ["a", {"b": "red"}]),
        ("{Condition: {Bool: {aws:SecureTransport: false}}}", {"Condition": {"Bool": {"aws:SecureTransport": False}}}),
    ],
)
def test_functions_are_evaluated(tmp_path: Path, expression: str, value: Any) -> None:
    assert resolved(tmp_path, expression) == value


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("!Ref Nobody", "no parameter or resource Nobody"),
        ("!Ref Topic", "condition does not hold"),
        ("!GetAtt Queue.Colour", r"!GetAtt Queue.Colour: not known for AWS::SQS::Queue"),
        ("!GetAtt Queue", "expected Resource.Attribute"),
        ("!ImportValue x", "!ImportValue is not understood"),
        ('{"Fn::FindInMap": [a, b, c]}', "!FindInMap is not understood"),
        ("!If [Nowhere, 1, 2]", "no condition Nowhere"),
    ],
)
def test_what_is_not_understood_is_an_error(tmp_path: Path, expression: str, complaint: str) -> None:
    with pytest.raises(TemplateError, match=complaint):
        resolved(tmp_path, expression)


def test_an_id_is_known_only_after_creation(tmp_path: Path) -> None:
    template = load(tmp_path)
    with pytest.raises(TemplateError, match="has not been created yet"):
        template.scope.ref("Queue")


def test_parameters_are_checked(tmp_path: Path) -> None:
    assert load(tmp_path, Colour="green").scope.parameters["Colour"] == "green"
    with pytest.raises(TemplateError, match="Colour cannot be 'blue'; it can be red, green"):
        load(tmp_path, Colour="blue")
    with pytest.raises(TemplateError, match="no parameter Color"):
        load(tmp_path, Color="red")


def test_resources_are_made_after_those_they_refer_to(tmp_path: Path) -> None:
    more = """
    A: {Type: X, Properties: {To: !Sub "${B.Arn}"}}
    B: {Type: X, Properties: {Deep: [{To: !GetAtt C.Arn}]}}
    C: {Type: X, DependsOn: D}
    D: {Type: X}
    """
    order = load(tmp_path, more).creation_order()
    assert [name for name in order if name in "ABCD"] == ["D", "C", "B", "A"]
    assert "Topic" not in order


FUNCTIONS = """
Api:
  Type: AWS::Serverless::HttpApi
  Properties: {CorsConfiguration: {AllowOrigins: [!Ref Colour], AllowMethods: [GET], MaxAge: 60}}
Zip:
  Type: AWS::Serverless::Function
  Properties:
    CodeUri: functions/zip/
    MemorySize: 256
    Environment: {Variables: {BOTH: own, NUMBER: 3, FLAG: true, BUCKET: !Ref Bucket}}
    Policies: [{Statement: [{Effect: Allow, Action: s3:GetObject, Resource: !Sub "${Bucket.Arn}/*"}]}]
    Events:
      List: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: "/things/{id}"}}
      Sweep: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}
Image:
  Type: AWS::Serverless::Function
  IgnoreGlobals: [Handler]
  Metadata: {DockerContext: ., Dockerfile: functions/image/Dockerfile}
  Properties:
    PackageType: Image
    ImageConfig: {Command: [app.handle]}
    Events:
      Queue:
        Type: SQS
        Properties:
          Queue: !GetAtt Queue.Arn
          BatchSize: 4
          FunctionResponseTypes: [ReportBatchItemFailures]
          ScalingConfig: {MaximumConcurrency: 5}
"""


def test_functions_with_their_globals(tmp_path: Path) -> None:
    functions = load(tmp_path, FUNCTIONS).functions
    zipped, image = functions["Zip"], functions["Image"]
    assert (zipped.name, zipped.code, zipped.handler) == ("test-Zip", tmp_path / "functions/zip", "app.lambda_handler")
    assert (zipped.timeout, zipped.memory, zipped.is_image) == (29, 256, False)
    assert zipped.environment == {
        "SHARED": "shared",
        "BOTH": "own",
        "NUMBER": "3",
        "FLAG": "true",
        "BUCKET": "test-b-000000000000",
    }
    assert (image.code, image.handler, image.is_image) == (tmp_path / "functions/image", "app.handle", True)


def test_what_functions_may_do(tmp_path: Path) -> None:
    functions = load(tmp_path, FUNCTIONS + TABLE).functions
    zipped, image = (json.loads(functions[name].rights) for name in ("Zip", "Image"))
    assert zipped["user"] == "arn:aws:sts::000000000000:assumed-role/test-Zip/test-Zip"
    objects = "arn:aws:s3:::test-b-000000000000/*"
    assert zipped["statements"] == [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects}]
    # SAM gives a function that takes messages the right to.
    (taking,) = image["statements"]
    assert "sqs:DeleteMessage" in taking["Action"]
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/test-Rows"
    assert zipped["partition_keys"] == {table: "owner", f"{table}/index/open": "open"}


TABLE = """
Rows:
  Type: AWS::DynamoDB::Table
  Properties:
    KeySchema: [{AttributeName: id, KeyType: RANGE}, {AttributeName: owner, KeyType: HASH}]
    GlobalSecondaryIndexes: [{IndexName: open, KeySchema: [{AttributeName: open, KeyType: HASH}]}]
"""


@pytest.mark.parametrize(
    ("policies", "complaint"),
    [
        ("[AWSLambdaExecute]", "statements alone"),
        ("[{S3ReadPolicy: {BucketName: b}}]", "statements alone"),
        ("{Statement: {Effect: Allow, NotAction: s3:*, Resource: '*'}}", "F: A statement is to have"),
    ],
)
def test_policies_that_are_not_understood_are_errors(tmp_path: Path, policies: str, complaint: str) -> None:
    function = f"F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: f, Handler: a.b, Policies: {policies}}}}}"
    template = load(tmp_path, function)
    with pytest.raises(TemplateError, match=complaint):
        _ = template.functions


def test_event_sources(tmp_path: Path) -> None:
    template = load(tmp_path, FUNCTIONS)
    (route,) = template.routes
    (queue,) = template.queue_sources
    (schedule,) = template.schedules
    assert (route.key, route.function) == ("GET /things/{id}", "Zip")
    assert (queue.function, queue.queue_name, queue.batch_size) == ("Image", "test-Queue", 4)
    assert (queue.reports_failures, queue.concurrency) == (True, 5)
    assert (schedule.function, schedule.seconds) == ("Zip", 300)
    assert template.cors == Cors(origins=("red",), methods=("GET",), max_age=60)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ("{Type: Kinesis}", "events of type Kinesis"),
        ("{Type: Schedule, Properties: {Schedule: 'at(2026-11-21T03:00:00)'}}", "only rate"),
        ("{Type: HttpApi, Properties: {Path: /x}}", "with one of Method and Path"),
    ],
)
def test_event_sources_that_do_not_work_locally_are_errors(tmp_path: Path, event: str, complaint: str) -> None:
    function = f"F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: f, Events: {{E: {event}}}}}}}"
    template = load(tmp_path, function)
    with pytest.raises(TemplateError, match=complaint):
        _ = template.routes, template.schedules


def test_the_real_template_is_understood() -> None:
    template = Template.load(ROOT / "template.yaml", parameters={"CorsOrigin": URL}, api_url=URL)
    template.scope.ids.update(dict.fromkeys(template.scope.resources, "id"))
    for logical_id in template.creation_order():
        assert template.resource(logical_id).type
    for function in template.functions.values():
        assert (function.code / "app.py").is_file()
    assert template.cors is not None
    assert template.cors.origins == (URL,)
    assert {route.function for route in template.routes} <= set(template.functions)
