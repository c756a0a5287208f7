"""A parallel run starts two stacks, however many workers and tests there are, and imports each file of tests once."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.distribution import LONGEST, WITH_CLIENTS, WITHOUT_STACK, Controller, misplaced, part_of, place_of

# Those of other packages take longer to load than the tests to run.
_PLUGINS = [
    word for name in ("schemathesis", "hypothesispytest", "cov", "socket", "anyio") for word in ("-p", f"no:{name}")
]


TESTS = {
    "conftest.py": """
        import pytest
        from tests.distribution import Controller, Worker

        def pytest_configure(config):
            if config.getoption("dist") == "loadfile":
                config.pluginmanager.register(Controller(config))
            elif config.workerinput["collects_late"]:
                config.pluginmanager.register(Worker())

        @pytest.fixture(scope="session", autouse=True)
        def session():
            yield
            with open("ends", "a") as ends:
                ends.write("session\\n")
    """,
    "test_a.py": """
        import logging, pytest

        @pytest.fixture(scope="module")
        def module():
            yield
            with open("ends", "a") as ends:
                ends.write("module\\n")

        @pytest.mark.parametrize("x", range(30))
        def test_it(x, module):
            logging.getLogger().warning("not to be told")
    """,
    "test_b.py": """
        import logging, pytest

        def test_fails():
            logging.getLogger().warning("what led to it")
            assert 1 + 1 == 3

        def test_is_left_out():
            pytest.skip("for a reason")

        @pytest.mark.xfail(reason="expected", strict=True)
        def test_expected():
            assert False

        @pytest.fixture
        def ending():
            yield
            raise ValueError("while it ends")

        def test_ends_badly(ending):
            pass

        def test_cannot_begin(missing):
            pass
    """,
    "test_c.py": "import nothing_of_this_name",
    "test_d.py": "import pytest; pytest.skip('all of it', allow_module_level=True)",
}


def test_a_file_is_collected_where_it_runs_and_all_that_happens_is_told(tmp_path: Path) -> None:
    for name, text in TESTS.items():
        (tmp_path / name).write_text(dedent(text))
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-ra", *_PLUGINS]
    ran = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert ran.returncode == 1
    for line in (
        "FAILED test_b.py::test_fails - assert (1 + 1) == 3",
        "SKIPPED [1] test_b.py:9: for a reason",
        "XFAIL test_b.py::test_expected - expected",
        "ERROR test_b.py::test_ends_badly - ValueError: while it ends",
        "ERROR test_b.py::test_cannot_begin",
        "ERROR test_c.py",
        "ModuleNotFoundError: No module named 'nothing_of_this_name'",
        "SKIPPED [1] test_d.py:1: all of it",
        "1 failed, 31 passed, 2 skipped, 1 xfailed, 3 errors",
    ):
        assert line in ran.stdout
    assert "what led to it" in ran.stdout
    assert "not to be told" not in ran.stdout
    # A module's fixtures end with it, and a session's with the worker: each of the two had some of the files.
    ends = (tmp_path / "ends").read_text().split()
    assert ends.count("module") == 1
    assert 1 <= ends.count("session") <= 2


@pytest.mark.parametrize(
    ("chosen", "is_late"),
    [
        ({}, True),
        ({"args": ["tests/unit", "tests/contract/test_ledger.py"]}, True),
        ({"args": ["tests/unit", "tests/contract/test_ledger.py::test_it[7]"]}, False),
        ({"keyword": "ledger and not law"}, False),
        ({"markexpr": "hypothesis"}, False),
    ],
)
def test_single_tests_are_looked_for_in_files_that_are_collected(chosen: dict[str, Any], is_late: bool) -> None:
    given = {"keyword": "", "markexpr": "", "args": ["tests"], **chosen}
    node = SimpleNamespace(workerinput={})
    config: Any = SimpleNamespace(option=SimpleNamespace(**given), args=given["args"])
    Controller(config).pytest_configure_node(node)
    assert node.workerinput == {"collects_late": is_late}


def test_tests_with_a_stack_are_where_others_have_it() -> None:
    items: Any = [
        SimpleNamespace(nodeid="tests/unit/test_a.py::test_it", fixturenames=("tmp_path", "stack")),
        SimpleNamespace(nodeid="tests/unit/test_a.py::test_that", fixturenames=("tmp_path",)),
        SimpleNamespace(nodeid="tests/clients/test_a.py::test_it", fixturenames=("stack",)),
        SimpleNamespace(nodeid="tests/integration/test_a.py::test_it", fixturenames=("stack",)),
        SimpleNamespace(nodeid="tests/integration/test_up.py::test_it", fixturenames=("stack",)),
    ]
    assert misplaced(items) == ["tests/integration/test_up.py::test_it", "tests/unit/test_a.py::test_it"]


def test_every_file_is_done_as_a_whole() -> None:
    file = "tests/unit/test_distribution.py"
    assert part_of(f"{file}::test_a") == part_of(f"{file}::TestB::test_c[tests/clients/x.py::y]") == file


@pytest.mark.parametrize("name", sorted(WITHOUT_STACK))
def test_what_needs_no_stack_waits_for_none(name: str) -> None:
    file = f"tests/integration/{name}"
    assert (ROOT / file).is_file()
    assert part_of(f"{file}::test_a") == file


@pytest.mark.parametrize("name", sorted(WITH_CLIENTS))
def test_the_second_stack_has_some_of_the_first_ones_files(name: str) -> None:
    file = f"tests/integration/{name}"
    assert (ROOT / file).is_file()
    assert part_of(f"{file}::test_a") == part_of("tests/clients/test_litellm.py::test_a") == "clients"


def test_what_takes_longest_begins_first() -> None:
    groups = {"integration": "tests/integration/test_chat.py", "clients": "tests/clients/test_litellm.py"}
    files = [groups.get(part, part) for part in LONGEST]
    assert all((ROOT / file).is_file() for file in files)
    places = [place_of(f"{file}::test_a") for file in (*files, "tests/unit/test_distribution.py")]
    assert places == list(range(len(LONGEST) + 1))
