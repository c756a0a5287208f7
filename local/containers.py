"""`sam local invoke`, and the way from its container to the emulator on loopback."""

import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path

from local.aws import ENVIRONMENT
from local.ports import LOOPBACK

# What Docker Desktop calls the computer it runs on. It leads to loopback without our doing.
_DESKTOP_HOST = "host.docker.internal"


def docker_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return _run(docker, "version", "--format", "{{.Server.Version}}") is not None


def sam(root: Path) -> Path | None:
    """The SAM CLI that local/setup_sam.sh installed in the repository `root`, else the one on the PATH."""
    installed = root / ".venv-sam" / "bin" / "sam"
    found = str(installed) if installed.exists() else shutil.which("sam")
    return Path(found) if found else None


def is_built(root: Path) -> bool:
    return (root / ".aws-sam" / "build" / "template.yaml").exists()


@contextmanager
def reachable_from_containers(port: int) -> Iterator[str]:
    """A URL at which containers reach the port of our loopback interface, for as long as this is entered."""
    bridge = _bridge_address()
    if bridge is None:
        yield f"http://{_DESKTOP_HOST}:{port}"
        return
    try:
        forwarder = _Forwarder((bridge, 0), port)
    except OSError:
        # The bridge is inside a virtual machine, as with Colima or Rancher Desktop.
        yield f"http://{_DESKTOP_HOST}:{port}"
        return
    with forwarder:
        threading.Thread(target=forwarder.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://{bridge}:{forwarder.server_address[1]}"
        finally:
            forwarder.shutdown()


def sam_local_invoke(
    sam_cli: Path, root: Path, function: str, event: Path, variables: Mapping[str, str], env_file: Path
) -> int:
    """Runs the built function in a container. What it answers goes to standard output, its logs to standard error."""
    env_file.write_text(json.dumps({function: dict(variables)}, indent=2), encoding="utf-8")
    command = [
        str(sam_cli), "local", "invoke", function, "-e", str(event), "--env-vars", str(env_file), "--skip-pull-image",
    ]  # fmt: skip
    print("$ " + " ".join(command), file=sys.stderr, flush=True)
    environment = {**os.environ, **ENVIRONMENT, "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout)
    # SAM exits with 0 when the function fails.
    return done.returncode or int(_is_error(done.stdout))


def _is_error(answer: str) -> bool:
    try:
        value = json.loads(answer)
    except ValueError:
        return True
    return isinstance(value, dict) and "errorType" in value


def _bridge_address() -> str | None:
    """This computer's address on Docker's default bridge; None with Docker Desktop, whose bridge is elsewhere."""
    docker = shutil.which("docker") or "docker"
    system = _run(docker, "info", "--format", "{{.OperatingSystem}}")
    if system is None or "Docker Desktop" in system:
        return None
    found = _run(docker, "network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
    for network in json.loads(found or "null") or []:
        if "Gateway" in network:
            return str(network["Gateway"])
        # A bridge that the daemon made for itself does not name it; it is the first address.
        return str(next(ip_network(network["Subnet"]).hosts()))
    return None


def _run(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class _Forwarder(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], port: int) -> None:
        super().__init__(address, _Connection)
        self.port = port


class _Connection(socketserver.BaseRequestHandler):
    """Carries bytes both ways until either side is done."""

    server: _Forwarder

    def handle(self) -> None:
        with socket.create_connection((LOOPBACK, self.server.port)) as ours:
            back = threading.Thread(target=_carry, args=(ours, self.request), daemon=True)
            back.start()
            _carry(self.request, ours)
            back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
