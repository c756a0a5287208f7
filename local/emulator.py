"""The AWS emulator (ministack) as a child process, on loopback only."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from local.aws import ACCOUNT, ENVIRONMENT, REGION
from local.ports import LOOPBACK, free_port

SERVICES = ("dynamodb", "kms", "s3", "sqs")
_START_SECONDS = 20.0
_ATTEMPTS = 3


class EmulatorError(Exception):
    """The emulator did not come up."""


class Emulator:
    """Starts on entering, stops on leaving. All it holds is in memory and goes with it.

    Args:
        folder: for its log and its temporary files.
        port: 0 takes a free one.
        services: the parts of AWS to emulate.
    """

    def __init__(self, folder: Path, port: int = 0, services: Sequence[str] = SERVICES) -> None:
        self._folder = folder
        self._services = services
        self._wanted_port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        return self._folder / "emulator.log"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        # A port found free can be taken by the time the emulator binds it, so another one is tried.
        for _ in range(_ATTEMPTS):
            self.port = self._wanted_port or free_port()
            self._process = self._spawn()
            if self._is_healthy(time.monotonic() + _START_SECONDS):
                return self
            self.stop()
        raise EmulatorError(f"The AWS emulator did not start; {self.log} says why.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait(self) -> int:
        """Blocks until the emulator ends by itself, which it does only when something is wrong."""
        if self._process is None:
            raise EmulatorError("The AWS emulator is not running.")
        return self._process.wait()

    def stop(self) -> None:
        # Nothing it holds is kept, so there is nothing to say goodbye for.
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None
            for left in self._folder.glob("ministack-*.pid"):
                left.unlink(missing_ok=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-I", str(Path(__file__).with_name("emulator_host.py"))],
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches every process of the terminal; when this one ends is decided here.
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        return {
            **ENVIRONMENT,
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": LOOPBACK,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "SERVICES": ",".join(self._services),
            "LOG_LEVEL": "WARNING",
            # Otherwise it listens for MQTT on every interface, which is also most of its start-up time.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # It would look for containers of its own to remove, and wait for a daemon that is slow to answer.
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        }

    def _is_healthy(self, deadline: float) -> bool:
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
            try:
                connection.request("GET", "/_ministack/health")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return True
            except OSError:
                time.sleep(0.02)
            finally:
                connection.close()
        return False
