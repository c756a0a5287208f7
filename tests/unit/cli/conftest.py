"""The command line in an empty folder, at a server of these tests."""

import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from darkroom_cli.main import main
from tests.unit.cli import studio as servers
from tests.unit.cli.studio import TOKEN, Studio


@dataclass
class Shell:
    """Runs `darkroom` in a folder; `environ` is all of its environment."""

    folder: Path
    environ: dict[str, str]
    out: str = ""
    err: str = ""

    def run(self, *words: str) -> int:
        out, err = io.StringIO(), io.StringIO()
        code = main(words, environ=self.environ, out=out, err=err, sleep=lambda seconds: time.sleep(min(seconds, 0.01)))
        self.out, self.err = out.getvalue(), err.getvalue()
        assert TOKEN not in self.out + self.err
        return code

    def write(self, name: str, data: bytes = b"a picture") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    @property
    def pending(self) -> list[Path]:
        return sorted((self.folder / "state").rglob("*.json"))


@pytest.fixture
def studio() -> Iterator[Studio]:
    with servers.running() as studio:
        yield studio


@pytest.fixture
def shell(tmp_path: Path, studio: Studio) -> Iterator[Shell]:
    before = Path.cwd()
    os.chdir(tmp_path)
    environ = {"DARKROOM_URL": studio.url, "DARKROOM_TOKEN": TOKEN, "XDG_STATE_HOME": str(tmp_path / "state")}
    yield Shell(tmp_path, environ)
    os.chdir(before)
