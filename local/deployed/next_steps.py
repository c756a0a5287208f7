"""`make deploy` ends with this: where the site is, how to get in, and the first call.

python -m local.deployed.next_steps [--env NAME] [--stack NAME]
"""

import sys
from collections.abc import Sequence

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.deployed.target import Account, NoTarget, outputs_of, parser, target_of


def text(stack: str, outputs: dict[str, str]) -> str:
    """What to do with the stack, to be read and pasted. Raises KeyError if it is not Darkroom's."""
    url = outputs["Url"]
    target = outputs.get("DomainTarget")
    record = f"\nIf its zone is not in Route 53, point a CNAME of that name at {target}.\n" if target else ""
    return f"""
Darkroom answers at {url}
{record}
Look whether all is well (the first call of each function takes some seconds):

    curl {url}/healthz

A link that signs a browser in, once, within 15 minutes:

    make invite USER=alice STACK={stack}

A token for programs, and the first picture with it:

    export DARKROOM_TOKEN=$(make -s token USER=alice STACK={stack})
    curl -H "Authorization: Bearer $DARKROOM_TOKEN" -F image=@photo.jpg -o cutout.png \\
         {url}/v1/images/background-removals

docs/deploy.md has updating, going back, restoring and taking down (make destroy STACK={stack})."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser("python -m local.deployed.next_steps", "Tells what to do with a deployed stack.").parse_args(
        arguments
    )
    try:
        target = target_of(options)
        deployed = Account(boto3.Session(region_name=target.region)).stack(target.stack)
    except (NoTarget, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    if deployed is None or "Url" not in outputs_of(deployed):
        print(f"There is no stack {target.stack} of Darkroom's. `make deploy` makes one.", file=sys.stderr)
        return 1
    print(text(target.stack, outputs_of(deployed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
