"""A function's init phase: what it loads, and what it leaves behind."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from tests.conftest import ROOT

# How many of Darkroom's modules a function may load before its first event. They stand for the time that takes, which
# benchmarks/cold_start.py measures; more of them are a decision.
MAX_MODULES: Final[Mapping[str, int]] = {
    "Account": 128,
    "Chat": 279,
    "Edit": 224,
    "Generate": 197,
    "Jobs": 157,
    "Models": 159,
    "OAuth": 132,
    "Studio": 90,
    "Webhooks": 113,
    "Worker": 124,
}
# Of the chat function where it carries out itself what is waited for.
MAX_MODULES_IN_PLACE: Final = 333

# `snapshot_restore_py` is in Lambda's runtime. Its hooks are called before a snapshot is taken, and after a process
# goes on from it. A fork is such a process: it has all that its parent had.
SCRIPT: Final = """
import gc, json, os, random, secrets, sys, threading, time
from datetime import UTC, datetime, timedelta
from types import ModuleType

before, after, runtime = [], [], ModuleType("snapshot_restore_py")
runtime.register_before_snapshot = lambda hook, *a, **k: before.append(lambda: hook(*a, **k))
runtime.register_after_restore = lambda hook, *a, **k: after.append(lambda: hook(*a, **k))
sys.modules["snapshot_restore_py"] = runtime

sys.path.insert(0, sys.argv[1])
from darkroom.adapters.clients import session
made = []
session().register("creating-client-class", lambda **facts: made.append(facts["event_name"]))
import app
modules = sorted(sys.modules)
from ulid import ULID

def reachable(*roots):
    seen, waiting = set(), list(roots)
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, ModuleType):
            continue
        seen.add(id(each))
        name = each.get("__name__") if isinstance(each, dict) else None
        if isinstance(name, str) and "__spec__" in each and not name.startswith(("darkroom", "app")):
            continue
        yield each
        waiting += gc.get_referents(each)

def is_now(each):
    if isinstance(each, datetime):
        return abs(each.timestamp() - time.time()) < 3600
    return type(each) is float and abs(each - time.time()) < 3600

def restored():
    reading, writing = os.pipe()
    if os.fork() == 0:
        for hook in after:
            hook()
        said = [random.random(), str(ULID()), secrets.token_hex(16)]
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.wait()
    return json.loads(os.read(reading, 1000))

def files():
    for fd in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            pass  # the one that the folder itself was read by

for hook in before:
    hook()
credentials = session().get_credentials()
expiry = credentials._expiry_time
print(json.dumps({
    "modules": modules,
    "clients": made,
    "sockets": [file for file in files() if file.startswith("socket:")],
    "threads": threading.active_count(),
    "garbage": [gc.isenabled(), gc.get_freeze_count() > 0],
    "times": [repr(each) for each in reachable(app.lambda_handler) if each is not expiry and is_now(each)],
    "restored": [restored(), restored()],
    "key": credentials.get_frozen_credentials().access_key,
}))
"""


def begin(function: str, credentials_url: str, **variables: str) -> dict[str, Any]:
    """Puts a function together as Lambda does where there are snapshots, in a process of its own.

    Args:
        credentials_url: gives its credentials, which expire.
        variables: of its environment, beside those that each has.

    Returns:
        The names of its modules, its clients, and what is left: sockets, threads, times, what two processes chose that
        went on from it, and the key that its next call is signed with.
    """
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials_url,
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
    folder = ROOT / "functions" / function.lower()
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(folder)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
