"""The command line; docs/cli.md has it by example.

darkroom cut photo.jpg
darkroom make "a fox"
darkroom recipe apply shop photos/
darkroom spend
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from darkroom_cli import connection, cut, make, recipe, spend
from darkroom_cli.client import Client
from darkroom_cli.context import Context
from darkroom_cli.failures import Exit, Failure, JobFailed
from darkroom_cli.money import charged
from darkroom_cli.pending import Pending, state_folder
from darkroom_cli.progress import Progress

_EPILOG = f"""\
Darkroom is found by --url and --token, {connection.URL} and {connection.TOKEN}, or the stack that `make up` runs.

Exit codes: {Exit.FAILED:d} refused or failed, {Exit.USAGE:d} wrong usage, {Exit.UNREACHABLE:d} not reached, \
{Exit.UNDECIDED:d} not known yet (run it again), {Exit.PARTLY:d} some pictures failed,
{Exit.INTERRUPTED:d} interrupted (run it again: it goes on, and pays nothing twice).
"""


def run() -> int:
    """As a program."""
    code = main()
    if code == Exit.INTERRUPTED:
        # Python would wait for threads that hang in an upload.
        sys.stdout.flush()
        os._exit(code)
    return code


def main(
    arguments: Sequence[str] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    out: TextIO | None = None,
    err: TextIO | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """The exit code.

    Args:
        sleep: waits for a number of seconds, between two looks at a job or before a call is repeated.
    """
    options = _parser().parse_args(arguments)
    progress = Progress(err or sys.stderr, is_quiet=options.quiet)
    try:
        # An environment in a checkout belongs to that checkout's stack, from whichever folder it is called.
        folders = (Path.cwd(), Path(sys.prefix).parent)
        found = connection.find(options.url, options.token, environ=environ, folders=folders)
        progress.secret = found.token
        with Client(found, sleep=sleep) as client:
            pending = Pending(state_folder(environ), progress.note)
            code: Exit = options.run(options, Context(client, pending, progress, out or sys.stdout))
            return code
    except JobFailed as failure:
        progress.say(f"darkroom: {failure}\n{charged(failure.job.get('cost') or {})}")
        return failure.code
    except Failure as failure:
        progress.say(f"darkroom: {failure}")
        return failure.code
    except KeyboardInterrupt:
        progress.say("Interrupted. What was begun goes on; the same command fetches it, and pays nothing twice.")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has closed the pipe. Python would complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="darkroom",
        description="An AI image studio: make pictures, change them, cut them out.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"darkroom {version('darkroom')}")
    parser.add_argument("--url", help=f"of Darkroom ({connection.URL})")
    parser.add_argument("--token", help=f"better in {connection.TOKEN}, where a list of processes does not show it")
    parser.add_argument("-q", "--quiet", action="store_true", help="results, charges and errors alone")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for each in (cut, make, recipe, spend):
        each.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(run())
