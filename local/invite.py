"""`make invite USER=…`: a one-time link that signs a browser in, on the stack that runs here or on a deployed one.

    python -m local.invite USER [--stack NAME]

Prints the link alone on standard output. On a deployed stack it is good for 15 minutes.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.errors import DarkroomError
from darkroom.services.accounts.links import LIFETIME, LOCAL_LIFETIME, Links
from local import state
from local.aws import Aws
from local.deployed.stack import Deployed, NoSuchStack, deployed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.invite", description="Makes a one-time sign-in link.")
    parser.add_argument("user")
    parser.add_argument("--stack", help="a deployed stack; the one that runs here when absent")
    parser.add_argument("--state", type=Path, default=state.STATE, help="folder of darkroom.json")
    options = parser.parse_args(arguments)
    lifetime = LIFETIME if options.stack else LOCAL_LIFETIME
    with ExitStack() as opened:
        try:
            where = deployed(options.stack) if options.stack else _local(options.state, opened)
            if not where.url:
                return _failed(f"The stack {options.stack} has no output Url: deploy this version first.")
            links = Links(DynamoLinkStore(where.table, where.dynamodb), partial(datetime.now, UTC))
            link = links.create(options.user, origin=where.url.rstrip("/"), lifetime=lifetime)
        except DarkroomError as error:
            return _failed(f"{error.detail} {error.fix}".strip())
        except (NoSuchStack, state.NotRunning) as error:
            return _failed(str(error))
        except (BotoCoreError, ClientError) as error:
            return _failed(f"AWS said no: {error}")
    print(f"Signs one browser in as {options.user}, once, within {_time(lifetime)}.", file=sys.stderr)
    print(link)
    return 0


def _local(folder: Path, opened: ExitStack) -> Deployed:
    running = state.read(folder)
    return Deployed(running["table"], running["url"], opened.enter_context(Aws(running["aws_endpoint_url"])).dynamodb)


def _time(lifetime: timedelta) -> str:
    minutes = int(lifetime.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
