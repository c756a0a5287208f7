"""Which stack a command is about, with which parameters: as `sam deploy` would find out from samconfig.toml."""

import argparse
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, ParamValidationError

from local import state

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef


class NoTarget(Exception):
    """The message says what is missing, and where to write it."""


@dataclass(frozen=True)
class Target:
    """Args: region: None where AWS's own settings are to tell it."""

    stack: str
    region: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


class Account:
    """AWS, in the account and region that its own settings lead to. One client per service, made on first use."""

    def __init__(self, session: boto3.Session, endpoint_url: str | None = None) -> None:
        self.session = session
        self.region: str = session.region_name
        self._endpoint_url = endpoint_url
        self._made: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._made:
            made: Any = self.session.client(service, endpoint_url=self._endpoint_url)  # type: ignore[call-overload]
            self._made[service] = made
        return self._made[service]

    def stack(self, name: str) -> "StackTypeDef | None":
        """The stack as CloudFormation describes it; None if there is none, and for what cannot be a stack's name."""
        try:
            found: list[StackTypeDef] = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ParamValidationError:
            return None
        except ClientError as error:
            # A stack that there is not is told so, and a name that it cannot have.
            if error.response.get("Error", {}).get("Code") == "ValidationError":
                return None
            raise
        return next((each for each in found if each["StackStatus"] != "DELETE_COMPLETE"), None)


def outputs_of(stack: "StackTypeDef") -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def parser(prog: str, description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=prog, description=description)
    made.add_argument("--env", default="default", help="table of samconfig.toml (default, prod)")
    made.add_argument("--stack", default="", help="name of the stack; samconfig.toml's when absent")
    made.add_argument("--parameters", default="", help="'Name=value …' in place of samconfig.toml's")
    return made


def target_of(options: argparse.Namespace, root: Path = state.ROOT) -> Target:
    """Raises NoTarget."""
    try:
        config = tomllib.loads((root / "samconfig.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise NoTarget(f"samconfig.toml cannot be read: {error}") from error
    tables = config.get(options.env)
    if not isinstance(tables, dict):
        known = ", ".join(name for name, value in config.items() if isinstance(value, dict))
        raise NoTarget(f"samconfig.toml has no [{options.env}…]; ENV can be {known}.")
    said = {**tables.get("global", {}).get("parameters", {}), **tables.get("deploy", {}).get("parameters", {})}
    stack = options.stack or said.get("stack_name")
    if not stack:
        raise NoTarget("Neither STACK= nor samconfig.toml (stack_name) names a stack.")
    return Target(stack, said.get("region"), _overrides(options.parameters or said.get("parameter_overrides", "")))


def _overrides(given: str | Sequence[str]) -> dict[str, str]:
    words = shlex.split(given) if isinstance(given, str) else given
    pairs = [word.partition("=") for word in words]
    wrong = [name for name, equals, _ in pairs if not (name and equals)]
    if wrong:
        raise NoTarget(f"Parameters are written Name=value, with blanks between them; {wrong[0]!r} is not.")
    return {name: value for name, _, value in pairs}
