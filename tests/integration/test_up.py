"""`make up`, run as the Makefile runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.aws import Aws
from local.ports import free_port, listen
from local.preloaded import CAN_FORK
from local.state import ROOT
from local.template import Template
from tests.unit.local.processes import descendants, survivors


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"local.{module}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@dataclass
class Up:
    """A running `python -m local.up`."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    output: Path

    def wait_until_ready(self) -> dict[str, Any]:
        file = self.folder / "darkroom.json"
        deadline = time.monotonic() + 180
        while not file.exists():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)
        return dict(json.loads(file.read_text()))


# What the one test that looks at settings finds again; the others do not mind.
SET = {
    "IMAGE_GENERATION_MODEL": "qwen/qwen-image-3",
    "OPENROUTER_DEFAULT_MODEL": "anthropic/claude-haiku-4.5",
    "LLM_PROVIDER": "openrouter",
    "DARKROOM_MAX_COST_PER_DAY": "2.5",
    "OPENAI_API_KEY": "sk-CANARY",
}


@contextmanager
def starting(folder: Path, weights: Path) -> Iterator[Up]:
    port, output = free_port(), folder / "output"
    command = [sys.executable, "-m", "local.up", "--port", str(port), "--state", str(folder / "state")]
    command += ["--model", "u2netp"]
    with output.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--weights", str(weights)],
            cwd=ROOT,
            env={**os.environ, **SET},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Up(process, folder / "state", port, output)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def up(tmp_path: Path, weights_dir: Path) -> Iterator[Up]:
    with starting(tmp_path, weights_dir) as begun:
        yield begun


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, weights_dir: Path) -> Iterator[Up]:
    """One for the tests that look at it, in this order, the last of which stops it: a start takes seconds of a core."""
    with starting(tmp_path_factory.mktemp("ready"), weights_dir) as begun:
        begun.wait_until_ready()
        yield begun


def test_each_function_has_answered_before_it_says_that_it_is_ready(ready: Up) -> None:
    known = ready.wait_until_ready()
    logs = {log.stem: log.read_text() for log in (ready.folder / "logs").glob("*Function.log")}
    template = Template.load(ROOT / "template.yaml", parameters=known["parameters"], api_url=known["url"])
    template.scope.ids.update(known["ids"])
    # Edits are the live door's alone, which is a server of HTTP.
    functions = set(template.functions) - {"EditFunction"}
    assert set(logs) == functions
    # One process each: none is started for what was only asked to be ready.
    begun = {**dict.fromkeys(functions, 1), "LiveFunction": 0}
    assert {name: log.count("INIT_REPORT") for name, log in logs.items()} == begun
    answered = {name for name, log in logs.items() if "\nREPORT RequestId" in log}
    paid = {"GenerateFunction", "ChatFunction", "WorkerFunction"}
    assert answered >= {*paid, "RemoveBackgroundFunction", "ModelsFunction", "JobsFunction", "AccountFunction"}
    # Prices have been looked up, nothing was made, and nothing of it is left.
    assert "GET /api/v1/images/models/" in ready.output.read_text()
    assert "POST /api/v1" not in ready.output.read_text()
    headers = {"Authorization": f"Bearer {known['token']}"}
    with httpx.Client(base_url=known["url"], headers=headers, trust_env=False, timeout=30) as client:
        assert client.get("/v1/jobs").json()["data"] == []
        assert [token["name"] for token in client.get("/v1/tokens").json()["data"]] == ["make up"]
    with Aws(known["aws_endpoint_url"]) as aws:
        assert aws.s3.list_objects_v2(Bucket=known["outputs_bucket"]).get("Contents", []) == []


@pytest.mark.skipif(not CAN_FORK, reason="functions are spawned here")
def test_all_of_it_takes_at_most_700_megabytes(ready: Up) -> None:
    """Each page counted once, however many processes share it. What compiles alpha matting once is another matter."""
    running = [ready.process.pid, *descendants(ready.process.pid)]
    hosts = {pid: arguments for pid in running if "numba_cache" not in (arguments := command(pid))}
    forked = [arguments for arguments in hosts.values() if "preloaded_host.py" in arguments]
    # What they are forked from, and one of each function but the live door's and that for edits.
    assert len(forked) >= 10
    assert not [arguments for arguments in hosts.values() if "function_host.py" in arguments]
    assert sum(proportional_set_size(pid) for pid in hosts) < 700 * 2**20


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def proportional_set_size(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))) * 1024


