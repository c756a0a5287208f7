"""The process that functions are forked from. A script: started by `local/preloaded.py`.

    python -I -u preloaded_host.py SOCKET

Over the socket comes the list of modules to import; what importing them read of the environment goes back. Then each
request for a function, a header as JSON with three descriptors beside it (the function's socket, what is told its exit
status, and its log), is answered by the process id of a fork that is the function's process from there on. It has one
thread, or refuses to fork: what other threads hold at that moment would stay held in the fork forever.
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_NUMBER = struct.Struct(">i")
_DESCRIPTORS = 3
_PR_SET_PDEATHSIG = 1
# AWS's services that functions use, and what botocore reads of each.
_SERVICES = ("dynamodb", "kms", "s3", "sqs")
_DESCRIPTIONS = ("service-2", "endpoint-rule-set-1")
_OF_ALL_SERVICES = ("endpoints", "partitions", "sdk-default-configuration", "_retry")


@dataclass(frozen=True)
class Asked:
    """One function's process, as asked for.

    Attributes:
        connection, status, output: descriptors.
        header: handler, working directory and environment.
    """

    connection: int
    status: int
    output: int
    header: dict[str, Any]


class Recorded(type(os.environ)):  # type: ignore[misc]
    """`os.environ` that keeps in mind which variables were looked at."""

    def __getitem__(self, name: str) -> str:
        _READ.add(name)
        return str(super().__getitem__(name))

    def __iter__(self) -> Iterator[str]:
        # A module that lists them depends on all, those that are missing included.
        _READ.add("*")
        return iter(super().__iter__())


_READ: set[str] = set()


@contextmanager
def recording() -> Iterator[None]:
    plain = os.environ.__class__
    os.environ.__class__ = Recorded
    try:
        yield
    finally:
        os.environ.__class__ = plain


def preload(modules: list[str]) -> None:
    for module in modules:
        importlib.import_module(module)
    if "botocore" in sys.modules:
        _read_descriptions()
    # The garbage collector would write to every page that holds an object, and so have each fork copy it.
    gc.collect()
    gc.freeze()


def _read_descriptions() -> None:
    """Parses what botocore knows of the services once, for all forks: half of the time that making a client takes."""
    from botocore import loaders

    parsed: dict[str, Any] = {}

    class Kept(loaders.JSONFileLoader):
        def load_file(self, file_path: str) -> Any:
            if file_path not in parsed:
                parsed[file_path] = super().load_file(file_path)
            return parsed[file_path]

    loaders.Loader.FILE_LOADER_CLASS = Kept
    loader = loaders.create_loader()
    for service in _SERVICES:
        for description in _DESCRIPTIONS:
            loader.load_service_model(service, description)
    for name in _OF_ALL_SERVICES:
        loader.load_data_with_path(name)


class Forks:
    """Forks on request, and tells how each fork ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._statuses: dict[int, int] = {}
        self._ended, wake = os.pipe()
        for end in (self._ended, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def next_function(self) -> Asked:
        """Returns in each fork, and never in this process."""
        parent = os.getpid()
        while True:
            control = self._control.fileno()
            ready, _, _ = select.select([control, self._ended], [], [])
            if self._ended in ready:
                os.read(self._ended, 4096)
                self._collect()
            if control not in ready:
                continue
            asked = self._receive()
            try:
                pid = os.fork()
            except OSError as error:
                self._answer(asked, -(error.errno or 1))
                os.close(asked.status)
                continue
            if pid == 0:
                _die_with(parent)
                return asked
            # Both do this, for either may run before the other.
            os.setpgid(pid, pid)
            self._statuses[pid] = asked.status
            self._answer(asked, pid)

    def _answer(self, asked: Asked, pid: int) -> None:
        for descriptor in (asked.connection, asked.output):
            os.close(descriptor)
        self._control.sendall(_NUMBER.pack(pid))

    def _collect(self) -> None:
        while self._statuses:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            descriptor = self._statuses.pop(pid)
            with suppress(BrokenPipeError), Connection(descriptor, readable=False) as told:
                told.send_bytes(_NUMBER.pack(os.waitstatus_to_exitcode(status)))

    def _receive(self) -> Asked:
        data, descriptors, _, _ = socket.recv_fds(self._control, _NUMBER.size, _DESCRIPTORS)
        if not data:
            # Our parent has ended. Functions notice by themselves, and this ends them if they do not.
            os._exit(0)
        header = json.loads(exactly(self._control, _NUMBER.unpack(data)[0]))
        connection, status, output = descriptors
        return Asked(connection, status, output, header)


def _die_with(parent: int) -> None:
    os.setpgid(0, 0)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def become(asked: Asked) -> None:
    """Makes of the fork what starting a process makes: nothing of the others' is left but what is imported."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for standard in (1, 2):
        os.dup2(asked.output, standard)
    for descriptor in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor != asked.connection:
            # The list's own is closed already.
            with suppress(OSError):
                os.close(descriptor)
    # Python sets it where the system lacks the language of LANG.
    coerced = {name: os.environ[name] for name in ("LC_CTYPE",) if name in os.environ}
    os.environ.clear()
    os.environ.update({**coerced, **asked.header["environment"]})
    time.tzset()
    os.chdir(asked.header["cwd"])


def exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        received = connection.recv(size - len(data))
        if not received:
            os._exit(0)
        data += received
    return bytes(data)


def main(descriptor: int) -> None:
    # Ours alone is found there, and only until it is imported: `local` has modules named as the standard library's.
    root = str(Path(__file__).resolve().parent.parent)
    sys.path.insert(0, root)
    from local import function_host
    from local.iam import enforcement  # noqa: F401 -- each fork will want it

    sys.path.remove(root)
    control = socket.socket(fileno=descriptor)
    modules = json.loads(exactly(control, _NUMBER.unpack(exactly(control, _NUMBER.size))[0]))
    with recording():
        preload(modules)
    told = json.dumps({"read": sorted(_READ), "threads": threads()}).encode()
    control.sendall(_NUMBER.pack(len(told)) + told)
    asked = Forks(control).next_function()
    control.detach()
    become(asked)
    function_host.main(asked.connection, asked.header["handler"], asked.header["rights"])


def threads() -> int:
    """How many this process has, those that Python knows nothing of included."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


if __name__ == "__main__":
    main(int(sys.argv[1]))
