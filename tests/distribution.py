"""Which tests one worker of a parallel run does in one go: a file's, and all of those that share a running stack.

A stack is a dozen processes, and starting one takes seconds of every core.
"""

from pathlib import PurePosixPath

from xdist.scheduler import LoadFileScheduling

# Of `tests/integration`: those without the stack of the session.
WITHOUT_STACK = {"test_ledger_concurrency.py", "test_upstream.py", "test_upstream_table.py", "test_up_again.py"}
_CLIENTS = {"tests/browser", "tests/clients"}


def part_of(nodeid: str) -> str:
    """The file, or one of the two groups that have a stack each."""
    file = PurePosixPath(nodeid.split("::", 1)[0])
    folder = str(file.parent)
    if folder in _CLIENTS:
        return "clients"
    if folder == "tests/integration" and file.name not in WITHOUT_STACK:
        return "integration"
    return str(file)


class StackAwareScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Parts begin in the order in which they were collected: those that wait long come first."""

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)
