"""What `template.yaml` declares, typed: functions, routes, queues, schedules, CORS and resources."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Self

from local.aws import ACCOUNT, REGION, STACK
from local.iam.policies import Policies, PolicyError
from local.intrinsics import Scope, TemplateError, load_yaml, names_in

FUNCTION = "AWS::Serverless::Function"
# The route of every request that no other is for.
DEFAULT = "$default"
HTTP_API = "AWS::Serverless::HttpApi"
# AWSLambdaSQSQueueExecutionRole, as far as it is about queues.
_TAKING_MESSAGES = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
_RATE = re.compile(r"rate\((\d+) (second|minute|hour|day)s?\)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Function:
    logical_id: str
    name: str
    arn: str
    code: Path
    handler: str
    environment: Mapping[str, str]
    timeout: int
    memory: int
    is_image: bool = False
    # Whether it is called over HTTP at an address that is its alone, and is a server.
    has_url: bool = False
    # What its role may do, as `local.iam.enforcement` reads it. Empty: all.
    rights: str = ""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    function: str

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}".rstrip()


@dataclass(frozen=True)
class QueueSource:
    """A queue whose messages a function is called with."""

    function: str
    queue_arn: str
    batch_size: int = 10
    reports_failures: bool = False
    concurrency: int | None = None

    @property
    def queue_name(self) -> str:
        return self.queue_arn.rsplit(":", 1)[1]


@dataclass(frozen=True)
class Schedule:
    """Args: seconds: from one time to the next; None for what a calendar tells, which is never due here."""

    name: str
    function: str
    seconds: int | None
    input: str | None = None


@dataclass(frozen=True)
class Cors:
    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False


@dataclass(frozen=True)
class Resource:
    logical_id: str
    type: str
    name: str
    properties: dict[str, Any]


class Template:
    """A template with the values of its parameters.

    What refers to a resource that gets its id when it is created (a key, a queue's URL) can be read once that id is in
    `scope.ids`.
    """

    def __init__(self, root: Path, document: dict[str, Any], scope: Scope) -> None:
        self.root = root
        self.scope = scope
        self._globals: dict[str, Any] = document.get("Globals", {})

    @classmethod
    def load(cls, path: Path, *, parameters: Mapping[str, str] | None = None, api_url: str, stack: str = STACK) -> Self:
        document = load_yaml(path)
        scope = Scope(
            parameters=_parameters(document.get("Parameters", {}), parameters or {}),
            conditions=document.get("Conditions", {}),
            resources=document.get("Resources", {}),
            stack=stack,
            api_url=api_url,
        )
        return cls(path.parent.resolve(), document, scope)

    def creation_order(self) -> list[str]:
        """Logical ids of the resources in force, each after those it refers to."""
        present = {logical_id for logical_id in self.scope.resources if self.scope.exists(logical_id)}
        graph: TopologicalSorter[str] = TopologicalSorter()
        for logical_id in sorted(present):
            resource = self.scope.resources[logical_id]
            after = resource.get("DependsOn", [])
            needed = {*names_in(resource.get("Properties", {})), *([after] if isinstance(after, str) else after)}
            graph.add(logical_id, *sorted(needed & present - {logical_id}))
        return list(graph.static_order())

    def resource(self, logical_id: str) -> Resource:
        resource = self.scope.resources[logical_id]
        properties = self.scope.resolve(resource.get("Properties", {}))
        return Resource(logical_id, resource["Type"], self.scope.name(logical_id), properties)

    @cached_property
    def functions(self) -> dict[str, Function]:
        return {logical_id: self._function(logical_id) for logical_id in self._of_type(FUNCTION)}

    @cached_property
    def routes(self) -> list[Route]:
        return [_route(function, event) for function, _, kind, event in self._events() if kind == "HttpApi"]

    @cached_property
    def queue_sources(self) -> list[QueueSource]:
        return [
            QueueSource(
                function=function,
                queue_arn=event["Queue"],
                batch_size=int(event.get("BatchSize", 10)),
                reports_failures="ReportBatchItemFailures" in event.get("FunctionResponseTypes", []),
                concurrency=int(event["ScalingConfig"]["MaximumConcurrency"]) if "ScalingConfig" in event else None,
            )
            for function, _, kind, event in self._events()
            if kind == "SQS"
        ]

    @cached_property
    def schedules(self) -> list[Schedule]:
        return [
            Schedule(f"{function}{name}", function, _seconds(event["Schedule"]), event.get("Input"))
            for function, name, kind, event in self._events()
            if kind == "Schedule"
        ]

    @cached_property
    def cors(self) -> Cors | None:
        """What the HTTP API allows browsers to do; None where it says nothing about it."""
        for logical_id in self._of_type(HTTP_API):
            given = self.resource(logical_id).properties.get("CorsConfiguration")
            if given is None:
                return None
            return Cors(
                origins=tuple(given.get("AllowOrigins", ())),
                methods=tuple(given.get("AllowMethods", ())),
                headers=tuple(given.get("AllowHeaders", ())),
                expose=tuple(given.get("ExposeHeaders", ())),
                max_age=given.get("MaxAge"),
                credentials=bool(given.get("AllowCredentials", False)),
            )
        return None

    def _of_type(self, type_: str) -> list[str]:
        resources = self.scope.resources
        return [name for name, resource in resources.items() if resource["Type"] == type_ and self.scope.exists(name)]

    def _function(self, logical_id: str) -> Function:
        properties = self._merged(logical_id)
        is_image = properties.get("PackageType") == "Image"
        variables = properties.get("Environment", {}).get("Variables", {})
        return Function(
            logical_id=logical_id,
            name=self.scope.name(logical_id),
            arn=self.scope.attribute(logical_id, "Arn"),
            code=self._image_code(logical_id) if is_image else self.root / properties["CodeUri"],
            handler=properties["ImageConfig"]["Command"][0] if is_image else properties["Handler"],
            environment={name: _variable(value) for name, value in variables.items()},
            timeout=int(properties.get("Timeout", 3)),
            memory=int(properties.get("MemorySize", 128)),
            is_image=is_image,
            has_url="FunctionUrlConfig" in properties,
            rights=self._rights(logical_id),
        )

    def _rights(self, logical_id: str) -> str:
        name = self.scope.name(logical_id)
        rights = {
            "function": name,
            "user": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{name}",
            "region": REGION,
            "account": ACCOUNT,
            "statements": self._statements(logical_id),
            "partition_keys": self._partition_keys,
        }
        return json.dumps(rights)

    def _statements(self, logical_id: str) -> list[dict[str, Any]]:
        """Those of the function's policies, and of the one that SAM adds where it takes messages."""
        given = self.scope.resolve(self.scope.resources[logical_id].get("Properties", {}).get("Policies", []))
        statements = []
        for policy in given if isinstance(given, list) else [given]:
            if not isinstance(policy, dict) or "Statement" not in policy:
                raise TemplateError(f"{logical_id}: of policies, statements alone are known locally, not {policy}")
            found = policy["Statement"]
            statements += found if isinstance(found, list) else [found]
        if any(source.function == logical_id for source in self.queue_sources):
            statements.append({"Effect": "Allow", "Action": _TAKING_MESSAGES, "Resource": "*"})
        try:
            Policies(statements)
        except PolicyError as error:
            raise TemplateError(f"{logical_id}: {error}") from error
        return statements

    @cached_property
    def _partition_keys(self) -> dict[str, str]:
        """By the ARN of each table and index."""
        found = {}
        for logical_id in self._of_type("AWS::DynamoDB::Table"):
            table = self.resource(logical_id).properties
            arn = self.scope.attribute(logical_id, "Arn")
            found[arn] = _partition_key(table)
            found |= {
                f"{arn}/index/{index['IndexName']}": _partition_key(index)
                for index in table.get("GlobalSecondaryIndexes", [])
            }
        return found

    def _merged(self, logical_id: str) -> dict[str, Any]:
        """The function's properties over those in Globals, as SAM merges them: mappings by key, the rest replaced."""
        resource = self.scope.resources[logical_id]
        ignored = resource.get("IgnoreGlobals", [])
        base = {} if ignored == "*" else self._globals.get("Function", {})
        base = {key: value for key, value in base.items() if key not in ignored}
        # Read where they are needed.
        own = {key: value for key, value in resource.get("Properties", {}).items() if key not in ("Policies", "Events")}
        merged = _merge(self.scope.resolve(base), self.scope.resolve(own))
        return merged if isinstance(merged, dict) else {}

    def _image_code(self, logical_id: str) -> Path:
        metadata = self.scope.resolve(self.scope.resources[logical_id].get("Metadata", {}))
        if "Dockerfile" not in metadata:
            raise TemplateError(f"{logical_id} is an image, but its Metadata names no Dockerfile")
        dockerfile: Path = self.root / metadata.get("DockerContext", ".") / metadata["Dockerfile"]
        return dockerfile.resolve().parent

    def _events(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Function, name, kind and properties of each event source."""
        found = []
        for function in self._of_type(FUNCTION):
            events = self.scope.resources[function].get("Properties", {}).get("Events", {})
            for name, event in events.items():
                if event["Type"] not in ("HttpApi", "SQS", "Schedule"):
                    raise TemplateError(f"{function}.{name}: events of type {event['Type']} do not work locally yet")
                found.append((function, name, event["Type"], self.scope.resolve(event.get("Properties", {}))))
        return found


def _parameters(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(f"The template has no parameter {', '.join(unknown)}; it has {', '.join(declared)}")
    values = {}
    for name, parameter in declared.items():
        if name not in given and "Default" not in parameter:
            raise TemplateError(f"The parameter {name} needs a value")
        value = _variable(given.get(name, parameter.get("Default")))
        allowed = [_variable(item) for item in parameter.get("AllowedValues", [])]
        if allowed and value not in allowed:
            raise TemplateError(f"{name} cannot be {value!r}; it can be {', '.join(allowed)}")
        values[name] = value
    return values


def _partition_key(keyed: Mapping[str, Any]) -> str:
    return next(str(part["AttributeName"]) for part in keyed["KeySchema"] if part["KeyType"] == "HASH")


def _merge(base: Any, own: Any) -> Any:
    if isinstance(base, dict) and isinstance(own, dict):
        return {**base, **{key: _merge(base.get(key), value) for key, value in own.items()}}
    return own


def _route(function: str, event: Mapping[str, Any]) -> Route:
    if not {"Method", "Path"} & set(event):
        return Route(DEFAULT, "", function)
    if not {"Method", "Path"} <= set(event):
        raise TemplateError(f"{function}: a route with one of Method and Path does not work locally yet")
    return Route(str(event["Method"]).upper(), event["Path"], function)


def _seconds(expression: str) -> int | None:
    if expression.startswith("cron("):
        return None
    rate = _RATE.fullmatch(expression)
    if rate is None:
        raise TemplateError(f"Schedule {expression!r}: only rate(…) and cron(…) are known")
    return int(rate[1]) * _SECONDS[rate[2]]


def _variable(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise TemplateError(f"Expected a plain value, got {value!r}")
    return str(value).lower() if isinstance(value, bool) else str(value)
