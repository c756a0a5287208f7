"""Alpha matting is compiled beside a stack, is told of, and ends with it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.adapters.test_numba_cache import Compiling
from tests.unit.local.processes import descendants, survivors

STACK = """
import logging, sys
from pathlib import Path
from local.matting import Compilation

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
with Compilation(Path(sys.argv[1]), Path(sys.argv[2])):
    print("ready", flush=True)
    sys.stdin.readline()
print("stopped", flush=True)
"""


@pytest.fixture
def compiling(tmp_path: Path) -> Compiling:
    return Compiling(tmp_path)


@pytest.fixture
def program(compiling: Compiling, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that compiles while it runs, until a line comes."""
    process = subprocess.Popen(
        [sys.executable, "-c", STACK, str(compiling.cache), str(tmp_path / "matting.log")],
        env={**os.environ, "PYTHONPATH": str(compiling.packages)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def wait_until_begun(compiling: Compiling, program: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not compiling.times:
        assert program.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_it_is_told_when_it_begins_and_when_it_is_done(compiling: Compiling, program: subprocess.Popen[str]) -> None:
    assert line(program).startswith("Compiling alpha matting in the background")
    assert line(program) == "ready", "it does not wait"
    compiling.go()
    assert line(program).startswith("Alpha matting is compiled (")
    assert compiling.is_compiled
    assert program.communicate("\n", timeout=60)[0] == "stopped\n"


def test_it_ends_with_the_stack_and_says_nothing_more(compiling: Compiling, program: subprocess.Popen[str]) -> None:
    assert [line(program) for _ in range(2)][1] == "ready"
    (child,) = descendants(program.pid)
    assert program.communicate("\n", timeout=60)[0] == "stopped\n"
    assert survivors([child], seconds=0) == []
    assert not compiling.is_compiled


def test_it_gives_way_to_others_and_does_not_outlive_a_stack_that_is_killed(
    compiling: Compiling, program: subprocess.Popen[str]
) -> None:
    wait_until_begun(compiling, program)
    (child,) = descendants(program.pid)
    assert os.getpriority(os.PRIO_PROCESS, child) >= 10
    program.kill()
    program.wait()
    assert survivors([child]) == []


def test_what_is_compiled_is_not_compiled_again(compiling: Compiling, program: subprocess.Popen[str]) -> None:
    compiling.go()
    assert [line(program) for _ in range(3)][2].startswith("Alpha matting is compiled (")
    program.communicate("\n", timeout=60)
    again = subprocess.run(
        [sys.executable, "-c", STACK, str(compiling.cache), os.devnull],
        env={**os.environ, "PYTHONPATH": str(compiling.packages)},
        input="\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert (again.stdout, compiling.times) == ("ready\nstopped\n", 1)


def test_a_failure_is_told_with_the_place_of_the_reason(
    compiling: Compiling, program: subprocess.Popen[str], tmp_path: Path
) -> None:
    wait_until_begun(compiling, program)
    for child in descendants(program.pid):
        os.kill(child, 15)
    told = [line(program) for _ in range(3)]
    assert told[2] == f"Alpha matting could not be compiled; {tmp_path / 'matting.log'} says why."
