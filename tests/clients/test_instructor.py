"""`instructor`, unmodified, in an environment to itself: it pins what OpenAI's SDK of today does not take."""

import json
import os
import subprocess

import pytest

from tests.conftest import ROOT
from tests.integration.users import People

PYTHON = ROOT / ".venv-clients" / "bin" / "python"
CALLS = ROOT / "tests" / "clients" / "instructor_calls.py"


@pytest.mark.skipif(
    not PYTHON.exists(),
    reason="SKIPPED FOR WANT OF .venv-clients: instructor is not installed; `make test` does it",
)
def test_each_of_its_modes_is_one_charge(people: People) -> None:
    user = people.new("instructor")
    environment = {"PATH": os.environ["PATH"], "BASE_URL": user.stack.url, "API_KEY": user.token}
    done = subprocess.run([PYTHON, CALLS], env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {"TOOLS": True, "JSON_SCHEMA": True, "RESPONSES_TOOLS": True}
    assert len(user.charges()) == 3
    assert sorted(user.charges()) == sorted(receipt["actual_micro_usd"] for receipt in user.receipts())