def test_it_says_where_it_is_and_works(ready: Up) -> None:
    known = ready.wait_until_ready()
    assert known["url"] == f"http://127.0.0.1:{ready.port}"
    assert known["user"] == "local"
    assert known["openrouter_url"].startswith("http://127.0.0.1:"), "the simulator, since no key was given"
    assert known["openrouter_key"].startswith("sk-or-v1-")
    assert {"uploads_bucket", "outputs_bucket", "table", "aws_endpoint_url"} <= set(known)
    assert (ready.folder / "darkroom.json").stat().st_mode & 0o777 == 0o600
    headers = {"Authorization": f"Bearer {known['token']}"}
    assert httpx.get(f"{known['url']}/v1/jobs", headers=headers, trust_env=False, timeout=30).status_code == 200
    again = run("up", "--port", str(free_port()), "--state", str(ready.folder))
    assert again.returncode == 1
    assert f"Darkroom is running already: {known['url']}" in again.stderr
    banner = ready.output.read_text()
    assert known["token"] in banner
    assert known["sign_in_url"] in banner
    assert "-F image=@events/photo.jpg" in banner
    assert f"`provider_keys` in {ready.folder.resolve() / 'darkroom.json'}" in banner
    assert {"openai", "removebg"} <= set(known["provider_keys"])
    _has_what_was_set(httpx.get(f"{known['url']}/v1/settings", headers=headers, trust_env=False, timeout=30).json())
    assert "IMAGE_GENERATION_MODEL" in banner
    # A key of somebody's is nothing that a simulator is told.
    assert "OPENAI_API_KEY: not used beside simulators" in banner
    assert "CANARY" not in banner


def _has_what_was_set(settings: dict[str, Any]) -> None:
    found = {name: settings[name] for name, origin in settings["source"].items() if origin == "stack"}
    assert found == {
        "image_generation_model": SET["IMAGE_GENERATION_MODEL"],
        "ai_chat_model": SET["OPENROUTER_DEFAULT_MODEL"],
        "ai_provider": "openrouter",
        "max_cost_per_day": 2.5,
        "background_model": "u2netp",
    }


def test_it_stops_with_everything_it_started(ready: Up) -> None:
    started = descendants(ready.process.pid)
    assert started
    ready.process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    ready.process.send_signal(signal.SIGINT)  # impatience changes nothing
    assert ready.process.wait(timeout=60) == 0
    assert not (ready.folder / "darkroom.json").exists()
    assert survivors(started, seconds=0) == []
    listen(ready.port).close()


def test_nothing_outlives_it_when_it_is_killed(up: Up) -> None:
    up.wait_until_ready()
    started = descendants(up.process.pid)
    up.process.kill()
    up.process.wait()
    assert survivors(started) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_starts_stops_it_too(up: Up, number: signal.Signals) -> None:
    while not (up.folder / "logs" / "emulator.log").exists():
        assert up.process.poll() is None, up.output.read_text()
        time.sleep(0.01)
    started = descendants(up.process.pid)
    up.process.send_signal(number)
    assert up.process.wait(timeout=60) == 0
    # Whoever was being started at that very moment goes with its parent, not before it.
    assert survivors(started) == []


def test_a_port_in_use_is_said_at_once_with_the_way_out(tmp_path: Path) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        refused = run("up", "--port", str(port), "--state", str(tmp_path))
    assert refused.returncode == 1
    assert not (tmp_path / "logs").exists(), "nothing was started"
    assert f"Port {port} is in use" in refused.stderr
    assert f"PORT={port + 1} make up" in refused.stderr


def test_a_model_that_is_not_known_is_said(tmp_path: Path) -> None:
    refused = run("up", "--port", str(free_port()), "--state", str(tmp_path), "--model", "u3net")
    assert refused.returncode == 1
    assert "u3net" in refused.stderr
