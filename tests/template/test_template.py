"""What must stay true of template.yaml, whatever is added to it."""

from collections.abc import Iterator
from typing import Any

import pytest

from darkroom.http.live_door import SECONDS
from darkroom.models.door import HTTP_API, LIVE
from darkroom.services.paid.in_place import FOR_ANSWERING, MAX_SECONDS
from darkroom.settings import PREFIX, Settings
from local.iam.policies import Decision, Policies
from local.intrinsics import load_yaml
from local.template import Template
from tests.conftest import ROOT

TEMPLATE = Template.load(ROOT / "template.yaml", api_url="http://127.0.0.1:8000")
# Nothing is created here, so that a resource's name has to do for its id.
TEMPLATE.scope.ids.update({logical_id: TEMPLATE.scope.name(logical_id) for logical_id in TEMPLATE.creation_order()})
RESOURCES = {logical_id: TEMPLATE.resource(logical_id) for logical_id in TEMPLATE.creation_order()}
FUNCTIONS = TEMPLATE.functions
GLOBALS: dict[str, Any] = TEMPLATE.scope.resolve(load_yaml(ROOT / "template.yaml")["Globals"]["Function"])


def _of(kind: str) -> dict[str, dict[str, Any]]:
    return {name: dict(found.properties) for name, found in RESOURCES.items() if found.type == kind}


