"""What must stay true of template.yaml, whatever is added to it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.settings import PREFIX, Settings
from local.template import Template
from tests.conftest import ROOT

TEMPLATE = Template.load(ROOT / "template.yaml", api_url="http://127.0.0.1:8000")
# Nothing is created here, so that a resource's name has to do for its id.
TEMPLATE.scope.ids.update({logical_id: TEMPLATE.scope.name(logical_id) for logical_id in TEMPLATE.creation_order()})
RESOURCES = {logical_id: TEMPLATE.resource(logical_id) for logical_id in TEMPLATE.creation_order()}
FUNCTIONS = TEMPLATE.functions


def _of(kind: str) -> dict[str, dict[str, Any]]:
    return {name: dict(found.properties) for name, found in RESOURCES.items() if found.type == kind}


def _statements(function: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in function.get("Policies", []):
        yield from policy["Statement"]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


LAMBDAS = _of("AWS::Serverless::Function")


@pytest.mark.parametrize("name", LAMBDAS)
class TestFunctions:
    def test_may_do_what_is_named_to_what_is_named(self, name: str) -> None:
        for statement in _statements(LAMBDAS[name]):
            assert statement["Effect"] == "Allow"
            for action in _listed(statement["Action"]):
                assert "*" not in action, action
            for resource in _listed(statement["Resource"]):
                assert resource != "*"
                assert resource.startswith("arn:aws:"), resource

    def test_keeps_its_log_for_a_while_and_not_for_ever(self, name: str) -> None:
        groups = _of("AWS::Logs::LogGroup")
        assert LAMBDAS[name]["LoggingConfig"]["LogGroup"]
        assert all(group["RetentionInDays"] for group in groups.values())

    def test_is_watched_for_errors_and_throttles(self, name: str) -> None:
        watched: dict[str, set[str]] = {"Errors": set(), "Throttles": set()}
        for alarm in _of("AWS::CloudWatch::Alarm").values():
            for metric in alarm.get("Metrics", []):
                stat = metric.get("MetricStat", {}).get("Metric", {})
                for dimension in stat.get("Dimensions", []):
                    watched[stat["MetricName"]].add(dimension["Value"])
        assert all(RESOURCES[name].name in functions for functions in watched.values()), watched

    def test_opens_the_vault_only_where_it_calls_providers_and_for_them_alone(self, name: str) -> None:
        opening = [
            statement
            for statement in _statements(LAMBDAS[name])
            if any(action.startswith("kms:") for action in _listed(statement["Action"]))
        ]
        purposes = [s["Condition"]["StringEquals"]["kms:EncryptionContext:purpose"] for s in opening]
        assert purposes == {"OAuthFunction": [["openrouter"]], "AccountFunction": [["openrouter"]]}.get(name, [])

    def test_answers_before_the_gateway_gives_up_or_takes_messages(self, name: str) -> None:
        assert FUNCTIONS[name].timeout <= 60


def test_every_setting_is_declared_and_every_declared_variable_is_a_setting() -> None:
    declared = {
        variable for function in FUNCTIONS.values() for variable in function.environment if variable.startswith(PREFIX)
    }
    assert declared == {PREFIX + field.upper() for field in Settings.model_fields}


def test_a_function_starts_with_what_it_is_given() -> None:
    for function in FUNCTIONS.values():
        Settings.from_environ(function.environment)
        assert function.environment["AWS_ENDPOINT_URL"] == ""


class TestBuckets:
    @pytest.mark.parametrize("name", _of("AWS::S3::Bucket"))
    def test_is_private_encrypted_and_forgets(self, name: str) -> None:
        bucket = _of("AWS::S3::Bucket")[name]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert any("ExpirationInDays" in rule for rule in bucket["LifecycleConfiguration"]["Rules"])

    @pytest.mark.parametrize("name", _of("AWS::S3::Bucket"))
    def test_is_reached_over_tls_alone(self, name: str) -> None:
        policies = [p for p in _of("AWS::S3::BucketPolicy").values() if p["Bucket"] == RESOURCES[name].name]
        (policy,) = policies
        (deny,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert deny["Principal"] == "*"
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": False}}
        assert len(deny["Resource"]) == 2

    def test_what_is_written_never_sets_off_the_trigger(self) -> None:
        triggers = {
            name: bucket["NotificationConfiguration"]
            for name, bucket in _of("AWS::S3::Bucket").items()
            if "NotificationConfiguration" in bucket
        }
        assert list(triggers) == ["UploadsBucket"]
        (configuration,) = triggers["UploadsBucket"]["QueueConfigurations"]
        assert configuration["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "inbox/"}]
        written = [
            resource
            for function in LAMBDAS.values()
            for statement in _statements(function)
            if "s3:PutObject" in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        ]
        assert written
        assert not [resource for resource in written if "/inbox/" in resource or resource.endswith(":::*")]

    def test_the_uploads_keep_every_version(self) -> None:
        assert _of("AWS::S3::Bucket")["UploadsBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}


class TestQueues:
    def test_only_the_uploads_bucket_of_this_account_may_send(self) -> None:
        statements = _of("AWS::SQS::QueuePolicy")["UploadQueuePolicy"]["PolicyDocument"]["Statement"]
        (allow,) = [statement for statement in statements if statement["Effect"] == "Allow"]
        assert allow["Condition"] == {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{RESOURCES['UploadsBucket'].name}"},
            "StringEquals": {"aws:SourceAccount": "000000000000"},
        }

    def test_a_message_waits_six_times_as_long_as_its_worker_may_take(self) -> None:
        queues = _of("AWS::SQS::Queue")
        for source in TEMPLATE.queue_sources:
            (name,) = [name for name in queues if RESOURCES[name].name == source.queue_name]
            assert queues[name]["VisibilityTimeout"] >= 6 * FUNCTIONS[source.function].timeout
            assert source.reports_failures

    def test_the_workers_know_when_a_message_dies(self) -> None:
        receives = _of("AWS::SQS::Queue")["UploadQueue"]["RedrivePolicy"]["maxReceiveCount"]
        for function in FUNCTIONS.values():
            assert int(function.environment["DARKROOM_UPLOAD_MAX_RECEIVES"]) == receives

    def test_each_queue_is_encrypted_and_leads_to_dead_letters_that_are_watched(self) -> None:
        queues = _of("AWS::SQS::Queue")
        assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
        dead = [name for name in queues if "RedrivePolicy" not in queues[name]]
        watched = [
            dimension["Value"]
            for alarm in _of("AWS::CloudWatch::Alarm").values()
            for dimension in alarm.get("Dimensions", [])
        ]
        assert dead == ["UploadDeadLetters"]
        assert [RESOURCES[name].name for name in dead] == watched


def test_the_table_forgets_can_be_restored_and_survives_the_stack() -> None:
    table = _of("AWS::DynamoDB::Table")["Table"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_the_key_rotates() -> None:
    assert _of("AWS::KMS::Key")["VaultKey"]["EnableKeyRotation"] is True


def test_nothing_costs_while_it_waits() -> None:
    """No provisioned capacity, no always-on network, no provisioned concurrency."""
    text = (ROOT / "template.yaml").read_text()
    assert not re.search(
        r"ProvisionedConcurrency|ProvisionedThroughput|NatGateway|AWS::(EC2|ECS|RDS|ElastiCache)", text
    )
    assert _of("AWS::DynamoDB::Table")["Table"]["BillingMode"] == "PAY_PER_REQUEST"


def test_every_parameter_says_what_it_is_for() -> None:
    text = (ROOT / "template.yaml").read_text()
    parameters = text[text.index("\nParameters:") : text.index("\nConditions:")]
    blocks = re.split(r"\n  (?=\w+:\n)", parameters)[1:]
    assert len(blocks) > 5
    assert not [block.splitlines()[0] for block in blocks if "Description:" not in block]


def test_the_top_level_is_as_it_was_asked_for() -> None:
    wanted = ["template.yaml", "pyproject.toml", "functions", "layers", "events", "tests", "samconfig.toml"]
    assert not [name for name in wanted if not (ROOT / name).exists()]


def test_no_file_of_a_shipped_folder_is_a_test() -> None:
    shipped: list[Path] = [path for folder in ("functions", "layers") for path in (ROOT / folder).rglob("*.py")]
    assert shipped
    assert not [path for path in shipped if path.name.startswith("test_") or "tests" in path.parts[len(ROOT.parts) :]]
