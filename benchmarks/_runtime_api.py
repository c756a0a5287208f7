"""Lambda's Runtime API on loopback, for one event, and what a process of its client takes until it asks and answers."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_VERSION = "/2018-06-01/runtime"
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Start:
    """Processor seconds of a process until it asked for its first event, and until it had answered that.

    Attributes:
        wall: seconds until it asked, as a clock tells them.
        answer: what it answered.
        log: what it wrote to its standard error.
    """

    init: float
    answered: float
    wall: float
    answer: Any
    log: str


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, event: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.event = json.dumps(event).encode()
        self.asked, self.answered, self.go_on = threading.Event(), threading.Event(), threading.Event()
        self.answer: Any = None

    def handle_error(self, *_: Any) -> None:
        """A process is ended while it waits for another event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        if self.server.answered.is_set():
            # There is no second event: the process is ended while it waits.
            self.server.go_on.wait(_SECONDS)
            return
        self.server.asked.set()
        self.server.go_on.wait(_SECONDS)
        self.server.go_on.clear()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000001")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 29) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:f")
        # The client reads what type the event is without looking whether that was said.
        self.send_header("Content-Type", "application/json")
        self._send(self.server.event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.answer = json.loads(body) if body else None
        self.send_response(202)
        self._send(b"")
        self.server.asked.set()
        self.server.answered.set()

    def _send(self, body: bytes) -> None:
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def start(
    python: str, path: Sequence[Path], environment: Mapping[str, str], event: Any, options: Sequence[str] = ()
) -> Start:
    """Runs `app.lambda_handler` by awslambdaric with one event.

    Args:
        python: the interpreter.
        path: where modules are, the function's folder first.
        environment: the function's variables.
        options: of the interpreter.
    """
    server = _Server(event)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    own = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [python, *options, "-m", "awslambdaric", "app.lambda_handler"],
        env={**environment, **own},
        cwd=path[0],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if not server.asked.wait(_SECONDS):
            raise TimeoutError("The process has not asked for an event")
        wall, init = time.perf_counter() - began, _processor_seconds(process.pid)
        server.go_on.set()
        if not server.answered.wait(_SECONDS):
            raise TimeoutError("The process has not answered")
        answered = _processor_seconds(process.pid)
    finally:
        process.kill()
        log = process.communicate()[1]
        server.go_on.set()
        server.shutdown()
        server.server_close()
    return Start(init, answered, wall, server.answer, log)


def _processor_seconds(pid: int) -> float:
    """Of all threads of the process. Unlike seconds of a clock they do not count what else the computer does."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
