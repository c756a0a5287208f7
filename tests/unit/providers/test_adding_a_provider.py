"""The example in docs/providers.md, held by the contract suite: one file and its simulator are enough."""

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

_FILE = re.compile(r"`(?:layers/shared/)?((?:darkroom|local)/providers/acme\.py)`.*?```python\n(.*?)```", re.DOTALL)
_PLUGIN = """
import darkroom.providers
import local.providers

darkroom.providers.__path__.append({folder!r} + "/darkroom/providers")
local.providers.__path__.append({folder!r} + "/local/providers")
"""


def test_the_contract_suite_finds_a_new_provider_without_an_edit(tmp_path: Path) -> None:
    files = dict(_FILE.findall((ROOT / "docs" / "providers.md").read_text()))
    assert set(files) == {"darkroom/providers/acme.py", "local/providers/acme.py"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "with_acme.py").write_text(_PLUGIN.format(folder=str(tmp_path)))
    done = _suite(tmp_path)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b(?:1[5-9]|[2-9]\d) passed", done.stdout), done.stdout
    # Without its simulator it fails, and says what to write.
    (tmp_path / "local/providers/acme.py").unlink()
    done = _suite(tmp_path)
    assert done.returncode != 0
    assert "write local/providers/acme.py" in done.stdout


def _suite(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "--no-cov", "-q", "-p", "with_acme", "-p", "no:cacheprovider"]
    path = f"{folder}:{ROOT}"
    return subprocess.run(
        [*command, "-k", "acme", "tests/contract/test_provider.py"],
        cwd=ROOT,
        env={
            "PYTHONPATH": path,
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONPYCACHEPREFIX": str(ROOT / ".local" / "pycache"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
