"""What `make up` does not accept, it says before it starts anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.ports import listen
from local.state import ROOT


def up(tmp_path: Path, *arguments: str, allow: str = "") -> subprocess.CompletedProcess[str]:
    with listen(0) as taken:
        # So that it ends at once, too, when it accepts what it was given.
        port = str(taken.getsockname()[1])
        return subprocess.run(
            [sys.executable, "-m", "local.up", "--port", port, "--state", str(tmp_path), *arguments],
            cwd=ROOT,
            env={**os.environ, "ALLOW": allow},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "10.0.0.1:80", "localhost:80", ":80"],
)
def test_only_ports_of_this_machine_can_be_allowed(tmp_path: Path, endpoint: str) -> None:
    refused = up(tmp_path, "--allow", f"127.0.0.1:9000,{endpoint}")
    assert refused.returncode == 2
    assert f"ALLOW has {endpoint!r}, which is not 127.0.0.1 with a port" in refused.stderr


def test_allow_is_also_a_variable(tmp_path: Path) -> None:
    assert "ALLOW has 'example.com:80'" in up(tmp_path, allow="example.com:80").stderr


@pytest.mark.parametrize("allow", ["", "127.0.0.1:9000", " 127.0.0.1:9000, 127.0.0.1:9001 ,"])
def test_what_can_be_allowed_is_accepted(tmp_path: Path, allow: str) -> None:
    refused = up(tmp_path, allow=allow)
    assert (refused.returncode, "is in use" in refused.stderr) == (1, True)
