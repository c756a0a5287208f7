"""The folder of what is kept, and `make reset`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.journal import LAYOUT
from local.kept import CannotKeep, Kept, kept_in
from local.reset import main as reset
from local.state import ROOT
from local.up import only_one


def test_what_was_set_is_there_the_next_time(tmp_path: Path) -> None:
    Kept(tmp_path / "state").set(token="dk_1", port=8001)
    kept = Kept(tmp_path / "state")
    kept.set(port=8002)
    assert [Kept(tmp_path / "state").get(name) for name in ("token", "port", "other")] == ["dk_1", 8002, None]
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "state").iterdir()} == {0}


def test_a_change_that_was_not_written_to_its_end_is_none(tmp_path: Path) -> None:
    Kept(tmp_path).set(token="dk_1")
    (tmp_path / "settings.tmp").write_text('{"layout": 1, "tok')
    assert Kept(tmp_path).get("token") == "dk_1"


@pytest.mark.parametrize("layout", [LAYOUT + 1, 0, None])
def test_another_layout_is_told_and_nothing_is_changed(tmp_path: Path, layout: int | None) -> None:
    text = json.dumps({"layout": layout, "token": "dk_1"})
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(CannotKeep, match=rf"another version of Darkroom \(layout {layout}; this one reads {LAYOUT}\)"):
        Kept(tmp_path)
    assert (tmp_path / "settings.json").read_text() == text


def test_damaged_settings_are_told(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"layout": 1')
    with pytest.raises(CannotKeep, match=r"settings.json is damaged.*make reset"):
        Kept(tmp_path)


def test_a_folder_that_is_not_darkroom_s_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dynamodb.json").write_text("{}")
    with pytest.raises(CannotKeep, match=r"has dynamodb\.json, and settings\.json is not there"):
        Kept(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(CannotKeep, match="cannot be used"):
        Kept(tmp_path / "state")


def test_it_has_one_user_at_a_time(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with kept.locked(), pytest.raises(CannotKeep, match="Another process uses"), Kept(tmp_path).locked(seconds=0):
        pass
    with kept.locked():
        pass


def test_a_file_that_was_removed_is_told(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    (tmp_path / "aws.sqlite3").touch()
    kept.check_has("aws.sqlite3")
    (tmp_path / "aws.sqlite3").unlink()
    with pytest.raises(CannotKeep, match=r"aws\.sqlite3 is not there any more.*make reset"):
        kept.check_has("aws.sqlite3")


def _filled(tmp_path: Path) -> Path:
    Kept(kept_in(tmp_path) / "simulated").set(token="dk_1")
    Kept(kept_in(tmp_path) / "openrouter").set(token="dk_2")
    return kept_in(tmp_path)


def test_all_is_forgotten_without_asking_when_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _filled(tmp_path)
    assert reset(["--yes", "--state", str(tmp_path)]) == 0
    assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["up.lock"]
    assert reset(["--yes", "--state", str(tmp_path)]) == 0
    assert "Nothing is kept" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "y\n", "\n"])
def test_without_a_terminal_nothing_is_forgotten(tmp_path: Path, answer: str) -> None:
    folder = _filled(tmp_path)
    command = [sys.executable, "-m", "local.reset", "--state", str(tmp_path)]
    asked = subprocess.run(command, cwd=ROOT, input=answer, capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == 1
    assert "make reset YES=1" in asked.stderr
    assert "simulated: " in asked.stdout
    assert Kept(folder / "simulated").get("token") == "dk_1"


def test_nothing_is_forgotten_under_a_running_stack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _filled(tmp_path)
    with only_one(tmp_path):
        assert reset(["--yes", "--state", str(tmp_path)]) == 1
    assert "Stop it first" in capsys.readouterr().err
    assert Kept(folder / "openrouter").get("token") == "dk_2"


def test_forgetting_that_was_interrupted_is_ended_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "state.forgotten" / "simulated").mkdir(parents=True)
    _filled(tmp_path)
    assert reset(["--yes", "--state", str(tmp_path)]) == 0
    assert not (tmp_path / "state.forgotten").exists()
