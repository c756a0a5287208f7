"""Darkroom's routes as the command line calls them, by a server of these tests on a real socket."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "dk_canary-0123456789abcdefghijklmnop"
FREE = {"settled": True, "charged": False, "actual_usd": 0.0}
PAID = {"settled": True, "charged": True, "actual_usd": 0.014}


@dataclass
class Sent:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    is_lost: bool = False


Answer = Callable[[Sent], Reply]


def problem(status: int, code: str, **more: Any) -> Reply:
    body = {"status": status, "code": code, "detail": "It cannot be.", "fix": "Do otherwise.", "charged": False, **more}
    return Reply(status, body, {"x-should-retry": "false"})


class Studio:
    """Args: answers to `METHOD /path`; a path may end in `*`. `sent` has all requests."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answers: dict[str, Answer] = {}
        self.url = ""
        self.seen = threading.Event()
        self.goes_on = threading.Event()

    def on(self, route: str, answer: Answer | Reply) -> None:
        self.answers[route] = (lambda _: answer) if isinstance(answer, Reply) else answer

    def to(self, route: str) -> list[Sent]:
        return [each for each in self.sent if _fits(route, each)]

    def job(self, status: str = "succeeded", **more: Any) -> dict[str, Any]:
        image = {"url": f"{self.url}/pictures/0", "media_type": "image/jpeg", "width": 4, "height": 3}
        output = {"images": [image] if status == "succeeded" else []}
        told: dict[str, Any] = {
            "id": "job_1",
            "object": "job",
            "status": status,
            "output": output,
            "warnings": [],
            "error": None,
        }
        return {**told, "cost": PAID, **more}

    def makes(self, **job: Any) -> None:
        """One order after the other becomes a job, and then a picture."""
        self.on("POST /v1/images/generations", lambda _: Reply(202, self.job("queued")))
        self.on("GET /v1/jobs/job_1", lambda _: Reply(200, self.job(**job)))

    def takes_uploads(self) -> None:
        ids = iter(range(1, 1000))

        def form(_: Sent) -> Reply:
            fields = {"key": "uploads/alice"}
            return Reply(201, {"upload_id": f"upl_{next(ids)}", "url": f"{self.url}/bucket", "fields": fields})

        self.on("POST /v1/uploads", form)
        self.on("POST /bucket", Reply(204))

    def answer(self, sent: Sent) -> Reply:
        self.sent.append(sent)
        found = next((answer for route, answer in self.answers.items() if _fits(route, sent)), None)
        return problem(404, "NO_SUCH_ROUTE") if found is None else found(sent)


def _fits(route: str, sent: Sent) -> bool:
    method, _, path = route.partition(" ")
    given = sent.path.partition("?")[0]
    return method == sent.method and (given.startswith(path[:-1]) if path.endswith("*") else given == path)


class _Handler(BaseHTTPRequestHandler):
    studio: Studio

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.studio.answer(Sent(self.command, self.path, headers, body))
        if reply.is_lost:
            self.close_connection = True
            return
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"retry-after": "0", "content-length": str(len(data)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running() -> Iterator[Studio]:
    studio = Studio()
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"studio": studio}))
    studio.url = f"http://127.0.0.1:{http.server_port}"
    studio.on("GET /pictures/*", lambda sent: Reply(200, f"picture {sent.path[-1]}".encode()))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield studio
    finally:
        studio.goes_on.set()
        http.shutdown()
        http.server_close()
        thread.join(5)
