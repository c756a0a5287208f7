"""Creates in the emulator what the template declares.

The emulator has a CloudFormation of its own, but it leaves out what it does not know (expiry, lifecycle rules,
point-in-time recovery) and reports success. Here, a type or a property that nobody has taught it is an error.

An emulator that was kept has resources already. They become what the template declares now; what is in them stays.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from local.aws import Aws
from local.intrinsics import TemplateError
from local.template import FUNCTION, HTTP_API, Resource, Template

# Functions and the API are run by this package; logs go to files; nobody is to be woken up by a laptop.
NOT_CREATED = {
    FUNCTION,
    HTTP_API,
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::SNS::Topic",
    "AWS::Serverless::LayerVersion",
}

_INDEXES = "GlobalSecondaryIndexes"
# What a table is made with and cannot change.
_FIXED = ("KeySchema", "LocalSecondaryIndexes")
_NOT_THERE = {"404", "NoSuchBucket", "QueueDoesNotExist"}
Found = TypeVar("Found")


def create_resources(template: Template, aws: Aws) -> None:
    """Creates or updates every declared resource, after those it refers to, and notes its id in the template's scope.

    Raises:
        TemplateError: a resource cannot be created, or the one that is kept cannot become what is declared.
    """
    for logical_id in template.creation_order():
        resource = template.resource(logical_id)
        if resource.type in NOT_CREATED:
            continue
        if resource.type not in _CREATORS:
            raise TemplateError(f"{logical_id} is an {resource.type}. Teach local/resources.py to create one.")
        properties = Properties(resource)
        template.scope.ids[logical_id] = _CREATORS[resource.type](resource.name, properties, aws)
        properties.finish()


class Properties:
    """A resource's properties, each to be taken once."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._left = dict(resource.properties)

    def take(self, name: str) -> Any:
        """The property's value, None where the template does not give it."""
        return self._left.pop(name, None)

    def take_given(self, *names: str) -> dict[str, Any]:
        return {name: self._left.pop(name) for name in names if name in self._left}

    def finish(self) -> None:
        if self._left:
            where = f"{self._resource.logical_id} ({self._resource.type})"
            raise TemplateError(f"{where}: {', '.join(self._left)} not understood. Teach local/resources.py.")


def _table(name: str, properties: Properties, aws: Aws) -> str:
    expiry, recovery = properties.take("TimeToLiveSpecification"), properties.take("PointInTimeRecoverySpecification")
    encryption = properties.take("SSESpecification")
    request: dict[str, Any] = properties.take_given(
        "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "BillingMode"
    )
    properties.take("TableName")
    if encryption:
        request["SSESpecification"] = {"Enabled": encryption["SSEEnabled"]}
    kept: Any = _found(lambda: aws.dynamodb.describe_table(TableName=name)["Table"])
    if kept is None:
        aws.dynamodb.create_table(TableName=name, **request)
        aws.dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    elif wrong := [key for key in _FIXED if _keys(kept.get(key)) != _keys(request.get(key))]:
        raise TemplateError(f"The table {name} was kept with another {wrong[0]}; `make reset` begins with nothing.")
    else:
        _reindex(name, kept.get(_INDEXES) or [], request, aws)
    is_expiring = aws.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if expiry and is_expiring.get("AttributeName") != expiry["AttributeName"]:
        aws.dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
    if recovery:
        aws.dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    return name


def _reindex(name: str, kept: Sequence[Any], request: dict[str, Any], aws: Aws) -> None:
    """Makes the indexes of a table that an earlier version made, one after the other, as DynamoDB does."""
    declared = request.get(_INDEXES, [])
    old, new = ({each["IndexName"]: _keys([each]) for each in indexes} for indexes in (kept, declared))
    changes: list[Any] = [{"Delete": {"IndexName": each}} for each in old if new.get(each) != old[each]]
    changes += [{"Create": each} for each in declared if old.get(each["IndexName"]) != new[each["IndexName"]]]
    for change in changes:
        aws.dynamodb.update_table(
            TableName=name,
            AttributeDefinitions=request["AttributeDefinitions"],
            GlobalSecondaryIndexUpdates=[change],
        )


def _keys(declared: Any) -> Any:
    """Of a table or its indexes what cannot change: names and keys, in any order."""
    found = [(each.get("IndexName"), each.get("KeySchema") or each["AttributeName"]) for each in declared or ()]
    return sorted(found, key=str)


