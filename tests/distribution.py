"""Which tests one worker of a parallel run does in one go: a file's, and all of those that share a running stack.

A stack is a dozen processes, and starting one takes seconds of every core: there are two, for as much work each.

A worker imports and collects a file when it comes to that file. Were all files collected by all workers first, as xdist
does it by itself, each would spend the time and the memory of importing everything that any test needs.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
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


def misplaced(items: Iterable[pytest.Item]) -> list[str]:
    """Tests that ask for a stack outside the two groups that share one: each of their workers would start another."""
    asking = (item.nodeid for item in items if "stack" in getattr(item, "fixturenames", ()))
    return sorted(nodeid for nodeid in asking if part_of(nodeid) not in {"clients", "integration"})


class StackAwareScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Parts begin in the order in which each worker has put them."""

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)


class Controller:
    """What the process that hands out the files adds to xdist."""

    def __init__(self, config: pytest.Config) -> None:
        # A single test, or a choice of tests by their names or marks, can be found only in collected files.
        options = config.option
        self._is_late = not (options.keyword or options.markexpr or any("::" in argument for argument in config.args))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> StackAwareScheduling:
        return StackAwareScheduling(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["collects_late"] = self._is_late


class FileToCollect(pytest.File):
    """A file that is not imported yet."""

    def collect(self) -> Iterator["TestsOfFile"]:
        yield TestsOfFile.from_parent(self, name="tests")


class TestsOfFile(pytest.Item):
    """All tests of a file: the one thing that xdist knows of it."""

    def runtest(self) -> None:
        raise NotImplementedError("Its tests are run, each with a report.")

    def collected(self) -> list[pytest.Item]:
        """What the file holds now that it is imported; a file that cannot be imported is reported as a failure."""
        assert self.parent is not None
        module = pytest.Module.from_parent(self.parent.parent, path=self.path)
        items = list(self.session.genitems(module))
        self.config.hook.pytest_collection_modifyitems(session=self.session, config=self.config, items=items)
        return items

    def run(self, following: pytest.Item | None) -> None:
        """Runs each test, and leaves running what the following file shares with this one."""
        items = self.collected()
        place = self.session.items.index(self)
        try:
            for item, after in zip(items, [*items, following][1:], strict=True):
                # xdist compares the names of what it reports with this list.
                self.session.items[place] = item
                self.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
                if self.session.shouldfail or self.session.shouldstop:
                    return
        finally:
            self.session.items[place] = self


class Worker:
    """What a process that runs the files adds to xdist."""

    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> FileToCollect:
        return FileToCollect.from_parent(parent, path=module_path)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Tell the controller of a test that passed once, not five times and with all that it logged."""
        if isinstance(item, TestsOfFile):
            item.run(nextitem)
            return True
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            if report.passed and report.when != "call":
                continue
            if report.passed:
                report.sections = []
            item.ihook.pytest_runtest_logreport(report=report)
        return True
