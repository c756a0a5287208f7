"""The settings that docs/clients.md has for each client, run as they stand there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.examples import DOCUMENTS, blocks_of
from tests.integration.users import People

OWN = "tests/clients/test_documented_clients.py"
BLOCKS = [each for each in blocks_of(DOCUMENTS["clients"].read_text(encoding="utf-8")) if each.tried_by == OWN]
JAVASCRIPT = Path(__file__).parent / "javascript"


def test_python(people: People) -> None:
    """In one process: importing these libraries takes longer than all that is asked of them."""
    user = people.new("documented")
    blocks = [block.text for block in BLOCKS if block.language == "python"]
    given = {"URL": user.stack.url, "TOKEN": user.token, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    command = [sys.executable, "-c", "\n".join(blocks)]
    done = subprocess.run(
        command, env={**os.environ, **given}, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["True"] * 6), done.stderr[-2000:]
    assert len(blocks) == 5
    assert sorted(user.charges()) == sorted(receipt["actual_micro_usd"] for receipt in user.receipts())


@pytest.mark.skipif(
    not (JAVASCRIPT / "node_modules").is_dir(),
    reason="SKIPPED FOR WANT OF NODE.JS: the JavaScript clients are not installed; `make test` does it where npm is",
)
def test_javascript(people: People) -> None:
    user = people.new("documented")
    (block,) = [block for block in BLOCKS if block.language == "js"]
    environment = {"PATH": os.environ["PATH"], "URL": user.stack.url, "TOKEN": user.token}
    command = ["node", "--input-type=module", "--eval", block.text]
    done = subprocess.run(
        command, cwd=JAVASCRIPT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout) == (0, "true\n"), done.stderr[-2000:]
    assert len(user.charges()) == 2
