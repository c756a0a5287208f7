"""One process of a function: one event at a time, killed when it takes too long."""

import contextlib
import json
import os
import signal
import struct
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws import ENVIRONMENT
from local.launch import Launch, spawned
from local.template import Function

# Lambda gives initialising 10 s and then starts it again at the call's expense. A laptop that imports onnxruntime for
# the first time may need longer, and starting again would not help.
INIT_SECONDS = 120.0
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class Outcome:
    """What a call came to: the handler's result, or the error that Lambda makes of it. Both as JSON."""

    payload: bytes
    is_error: bool = False

    @property
    def value(self) -> Any:
        return json.loads(self.payload)

    @property
    def summary(self) -> str:
        """The error in one line."""
        error = self.value
        return " ".join(f"{error['errorType']}: {error['errorMessage']}".split())


class WorkerGone(Exception):
    """The process ended in the middle of a call."""


class Worker:
    """A process of its own, started on construction.

    Args:
        function: what to run.
        environment: its variables, all of them.
        log: gets what the function prints.
        launch: starts the process.
    """

    def __init__(self, function: Function, environment: Mapping[str, str], log: Path, launch: Launch = spawned) -> None:
        self._function = function
        self._is_ready = False
        self._ends: float | None = None
        self._used = time.monotonic()
        self._process, self._connection = launch(function, environment, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def idle_seconds(self) -> float:
        """Since it last had something to do."""
        return time.monotonic() - self._used

    def prepare(self) -> Outcome | None:
        """Waits until the handler is imported. An outcome means that it cannot be; the process is gone then."""
        if self._is_ready:
            return None
        try:
            header, payload = self._receive(time.monotonic() + INIT_SECONDS)
        except TimeoutError:
            return self._failure("Sandbox.Timedout", f"Importing the handler took more than {INIT_SECONDS:.0f} s")
        except WorkerGone:
            return self._exited()
        if not header["ok"]:
            self.kill()
            return Outcome(payload, is_error=True)
        self._is_ready = True
        self._used = time.monotonic()
        return None

    def call(self, event: bytes) -> Outcome:
        """Hands over one event and waits for what comes of it, at most as long as the function's timeout."""
        failure = self.prepare()
        if failure is not None:
            return failure
        seconds = float(self._function.timeout)
        header = {"request_id": str(uuid.uuid4()), "arn": self._function.arn, "seconds": seconds}
        deadline = time.monotonic() + seconds
        try:
            self._send(json.dumps(header).encode(), deadline)
            self._send(event, deadline)
            answer, payload = self._receive(deadline)
        except TimeoutError:
            return self._failure("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
        except WorkerGone:
            return self._exited()
        finally:
            self._used = time.monotonic()
        self._ends = deadline if answer.get("goes_on") else None
        return Outcome(payload, is_error=not answer["ok"])

    @property
    def goes_on(self) -> bool:
        """Whether it is still at work on the call that it has answered."""
        return self._ends is not None

    def come_to_rest(self) -> None:
        """Waits until it is done with what goes on, at most as long as the function's timeout; then it is killed."""
        ends, self._ends = self._ends, None
        if ends is None:
            return
        try:
            self._receive(ends)
        except (TimeoutError, WorkerGone):
            self.kill()
        finally:
            self._used = time.monotonic()

    def kill(self) -> None:
        """Ends the process and whatever it started. May be called while another thread waits in `call`."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._connection.close()

    def _exited(self) -> Outcome:
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            status = 0
        how = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return self._failure("Runtime.ExitError", f"Runtime exited with error: {how}")

    def _failure(self, type_: str, message: str) -> Outcome:
        self.kill()
        return Outcome(json.dumps({"errorMessage": message, "errorType": type_}).encode(), is_error=True)

    def _send(self, data: bytes, deadline: float) -> None:
        self._connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            self._connection.sendall(_LENGTH.pack(len(data)) + data)
        except TimeoutError:
            raise
        except OSError as error:
            raise WorkerGone from error

    def _receive(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        header: dict[str, Any] = json.loads(self._frame(deadline))
        return header, self._frame(deadline)

    def _frame(self, deadline: float) -> bytes:
        return self._exactly(_LENGTH.unpack(self._exactly(_LENGTH.size, deadline))[0], deadline)

    def _exactly(self, size: int, deadline: float) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            self._connection.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                received = self._connection.recv_into(view)
            except TimeoutError:
                raise
            except OSError as error:
                raise WorkerGone from error
            if not received:
                raise WorkerGone
            view = view[received:]
        return bytes(data)


def environment_of(function: Function, *, endpoint_url: str, overrides: Mapping[str, str]) -> dict[str, str]:
    """All the variables a function's process gets: the template's, Lambda's own, and nothing of this shell's.

    Args:
        function: whose.
        endpoint_url: the emulator's.
        overrides: local values for variables; those that the function does not declare are left out.
    """
    own = {name: overrides.get(name, value) for name, value in function.environment.items()}
    lambda_s_own = {
        "_HANDLER": function.handler,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        # Powertools traces with X-Ray unless it is told that this is not the real Lambda.
        "AWS_SAM_LOCAL": "true",
        "LAMBDA_TASK_ROOT": str(function.code),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }
    computer_s = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**computer_s, **own, **ENVIRONMENT, **lambda_s_own}