def _statements(function: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in function.get("Policies", []):
        yield from policy["Statement"]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


LAMBDAS = _of("AWS::Serverless::Function")
SEALS_AND_OPENS = {"kms:GenerateDataKey", "kms:Decrypt"}
# Who may open what; the worker, the live door and the chat open keys to pay with them, and seal none; what users are
# told is signed by the worker.
PAYING = ("ChatFunction", "LiveFunction", "WorkerFunction")
VAULT = {
    "OAuthFunction": [(["not webhooks"], SEALS_AND_OPENS)],
    "AccountFunction": [(["not webhooks"], SEALS_AND_OPENS)],
    "ChatFunction": [(["not webhooks"], {"kms:Decrypt"})],
    "LiveFunction": [(["not webhooks"], {"kms:Decrypt"})],
    "WorkerFunction": [(["not webhooks"], {"kms:Decrypt"}), (["webhooks"], SEALS_AND_OPENS)],
    "WebhooksFunction": [(["webhooks"], SEALS_AND_OPENS)],
}


def _purposes(statement: dict[str, Any]) -> list[str]:
    """Those it is for; those it is not for with a "not " before them."""
    condition = statement["Condition"]
    if "StringNotEquals" not in condition:
        found: list[str] = condition["StringEquals"]["kms:EncryptionContext:purpose"]
        return found
    # A condition that denies by name holds for whatever has no name, too.
    assert condition["Null"] == {"kms:EncryptionContext:purpose": "false"}
    return [f"not {each}" for each in condition["StringNotEquals"]["kms:EncryptionContext:purpose"]]


def _allowed(function: str, action: str) -> list[str]:
    """What the function may do that to."""
    return [
        resource
        for statement in _statements(LAMBDAS[function])
        if statement["Effect"] == "Allow"
        if action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]


@pytest.mark.parametrize("name", LAMBDAS)
class TestFunctions:
    def test_may_do_what_is_named_to_what_is_named(self, name: str) -> None:
        for statement in _statements(LAMBDAS[name]):
            for action in _listed(statement["Action"]):
                assert "*" not in action, action
            for resource in _listed(statement["Resource"]):
                assert resource != "*"
                assert resource.startswith("arn:aws:"), resource

    def test_makes_tokens_and_sessions_only_where_people_sign_in(self, name: str) -> None:
        policies = Policies(_statements(LAMBDAS[name]))
        table = TEMPLATE.scope.attribute("Table", "Arn")

        def may(action: str, key: str) -> bool:
            decided = policies.decide(f"dynamodb:{action}", table, {"dynamodb:leadingkeys": (key,)})
            return decided is Decision.ALLOWED

        signs_in = name in ("AccountFunction", "OAuthFunction")
        for key in ("TOKEN#ab", "SESSION#ab", "ATTEMPT#ab", "IDENTITY#openrouter#ab"):
            assert may("PutItem", key) == signs_in, key
            assert not may("DeleteItem", key) or signs_in, key
            assert not may("UpdateItem", key) or signs_in or key.startswith("TOKEN#"), key
        # The page is files alone.
        assert may("PutItem", "USER#alice") == (name != "StudioFunction")

    def test_keeps_its_log_for_a_while_and_not_for_ever(self, name: str) -> None:
        groups = _of("AWS::Logs::LogGroup")
        assert set(groups) == {"ApiLogs", "FunctionLogs"}
        assert all(group["RetentionInDays"] for group in groups.values())

    def test_is_watched_for_errors_and_throttles(self, name: str) -> None:
        """All log to one group as JSON, where the filters look; throttles are counted for the whole account."""
        logging = {**GLOBALS["LoggingConfig"], **LAMBDAS[name].get("LoggingConfig", {})}
        assert logging == {
            "LogGroup": TEMPLATE.scope.name("FunctionLogs"),
            "LogFormat": "JSON",
            "ApplicationLogLevel": "DEBUG",
            "SystemLogLevel": "INFO",
        }
        throttles = _of("AWS::CloudWatch::Alarm")["ThrottleAlarm"]
        assert (throttles["Namespace"], throttles["MetricName"]) == ("AWS/Lambda", "Throttles")
        assert "Dimensions" not in throttles

    def test_opens_the_vault_only_where_it_calls_providers_and_for_them_alone(self, name: str) -> None:
        opening = [
            statement
            for statement in _statements(LAMBDAS[name])
            if any(action.startswith("kms:") for action in _listed(statement["Action"]))
        ]
        assert {s["Resource"] for s in opening} <= {TEMPLATE.scope.attribute("VaultKey", "Arn")}
        assert [(_purposes(s), set(_listed(s["Action"]))) for s in opening] == VAULT.get(name, [])

    def test_has_what_it_is_told_to_open_and_no_other_has(self, name: str) -> None:
        assert ("DARKROOM_VAULT_KEY" in FUNCTIONS[name].environment) == (name in VAULT)

    def test_answers_before_the_gateway_gives_up_or_takes_messages(self, name: str) -> None:
        has_callers = any(route.function == name for route in TEMPLATE.routes)
        takes_messages = any(source.function == name for source in TEMPLATE.queue_sources)
        if FUNCTIONS[name].has_url:
            # It ends with what its own routes take, and each job that it carries out ends before.
            assert not has_callers
            assert not takes_messages
            assert MAX_SECONDS + FOR_ANSWERING < SECONDS == FUNCTIONS[name].timeout < LIVE.max_seconds
            return
        assert has_callers or takes_messages
        if FUNCTIONS[name].environment.get("DARKROOM_IN_PLACE") == "true":
            # It goes on when it has answered: from the request to the admission the gateway's patience, and then a job.
            assert not takes_messages
            assert FUNCTIONS[name].timeout == HTTP_API.max_seconds + MAX_SECONDS
            return
        # Who only answers ends with the gateway's patience; a worker has the longest a picture may take.
        assert FUNCTIONS[name].timeout <= (60 if has_callers and takes_messages else 29 if has_callers else 300)


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
        statements = _of("AWS::SQS::QueuePolicy")["PictureQueuePolicy"]["PolicyDocument"]["Statement"]
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
        receives = _of("AWS::SQS::Queue")["PictureQueue"]["RedrivePolicy"]["maxReceiveCount"]
        for function in FUNCTIONS.values():
            assert int(function.environment["DARKROOM_UPLOAD_MAX_RECEIVES"]) == receives

    def test_a_throttled_delivery_is_one_of_several(self) -> None:
        """AWS advises five at least: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""
        for queue in _of("AWS::SQS::Queue").values():
            assert queue.get("RedrivePolicy", {}).get("maxReceiveCount", 5) >= 5

    def test_few_queues_are_polled(self) -> None:
        """Each costs about 650,000 requests a month while nothing happens."""
        assert {source.function for source in TEMPLATE.queue_sources} == {"WorkerFunction", "RemoveBackgroundFunction"}
        assert len(TEMPLATE.queue_sources) == 2

    def test_whoever_takes_messages_may_put_them_off(self) -> None:
        for source in TEMPLATE.queue_sources:
            assert source.queue_arn in _allowed(source.function, "sqs:ChangeMessageVisibility")

    def test_each_queue_is_encrypted_and_leads_to_dead_letters_that_are_seen_to(self) -> None:
        queues = _of("AWS::SQS::Queue")
        assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
        dead = {RESOURCES[name].name for name in queues if "RedrivePolicy" not in queues[name]}
        led_to = {
            queue["RedrivePolicy"]["deadLetterTargetArn"] for queue in queues.values() if "RedrivePolicy" in queue
        }
        assert {arn.rpartition(":")[2] for arn in led_to} == dead
        watched = {
            dimension["Value"]
            for alarm in _of("AWS::CloudWatch::Alarm").values()
            for dimension in alarm.get("Dimensions", [])
        }
        # Those of paid jobs are not left lying: the sweep takes them, fails the job and raises the money alarm.
        emptied = {RESOURCES["JobDeadLetters"].name}
        assert watched == dead - emptied

    @pytest.mark.parametrize("name", _of("AWS::SQS::Queue"))
    def test_is_reached_over_tls_alone(self, name: str) -> None:
        (policy,) = [p for p in _of("AWS::SQS::QueuePolicy").values() if p["Queues"] == [RESOURCES[name].name]]
        (deny,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert (deny["Principal"], deny["Action"]) == ("*", "sqs:*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": False}}

    def test_nobody_but_this_account_may_send_to_the_others(self) -> None:
        allowing = [
            name
            for name, policy in _of("AWS::SQS::QueuePolicy").items()
            if any(statement["Effect"] == "Allow" for statement in policy["PolicyDocument"]["Statement"])
        ]
        assert allowing == ["PictureQueuePolicy"]

    def test_the_sweep_may_take_the_dead_letters_of_paid_jobs(self) -> None:
        told = FUNCTIONS["WorkerFunction"].environment["DARKROOM_JOB_DEAD_LETTERS"]
        assert told == TEMPLATE.scope.ids["JobDeadLetters"]
        arn = TEMPLATE.scope.attribute("JobDeadLetters", "Arn")
        for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
            assert [name for name in LAMBDAS if arn in _allowed(name, action)] == ["WorkerFunction"]


class TestMoney:
    def test_a_job_is_one_message_and_has_a_worker_to_itself(self) -> None:
        assert LAMBDAS["WorkerFunction"]["Events"]["Work"]["Properties"]["BatchSize"] == 1

    def test_a_new_account_can_deploy_for_nothing_is_reserved_by_itself(self) -> None:
        assert [name for name in LAMBDAS if "ReservedConcurrentExecutions" in LAMBDAS[name]] == []

    def test_concurrency_can_be_kept_for_the_worker_alone(self) -> None:
        template = Template.load(
            ROOT / "template.yaml", api_url="http://127.0.0.1:8000", parameters={"WorkerReservedConcurrency": "12"}
        )
        template.scope.ids.update(TEMPLATE.scope.ids)
        reserved = {
            name: template.resource(name).properties["ReservedConcurrentExecutions"]
            for name in LAMBDAS
            if "ReservedConcurrentExecutions" in template.resource(name).properties
        }
        assert reserved == {"WorkerFunction": "12"}

    def test_the_sweep_belongs_to_the_worker_and_comes_every_few_minutes(self) -> None:
        schedules = {schedule.input: schedule for schedule in TEMPLATE.schedules}
        assert {schedule.function for schedule in schedules.values()} == {"WorkerFunction"}
        assert schedules[None].seconds == 300

    def test_only_who_may_pay_reads_the_stacks_own_key(self) -> None:
        secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:operator"
        template = Template.load(
            ROOT / "template.yaml", api_url="http://127.0.0.1:8000", parameters={"OperatorKeySecret": secret}
        )
        template.scope.ids.update(TEMPLATE.scope.ids)
        reading = {
            name: statement["Resource"]
            for name in LAMBDAS
            for statement in _statements(dict(template.resource(name).properties))
            if any(action.startswith("secretsmanager:") for action in _listed(statement["Action"]))
        }
        assert reading == {name: [secret, f"{secret}-??????"] for name in PAYING}
        assert not [name for name in LAMBDAS for _ in _allowed(name, "secretsmanager:GetSecretValue")]

    @pytest.mark.parametrize("name", ["ChatFunction", "JobsFunction", "WorkerFunction"])
    def test_whoever_cancels_may_settle(self, name: str) -> None:
        """Of a transaction each write is allowed by itself: the job's row, the budgets', the receipt."""
        table = TEMPLATE.scope.attribute("Table", "Arn")
        for action in ("dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:Query"):
            assert table in _allowed(name, action), action

    def test_what_is_cut_out_here_may_be_counted(self) -> None:
        assert TEMPLATE.scope.attribute("Table", "Arn") in _allowed("RemoveBackgroundFunction", "dynamodb:PutItem")

    def test_what_should_not_happen_wakes_somebody_up(self) -> None:
        filters = _of("AWS::Logs::MetricFilter")
        assert {each["LogGroupName"] for each in filters.values()} == {TEMPLATE.scope.name("FunctionLogs")}
        assert filters["AlarmFilter"]["FilterPattern"] == '{ $.alarm = "*" }'
        for name, watching in (("AlarmFilter", "MoneyAlarm"), ("ErrorFilter", "ErrorAlarm")):
            alarm = _of("AWS::CloudWatch::Alarm")[watching]
            (counted,) = filters[name]["MetricTransformations"]
            assert counted == {
                "MetricNamespace": alarm["Namespace"],
                "MetricName": alarm["MetricName"],
                "MetricValue": "1",
            }
            assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == (
                "Sum",
                0,
                "GreaterThanThreshold",
            )

    @pytest.mark.parametrize(
        ("action", "folder", "functions"),
        [
            (
                "s3:PutObject",
                "outputs",
                {"ChatFunction", "LiveFunction", "RemoveBackgroundFunction", "WorkerFunction"},
            ),
            ("s3:PutObject", "inputs", {"ChatFunction", "EditFunction", "LiveFunction", "RemoveBackgroundFunction"}),
            ("s3:GetObject", "inputs", {"ChatFunction", "LiveFunction", "RemoveBackgroundFunction", "WorkerFunction"}),
            ("s3:PutObject", "raw", {*PAYING}),
            ("s3:GetObject", "raw", {*PAYING}),
            ("s3:DeleteObject", "raw", {"JobsFunction", *PAYING}),
            (
                "s3:DeleteObject",
                "outputs",
                {"ChatFunction", "JobsFunction", "LiveFunction", "RemoveBackgroundFunction", "WorkerFunction"},
            ),
        ],
    )
    def test_who_may_touch_what_was_paid_for(self, action: str, folder: str, functions: set[str]) -> None:
        outputs = RESOURCES["OutputsBucket"].name
        touching = {name for name in LAMBDAS if f"arn:aws:s3:::{outputs}/{folder}/*" in _allowed(name, action)}
        assert touching == functions

    @pytest.mark.parametrize("folder", ["inputs", "outputs", "raw"])
    def test_whoever_stores_a_users_pictures_may_say_for_how_long(self, folder: str) -> None:
        """S3 refuses a PUT with tags from whoever may not tag."""
        where = f"arn:aws:s3:::{RESOURCES['OutputsBucket'].name}/{folder}/*"
        for name in LAMBDAS:
            if where in _allowed(name, "s3:PutObject"):
                assert where in _allowed(name, "s3:PutObjectTagging"), name

    def test_only_who_carries_jobs_out_waits_for_openrouter_longer_than_api_gateway_would(self) -> None:
        longer = {name for name, function in FUNCTIONS.items() if function.timeout > 60}
        assert longer == {*PAYING}


def test_the_table_forgets_can_be_restored_and_survives_the_stack() -> None:
    table = _of("AWS::DynamoDB::Table")["Table"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_the_key_rotates_where_its_owner_wants_it() -> None:
    """Each of the first two rotations adds $1 a month."""
    assert _of("AWS::KMS::Key")["VaultKey"]["EnableKeyRotation"] is False
    template = Template.load(
        ROOT / "template.yaml", api_url="http://127.0.0.1:8000", parameters={"VaultKeyRotation": "true"}
    )
    template.scope.ids.update(TEMPLATE.scope.ids)
    assert template.resource("VaultKey").properties["EnableKeyRotation"] is True
