"""The template as the emulator's CloudFormation can make it, with the code of this checkout.

What the emulator lacks is made up for here, and nowhere else: it knows no metric math, takes numbers of a mapping from
parameters for text, leaves out the routes in an API's OpenAPI body, and runs no images.
"""

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from local.deployed.target import Account, outputs_of
from local.intrinsics import Call, load_yaml
from tests.conftest import ROOT

SERVICES = (
    *("apigateway", "cloudformation", "dynamodb", "events", "iam", "kms", "lambda", "logs", "monitoring"),
    *("s3", "sns", "sqs", "sts"),
)
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/darkroom:1"
BUCKET = "packages"
FUNCTION = "AWS::Serverless::Function"
# Nobody tells the handle, so that whatever is made is taken back a second after the worker.
NEVER = {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle", "DependsOn": "WorkerFunction"},
    "Never": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1"},
    },
}


class Deployment:
    """A stack of the emulator, by CloudFormation and SAM's transform.

    Args:
        template: that of this checkout, or the one that `sam build` has written beside what it has built.
    """

    def __init__(self, account: Account, url: str, name: str, template: Path = ROOT / "template.yaml") -> None:
        self.account, self.url, self.name = account, url, name
        s3 = account.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        self._template = _packaged(s3, url, template)

    def deploy(self, parameters: Mapping[str, str] | None = None, *, fails: bool = False) -> str:
        """Makes or updates the stack. Returns the status that it ends in; see its events for why."""
        template = json.loads(json.dumps(self._template))
        if fails:
            template["Resources"].update(NEVER)
        key = f"template-{time.monotonic_ns()}.json"
        self.account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(template).encode())
        cloudformation = self.account.client("cloudformation")
        change = cloudformation.update_stack if self.account.stack(self.name) else cloudformation.create_stack
        change(
            StackName=self.name,
            TemplateURL=f"{self.url}/{BUCKET}/{key}",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": each, "ParameterValue": value} for each, value in (parameters or {}).items()],
        )
        status = self.settled()
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            self._add_routes()
        return status

    def remove(self) -> str:
        self.account.client("cloudformation").delete_stack(StackName=self.name)
        return self.settled()

    def settled(self, seconds: float = 90) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.account.stack(self.name)
            if found is None:
                return "gone"
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                return found["StackStatus"]
            time.sleep(0.1)
        raise AssertionError(f"{self.name} is still in progress")

    @property
    def outputs(self) -> dict[str, str]:
        found = self.account.stack(self.name)
        assert found is not None
        return outputs_of(found)

    def get(self, path: str, token: str = "") -> httpx.Response:
        """An answer of the deployed API."""
        api = self.outputs["Url"].removeprefix("http://").split(".")[0]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        where = f"{self.url}/_aws/execute-api/{api}/$default{path}"
        return httpx.get(where, headers=headers, timeout=60, trust_env=False)

    def _add_routes(self) -> None:
        """What API Gateway reads from the API's body."""
        api_gateway = self.account.client("apigatewayv2")
        resources = self.account.client("cloudformation").describe_stack_resources(StackName=self.name)
        made = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources["StackResources"]}
        known = {each["RouteKey"] for each in api_gateway.get_routes(ApiId=made["Api"])["Items"]}
        for function, route in _routes(self._template):
            if route not in known:
                arn = self.account.client("lambda").get_function(FunctionName=made[function])["Configuration"]
                integration = api_gateway.create_integration(
                    ApiId=made["Api"],
                    IntegrationType="AWS_PROXY",
                    IntegrationUri=arn["FunctionArn"],
                    PayloadFormatVersion="2.0",
                )
                target = f"integrations/{integration['IntegrationId']}"
                api_gateway.create_route(ApiId=made["Api"], RouteKey=route, Target=target)


def _routes(template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for function, resource in template["Resources"].items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if resource["Type"] == FUNCTION and event["Type"] == "HttpApi":
                told = event["Properties"]
                yield function, f"{told['Method']} {told['Path']}" if "Path" in told else "$default"


def _packaged(s3: Any, url: str, path: Path) -> dict[str, Any]:
    """The template with its code in the emulator's S3, as `sam package` leaves it."""
    template: dict[str, Any] = long_form(load_yaml(path))
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = url
    # A built layer is laid out as Lambda unpacks it; its source is what Python finds there.
    prefix = "python/" if path.parent == ROOT else ""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if properties.get("PackageType") == "Image":
            properties["ImageUri"] = IMAGE
        elif resource["Type"] == FUNCTION:
            properties["CodeUri"] = _uploaded(s3, name, path.parent / properties["CodeUri"])
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = _uploaded(s3, name, path.parent / properties["ContentUri"], prefix)
        elif resource["Type"] == "AWS::CloudWatch::Alarm" and properties.pop("Metrics", None):
            properties.update({"Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum", "Period": 300})
        for event in properties.get("Events", {}).values() if resource["Type"] == FUNCTION else ():
            event.get("Properties", {}).pop("ScalingConfig", None)
    return template


def _uploaded(s3: Any, name: str, folder: Path, prefix: str = "") -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, f"{prefix}{file.relative_to(folder)}")
    s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=packed.getvalue())
    return f"s3://{BUCKET}/{name}.zip"


def long_form(value: Any) -> Any:
    """The template with `!Ref x` as `{"Ref": x}`, which JSON can hold."""
    if isinstance(value, Call):
        name = value.name if value.name in ("Ref", "Condition") else f"Fn::{value.name}"
        argument = value.argument
        if name == "Fn::GetAtt" and isinstance(argument, str):
            argument = argument.split(".", 1)
        return {name: long_form(argument)}
    if isinstance(value, dict):
        return {key: long_form(item) for key, item in value.items()}
    return [long_form(item) for item in value] if isinstance(value, list) else value
