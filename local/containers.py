"""`sam local invoke`, and the way from its container to the emulator on loopback."""

import fcntl
import json
import os
import shlex
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from local.aws import ENVIRONMENT, REGION
from local.ports import LOOPBACK

_BRIDGE = "docker0"
_SIOCGIFADDR, _SIOCGIFNETMASK = 0x8915, 0x891B

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


class Ways:
    """Ways for containers to what listens on loopback here, for as long as it is entered.

    Each has the port that it leads to, if that is free on Docker's bridge, so that it is the same after a restart.

    Args:
        bridge: this machine's address on Docker's bridge, with the bridge's network; None where there is none. Only who
            calls from that network is let in: Linux takes packets for the address from any of its networks.
    """

    def __init__(self, bridge: IPv4Interface | None) -> None:
        self._bridge = bridge
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def to(self, url: str) -> str:
        """A URL at which containers reach what answers at `url`; the same if that is not this machine's loopback."""
        parts = urlsplit(url)
        if parts.hostname not in (LOOPBACK, "localhost"):
            return url
        port = parts.port or 80
        # Without a bridge of ours Docker is inside a virtual machine (Docker Desktop, Colima), whose name for this
        # machine leads to loopback.
        if self._bridge is None:
            return f"http://{_DESKTOP_HOST}:{port}"
        try:
            forwarder = _Forwarder(self._bridge, port, port)
        except OSError:
            forwarder = _Forwarder(self._bridge, 0, port)
        self._open.enter_context(forwarder)
        threading.Thread(target=forwarder.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True).start()
        self._open.callback(forwarder.shutdown)
        return f"http://{self._bridge.ip}:{forwarder.server_address[1]}"


def docker_bridge() -> IPv4Interface | None:
    """Docker's bridge as the kernel knows it; None where there is none."""
    if not Path("/sys/class/net", _BRIDGE).exists():
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        name = struct.pack("256s", _BRIDGE.encode())
        try:
            answers = [fcntl.ioctl(asking.fileno(), question, name) for question in (_SIOCGIFADDR, _SIOCGIFNETMASK)]
        except OSError:
            return None
    address, mask = (socket.inet_ntoa(answer[20:24]) for answer in answers)
    return IPv4Interface(f"{address}/{mask}")


def sam_local_invoke(sam_cli: Path, root: Path, function: str, event: Path, env_file: Path) -> int:
    """Runs the built function in a container. What it answers goes to standard output, its logs to standard error."""
    command = [
        *(str(sam_cli), "local", "invoke", function, "-e", str(event), "--env-vars", str(env_file)),
        *("--region", REGION, "--skip-pull-image"),
    ]
    # To be pasted in this folder.
    print("$ " + shlex.join(command), file=sys.stderr, flush=True)
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


def _run(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class _Forwarder(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, bridge: IPv4Interface, port: int, leads_to: int) -> None:
        super().__init__((str(bridge.ip), port), _Connection)
        self.leads_to = leads_to
        self._network = bridge.network

    def verify_request(self, _request: object, client_address: tuple[str, int]) -> bool:
        return IPv4Address(client_address[0]) in self._network


class _Connection(socketserver.BaseRequestHandler):
    """Carries bytes both ways until either side is done."""

    server: _Forwarder

    def handle(self) -> None:
        with socket.create_connection((LOOPBACK, self.server.leads_to)) as ours:
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
