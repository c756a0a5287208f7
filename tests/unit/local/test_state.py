"""What scripts read of the running stack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import state


def test_what_is_written_is_read_by_its_owner_only(tmp_path: Path) -> None:
    state.write(tmp_path, {"token": "old", "pid": os.getpid()})
    state.write(tmp_path, {"token": "new", "pid": os.getpid()})
    assert state.read(tmp_path)["token"] == "new"
    assert state.path(tmp_path).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["darkroom.json"]


def test_without_a_stack_the_way_to_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(state.NotRunning, match="Start it with `make up`"):
        state.read(tmp_path)
    state.remove(tmp_path)


def test_what_a_killed_stack_left_behind_does_not_count(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    state.write(tmp_path, {"pid": gone.pid})
    with pytest.raises(state.NotRunning, match="without tidying up"):
        state.read(tmp_path)
