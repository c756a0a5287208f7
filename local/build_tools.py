"""What `make build` and `make deploy` need on this machine."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local import containers, state
from local.findings import GOOD, Finding

# The first that lints the template without a warning of how it is written, and a builder that knows python3.13.
_SAM = (1, 148)


def build_tools(missing: str, build_arguments: str = "", root: Path = state.ROOT) -> Iterator[Finding]:
    """Args: missing: the mark of what is not there; build_arguments: those that `sam build` gets."""
    docker = containers.docker_answers()
    yield Finding(
        GOOD if docker else missing,
        "Docker answers"
        if docker
        else "No Docker: `make up` and `make test` need none; `make build` does, for the image",
    )
    yield _python(missing, build_arguments)
    yield _sam(missing, root)


def _python(missing: str, build_arguments: str) -> Finding:
    if "--use-container" in build_arguments or re.search(r"(^|\s)-u(\s|$)", build_arguments):
        return Finding(GOOD, "The layer is built in a container (--use-container)")
    python = shutil.which("python3.13")
    # A shim of pyenv is there and does not run.
    if python and subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0:
        return Finding(GOOD, "python3.13 for `make build`")
    return Finding(
        missing,
        "No python3.13 on the PATH: `make build` needs it for the layer, or BUILD_ARGS=--use-container (in Docker)",
    )


def _sam(missing: str, root: Path) -> Finding:
    sam = containers.sam(root)
    if sam is None:
        return Finding(missing, "No SAM CLI: `make build` installs it in .venv-sam")
    done = subprocess.run([str(sam), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.(\d+)\.\d+", done.stdout)
    if found is None:
        return Finding(missing, f"{sam} does not say its version: remove .venv-sam, and `make build` installs it")
    if (int(found[1]), int(found[2])) < _SAM:
        return Finding(missing, f"SAM CLI {found[0]} is older than {_SAM[0]}.{_SAM[1]}: `make build` installs another")
    return Finding(GOOD, f"SAM CLI {found[0]}")
