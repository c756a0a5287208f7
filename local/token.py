"""`make token USER=…`: an API token for a user of the stack that runs here, or of a deployed one.

    python -m local.token USER [--stack NAME] [--name NAME]

Prints the token alone on standard output.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.services.accounts.tokens import Tokens
from local import on_stack
from local.deployed.stack import Deployed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = on_stack.arguments_of("token", "Makes an API token.")
    parser.add_argument("--name", default="make token", help="tells the token from others in GET /v1/tokens")
    options = parser.parse_args(arguments)

    def make(where: Deployed) -> int:
        tokens = Tokens(DynamoTokenStore(where.table, where.dynamodb), partial(datetime.now, UTC))
        token, plaintext = tokens.create(user=options.user, name=options.name)
        which = f"stack {options.stack}" if options.stack else "the stack that runs here"
        print(f"A token for {token.user} on {which}. It is shown this once; {token.id} revokes it.", file=sys.stderr)
        print(plaintext)
        return 0

    return on_stack.run(options, make)


if __name__ == "__main__":
    sys.exit(main())
