"""`make token USER=…`: an API token for a user of the stack that runs here, or of a deployed one.

    python -m local.token USER [--stack NAME] [--name NAME]

Prints the token alone on standard output.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.errors import DarkroomError
from darkroom.services.accounts.tokens import Tokens
from local import state
from local.aws import Aws
from local.deployed.stack import Deployed, NoSuchStack, deployed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.token", description="Makes an API token.")
    parser.add_argument("user")
    parser.add_argument("--stack", help="a deployed stack; the one that runs here when absent")
    parser.add_argument("--name", default="make token", help="tells the token from others in GET /v1/tokens")
    parser.add_argument("--state", type=Path, default=state.STATE, help="folder of darkroom.json")
    options = parser.parse_args(arguments)
    with ExitStack() as opened:
        try:
            where = deployed(options.stack) if options.stack else _local(options.state, opened)
            tokens = Tokens(DynamoTokenStore(where.table, where.dynamodb), partial(datetime.now, UTC))
            token, plaintext = tokens.create(user=options.user, name=options.name)
        except DarkroomError as error:
            return _failed(f"{error.detail} {error.fix}".strip())
        except (NoSuchStack, state.NotRunning) as error:
            return _failed(str(error))
        except (BotoCoreError, ClientError) as error:
            return _failed(f"AWS said no: {error}")
    which = f"stack {options.stack}" if options.stack else "the stack that runs here"
    print(f"A token for {token.user} on {which}. It is shown this once; {token.id} revokes it.", file=sys.stderr)
    print(plaintext)
    return 0


def _local(folder: Path, opened: ExitStack) -> Deployed:
    running = state.read(folder)
    return Deployed(running["table"], running["url"], opened.enter_context(Aws(running["aws_endpoint_url"])).dynamodb)


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
