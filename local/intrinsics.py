"""CloudFormation's YAML tags and functions, as far as the template uses them; what is not known is an error."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import yaml

from local.aws import ACCOUNT, REGION


class TemplateError(Exception):
    """The template says something that the local stack does not understand."""


@dataclass(frozen=True)
class Call:
    """`!Name argument`, not yet evaluated."""

    name: str
    argument: Any


class _Nothing:
    """What `AWS::NoValue` stands for: the property is left out."""


NOTHING = _Nothing()

# The value of Ref and of the attributes that Fn::GetAtt may ask for, per type. {id} is what creating it returned.
_REF = {
    "AWS::CloudWatch::Alarm": "{name}",
    "AWS::CloudWatch::Dashboard": "{name}",
    "AWS::DynamoDB::Table": "{name}",
    "AWS::KMS::Key": "{id}",
    "AWS::Logs::LogGroup": "{name}",
    "AWS::S3::Bucket": "{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "{id}",
    "AWS::Serverless::Function": "{name}",
    "AWS::Serverless::HttpApi": "local",
    "AWS::Serverless::LayerVersion": "arn:aws:lambda:{region}:{account}:layer:{name}:1",
}
_ATTRIBUTES = {
    ("AWS::CloudWatch::Alarm", "Arn"): "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    ("AWS::DynamoDB::Table", "Arn"): "arn:aws:dynamodb:{region}:{account}:table/{name}",
    ("AWS::KMS::Key", "Arn"): "arn:aws:kms:{region}:{account}:key/{id}",
    ("AWS::Logs::LogGroup", "Arn"): "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    ("AWS::S3::Bucket", "Arn"): "arn:aws:s3:::{name}",
    ("AWS::SQS::Queue", "Arn"): "arn:aws:sqs:{region}:{account}:{name}",
    ("AWS::SQS::Queue", "QueueName"): "{name}",
    ("AWS::SQS::Queue", "QueueUrl"): "{id}",
    ("AWS::Serverless::Function", "Arn"): "arn:aws:lambda:{region}:{account}:function:{name}",
    ("AWS::Serverless::HttpApi", "ApiEndpoint"): "{api_url}",
}
_NAME_PROPERTY = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Serverless::Function": "FunctionName",
}
_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")


# In C, which its wheels have: the template takes a tenth of the time, and it is read at each start.
_Base: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _Loader(_Base):  # type: ignore[misc]  # either has the same constructors
    pass


def _construct_tag(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Call:
    if isinstance(node, yaml.ScalarNode):
        return Call(name, loader.construct_scalar(node))
    if isinstance(node, yaml.SequenceNode):
        return Call(name, loader.construct_sequence(node, deep=True))
    if isinstance(node, yaml.MappingNode):
        return Call(name, loader.construct_mapping(node, deep=True))
    raise TemplateError(f"!{name} has an argument of an unknown kind")


_Loader.add_multi_constructor("!", _construct_tag)


def load_yaml(path: Path) -> dict[str, Any]:
    document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    if not isinstance(document, dict):
        raise TemplateError(f"{path} holds no mapping")
    return document


def as_call(value: Any) -> Call | None:
    """The function call that `value` is, in its short (`!Ref x`) or its long form (`{"Ref": x}`), if it is one."""
    if isinstance(value, Call):
        return value
    if isinstance(value, dict) and len(value) == 1:
        (key, argument) = next(iter(value.items()))
        if key == "Ref":
            return Call("Ref", argument)
        if isinstance(key, str) and key.startswith("Fn::"):
            return Call(key.removeprefix("Fn::"), argument)
    return None


def names_in(value: Any) -> Iterator[str]:
    """The parameters and resources that `value` refers to."""
    call = as_call(value)
    if call is not None:
        if call.name == "Ref":
            yield call.argument
        elif call.name == "GetAtt":
            yield _split_attribute(call.argument)[0]
        elif call.name == "Sub":
            text = call.argument if isinstance(call.argument, str) else call.argument[0]
            yield from (name.split(".")[0] for name in _PLACEHOLDER.findall(text))
        value = call.argument
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from names_in(item)


def _split_attribute(argument: Any) -> tuple[str, str]:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if len(parts) != 2:
        raise TemplateError(f"!GetAtt {argument}: expected Resource.Attribute")
    return str(parts[0]), str(parts[1])


def _id_of(stack: str) -> UUID:
    """CloudFormation makes one up for each stack; here the same stack has the same one each time."""
    return uuid5(NAMESPACE_URL, stack)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class Scope:
    """What the names in a template stand for.

    Args:
        parameters: value per parameter.
        conditions: the template's conditions, not yet evaluated.
        resources: type, properties and condition per logical id, not yet evaluated.
        stack: the stack's name.
        api_url: where the HTTP API answers.
        ids: what creating a resource returned, filled in as resources are made.
    """

    parameters: Mapping[str, str]
    conditions: Mapping[str, Any]
    resources: Mapping[str, dict[str, Any]]
    stack: str
    api_url: str
    ids: dict[str, str] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """`value` with every function call in it evaluated."""
        call = as_call(value)
        if call is not None:
            return self._call(call)
        if isinstance(value, dict):
            items = ((key, self.resolve(item)) for key, item in value.items())
            return {key: item for key, item in items if item is not NOTHING}
        if isinstance(value, list):
            return [item for item in (self.resolve(item) for item in value) if item is not NOTHING]
        return value

    def holds(self, condition: str) -> bool:
        if condition not in self.conditions:
            raise TemplateError(f"There is no condition {condition}")
        return bool(self.resolve(self.conditions[condition]))

    def exists(self, logical_id: str) -> bool:
        condition = self.resources[logical_id].get("Condition")
        return condition is None or self.holds(condition)

    def ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NOTHING,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{self.stack}/{_id_of(self.stack)}",
            "AWS::StackName": self.stack,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self._format(name, _REF.get(self._type(name)), f"!Ref {name}")

    def attribute(self, name: str, attribute: str) -> str:
        return self._format(name, _ATTRIBUTES.get((self._type(name), attribute)), f"!GetAtt {name}.{attribute}")

    def name(self, logical_id: str) -> str:
        """The physical name: the one the template gives, else one made of the stack's name and the logical id."""
        resource = self.resources[logical_id]
        given = resource.get("Properties", {}).get(_NAME_PROPERTY.get(resource["Type"], ""))
        if given is not None:
            return str(self.resolve(given))
        made_up = f"{self.stack}-{logical_id}"
        return made_up.lower() if resource["Type"] == "AWS::S3::Bucket" else made_up

    def _type(self, name: str) -> str:
        if name not in self.resources:
            raise TemplateError(f"The template has no parameter or resource {name}")
        if not self.exists(name):
            raise TemplateError(f"{name} is referred to, but its condition does not hold")
        return str(self.resources[name]["Type"])

    def _format(self, name: str, pattern: str | None, wanted: str) -> str:
        if pattern is None:
            raise TemplateError(f"{wanted}: not known for {self._type(name)}. Teach local/intrinsics.py what it is.")
        if "{id}" in pattern and name not in self.ids:
            raise TemplateError(f"{wanted}: {name} has not been created yet")
        known = {"name": self.name(name), "id": self.ids.get(name, ""), "api_url": self.api_url}
        return pattern.format(**known, region=REGION, account=ACCOUNT)

    def _call(self, call: Call) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self.ref,
            "GetAtt": lambda argument: self.attribute(*_split_attribute(argument)),
            "Sub": self._sub,
            "Join": lambda argument: argument[0].join(_text(item) for item in self.resolve(argument[1])),
            "Select": lambda argument: self.resolve(argument[1])[int(self.resolve(argument[0]))],
            "Split": lambda argument: self.resolve(argument[1]).split(argument[0]),
            "If": lambda argument: self.resolve(argument[1] if self.holds(argument[0]) else argument[2]),
            "Equals": lambda argument: _text(self.resolve(argument[0])) == _text(self.resolve(argument[1])),
            "Not": lambda argument: not self.resolve(argument[0]),
            "And": lambda argument: all(self.resolve(item) for item in argument),
            "Or": lambda argument: any(self.resolve(item) for item in argument),
            "Condition": self.holds,
        }
        if call.name not in functions:
            raise TemplateError(f"!{call.name} is not understood. Teach local/intrinsics.py what it does.")
        return functions[call.name](call.argument)

    def _sub(self, argument: Any) -> str:
        text, extra = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in extra:
                return _text(self.resolve(extra[name]))
            return _text(self.attribute(*name.split(".", 1)) if "." in name else self.ref(name))

        return _PLACEHOLDER.sub(replace, text)