def _bucket(name: str, properties: Properties, aws: Aws) -> str:
    rules: Any  # the API's shapes are checked by the emulator, not by the type checker
    properties.take("BucketName")
    if _found(lambda: aws.s3.head_bucket(Bucket=name)) is None:
        aws.s3.create_bucket(Bucket=name)
    if encryption := properties.take("BucketEncryption"):
        rules = [
            {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
            for rule in encryption["ServerSideEncryptionConfiguration"]
        ]
        aws.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    if block := properties.take("PublicAccessBlockConfiguration"):
        aws.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    if ownership := properties.take("OwnershipControls"):
        aws.s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=ownership)
    if versioning := properties.take("VersioningConfiguration"):
        aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    if lifecycle := properties.take("LifecycleConfiguration"):
        rules = [_lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        aws.s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if cors := properties.take("CorsConfiguration"):
        rules = [_renamed(rule, {"MaxAge": "MaxAgeSeconds", "Id": "ID"}) for rule in cors["CorsRules"]]
        aws.s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    if notification := properties.take("NotificationConfiguration"):
        queues = [_queue_notification(item) for item in notification.pop("QueueConfigurations", [])]
        if notification:
            raise TemplateError(f"{name}: notifications by {', '.join(notification)} are not understood")
        kept: Any = aws.s3.get_bucket_notification_configuration(Bucket=name).get("QueueConfigurations", [])
        # Each time it is set, the queues are sent a test.
        if [{key: value for key, value in each.items() if key != "Id"} for each in kept] != queues:
            aws.s3.put_bucket_notification_configuration(
                Bucket=name, NotificationConfiguration={"QueueConfigurations": queues}
            )
    return name


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """CloudFormation's flat rule as S3's API takes it."""
    given = dict(rule)
    prefix, tags = {"Prefix": given.pop("Prefix", "")}, given.pop("TagFilters", [])
    chosen = {"And": {**prefix, "Tags": tags}} if tags else prefix
    request = {"Status": given.pop("Status"), "Filter": chosen}
    if "Id" in given:
        request["ID"] = given.pop("Id")
    if "ExpirationInDays" in given:
        request["Expiration"] = {"Days": given.pop("ExpirationInDays")}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in given:
            request[name] = given.pop(name)
    if given:
        raise TemplateError(f"Lifecycle rule: {', '.join(given)} not understood. Teach local/resources.py.")
    return _with_numbers(request)


def _queue_notification(configuration: Mapping[str, Any]) -> Any:
    request: dict[str, Any] = {"QueueArn": configuration["Queue"], "Events": [configuration["Event"]]}
    if "Filter" in configuration:
        request["Filter"] = {"Key": {"FilterRules": configuration["Filter"]["S3Key"]["Rules"]}}
    return request


def _bucket_policy(name: str, properties: Properties, aws: Aws) -> str:
    policy = json.dumps(properties.take("PolicyDocument"))
    aws.s3.put_bucket_policy(Bucket=properties.take("Bucket"), Policy=policy)
    return name


def _queue(name: str, properties: Properties, aws: Aws) -> str:
    properties.take("QueueName")
    given = properties.take_given(
        "DelaySeconds",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "VisibilityTimeout",
    )
    attributes: Any = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    url = _found(lambda: aws.sqs.get_queue_url(QueueName=name)["QueueUrl"])
    if url is None:
        return aws.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return url


def _queue_policy(name: str, properties: Properties, aws: Aws) -> str:
    policy = json.dumps(properties.take("PolicyDocument"))
    for url in properties.take("Queues"):
        aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return name


def _key(name: str, properties: Properties, aws: Aws) -> str:
    properties.take("PendingWindowInDays")  # matters only when the key is deleted
    rotates = properties.take("EnableKeyRotation")
    policy = json.dumps(properties.take("KeyPolicy"))
    description = properties.take("Description") or ""
    # A key has no name of its own by which it could be found again.
    alias = f"alias/{name}"
    key_id = _found(lambda: aws.kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"])
    if key_id is None:
        key_id = aws.kms.create_key(Description=description, Policy=policy)["KeyMetadata"]["KeyId"]
        aws.kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    else:
        aws.kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=policy)
    if rotates:
        aws.kms.enable_key_rotation(KeyId=key_id)
    return key_id


def _found(look: Callable[[], Found]) -> Found | None:
    """What there is; None where AWS says that there is nothing."""
    try:
        return look()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _NOT_THERE or code.endswith(("NonExistentQueue", "NotFoundException")):
            return None
        raise


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return _with_numbers({names.get(key, key): value for key, value in given.items()})


def _with_numbers(rule: Mapping[str, Any]) -> dict[str, Any]:
    """`rule` with its numbers as numbers: parameters are text, even those that are numbers."""
    numbers = {"Days", "DaysAfterInitiation", "MaxAgeSeconds", "NoncurrentDays"}
    return {
        key: _with_numbers(value) if isinstance(value, dict) else int(value) if key in numbers else value
        for key, value in rule.items()
    }


_CREATORS: dict[str, Callable[[str, Properties, Aws], str]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::KMS::Key": _key,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queue_policy,
}
