"""What has to be so before a stack is deployed. Each check yields its findings: what is, and what to do about it."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local import state
from local.deployed.target import Account, Target, outputs_of
from local.findings import BAD, GOOD, NOTE, Finding
from local.intrinsics import load_yaml

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

_STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
# Lambda keeps this many for functions that reserve nothing; an account that has less keeps all.
_UNRESERVED = 100
# Fewer at once, and a handful of callers that wait for pictures hold up each other and the queues.
_COMFORTABLE = 50
_STUCK = {
    "ROLLBACK_COMPLETE": "its first deployment failed, and it cannot be updated: `make destroy STACK={}`, then again",
    "ROLLBACK_FAILED": "its first deployment failed and left things behind: `make destroy STACK={}`, then again",
    "DELETE_FAILED": "it could not be removed: `make destroy STACK={}` again, or see its events in the console",
    "UPDATE_ROLLBACK_FAILED": "an update could not be taken back: "
    "`aws cloudformation continue-update-rollback --stack-name {}`, then again",
}  # fmt: skip


class Check:
    """Looks at one account for one deployment.

    Args:
        parameters: of the template; what neither the target nor the deployed stack gives has their defaults.
    """

    def __init__(self, account: Account, target: Target, template: Path = state.ROOT / "template.yaml") -> None:
        self.account = account
        self.target = target
        self._declared: Mapping[str, Any] = load_yaml(template)["Parameters"]
        self._deployed: StackTypeDef | None = None
        self._account_id = ""

    def findings(self) -> Iterator[Finding]:
        yield from self._name()
        if not self.account.region:
            yield Finding(BAD, "No region: set AWS_REGION, or `aws configure set region eu-central-1`")
            return
        try:
            identity = self.account.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            yield Finding(BAD, f"AWS does not know who you are ({_short(error)}): `aws configure`, or set AWS_PROFILE")
            return
        self._account_id = identity["Account"]
        yield Finding(GOOD, f"Account {self._account_id} as {identity['Arn']}")
        yield from self._region()
        for check in (self._stack, self._unknown, self._concurrency, self._buckets, self._indexes):
            yield from self._told(check)

    def _told(self, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        """What may not be looked at is no fault by itself: whoever deploys may have other rights."""
        try:
            yield from check()
        except (BotoCoreError, ClientError) as error:
            about = check.__name__.strip("_")
            yield Finding(NOTE, f"Could not look at the {about}: {_short(error)}")

    def _name(self) -> Iterator[Finding]:
        name = self.target.stack
        if _STACK.fullmatch(name):
            yield Finding(GOOD, f"Stack {name}")
        else:
            yield Finding(
                BAD,
                f"{name!r} cannot name a stack: CloudFormation takes letters, digits and hyphens, a letter first, "
                "128 at most. Give another: STACK=darkroom",
            )

    def _region(self) -> Iterator[Finding]:
        region = self.account.region
        known = self.account.session.get_available_regions("apigatewayv2", self._partition())
        if not known or region in known:
            yield Finding(GOOD, f"Region {region}")
        else:
            yield Finding(NOTE, f"Region {region} is not one that boto3 knows to have HTTP APIs")

    def _partition(self) -> str:
        return str(self.account.session.get_partition_for_region(self.account.region))

    def _stack(self) -> Iterator[Finding]:
        name = self.target.stack
        self._deployed = self.account.stack(name)
        if self._deployed is None:
            yield Finding(GOOD, f"No stack {name} yet: this is its first deployment")
            return
        status = self._deployed["StackStatus"]
        if status in _STUCK:
            yield Finding(BAD, f"The stack {name} is {status}: {_STUCK[status].format(name)}")
        elif status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            yield Finding(BAD, f"The stack {name} is {status}: wait until that is over")
        elif status != "REVIEW_IN_PROGRESS" and "UploadsBucket" not in outputs_of(self._deployed):
            yield Finding(BAD, f"There is a stack {name} that is not Darkroom's. Give another name: STACK=darkroom")
        else:
            yield Finding(GOOD, f"The stack {name} is {status} and gets updated")

    def _unknown(self) -> Iterator[Finding]:
        unknown = sorted(set(self.target.parameters) - set(self._declared))
        if unknown:
            yield Finding(BAD, f"The template has no parameter {', '.join(unknown)}: docs/deploy.md lists those it has")

    def _value(self, parameter: str) -> str:
        """As CloudFormation finds it: given now, else as the stack has it, else the template's default."""
        default = str(self._declared[parameter].get("Default", ""))
        return self.target.parameters.get(parameter, self._before().get(parameter, default))

    def _before(self) -> dict[str, str]:
        given = self._deployed.get("Parameters", []) if self._deployed else []
        return {each["ParameterKey"]: each["ParameterValue"] for each in given}

    def _concurrency(self) -> Iterator[Finding]:
        limits = self.account.client("lambda").get_account_settings()["AccountLimit"]
        limit = limits["ConcurrentExecutions"]
        # What this stack has reserved so far is free for it to reserve again.
        free = limits["UnreservedConcurrentExecutions"] + int(self._before().get("WorkerReservedConcurrency", "0"))
        reserved = int(self._value("WorkerReservedConcurrency"))
        floor = min(_UNRESERVED, limit)
        if reserved and free - reserved < floor:
            most = max(0, free - floor)
            yield Finding(
                BAD,
                f"Lambda would refuse WorkerReservedConcurrency={reserved}: of this account's {limit} concurrent "
                f"executions {floor} have to stay unreserved. It can be {most} at most"
                + ("; leave it at 0" if most < int(self._value("WorkerConcurrency")) else ""),
            )
        elif limit < _COMFORTABLE:
            yield Finding(
                NOTE,
                f"This account runs {limit} functions at once, in all its stacks: enough to try, not for a team. "
                "Ask for 1000 in Service Quotas (Lambda, Concurrent executions); it costs nothing",
            )
        else:
            yield Finding(GOOD, f"{limit} concurrent executions, {free} of them free")

    def _buckets(self) -> Iterator[Finding]:
        names = self._names_after_stack()
        deployed = outputs_of(self._deployed) if self._deployed else {}
        if self._value("BucketNaming") != "stack":
            if names["UploadsBucket"] == deployed.get("UploadsBucket"):
                yield Finding(
                    BAD,
                    f"The buckets of {self.target.stack} are named after it, as version 0.1 did, and this deployment "
                    "would leave them for new, empty ones. Keep them: PARAMETERS='BucketNaming=stack'",
                )
            else:
                yield Finding(GOOD, "Bucket names are free: they have the stack's id in them")
            return
        for output, name in names.items():
            if name != deployed.get(output):
                yield self._bucket(name)

    def _indexes(self) -> Iterator[Finding]:
        """DynamoDB makes or removes one index of a table in an update."""
        table = outputs_of(self._deployed).get("Table") if self._deployed else None
        if table is None:
            return
        described = self.account.client("dynamodb").describe_table(TableName=table)["Table"]
        there = {each["IndexName"] for each in described.get("GlobalSecondaryIndexes", ())}
        is_kept = self._value("FormerIndex") == "kept"
        if "open-jobs" not in there:
            if is_kept:
                yield Finding(BAD, "The table has no index open-jobs to be kept: PARAMETERS='FormerIndex=none'")
        elif "open-work" not in there and not is_kept:
            yield Finding(
                BAD,
                f"{self.target.stack} is of 0.2, and this deployment would make one index of its table and remove "
                "another, which DynamoDB does one after the other. Make the new one first: "
                "PARAMETERS='FormerIndex=kept'",
            )
        elif "open-work" in there and is_kept:
            yield Finding(
                NOTE,
                "The index open-jobs of 0.2 is used no more, and written all the same: PARAMETERS='FormerIndex=none'",
            )

    def _names_after_stack(self) -> dict[str, str]:
        ending = f"{self._account_id}-{self.account.region}"
        return {f"{kind.title()}Bucket": f"{self.target.stack}-{kind}-{ending}" for kind in ("uploads", "outputs")}

    def _bucket(self, name: str) -> Finding:
        if not _BUCKET.fullmatch(name):
            return Finding(
                BAD,
                f"{name!r} cannot name a bucket: S3 takes 63 characters, and no capitals. "
                "Leave BucketNaming out, or give the stack another name",
            )
        try:
            self.account.client("s3").head_bucket(Bucket=name)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == 404:
                return Finding(GOOD, f"The bucket name {name} is free")
            return Finding(BAD, f"The bucket name {name} is taken by another account. Leave BucketNaming out")
        return Finding(BAD, f"The bucket {name} is there already, from an earlier stack. Leave BucketNaming out")


def _short(error: Exception) -> str:
    if isinstance(error, ClientError):
        told = error.response.get("Error", {})
        return f"{told.get('Code', 'error')}: {told.get('Message', '')}".strip()
    return str(error)
