"""`make deploy` runs this before `sam deploy`: where SnapStart is on, what was built publishes versions of functions.

python -m local.deployed.snap_start [--env NAME] [--stack NAME] [--parameters 'Name=value …']

SnapStart takes its snapshots of published versions, and an alias leads to the newest. SAM makes both for a function
that names an alias; but it publishes when the code changes, and not when a variable does that a parameter sets: the
alias would lead to functions with yesterday's limits. So the template itself names none, and here the alias comes with
a digest of the parameters and of all that was built: whatever changes is published. Where SnapStart is off there is no
alias, and no version.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

from local import state
from local.deployed.target import Account, NoTarget, parser, target_of

ALIAS: Final = "live"
BUILT: Final = state.ROOT / ".aws-sam" / "build"
_FUNCTION: Final = "AWS::Serverless::Function"


def in_force(given: Mapping[str, str], deployed: Mapping[str, str], template: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of the stack as the deployment will leave it: the given ones, else the stack's, else defaults."""
    defaults = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()}
    return {**defaults, **{name: value for name, value in deployed.items() if name in defaults}, **given}


def published(template: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """The template with an alias and versions for each function that has snapshots."""
    changed: dict[str, Any] = json.loads(json.dumps(template))
    for resource in changed["Resources"].values():
        if resource["Type"] == _FUNCTION and "SnapStart" not in resource.get("IgnoreGlobals", ()):
            resource["Properties"] |= {
                "AutoPublishAlias": ALIAS,
                "AutoPublishCodeSha256": digest,
                # The alias leads to the newest alone.
                "VersionDeletionPolicy": "Delete",
            }
    return changed


def digest_of(built: Path, parameters: Mapping[str, str]) -> str:
    """Of what was built and of the parameters: a function that differs in anything gets another."""
    digest = hashlib.sha256(json.dumps(dict(parameters), sort_keys=True).encode())
    for path in sorted(each for each in built.rglob("*") if each.is_file()):
        digest.update(f"{path.relative_to(built)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def publish(built: Path, given: Mapping[str, str], deployed: Mapping[str, str]) -> bool:
    """Changes the template of what was built where SnapStart is on. Returns whether it is."""
    path = built / "template.yaml"
    template = yaml.safe_load(path.read_text(encoding="utf-8"))
    parameters = in_force(given, deployed, template)
    if parameters.get("SnapStart") != "on":
        return False
    changed = published(template, digest_of(built, parameters))
    path.write_text(yaml.safe_dump(changed, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser("python -m local.deployed.snap_start", "Publishes versions where SnapStart is on.").parse_args(
        arguments
    )
    try:
        target = target_of(options)
        stack = Account(boto3.Session(region_name=target.region)).stack(target.stack)
    except (NoTarget, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    parameters = stack.get("Parameters", []) if stack else []
    deployed = {each["ParameterKey"]: each["ParameterValue"] for each in parameters}
    if publish(BUILT, target.parameters, deployed):
        print("SnapStart is on: this deployment publishes a version of each function, which AWS charges for.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
