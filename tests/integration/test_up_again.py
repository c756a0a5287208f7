"""`make up` after a `kill -9` of everything in the middle of a paid job: all is there, the ledger is the invoice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.ports import free_port
from local.simulator import Simulator
from local.state import ROOT
from tests.unit.local.processes import descendants, survivors

FOX = {"prompt": "A red fox", "model": "black-forest-labs/flux.2-klein-4b", "response_format": "url"}


class Running:
    """A `make up` whose OpenRouter is a simulator that runs by itself, and the user `local` of it."""

    def __init__(self, process: subprocess.Popen[bytes], known: dict[str, Any], client: httpx.Client) -> None:
        self.process = process
        self.known = known
        self.client = client

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    @property
    def stable(self) -> dict[str, Any]:
        """What scripts may have taken down."""
        return {name: value for name, value in self.known.items() if name not in ("pid", "sign_in_url")}


@contextmanager
def up(folder: Path, weights: Path, upstream: str, *arguments: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "local.up", "--state", str(folder), "--weights", str(weights), *arguments]
    command += ["--model", "u2netp"]
    environ = {**os.environ, "PORT": "", "UPSTREAM": "openrouter", "OPENROUTER_URL": upstream}
    output = folder.with_suffix(".log")
    with output.open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        until(lambda: process.poll() is not None or _pid_in(folder) == process.pid, 180)
        assert process.poll() is None, output.read_text()
        known = json.loads((folder / "darkroom.json").read_text())
        headers = {"Authorization": f"Bearer {known['token']}"}
        with httpx.Client(base_url=known["url"], headers=headers, trust_env=False, timeout=60) as client:
            yield Running(process, known, client)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _pid_in(folder: Path) -> int | None:
    file = folder / "darkroom.json"
    return int(json.loads(file.read_text())["pid"]) if file.exists() else None


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def openrouter() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def test_all_is_there_after_everything_was_killed(openrouter: Simulator, tmp_path: Path, weights_dir: Path) -> None:
    folder = tmp_path / "local"
    folder.mkdir()
    with up(folder, weights_dir, openrouter.url, "--port", str(free_port())) as before:
        before.client.put("/v1/keys/openrouter", json={"key": openrouter.key}).raise_for_status()
        before.client.patch("/v1/settings", json={"max_cost_per_day": 0.05}).raise_for_status()
        made = before.client.post("/v1/images/generations", json=FOX).raise_for_status().json()
        picture = httpx.get(made["data"][0]["url"], trust_env=False, timeout=30).raise_for_status().content
        token = before.client.post("/v1/tokens", json={"name": "mine"}).raise_for_status().json()["token"]
        receipts, invoice = before.get("/v1/usage/receipts")["data"], openrouter.state.invoice()
        # Its answer is charged and begins; the rest takes longer than we live.
        openrouter.scenario("slow_body", seconds=300)
        begun = before.client.post("/v1/images/generations", json=FOX, headers={"Prefer": "respond-async"}).json()
        until(lambda: bool(before.get(f"/v1/jobs/{begun['id']}")["generation_id"]))
        started = descendants(before.process.pid)
        os.killpg(before.process.pid, signal.SIGKILL)
        before.process.wait()
    assert len(openrouter.state.invoice()) == len(invoice) + 1
    with up(folder, weights_dir, openrouter.url) as after:
        assert survivors(started) == []
        assert after.stable == before.stable
        assert httpx.get(made["data"][0]["url"], trust_env=False, timeout=30).content == picture
        assert httpx.get(f"{after.known['url']}/v1/jobs", headers={"X-Api-Key": token}, trust_env=False).is_success
        assert [each for each in after.get("/v1/usage/receipts")["data"] if each in receipts] == receipts
        # The wall stands: what is reserved, or was charged by now, is not there to be spent.
        (day,) = (each for each in after.get("/v1/usage")["budgets"] if each["name"] == "day")
        assert day["remaining_usd"] * 1_000_000 <= 50_000 - sum(
            charge["micro_usd"] for charge in openrouter.state.invoice()
        )
        refused = after.client.post("/v1/images/generations", json={**FOX, "n": 2})
        assert (refused.status_code, refused.json()["charged"]) == (402, False), refused.text
        # The lease of the worker that was killed is over, and the first sweep finds the job.
        until(lambda: after.get(f"/v1/jobs/{begun['id']}")["completed_at"] is not None)
        job = after.get(f"/v1/jobs/{begun['id']}")
        assert (job["status"], job["cost"]["charged"]) == ("failed", True)
        spent = [receipt["actual_micro_usd"] for receipt in after.get("/v1/usage/receipts")["data"]]
        assert sorted(spent) == sorted(charge["micro_usd"] for charge in openrouter.state.invoice())
        assert len(spent) == 2
        after.process.send_signal(signal.SIGINT)
        assert after.process.wait(timeout=60) == 0
