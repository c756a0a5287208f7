"""`make invite USER=…`: a one-time link that signs a browser in, on the stack that runs here or on a deployed one.

    python -m local.invite USER [--stack NAME]

Prints the link alone on standard output. On a deployed stack it is good for 15 minutes.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.services.accounts.links import LIFETIME, LOCAL_LIFETIME, Links
from local import on_stack
from local.deployed.stack import Deployed


def main(arguments: Sequence[str] | None = None) -> int:
    options = on_stack.arguments_of("invite", "Makes a one-time sign-in link.").parse_args(arguments)
    lifetime = LIFETIME if options.stack else LOCAL_LIFETIME

    def make(where: Deployed) -> int:
        if not where.url:
            return on_stack.failed(f"The stack {options.stack} has no output Url: deploy this version first.")
        links = Links(DynamoLinkStore(where.table, where.dynamodb), partial(datetime.now, UTC))
        link = links.create(options.user, origin=where.url.rstrip("/"), lifetime=lifetime)
        print(f"Signs one browser in as {options.user}, once, within {_time(lifetime)}.", file=sys.stderr)
        print(link)
        return 0

    return on_stack.run(options, make)


def _time(lifetime: timedelta) -> str:
    minutes = int(lifetime.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"


if __name__ == "__main__":
    sys.exit(main())
