"""Which tests one worker of a parallel run does in one go: a file's, and all of those that share a running stack.

A stack is a dozen processes, and starting one takes seconds of every core: there are two, for as much work each.
"""

from pathlib import PurePosixPath

from xdist.scheduler import LoadFileScheduling

# Of `tests/integration`: those without the stack of the session.
WITHOUT_STACK = {
    "test_ledger_concurrency.py",
    "test_operator_key.py",
    "test_up.py",
    "test_up_again.py",
    "test_upstream.py",
    "test_upstream_answers.py",
    "test_upstream_table.py",
}
# Whose tests have the second stack.
_CLIENTS = {"tests/browser", "tests/clients"}
WITH_CLIENTS = {
    "test_answers_as_sent.py",
    "test_cli.py",
    "test_documents.py",
    "test_picture_kinds.py",
    "test_token_and_invoke.py",
}
# Those that take longest, by far, begin first: else one worker is still at one of them when the others have ended.
LONGEST = (
    "tests/integration/crash/test_kills.py",
    "integration",
    "clients",
    "tests/integration/crash/test_aws_faults.py",
    "tests/integration/crash/test_hung_endpoints.py",
    "tests/integration/crash/test_turn_kills.py",
    "tests/integration/crash/test_lost_answers.py",
    "tests/integration/test_up.py",
    "tests/unit/images/test_peak_memory.py",
    "tests/golden/test_rembg_agreement.py",
    "tests/deployment/test_deployment.py",
    "tests/unit/local/test_pump.py",
    "tests/integration/test_up_again.py",
    "tests/unit/functions/test_loading.py",
)


def part_of(nodeid: str) -> str:
    """The file, or one of the two groups that have a stack each."""
    file = PurePosixPath(nodeid.split("::", 1)[0])
    folder = str(file.parent)
    if folder in _CLIENTS:
        return "clients"
    if folder == "tests/integration" and file.name not in WITHOUT_STACK:
        return "clients" if file.name in WITH_CLIENTS else "integration"
    return str(file)


def place_of(nodeid: str) -> int:
    """By which the tests of a parallel run are put in order, and those of one place as they were collected."""
    part = part_of(nodeid)
    return LONGEST.index(part) if part in LONGEST else len(LONGEST)


class StackAwareScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Parts begin in the order in which each worker has put them."""

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)
