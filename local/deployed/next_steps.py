"""`make deploy` ends with this: where the site is, how to get in, and the first call.

python -m local.deployed.next_steps [--env NAME] [--stack NAME] [--user NAME]
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.errors import DarkroomError
from darkroom.services.accounts.links import LIFETIME, Links
from local.deployed.target import Account, NoTarget, outputs_of, parser, target_of


def text(stack: str, outputs: dict[str, str], user: str, link: str | None) -> str:
    """What to do with the stack, to be read and pasted.

    Args:
        link: signs the user's browser in, once; None where none could be made.
    """
    url = outputs["Url"]
    target = outputs.get("DomainTarget")
    # A function's URL ends with a slash.
    clients = outputs.get("ClientUrl", url).rstrip("/")
    record = f"\nIf its zone is not in Route 53, point a CNAME of that name at {target}.\n" if target else ""
    return f"""
Darkroom answers at {url}
{record}
Look whether all is well (the first call of each function takes some seconds):

    curl {url}/healthz

A link that signs a browser in as {user}, once, within 15 minutes. make invite USER={user} STACK={stack} makes another:

    {link or f"make invite USER={user} STACK={stack}"}

A token for programs, and the first picture with it:

    export DARKROOM_TOKEN=$(make -s token USER={user} STACK={stack})
    curl -sSL --fail-with-body {url}/v1/images/background-removals \\
         -H "Authorization: Bearer $DARKROOM_TOKEN" -H 'Accept: image/png' -F image=@photo.jpg -o cutout.png

The base URL for programs that speak OpenAI's API, with that token as their key; docs/clients.md has them one by one:

    {clients}/v1

docs/deploy.md has updating, going back, restoring and taking down (make destroy STACK={stack})."""


def main(arguments: Sequence[str] | None = None) -> int:
    made = parser("python -m local.deployed.next_steps", "Tells what to do with a deployed stack.")
    made.add_argument("--user", default="owner", help="whom the link and the token are for")
    options = made.parse_args(arguments)
    try:
        target = target_of(options)
        account = Account(boto3.Session(region_name=target.region))
        deployed = account.stack(target.stack)
    except (NoTarget, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    outputs = outputs_of(deployed) if deployed else {}
    if not outputs.keys() >= {"Url", "Table"}:
        print(f"There is no stack {target.stack} of Darkroom's. `make deploy` makes one.", file=sys.stderr)
        return 1
    print(text(target.stack, outputs, options.user, _link(account, outputs, options.user)))
    return 0


def _link(account: Account, outputs: dict[str, str], user: str) -> str | None:
    """None where who deploys may not write to the table: the stack is deployed all the same."""
    links = Links(DynamoLinkStore(outputs["Table"], account.client("dynamodb")), partial(datetime.now, UTC))
    try:
        return links.create(user, origin=outputs["Url"].rstrip("/"), lifetime=LIFETIME)
    except (DarkroomError, BotoCoreError, ClientError):
        return None


if __name__ == "__main__":
    sys.exit(main())
