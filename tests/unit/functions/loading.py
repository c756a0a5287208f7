"""What a function may load before its first event, as Lambda's init phase does."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from tests.conftest import ROOT

# How many of Darkroom's modules, which stand for the time it takes: more of them are a decision.
MAX_MODULES: Final[Mapping[str, int]] = {
    "Account": 300,
    "Chat": 300,
    "Edit": 300,
    "Generate": 300,
    "Jobs": 300,
    "Models": 300,
    "OAuth": 300,
    "Webhooks": 300,
    "Worker": 300,
}
# Says what is loaded once the function's module is, with its services put together.
_SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import app
print(json.dumps(sorted(sys.modules)))
"""


def environment(**variables: str) -> dict[str, str]:
    """Of a function in Lambda, with an emulator that there is not."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "DARKROOM_TABLE": "table",
        "DARKROOM_UPLOADS_BUCKET": "uploads",
        "DARKROOM_OUTPUTS_BUCKET": "outputs",
        "DARKROOM_JOB_QUEUE": "http://127.0.0.1:1/jobs",
        "DARKROOM_RENDER_QUEUE": "http://127.0.0.1:1/renders",
        "DARKROOM_JOB_DEAD_LETTERS": "http://127.0.0.1:1/dead",
        "DARKROOM_VAULT_KEY": "key",
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        # As make has it: compiled once, and not into folders that are packed for Lambda.
        "PYTHONPYCACHEPREFIX": str(ROOT / ".local" / "pycache"),
        **variables,
    }


def run(function: str, script: str, **variables: str) -> Any:
    """What the script printed as JSON, run in a process with the function's folder as its first argument."""
    folder = ROOT / "functions" / function.lower()
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], env=environment(**variables), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def loaded(function: str) -> frozenset[str]:
    """Names of the modules that are there when the function asks for its first event."""
    return frozenset(run(function, _SCRIPT))
