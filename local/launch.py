"""How the process of a function begins: as a Python started for it, or as a fork of one with everything imported."""

import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from local.state import ROOT
from local.template import Function

# Isolated from this shell's PYTHON… variables; what it prints is in the log at once. Modules are compiled once for all
# processes: each of them would spend half of its start on that.
PYTHON = [
    *(sys.executable, "-I", "-u"),
    *("-X", f"pycache_prefix={sys.pycache_prefix or ROOT / '.local' / 'pycache'}"),
]
_HOST = Path(__file__).with_name("function_host.py")


class Process(Protocol):
    """What `subprocess.Popen` is, as far as it is needed. It leads a process group."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


Launch = Callable[[Function, Mapping[str, str], Path], tuple[Process, socket.socket]]
"""Takes what to run, all its variables, and the file that gets what it prints; returns its socket, too.

Raises:
    OSError: the system has no room for another process.
"""


def spawned(function: Function, environment: Mapping[str, str], log: Path) -> tuple[Process, socket.socket]:
    """A process that imports all it needs by itself."""
    ours, theirs = socket.socketpair()
    with theirs, log.open("ab") as output:
        process = subprocess.Popen(
            [*PYTHON, str(_HOST), str(theirs.fileno()), function.handler, function.rights],
            cwd=function.code,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[theirs.fileno()],
            # Ctrl-C reaches every process of the terminal; when this one ends is decided here.
            start_new_session=True,
        )
    return process, ours
