"""Processes of functions, forked from one that has imported what they share."""

import json
import logging
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import darkroom
from local.launch import PYTHON, Process, spawned
from local.template import Function

logger = logging.getLogger(__name__)

# Elsewhere the system's own libraries may have threads (macOS's do), which no fork survives.
CAN_FORK = sys.platform == "linux"
_HOST = Path(__file__).with_name("preloaded_host.py")
_NUMBER = struct.Struct(">i")
# Its linear algebra starts threads. The image function alone has it, and onnxruntime and numba on top of it.
_STARTS_THREADS = "numpy"
# Those that the live door alone has.
_LEFT_OUT = ("darkroom.http.live", "darkroom.http.live_door")
_IMPORT = re.compile(r"^(?:import|from) ([\w.]+)(?: import (\([^)]*\)|.+))?", re.MULTILINE)
# What is imported at first use, elsewhere.
_LATE = ("aws_lambda_powertools.metrics",)


def layer() -> list[str]:
    """Names of the modules that functions share."""
    root = Path(darkroom.__path__[0])
    imports = {_name(path.relative_to(root.parent)): _imports(path) for path in sorted(root.rglob("*.py"))}
    refused = {_STARTS_THREADS}
    while found := {name for name, imported in imports.items() if name not in refused and refused & imported}:
        refused |= found
    return [*(name for name in imports if name not in refused and name not in _LEFT_OUT), *_LATE]


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> set[str]:
    """What is imported with a module, as its lines without indentation say."""
    found = set()
    for name, parts in _IMPORT.findall(path.read_text(encoding="utf-8")):
        found |= {name, *(f"{name}.{part.split(' as ')[0].strip()}" for part in parts.strip("()").split(","))}
    return found


def common(environments: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The variables that all have, with one value."""
    shared = set.intersection(*(set(each.items()) for each in environments))
    return dict(sorted(shared))


class Forked:
    """A fork, as `Process`. It is another's child, which tells how it ended."""

    def __init__(self, pid: int, status: Connection) -> None:
        self.pid = pid
        self._status = status
        self._returncode: int | None = None
        self._looking = threading.Lock()

    def poll(self) -> int | None:
        with self._looking:
            if self._returncode is None and self._status.poll(0):
                try:
                    self._returncode = _NUMBER.unpack(self._status.recv_bytes())[0]
                except EOFError:
                    # Its parent was killed, and the kernel killed it, too.
                    self._returncode = -signal.SIGKILL
            return self._returncode

    def wait(self, timeout: float | None = None) -> int:
        self._status.poll(timeout)
        found = self.poll()
        if found is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return found


class Preloaded:
    """Starts the process that functions are forked from on entering, and ends it, and them, on leaving.

    Args:
        environment: its variables. A function that differs in one that was looked at while modules were imported is not
            forked, but spawned: nothing is to be as another function's variables had it.
        log: gets what it prints.
        modules: what it imports.
    """

    def __init__(self, environment: Mapping[str, str], log: Path, modules: Sequence[str]) -> None:
        self._environment = dict(environment)
        self._log = log
        self._modules = list(modules)
        self._asking = threading.Lock()
        self._is_closed = False
        # Which variables were looked at; None as long as that has not been told.
        self._read: list[str] | None = None

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        # A thread that waits for an answer hears that there will be none.
        self._process.kill()
        with self._asking:
            self._end()

    @property
    def pid(self) -> int:
        return self._process.pid

    def launch(self, function: Function, environment: Mapping[str, str], log: Path) -> tuple[Process, socket.socket]:
        """As `Launch`: a fork if that is the same as a process that imports everything by itself, else such a one."""
        forked = self._fork(function, environment, log)
        return forked or spawned(function, environment, log)

    def _fork(
        self, function: Function, environment: Mapping[str, str], log: Path
    ) -> tuple[Process, socket.socket] | None:
        with self._asking:
            if self._process.poll() is not None and not self._is_closed:
                logger.warning("What functions are forked from has ended, and is started again; see %s", self._log)
                self._end()
                self._begin()
            try:
                return self._ask(function, environment, log) if self._fits(environment) else None
            except (EOFError, ConnectionError):
                logger.warning("Functions cannot be forked; %s says why", self._log)
                return None

    def _begin(self) -> None:
        self._read = None
        self._control, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [*PYTHON, str(_HOST), str(theirs.fileno())],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        modules = json.dumps(self._modules).encode()
        self._control.sendall(_NUMBER.pack(len(modules)) + modules)

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._control.close()

    def _fits(self, environment: Mapping[str, str]) -> bool:
        if self._read is None:
            told = json.loads(self._exactly(_NUMBER.unpack(self._exactly(_NUMBER.size))[0]))
            self._read = told["read"]
            if told["threads"] > 1:
                logger.warning("Functions are not forked: what they share starts threads when it is imported")
                self._read = ["*"]
        if "*" in self._read:
            return False
        return all(environment.get(name) == self._environment.get(name) for name in self._read)

    def _ask(self, function: Function, environment: Mapping[str, str], log: Path) -> tuple[Process, socket.socket]:
        ours, theirs = socket.socketpair()
        status, told = Pipe(duplex=False)
        header: dict[str, Any] = {
            "handler": function.handler,
            "rights": function.rights,
            "cwd": os.fspath(function.code),
            "environment": dict(environment),
        }
        data = json.dumps(header).encode()
        with ExitStack() as unused:
            unused.enter_context(ours)
            with theirs, told, log.open("ab") as output:
                descriptors = [theirs.fileno(), told.fileno(), output.fileno()]
                socket.send_fds(self._control, [_NUMBER.pack(len(data))], descriptors)
                self._control.sendall(data)
                pid = _NUMBER.unpack(self._exactly(_NUMBER.size))[0]
            if pid < 0:
                raise OSError(-pid, os.strerror(-pid))
            unused.pop_all()
        return Forked(pid, status), ours

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            received = self._control.recv(size - len(data))
            if not received:
                raise EOFError
            data += received
        return bytes(data)
