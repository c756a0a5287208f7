"""`make deploy` runs this first, and `make doctor AWS=1` beside its other checks.

python -m local.deployed.preflight [--env NAME] [--stack NAME] [--parameters 'Name=value …'] [--build-arguments …]
"""

import sys
from collections.abc import Iterator, Sequence

import boto3
from botocore.exceptions import BotoCoreError

from local.build_tools import build_tools
from local.deployed.checks import Check
from local.deployed.target import Account, NoTarget, Target, parser, target_of
from local.findings import BAD, Finding, tell


def findings(target: Target) -> Iterator[Finding]:
    """What is wrong or right with the account that AWS's own settings lead to."""
    try:
        account = Account(boto3.Session(region_name=target.region))
    except BotoCoreError as error:
        yield Finding(BAD, f"{error}: set AWS_PROFILE to one that there is, or to none")
        return
    yield from Check(account, target).findings()


def main(arguments: Sequence[str] | None = None) -> int:
    made = parser("python -m local.deployed.preflight", "Looks for what would make a deployment fail.")
    made.add_argument("--build-arguments", default="", help="those of `sam build`")
    options = made.parse_args(arguments)
    try:
        target = target_of(options)
    except NoTarget as error:
        print(error, file=sys.stderr)
        return 1
    is_bad = tell(build_tools(BAD, options.build_arguments)) | tell(findings(target))
    if is_bad:
        print("\nMend what is marked BAD, then the same command again. Nothing was changed.", file=sys.stderr)
    return is_bad


if __name__ == "__main__":
    sys.exit(main())
