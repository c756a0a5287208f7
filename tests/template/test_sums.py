"""Limits of AWS that depend on how long parameters and names are: each is met at their longest."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from local.intrinsics import load_yaml
from local.template import Template
from tests.conftest import ROOT

DOCUMENT = load_yaml(ROOT / "template.yaml")
PARAMETERS: Mapping[str, Any] = DOCUMENT["Parameters"]
ENVIRONMENT_BYTES = 4096
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
STACKS = ("d", "Darkroom-Prod", "darkroom-dev", "x" * 128, "Ends-" + "Z" * 123)
LONGEST_REGION = "ap-southeast-2"
DOLLARS = "^[0-9]{1,5}([.][0-9]{1,6})?$"


def _longest(name: str) -> str | None:
    """The longest value that CloudFormation takes for the parameter; None where nothing bounds it."""
    parameter = PARAMETERS[name]
    if "AllowedValues" in parameter:
        return max(map(str, parameter["AllowedValues"]), key=len)
    if parameter["Type"] == "Number":
        return str(parameter["MaxValue"]) if "MaxValue" in parameter else None
    if parameter.get("AllowedPattern") == DOLLARS:
        return "99999.999999"
    return "a" * parameter["MaxLength"] if "MaxLength" in parameter else None


def _template(parameters: Mapping[str, str], stack: str = "x" * 128) -> Template:
    template = Template.load(ROOT / "template.yaml", api_url="https://a.invalid", parameters=parameters, stack=stack)
    for logical_id, resource in template.scope.resources.items():
        # As long as they get: an SQS name has 80 characters at most, and each URL and ARN the region in it.
        template.scope.ids[logical_id] = (
            f"https://sqs.{LONGEST_REGION}.amazonaws.com/123456789012/{'q' * 80}"
            if resource["Type"] == "AWS::SQS::Queue"
            else "mrk-" + "0" * 32
        )
    return template


def _in_variables(value: Any) -> set[str]:
    return set(re.findall(r"Call\(name='(?:Ref|Sub)', argument='(?:https://\$\{)?(\w+)", repr(value))) & set(PARAMETERS)


USED = _in_variables(DOCUMENT["Globals"]) | {
    name
    for resource in DOCUMENT["Resources"].values()
    for name in _in_variables(resource.get("Properties", {}).get("Environment", {}))
}


def test_every_parameter_that_functions_are_told_has_a_longest_value() -> None:
    assert len(USED) > 20
    without = [name for name in sorted(USED) if _longest(name) is None]
    # Days have no upper bound; nine figures are more than there is.
    assert without == ["OutputRetentionDays"]


def test_variables_at_their_longest_fit_into_a_function() -> None:
    """Lambda refuses more than 4 KB of variables, which CloudFormation finds out in the middle of an update."""
    given = {name: _longest(name) or "9" * 9 for name in USED}
    functions = _template(given).functions
    sizes = {name: len(json.dumps(dict(each.environment)).encode()) for name, each in functions.items()}
    # What the local names lack: other regions are longer, and a generated name ends with 13 characters more.
    slack = 4 * (len(LONGEST_REGION) - len("us-east-1")) + 13
    assert len(sizes) >= 10
    assert {name: size for name, size in sizes.items() if size + slack > ENVIRONMENT_BYTES} == {}
    assert max(sizes.values()) > 3000, "else the bounds could be wider"


@pytest.mark.parametrize("name", STACKS)
def test_buckets_have_names_that_s3_takes_however_the_stack_is_named(name: str) -> None:
    template = _template({}, name)
    names = {template.scope.name(bucket) for bucket in ("UploadsBucket", "OutputsBucket")}
    assert len(names) == 2
    assert all(BUCKET_NAME.fullmatch(name) for name in names), names


def test_a_stack_that_is_made_again_is_not_in_the_way_of_what_was_kept() -> None:
    """Two stacks of one name have two ids, and what one keeps has its id in its name."""
    for bucket in ("UploadsBucket", "OutputsBucket"):
        name = DOCUMENT["Resources"][bucket]["Properties"]["BucketName"]
        assert "AWS::StackId" in repr(name)
    own_names = ("TableName", "QueueName", "FunctionName", "TopicName", "RoleName", "BucketName")
    named = {
        resource["Type"]
        for resource in DOCUMENT["Resources"].values()
        for key in resource.get("Properties", {})
        if key in own_names or (key, resource["Type"]) == ("LogGroupName", "AWS::Logs::LogGroup")
    }
    assert named == {"AWS::S3::Bucket"}


def test_what_a_failed_first_deployment_made_goes_again_and_what_has_content_stays() -> None:
    kept = {
        logical_id: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for logical_id, resource in DOCUMENT["Resources"].items()
        if "DeletionPolicy" in resource
    }
    assert kept == dict.fromkeys(
        ("Table", "VaultKey", "UploadsBucket", "OutputsBucket"), ("RetainExceptOnCreate", "Retain")
    )


def test_buckets_of_a_stack_of_the_first_version_can_keep_their_names() -> None:
    template = _template({"BucketNaming": "stack"}, "darkroom-dev")
    assert template.scope.name("UploadsBucket") == "darkroom-dev-uploads-000000000000-us-east-1"
    policy = template.resource("PictureQueuePolicy").properties["PolicyDocument"]["Statement"][0]
    assert policy["Condition"]["ArnEquals"] == {
        "aws:SourceArn": "arn:aws:s3:::darkroom-dev-uploads-000000000000-us-east-1"
    }
