"""`llm` of Simon Willison, as it is installed: a model in its file of OpenAI-compatible models, and a key."""

import os
import subprocess
import sys
from pathlib import Path

from local.examples import DOCUMENTS, blocks_of
from tests.conftest import ROOT
from tests.integration.users import People, User

# As docs/clients.md has it.
(SETTINGS,) = [
    block.text
    for block in blocks_of(DOCUMENTS["clients"].read_text(encoding="utf-8"))
    if block.tried_by == "tests/clients/test_llm.py"
]


def told(user: User, folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "LLM_USER_PATH": str(folder)}
    command = [sys.executable, "-m", "llm", "-m", "darkroom", "--key", user.token, "--no-log", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_llm(people: People, tmp_path: Path) -> None:
    user = people.new("llm")
    (tmp_path / "extra-openai-models.yaml").write_text(SETTINGS.replace("http://127.0.0.1:8000", user.stack.url))
    assert "Hello there" in told(user, tmp_path, "Hello there")
    assert "Hello there" in told(user, tmp_path, "Hello there", "--no-stream", "-o", "temperature", "0.2")
    assert told(user, tmp_path, "What is it?", "-a", str(ROOT / "events" / "photo.jpg")).strip()
    assert "city" in told(user, tmp_path, "A city", "--schema", "city, country")
    assert len(user.charges()) == 4
    assert sorted(user.charges()) == sorted(receipt["actual_micro_usd"] for receipt in user.receipts())
