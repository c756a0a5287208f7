"""The AWS emulator (ministack) as a child process, on loopback only."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from local.aws import ACCOUNT, ENVIRONMENT, REGION
from local.emulator_host import CANNOT_KEEP
from local.ports import LOOPBACK, free_port

SERVICES = ("dynamodb", "kms", "s3", "secretsmanager", "sqs")
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_ATTEMPTS = 3


class EmulatorError(Exception):
    """The emulator did not come up."""


class Emulator:
    """Starts on entering, stops on leaving. All it holds is in memory and goes with it, unless it is kept.

    Args:
        folder: for its log and its temporary files.
        port: 0 takes a free one.
        services: the parts of AWS to emulate.
        state: the folder in which it keeps what it holds, and begins with what it has kept.
        lock: a descriptor that it holds for as long as it lives.

    Raises (on entering):
        EmulatorError: it does not come up, or cannot use the state; the message says why.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        services: Sequence[str] = SERVICES,
        *,
        state: Path | None = None,
        lock: int | None = None,
    ) -> None:
        self._folder = folder
        self._services = services
        self._state = state
        self._lock = lock
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
            code, said = self._process.poll(), self.log.read_text(encoding="utf-8").splitlines()
            self.stop()
            if code == CANNOT_KEEP and said:
                raise EmulatorError(said[-1])
        raise EmulatorError(f"The AWS emulator did not start; {self.log} says why.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of its process. Raises EmulatorError: it is not running."""
        if self._process is None:
            raise EmulatorError("The AWS emulator is not running.")
        return self._process.pid

    def wait(self) -> int:
        """Blocks until the emulator ends by itself, which it does only when something is wrong."""
        if self._process is None:
            raise EmulatorError("The AWS emulator is not running.")
        return self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            if self._state is not None:
                # What is to be kept was kept before each answer; this is to have it in one file.
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_STOP_SECONDS)
            self._process.kill()
            self._process.wait()
            self._process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        # What it has to say of its state is said where this process says what it has to say.
        terminal = os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2)
        with self.log.open("wb") as log, closing(os.fdopen(terminal, "wb")):
            return subprocess.Popen(
                [sys.executable, "-I", str(Path(__file__).with_name("emulator_host.py"))],
                env={**self._environment(), "DARKROOM_TERMINAL": str(terminal)},
                pass_fds=[terminal] if self._lock is None else [terminal, self._lock],
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
            **self._kept(),
        }

    def _kept(self) -> dict[str, str]:
        if self._state is None:
            return {}
        return {
            "DARKROOM_STATE": str(self._state),
            "S3_PERSIST": "1",
            # A folder that is not there: it is told the right one when the names of files are settled.
            "S3_DATA_DIR": str(self._folder / "none"),
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
