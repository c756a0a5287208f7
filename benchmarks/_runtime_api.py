"""Lambda's Runtime API on loopback, for a few events, and what a process takes until it asks for one and answers."""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from local.extensions_api import ROOT as EXTENSIONS

_VERSION = "/2018-06-01/runtime"
_SECONDS = 1200.0
# Counts the instructions of a process and all its threads, at some twenty times what they take.
_COUNTING: Final = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


@dataclass(frozen=True, slots=True)
class Start:
    """Processor seconds of a process until it asked for its first event, and until it had answered each.

    Attributes:
        wall: seconds until it asked, as a clock tells them.
        answers: to the events, in their order.
        log: what it wrote to its standard error.
    """

    init: float
    answered: tuple[float, ...]
    wall: float
    answers: tuple[Any, ...]
    log: str


class _Server(ThreadingHTTPServer):
    """Asks for the next event wait until `go_on` is set."""

    daemon_threads = True

    def __init__(self, events: Sequence[Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events = [json.dumps(event).encode() for event in events]
        self.answers: list[Any] = []
        self.stopped = threading.Event()
        self.asked, self.answered, self.go_on = (threading.Semaphore(0) for _ in range(3))

    def handle_error(self, *_: Any) -> None:
        """A process is ended while it waits for another event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        if self.path.startswith(EXTENSIONS):
            # An extension goes on with nothing here, so it need not be told of a call.
            self.server.stopped.wait(_SECONDS)
            return
        self.server.asked.release()
        self.server.go_on.acquire(timeout=_SECONDS)
        number = len(self.server.answers)
        if number == len(self.server.events):
            self.server.stopped.wait(_SECONDS)
            return
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", f"00000000-0000-0000-0000-{number:012}")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + _SECONDS) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:f")
        # The client reads what type the event is without looking whether that was said.
        self.send_header("Content-Type", "application/json")
        self._send(self.server.events[number])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.startswith(EXTENSIONS):
            self.send_response(200)
            self.send_header("Lambda-Extension-Identifier", "extension")
            self._send(b"{}")
            return
        self.server.answers.append(json.loads(body) if body else None)
        self.send_response(202)
        self._send(b"")
        self.server.answered.release()

    def _send(self, body: bytes) -> None:
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def start(
    python: str,
    path: Sequence[Path],
    environment: Mapping[str, str],
    events: Sequence[Any],
    options: Sequence[str] = (),
) -> Start:
    """Runs `app.lambda_handler` by awslambdaric with these events, one after the other.

    Args:
        python: the interpreter.
        path: where modules are, the function's folder first.
        environment: the function's variables.
        options: of the interpreter.
    """
    return _run((python, *options), path, environment, events)


def instructions(python: str, path: Sequence[Path], environment: Mapping[str, str], events: Sequence[Any]) -> int:
    """How many a process takes until it has answered these events, or has asked for the first where there is none."""
    # Sets are in the same order each time.
    log = _run((*_COUNTING, python), path, {**environment, "PYTHONHASHSEED": "0"}, events).log
    found = re.search(r"I +refs: +([\d,]+)", log)
    if found is None:
        raise RuntimeError(log[-1000:])
    return int(found[1].replace(",", ""))


def _run(command: Sequence[str], path: Sequence[Path], environment: Mapping[str, str], events: Sequence[Any]) -> Start:
    server = _Server(events)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    own = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    answered: list[float] = []
    with NamedTemporaryFile("w+") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            # Without what this computer's Python loads by itself (`.pth` files).
            [*command, "-S", "-m", "awslambdaric", "app.lambda_handler"],
            env={**environment, **own},
            cwd=path[0],
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            _wait(server.asked, "asked for an event")
            wall, init = time.perf_counter() - began, _processor_seconds(process.pid)
            for _ in events:
                server.go_on.release()
                _wait(server.answered, "answered")
                answered.append(_processor_seconds(process.pid))
                _wait(server.asked, "asked for another event")
        finally:
            # Not killed: what counts instructions says how many there were.
            process.terminate()
            process.wait(_SECONDS)
            server.stopped.set()
            server.shutdown()
            server.server_close()
            log.seek(0)
            said = log.read()
    return Start(init, tuple(answered), wall, tuple(server.answers), said)


def _wait(done: threading.Semaphore, what: str) -> None:
    if not done.acquire(timeout=_SECONDS):
        raise TimeoutError(f"The process has not {what}")


def _processor_seconds(pid: int) -> float:
    """Of all threads of the process. Unlike seconds of a clock they do not count what else the computer does."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
