"""Commands that write into the table of the stack that runs here, or of a deployed one."""

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from darkroom.errors import DarkroomError
from local import state
from local.aws import Aws
from local.deployed.stack import Deployed, NoSuchStack, deployed


def arguments_of(program: str, description: str) -> argparse.ArgumentParser:
    """A parser for the user that the command is for, and for the stack."""
    parser = argparse.ArgumentParser(prog=f"python -m local.{program}", description=description)
    parser.add_argument("user")
    parser.add_argument("--stack", help="a deployed stack; the one that runs here when absent")
    parser.add_argument("--state", type=Path, default=state.STATE, help="folder of darkroom.json")
    return parser


def run(options: argparse.Namespace, work: Callable[[Deployed], int]) -> int:
    """Runs `work` on the stack that the options name. Returns its exit code, or 1 after saying what failed."""
    with ExitStack() as opened:
        try:
            return work(deployed(options.stack) if options.stack else _local(options.state, opened))
        except DarkroomError as error:
            return failed(f"{error.detail} {error.fix}".strip())
        except (NoSuchStack, state.NotRunning) as error:
            return failed(str(error))
        except (BotoCoreError, ClientError) as error:
            return failed(f"AWS said no: {error}")


def failed(reason: str) -> int:
    """Says the reason on standard error. Returns the exit code."""
    print(reason, file=sys.stderr)
    return 1


def _local(folder: Path, opened: ExitStack) -> Deployed:
    running = state.read(folder)
    return Deployed(running["table"], running["url"], opened.enter_context(Aws(running["aws_endpoint_url"])).dynamodb)
